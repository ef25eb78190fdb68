//! The AYON addon's own channel list beats the queue's default in every job it submits (field facts A2), so it gets the
//! same list. Only with an administrator's own login; without one it is a manual step.

use url::Url;

use crate::derived::addon_places::{AddonPlace, addon_places, channels_wanted};
use crate::derived::ayon_workers::queue_of;
use crate::derived::job_packages::server;
use crate::domain::addon::AddonSettings as Settings;
use crate::domain::ayon::Variant;
use crate::domain::channel::{Channel, merged, split};
use crate::domain::ids::QueueKey;
use crate::domain::text::{Printable, without_url_secrets};
use crate::questions::{AddonSettings, AyonBundles, Part, QueueEnvironments, View};
use crate::resources::{AnyResource, Plan};

use super::addon_draft::addon_change_id;
use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "addon-channels",
    title: "The AYON addon names the same channels as the queue",
    propose,
    manual,
};

/// CreateJob accepts at most so many characters for a parameter's value (field facts A2).
pub(super) const LONGEST_VALUE: usize = 1_024;

pub(super) const NAME: &str = "conda_channels";

/// The studio's settings in each variant, and those of the projects that name other channels.
fn places<'a>(view: &View<'a>, url: &Url) -> Vec<AddonPlace<'a>> {
    let all = addon_places(view, url);
    let telling = all.telling(Settings::channels_in_jobs);
    telling.cloned().collect()
}

/// What was not read may say something else than the studio file.
fn say_unread(view: &View, url: &Url, draft: &mut Draft) {
    let bundles = view.fact(&AyonBundles(url.clone()));
    if let Some(why) = bundles.why_unread() {
        draft.could_not_read(format!(
            "which channels the AYON addon names, whose value wins over the queue's: {why}"
        ));
    }
    let Some(bundles) = bundles.known() else {
        return;
    };
    for variant in Variant::ALL {
        let version = bundles.of(*variant).and_then(|b| b.addon.as_ref());
        let Some(version) = version.map(|v| v.raw().to_owned()) else {
            continue;
        };
        let settings = view.fact(&AddonSettings(url.clone(), *variant, version));
        if let Some(why) = settings.why_unread() {
            let word = variant.word();
            draft.could_not_read(format!(
                "the AYON addon's settings ({word}), whose channels win over the queue's: {why}"
            ));
        }
    }
}

fn propose(view: &View, draft: &mut Draft) {
    let Some(url) = server(view) else {
        return;
    };
    say_unread(view, &url, draft);
    for place in places(view, &url) {
        let settings = place.settings;
        let removals = &draft.wishes.removals;
        let Some((field, list)) = channels_wanted(view, settings, |c| removals.names(c)) else {
            continue;
        };
        if draft
            .wishes
            .left_out
            .contains(&addon_change_id(&place.at, NAME))
        {
            continue;
        }
        let at = place.words();
        if let Some(why) = not_yet(view, draft, settings) {
            draft.refuse(format!(
                "AYON's conda_channels ({at}) are not changed: {why}"
            ));
            continue;
        }
        let length = list.chars().count();
        if length > LONGEST_VALUE {
            draft.refuse(format!(
                "AYON's conda_channels ({at}) are not changed: the list has {length} \
                characters, and a job's parameter accepts {LONGEST_VALUE}"
            ));
            continue;
        }
        let then = (field, list.as_str().into());
        let because = "the addon's value beats the queue's default in every job that AYON submits";
        let needed = of_environments(draft);
        let leaving = leaving(settings, &list);
        if let Some(change) = draft.set_addon(view, &place, NAME, [then], because) {
            change.needs.extend(needed);
            if !leaving.is_empty() {
                let leaving = leaving.join(", ");
                change.warning = Some(
                    format!("AYON's jobs that install from {leaving} will no longer find it")
                        .into(),
                );
            }
        }
    }
}

/// The channels of today that a list does not have any more, without their secrets.
fn leaving(settings: &Settings, list: &str) -> Vec<String> {
    let today = settings.channels_in_jobs();
    let today = today.as_ref().map_or("", |(_, today)| today.as_str());
    let stays = split(list);
    let gone = split(today).into_iter().filter(|c| !stays.contains(c));
    gone.map(|c| Printable::short(&without_url_secrets(c), 80).to_string())
        .collect()
}

/// The changes of the queues' environments, without which the addon's list would not be theirs.
pub(super) fn of_environments(draft: &Draft) -> Vec<String> {
    let all = draft.plan.changes.iter();
    let own = all.filter(|c| matches!(c.resource, AnyResource::EnvironmentTemplate(_)));
    own.map(|c| c.id.clone()).collect()
}

/// Why the addon must not get the list: its value wins in every job, so the list must be one that works.
pub(super) fn not_yet(view: &View, draft: &Draft, settings: &Settings) -> Option<String> {
    let queues = &view.config(Part::Queues).queues;
    let names_one = !settings.queue.raw().trim().is_empty();
    if names_one && queue_of(view, settings).is_none() {
        let queue = settings.queue.show();
        return Some(format!(
            "the addon submits to queue {queue}, which is not one of these"
        ));
    }
    let lacking = queues.iter().find(|q| !gets_whole_list(view, draft, q))?;
    let queue = view.queue_name(lacking);
    Some(format!(
        "queue {queue} does not get the whole list by this plan, and the addon's value would win over it"
    ))
}

/// The queue's channels once the plan is applied: the last edit of its conda environment, or what it has.
fn gets_whole_list(view: &View, draft: &Draft, key: &QueueKey) -> bool {
    let channels = &view.config(Part::Channels).channels;
    let desired: Vec<&str> = channels.iter().map(Channel::as_str).collect();
    let planned = draft
        .plan
        .changes
        .iter()
        .rev()
        .find_map(|c| match &c.resource {
            AnyResource::EnvironmentTemplate(e) if e.queue == *key => {
                Some((c.after.as_deref()?, e.template_type))
            }
            _ => None,
        });
    let list = match planned {
        Some((text, kind)) => crate::domain::template::Template::read(text, kind)
            .ok()
            .and_then(|t| t.channels.flatten()),
        None => {
            view.fact(&QueueEnvironments(key.clone()));
            match crate::derived::conda_environment::conda_environments(view, key).as_slice() {
                [(_, template)] => template.channels.clone().flatten(),
                _ => None,
            }
        }
    };
    list.is_some_and(|l| merged(&split(&l), &desired) == split(&l))
}

/// Where no administrator of AYON is signed in, or that one can't change it, the value is for people to paste.
fn manual(view: &View, plan: &Plan) -> Vec<ManualStep> {
    let Some(url) = server(view) else {
        return Vec::new();
    };
    let step = |place: AddonPlace| {
        let is_open = !plan.has(&addon_change_id(&place.at, NAME));
        let wanted = channels_wanted(view, place.settings, |_| false);
        let (field, list) = wanted.filter(|_| is_open)?;
        let name = match field.row() {
            Some(row) => format!("{row} in {}", field.setting()),
            None => field.word().to_owned(),
        };
        Some(ManualStep {
            for_whom: "AYON",
            what: format!(
                "in the settings of {}, set {name}: it beats the queue's default in AYON's jobs",
                place.at.settings_words()
            )
            .into(),
            paste: vec![without_url_secrets(&list).into()],
        })
    };
    places(view, &url).into_iter().filter_map(step).collect()
}
