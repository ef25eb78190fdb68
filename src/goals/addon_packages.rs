//! Where the AYON addon names the packages of its jobs, it names those that publish jobs need, in the version of the bundle:
//! its list takes the place of the queue's default. An empty list stays empty: what a submitter finds in the scene would
//! be lost with it. As with its channels, a list that conda can't install stops every job, so only one whose packages were
//! solved for is written, and after the channels that have them.

use crate::derived::addon_places::{AddonPlace, addon_places, channels_wanted};
use crate::derived::asked_packages::{asked, brings_its_own};
use crate::derived::job_packages::{job_packages, server};
use crate::domain::addon::AddonField;
use crate::domain::ids::QueueKey;
use crate::domain::text::without_url_secrets;
use crate::questions::{Part, View};
use crate::resources::Plan;

use super::addon_channels::{LONGEST_VALUE, NAME as CHANNELS, not_yet, of_environments};
use super::addon_draft::addon_change_id;
use super::queue_channels::is_in_no_channel;
use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "addon-packages",
    title: "The AYON addon's packages hold what publish jobs need",
    propose,
    manual,
};

const NAME: &str = "conda_packages";

/// A place whose list lacks something.
struct Lacking<'a> {
    place: AddonPlace<'a>,
    queue: &'a QueueKey,
    field: AddonField,
    /// The list that it should have.
    list: String,
    /// What that adds.
    wanted: Vec<String>,
}

fn lacking<'a>(view: &View<'a>) -> Vec<Lacking<'a>> {
    let mut all = Vec::new();
    let Some(url) = server(view) else {
        return all;
    };
    let places = addon_places(view, &url);
    // A project that says the same as the studio follows it, or is taken along.
    let follows = |place: &AddonPlace| {
        let below = places.below(place).filter(|_| !place.is_studio());
        below.is_some_and(|b| b.settings.packages_in_jobs() == place.settings.packages_in_jobs())
    };
    for queue in &view.config(Part::Queues).queues {
        if brings_its_own(view, queue) {
            continue;
        }
        for asked in asked(view, queue) {
            let Some((field, value)) = asked.by.as_ref().filter(|_| !asked.is_right()) else {
                continue;
            };
            if follows(&asked.place) {
                continue;
            }
            all.push(Lacking {
                queue,
                field: *field,
                list: asked.corrected(value),
                wanted: asked.wanted.clone(),
                place: asked.place,
            });
        }
    }
    all
}

/// Why it is not written unattended.
fn not_now(view: &View, draft: &Draft, of: &Lacking) -> Option<String> {
    let length = of.list.chars().count();
    if length > LONGEST_VALUE {
        return Some(format!(
            "the list would have {length} characters, and a job's parameter accepts {LONGEST_VALUE}"
        ));
    }
    let wanted = of.wanted.join(" ");
    // The solve asks for the packages of the bundle that the studio file pins.
    if job_packages(view).ok().as_ref() != Some(&of.wanted) {
        return Some(format!(
            "whether the channels have {wanted} was not tried: the studio file pins another bundle's"
        ));
    }
    if is_in_no_channel(view, of.queue) {
        return Some(format!("the channels do not have {wanted}"));
    }
    let channels = channels_wanted(view, of.place.settings, |_| false);
    if channels.is_some() && !draft.has(&addon_change_id(&of.place.at, CHANNELS)) {
        return Some(
            "its list of channels lacks channels that are needed, and is not changed".to_owned(),
        );
    }
    not_yet(view, draft, of.place.settings)
}

fn propose(view: &View, draft: &mut Draft) {
    for of in lacking(view) {
        let at = of.place.at.settings_words();
        let id = addon_change_id(&of.place.at, NAME);
        if draft.wishes.left_out.contains(&id) {
            continue;
        }
        if let Some(why) = not_now(view, draft, &of) {
            draft.refuse(format!("{NAME} of {at} is not changed: {why}"));
            continue;
        }
        let mut needed = of_environments(draft);
        let channels = addon_change_id(&of.place.at, CHANNELS);
        needed.extend(draft.has(&channels).then_some(channels));
        let then = (of.field, of.list.as_str().into());
        let because = "the addon's list takes the place of the queue's default, and a publish step needs what it lacks";
        if let Some(change) = draft.set_addon(view, &of.place, NAME, [then], because) {
            change.needs.extend(needed);
        }
    }
}

fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let lacking = lacking(view).into_iter();
    let open = lacking.filter(|of| !plan.has(&addon_change_id(&of.place.at, NAME)));
    let step = |of: Lacking| {
        let at = of.place.at.settings_words();
        ManualStep {
            for_whom: "AYON",
            what: format!("in the settings of {at}, set {}", of.field.word()).into(),
            paste: vec![without_url_secrets(&of.list).into()],
        }
    };
    open.map(step).collect()
}
