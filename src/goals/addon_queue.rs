//! The AYON addon submits to the queue of the studio file, in each variant. Only where it names none, or one that is gone:
//! another queue that exists may be meant. With an administrator's own login; without one it is a manual step.

use std::collections::BTreeSet;

use url::Url;

use crate::derived::ayon_workers::{Target, addon_places, target};
use crate::derived::job_packages::server;
use crate::domain::ayon::{AddonSettings as Settings, AddonTarget as Submits, Variant};
use crate::questions::{AddonTarget as Question, View};
use crate::resources::{AddonTarget, Change, Plan};

use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "addon-queue",
    title: "The AYON addon submits to this queue",
    propose,
    manual,
};

fn change_id(variant: Variant) -> String {
    format!("ayon/{}/queue", variant.word())
}

/// The studio's own settings in each variant; a project's override is its people's to decide.
fn of_studio<'a>(view: &View<'a>, url: &Url) -> Vec<(Variant, &'a Settings)> {
    let places = addon_places(view, url);
    let own = places.of_studio().map(|p| (p.variant, p.settings));
    own.collect()
}

fn propose(view: &View, draft: &mut Draft) {
    let Some(url) = server(view) else {
        return;
    };
    for (variant, settings) in of_studio(view, &url) {
        let Target::Set(key) = target(view, settings) else {
            continue;
        };
        let version = settings.version.raw().to_owned();
        let own = view.fact(&Question(url.clone(), variant, version));
        let id = change_id(variant);
        let Some(now) = own.known() else {
            draft.problem(own.problem());
            continue;
        };
        if draft.wishes.left_out.contains(&id) {
            continue;
        }
        let then = Submits::to(key);
        let resource = AddonTarget {
            server: url.clone(),
            variant,
            version: settings.version.clone(),
        };
        let because = "without it AYON's jobs of this variant go to no queue";
        draft.add(Change::new(
            id,
            resource,
            Some(now.text()),
            Some(then.text()),
            because,
        ));
    }
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let Some(url) = server(view) else {
        return Vec::new();
    };
    let planned: BTreeSet<&str> = plan.changes.iter().map(|c| c.id.as_str()).collect();
    let step = |(variant, settings): (Variant, &Settings)| {
        if planned.contains(change_id(variant).as_str()) {
            return None;
        }
        let (why, key) = match target(view, settings) {
            Target::Right => return None,
            Target::Set(key) => (
                "AYON's jobs of this variant go to no queue".to_owned(),
                Some(key),
            ),
            Target::Ask(why) => (why, None),
        };
        let (version, word) = (settings.version.show(), variant.word());
        let paste = key.map(|k| vec![k.farm.as_str().into(), k.queue.as_str().into()]);
        Some(ManualStep {
            for_whom: "AYON",
            what: format!("in the settings of deadline_cloud {version} ({word}), see farm_id and queue_id: {why}").into(),
            paste: paste.unwrap_or_default(),
        })
    };
    of_studio(view, &url).into_iter().filter_map(step).collect()
}
