//! AYON's publish and render steps ask for an `attr.role` that a fleet of the queue declares: what the studio file says, where no
//! fleet declares what the addon says.

use crate::derived::addon_places::AddonPlace;
use crate::derived::addon_roles::{Asks, Offer, asks, shown};
use crate::domain::addon::AddonField;
use crate::questions::View;
use crate::resources::Plan;

use super::addon_draft::addon_change_id;
use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "addon-roles",
    title: "AYON's steps ask for an attr.role that a fleet declares",
    propose,
    manual,
};

/// The places whose steps no fleet takes, with what they should ask for.
fn wrong<'a>(view: &View<'a>) -> Vec<(AddonPlace<'a>, AddonField, Vec<String>)> {
    let all = asks(view).into_iter();
    let wrong = |asks: Asks<'a>| match asks.offer {
        Offer::Studio(roles) => Some((asks.place, asks.field, roles)),
        Offer::Taken | Offer::Nobody | Offer::Unknown => None,
    };
    all.filter_map(wrong).collect()
}

fn propose(view: &View, draft: &mut Draft) {
    for (place, field, roles) in wrong(view) {
        let then = (field, roles.into());
        let because = "no fleet of the queue declares what the steps ask for, so they never run";
        draft.set_addon(view, &place, field.word(), [then], because);
    }
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let wrong = wrong(view).into_iter();
    let open =
        wrong.filter(|(place, field, _)| !plan.has(&addon_change_id(&place.at, field.word())));
    let step = |(place, field, roles): (AddonPlace, AddonField, Vec<String>)| ManualStep {
        for_whom: "AYON",
        what: format!(
            "in the settings of {}, set {} to what a fleet declares",
            place.at.settings_words(),
            field.word()
        )
        .into(),
        paste: vec![shown(&roles).into()],
    };
    open.map(step).collect()
}
