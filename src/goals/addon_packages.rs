//! Where the AYON addon names the packages of its jobs, it names those that publish jobs need, in the version of the bundle:
//! its list takes the place of the queue's default. An empty list stays empty: what a submitter finds in the scene would
//! be lost with it.

use crate::derived::addon_places::AddonPlace;
use crate::derived::asked_packages::{Asked, asked, brings_its_own};
use crate::domain::addon::{AddonField, PACKAGES_PARAMETER};
use crate::questions::{Part, View};
use crate::resources::Plan;

use super::addon_channels::LONGEST_VALUE;
use super::{Draft, Goal, ManualStep, addon_change_id};

pub(super) const GOAL: Goal = Goal {
    id: "addon-packages",
    title: "The AYON addon's packages hold what publish jobs need",
    propose,
    manual,
};

const NAME: &str = "conda_packages";

/// The places whose list lacks something, each with the list that it should have.
fn lacking<'a>(view: &View<'a>) -> Vec<(AddonPlace<'a>, String)> {
    let queues = view.config(Part::Queues).queues.iter();
    let publishing = queues.filter(|key| !brings_its_own(view, key));
    let right = |asked: Asked<'a>| {
        let (_, value) = asked.by.as_ref().filter(|_| !asked.is_right())?;
        let right = asked.corrected(value);
        Some((asked.place, right))
    };
    publishing
        .flat_map(|key| asked(view, key))
        .filter_map(right)
        .collect()
}

fn propose(view: &View, draft: &mut Draft) {
    for (place, list) in lacking(view) {
        if list.chars().count() > LONGEST_VALUE {
            let at = place.at.settings_words();
            draft.refuse(format!(
                "the packages of {at} are not changed: the list would be longer than the {LONGEST_VALUE} characters that a job's \
                parameter accepts"
            ));
            continue;
        }
        let settings = place.settings;
        let then = settings.with_in_jobs(PACKAGES_PARAMETER, AddonField::Packages, &list);
        let because = "the addon's list takes the place of the queue's default, and a publish step needs what it lacks";
        draft.set_addon(view, &place, NAME, [then], because);
    }
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let lacking = lacking(view).into_iter();
    let open = lacking.filter(|(place, _)| !plan.has(&addon_change_id(&place.at, NAME)));
    let step = |(place, list): (AddonPlace, String)| {
        let at = place.at.settings_words();
        ManualStep {
            for_whom: "AYON",
            what: format!("in the settings of {at}, set the packages of its jobs").into(),
            paste: vec![list.into()],
        }
    };
    open.map(step).collect()
}
