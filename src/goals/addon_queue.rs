//! The AYON addon submits to the queue of the studio file, in each variant and each project that says something else. Only where
//! it names none, or one that is gone: another queue that exists may be meant. With an administrator's own login; without one
//! it is a manual step.

use crate::derived::addon_places::{AddonPlace, addon_places};
use crate::derived::ayon_workers::{Target, target};
use crate::derived::job_packages::server;
use crate::domain::addon::AddonField;
use crate::questions::View;
use crate::resources::Plan;

use super::addon_draft::{QUEUE, addon_change_id};
use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "addon-queue",
    title: "The AYON addon submits to this queue",
    propose,
    manual,
};

fn places<'a>(view: &View<'a>) -> Vec<AddonPlace<'a>> {
    let Some(url) = server(view) else {
        return Vec::new();
    };
    let all = addon_places(view, &url);
    let telling = all.telling(|s| (s.farm.clone(), s.queue.clone()));
    telling.cloned().collect()
}

fn propose(view: &View, draft: &mut Draft) {
    for place in places(view) {
        let Target::Set(key) = target(view, place.settings) else {
            continue;
        };
        let then = [
            (AddonField::Farm, key.farm.as_str().into()),
            (AddonField::Queue, key.queue.as_str().into()),
        ];
        let because = "without it AYON's jobs go to whatever queue a workstation's own settings name, or to none";
        draft.set_addon(view, &place, QUEUE, then, because);
    }
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let step = |place: &AddonPlace| {
        if plan.has(&addon_change_id(&place.at, QUEUE)) {
            return None;
        }
        let (why, key) = match target(view, place.settings) {
            Target::Right => return None,
            Target::Set(key) => (
                "AYON's jobs of this place go to no queue of the studio file".to_owned(),
                Some(key),
            ),
            Target::Ask(why) => (why, None),
        };
        let at = place.at.settings_words();
        let paste = key.map(|k| vec![k.farm.as_str().into(), k.queue.as_str().into()]);
        Some(ManualStep {
            for_whom: "AYON",
            what: format!("in the settings of {at}, see farm_id and queue_id: {why}").into(),
            paste: paste.unwrap_or_default(),
        })
    };
    places(view).iter().filter_map(step).collect()
}
