//! Plan, the AYON addon: its own channel list beats the queue's default in every job it submits (field facts A2), so
//! it gets the same list. Only with an administrator's own login; without one it is left for people. Pure.

use std::collections::BTreeSet;

use super::plan::unread;
use crate::domain::ask::Variant;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{join, split};
use crate::domain::studio::{AddonChannels, AddonSettings, Studio};
use crate::domain::text::Printable;
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
        let key = format!("ayon/{}/conda_channels", variant.word());
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
            warning: other_queue(settings, wanted),
        });
    }
}

/// Does the addon name other channels than the wanted ones? An empty value leaves them to the queue.
pub fn differs(settings: &AddonSettings, wanted: &Wanted) -> bool {
    let own = split(settings.channels.raw()).join(" ");
    !own.is_empty() && own != join(&wanted.channels)
}

/// The addon submits to one queue; where that is another one, its jobs get these channels too.
fn other_queue(settings: &AddonSettings, wanted: &Wanted) -> Option<Printable> {
    let queue = settings.queue.raw();
    let ours = wanted.queues.iter().any(|q| q.queue.as_str() == queue);
    (!queue.is_empty() && !ours).then(|| {
        let queue = settings.queue.show();
        format!("the addon submits to queue {queue}, which is not one of these: its jobs get this list too").into()
    })
}
