//! What AYON is asked for on behalf of the workers: which platforms publish, and what the addon says in each of its places.

use std::collections::BTreeMap;

use url::Url;

use super::connections::publishing;
use crate::domain::ayon::{AddonSettings as Settings, Variant, platform};
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

/// The projects whose settings of the addon could not be read, in each variant, and why the first was not.
pub fn unread_projects(view: &View, url: &Url) -> Option<(usize, String)> {
    let bundles = view.fact(&AyonBundles(url.clone())).known()?;
    let projects = view.fact(&AyonProjects(url.clone())).known()?;
    let (mut count, mut first) = (0, None);
    for variant in Variant::ALL {
        let version = bundles.of(*variant).and_then(|b| b.addon.as_ref());
        let Some(version) = version.map(|v| v.raw().to_owned()) else {
            continue;
        };
        for project in &projects.read {
            let name = project.name.raw().to_owned();
            let question = ProjectAddon(url.clone(), *variant, version.clone(), name);
            if let Some(why) = view.fact(&question).why_unread() {
                count += 1;
                first.get_or_insert(why);
            }
        }
    }
    first.map(|why| (count, why))
}

/// The studio's settings in each variant, and those of the projects that say something else; as far as they were read.
pub fn addon_places<'a>(view: &View<'a>, url: &Url) -> Vec<AddonPlace<'a>> {
    let bundles = view.fact(&AyonBundles(url.clone())).known();
    let projects = view.fact(&AyonProjects(url.clone())).known();
    let mut all = Vec::new();
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
        all.push(AddonPlace {
            variant: *variant,
            project: None,
            settings: studio,
            evidence: view.evidence(&question),
        });
        for (project, fact, question) in projects {
            if let Fact::Known(own) = fact
                && own != studio
            {
                all.push(AddonPlace {
                    variant: *variant,
                    project: Some(project.name.show()),
                    settings: own,
                    evidence: view.evidence(&question),
                });
            }
        }
    }
    all
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
    if queues
        .iter()
        .any(|q| q.farm.as_str() == farm && q.queue.as_str() == queue)
    {
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
        return Target::Ask("what it names is no farm and queue of Deadline Cloud".to_owned());
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
