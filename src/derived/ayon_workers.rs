//! What AYON is asked for on behalf of the workers: which platforms publish, their bundles, and the queue that the addon submits
//! to.

use std::collections::BTreeMap;

use url::Url;

use super::connections::publishing;
use crate::domain::addon::AddonSettings as Settings;
use crate::domain::ayon::{Bundle, Variant, platform};
use crate::domain::fact::Fact;
use crate::domain::ids::{FarmId, QueueId, QueueKey};
use crate::domain::text::Printable;
use crate::questions::{AyonBundles, Part, QueueDetails, View};

/// The platforms of the fleets that publish, as AYON spells them, with the fleets' names.
pub fn platforms(view: &View) -> BTreeMap<&'static str, Vec<Printable>> {
    let mut all: BTreeMap<&'static str, Vec<Printable>> = BTreeMap::new();
    for queue in &view.config(Part::Queues).queues {
        for (key, fleet) in publishing(view, queue) {
            if let Some(platform) = platform(&fleet.os) {
                let names = all.entry(platform).or_default();
                let name = view.fleet_name(&key);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    all
}

/// A bundle of a variant and a platform that publishes: what workers need of AYON is asked for each such pair.
pub struct ForWorkers<'a> {
    pub variant: Variant,
    pub bundle: &'a Bundle,
    pub platform: &'static str,
    /// The fleets of that platform.
    pub fleets: Vec<Printable>,
}

impl ForWorkers<'_> {
    /// As the item of a finding.
    pub fn words(&self) -> String {
        format!("{}, {}", self.variant.word(), self.platform)
    }
}

pub fn bundles_for_workers<'a>(view: &View<'a>, url: &Url) -> Vec<ForWorkers<'a>> {
    let Some(bundles) = view.fact(&AyonBundles(url.clone())).known() else {
        return Vec::new(); // bundle-launcher says why
    };
    let platforms = platforms(view);
    let variants = Variant::ALL.iter();
    let bundles = variants.filter_map(|v| Some((*v, bundles.of(*v)?)));
    let pairs = bundles.flat_map(|(variant, bundle)| {
        let each = platforms.iter();
        each.map(move |(platform, fleets)| ForWorkers {
            variant,
            bundle,
            platform,
            fleets: fleets.clone(),
        })
    });
    pairs.collect()
}

/// What may be done about the queue that the addon submits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// It is a queue of the studio file, or nothing can be said yet.
    Right,
    /// It names no queue, something that is none, or one that is gone.
    Set(&'a QueueKey),
    /// It names another one that exists, or of which that is not known; several queues are the studio's.
    Ask(String),
}

pub fn target<'a>(view: &View<'a>, settings: &Settings) -> Target<'a> {
    let queues = &view.config(Part::Queues).queues;
    let (farm, queue) = (settings.farm.raw().trim(), settings.queue.raw().trim());
    if settings.submits_to(queues).is_some() {
        return Target::Right;
    }
    let [only] = queues.as_slice() else {
        return Target::Ask(
            "the studio file has several queues: which one AYON submits to is yours to say"
                .to_owned(),
        );
    };
    let is_id = |text: &str| text.parse::<QueueId>().is_ok();
    let is_other_farm = farm != only.farm.as_str() && farm.parse::<FarmId>().is_ok();
    // No job goes anywhere by a value that is not an id, so nothing is lost with it.
    if !is_other_farm && (!is_id(queue) || queue == only.queue.as_str()) {
        return Target::Set(only);
    }
    let (Ok(farm), Ok(queue)) = (farm.parse(), queue.parse()) else {
        return Target::Ask(
            "its farm_id and queue_id do not belong together: one of them is not an id of Deadline Cloud"
                .to_owned(),
        );
    };
    let key = QueueKey { farm, queue };
    match view.fact(&QueueDetails(key.clone())) {
        // Of another farm that is not there nobody can tell: another region or account may have it.
        Fact::Absent if key.farm == only.farm => Target::Set(only),
        Fact::Absent => Target::Ask(
            "this account has no such farm in this region; one of another may be meant".to_owned(),
        ),
        Fact::Known(other) => Target::Ask(format!(
            "it submits to queue {}, which exists: it may be meant",
            other.name.show()
        )),
        fact if fact.is_pending() => Target::Right,
        _ => Target::Ask("whether the queue that it names exists could not be read".to_owned()),
    }
}

/// The queue that the addon's jobs go to, or will once what names none is put right.
pub fn queue_of<'a>(view: &View<'a>, settings: &Settings) -> Option<&'a QueueKey> {
    let named = settings.submits_to(&view.config(Part::Queues).queues);
    named.or_else(|| match target(view, settings) {
        Target::Set(key) => Some(key),
        Target::Right | Target::Ask(_) => None,
    })
}
