//! Plan, the AYON addon: its own channel list beats the queue's default in every job it submits (field facts A2), so
//! it gets the same list. Only with an administrator's own login; without one it is left for people. Pure.

use std::collections::BTreeSet;

use super::plan::unread;
use crate::checks::conda_environments;
use crate::domain::ask::Variant;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{join, split};
use crate::domain::ids::QueueKey;
use crate::domain::studio::{AddonChannels, AddonSettings, Studio};
use crate::domain::text::without_url_secrets;
use crate::domain::wanted::Wanted;

/// CreateJob takes at most so many characters for a parameter's value (field facts A2).
const LONGEST_VALUE: usize = 1_024;

pub(super) fn of_addon(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    left_out: &BTreeSet<String>,
) {
    for variant in [Variant::Production, Variant::Staging] {
        let key = key(variant);
        let Some(settings) = studio.addon.get(&variant).and_then(|f| f.known()) else {
            continue;
        };
        let Some(fact) = studio.addon_channels.get(&variant) else {
            continue;
        };
        if !differs(settings, wanted) {
            continue;
        }
        let Some(now) = fact.known() else {
            plan.unread.extend(fact.problem().map(unread));
            continue;
        };
        if left_out.contains(&key) {
            continue;
        }
        if let Some(why) = not_yet(plan, studio, wanted, settings) {
            plan.refused.push(
                format!(
                    "AYON's conda_channels ({}) are not changed: {why}",
                    variant.word()
                )
                .into(),
            );
            continue;
        }
        let list = join(&wanted.channels);
        if list.chars().count() > LONGEST_VALUE {
            plan.refused.push(format!("AYON's conda_channels are not changed: the list has {} characters, and a job's parameter takes {LONGEST_VALUE}", list.chars().count()).into());
            continue;
        }
        let then = AddonChannels {
            conda_channels: list,
            overridden: true,
        };
        plan.changes.push(Change {
            key,
            thing: Thing::AddonChannels {
                server: wanted.server.url.clone(),
                variant,
                version: settings.version.clone(),
            },
            before: Some(now.text()),
            after: Some(then.text()),
            because: "the addon's value beats the queue's default in every job that AYON submits"
                .into(),
            warning: None,
        });
    }
}

/// The change's permanent key.
pub(super) fn key(variant: Variant) -> String {
    format!("ayon/{}/conda_channels", variant.word())
}

/// Does the addon name other channels than the wanted ones? An empty value leaves them to the queue.
pub fn differs(settings: &AddonSettings, wanted: &Wanted) -> bool {
    let own = split(settings.channels.raw()).join(" ");
    !own.is_empty() && own != join(&wanted.channels)
}

/// Why the addon must not get the list: its value wins in every job, so the list must be one that works.
fn not_yet(
    plan: &Plan,
    studio: &Studio,
    wanted: &Wanted,
    settings: &AddonSettings,
) -> Option<String> {
    let queue = settings.queue.raw();
    let ours = wanted.queues.iter().any(|q| q.queue.as_str() == queue);
    if !queue.is_empty() && !ours {
        return Some(format!(
            "the addon submits to queue {}, which is not one of these",
            settings.queue.show()
        ));
    }
    if without_url_secrets(settings.channels.raw()) != settings.channels.raw() {
        return Some(
            "its value holds a password or token, which a journal must not keep".to_owned(),
        );
    }
    let then = plan
        .changes
        .iter()
        .fold(studio.clone(), |studio, change| studio.after(change));
    let gets_all = |key: &QueueKey| {
        let lists: Vec<String> = conda_environments(&then, key)
            .into_iter()
            .map(|(_, t)| split(&t.channels.flatten().unwrap_or_default()).join(" "))
            .collect();
        lists == [join(&wanted.channels)]
    };
    let lacking = wanted.queues.iter().find(|q| !gets_all(q))?;
    Some(format!(
        "queue {} does not get the whole list by this plan, and the addon's value would win over it",
        studio.queue_name(lacking)
    ))
}
