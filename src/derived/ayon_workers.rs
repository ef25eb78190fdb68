//! What AYON is asked for on behalf of the workers: which platforms publish, and what the addon says in each of its places.

use std::collections::BTreeMap;

use url::Url;

use super::connections::publishing;
use crate::domain::ayon::{AddonSettings as Settings, Bundle, Variant, platform};
use crate::domain::fact::Fact;
use crate::domain::finding::Evidence;
use crate::domain::ids::QueueKey;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{
    AddonSettings, AyonBundles, AyonProjects, Part, ProjectAddon, QueueDetails, View,
};

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

/// A place where a value of the addon's settings may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddonPlace<'a> {
    pub variant: Variant,
    /// `None`: the studio's own value.
    pub project: Option<Printable>,
    pub settings: &'a Settings,
    pub evidence: Evidence,
}

impl AddonPlace<'_> {
    /// Where in AYON it stands, as people find it.
    pub fn words(&self) -> String {
        let variant = self.variant.word();
        self.project.as_ref().map_or_else(
            || variant.to_owned(),
            |project| format!("{variant}, project {project}"),
        )
    }
}

/// The studio's settings in each variant, and those of the projects that say something else.
#[derive(Debug, Default)]
pub struct AddonPlaces<'a> {
    pub read: Vec<AddonPlace<'a>>,
    /// How many settings of projects could not be read, and why the first was not.
    pub unread: Option<(usize, String)>,
}

impl<'a> AddonPlaces<'a> {
    /// The studio's own settings, without the projects'.
    pub fn of_studio(&self) -> impl Iterator<Item = &AddonPlace<'a>> {
        self.read.iter().filter(|p| p.project.is_none())
    }
}

pub fn addon_places<'a>(view: &View<'a>, url: &Url) -> AddonPlaces<'a> {
    let bundles = view.fact(&AyonBundles(url.clone())).known();
    let projects = view.fact(&AyonProjects(url.clone())).known();
    let mut all = AddonPlaces::default();
    for variant in Variant::ALL {
        let version = bundles.and_then(|b| b.of(*variant)?.addon.as_ref());
        let Some(version) = version.map(|v| v.raw().to_owned()) else {
            continue;
        };
        // All are asked for at once.
        let of = |name: &Untrusted| {
            let name = name.raw().to_owned();
            ProjectAddon(url.clone(), *variant, version.clone(), name)
        };
        let projects = projects.into_iter().flat_map(|p| &p.read);
        let projects: Vec<_> = projects
            .map(|p| (p, of(&p.name)))
            .map(|(p, question)| (p, view.fact(&question), question))
            .collect();
        let question = AddonSettings(url.clone(), *variant, version.clone());
        let Some(studio) = view.fact(&question).known() else {
            continue; // addon-channels says why
        };
        all.read.push(AddonPlace {
            variant: *variant,
            project: None,
            settings: studio,
            evidence: view.evidence(&question),
        });
        for (project, fact, question) in projects {
            match fact {
                Fact::Known(own) if own != studio => all.read.push(AddonPlace {
                    variant: *variant,
                    project: Some(project.name.show()),
                    settings: own,
                    evidence: view.evidence(&question),
                }),
                Fact::Known(_) => {}
                unread => {
                    if let Some(why) = unread.why_unread() {
                        all.unread.get_or_insert((0, why)).0 += 1;
                    }
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
    /// It names no queue, or one that is gone.
    Set(&'a QueueKey),
    /// It names another one that exists, or of which that is not known; several queues are the studio's.
    Ask(String),
}

pub fn target<'a>(view: &View<'a>, settings: &Settings) -> Target<'a> {
    let queues = &view.config(Part::Queues).queues;
    let (farm, queue) = (settings.farm.raw(), settings.queue.raw());
    if settings.submits_to(queues).is_some() {
        return Target::Right;
    }
    let [only] = queues.as_slice() else {
        return Target::Ask(
            "the studio file has several queues: which one AYON submits to is yours to say"
                .to_owned(),
        );
    };
    if queue.is_empty() && (farm.is_empty() || farm == only.farm.as_str()) {
        return Target::Set(only);
    }
    let (Ok(farm), Ok(queue)) = (farm.parse(), queue.parse()) else {
        return Target::Ask("its values are not ids of Deadline Cloud".to_owned());
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
