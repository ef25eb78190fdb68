//! The queue's channels are those of the studio file, in its order.

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::domain::channel::{Channel, is_same_place, join, merged, split};
use crate::domain::ids::QueueKey;
use crate::domain::text::without_url_secrets;
use crate::questions::{Part, QueueEnvironments};

pub(super) const CHECK: Check = Check {
    id: "queue-channels",
    title: "The queue's channels are those of the studio file, in its order",
    why: "under strict priority the first channel that has a package of a name wins, so the order decides as much as the list",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let found = conda_environments(view, key);
    let desired = &view.config(Part::Channels).channels;
    let [(environment, template)] = found.as_slice() else {
        return Vec::new(); // conda-environment says why
    };
    let Some(today) = &template.channels else {
        return Vec::new();
    };
    let today = today.as_deref().unwrap_or_default();
    let today = split(today);
    let name = environment.name.show();
    let missing: Vec<&str> = desired
        .iter()
        .map(Channel::as_str)
        .filter(|c| !today.iter().any(|t| is_same_place(t, c)))
        .collect();
    let wanted: Vec<&str> = desired.iter().map(Channel::as_str).collect();
    let same = |(t, w): (&&str, &&str)| is_same_place(t, w);
    let is_whole = today.len() == wanted.len() && today.iter().zip(&wanted).all(same);
    let finding = if is_whole {
        Finding::ok(format!(
            "\"{name}\" has the {} channels in order",
            desired.len()
        ))
    } else if merged(&today, &wanted) == today {
        let listed = |t: &&&str| wanted.iter().any(|w| is_same_place(t, w));
        let more = today.iter().filter(|t| !listed(t));
        let more: Vec<String> = more.map(|w| without_url_secrets(w)).collect();
        let line = format!(
            "CondaChannels of \"{name}\" also has {}, which the studio file does not list",
            more.join(", ")
        );
        Finding::warn("not-listed", line)
            .why("setup keeps it: that a file does not list a channel does not say that no job needs it")
            .fix("list it in the studio file, or take it out of the queue: `studiolink setup --yes --remove-channels`, or x on the channels page")
    } else {
        let line = match missing.as_slice() {
            [] => format!(
                "CondaChannels of \"{name}\" has other channels than the studio file, or another order"
            ),
            some => format!(
                "CondaChannels of \"{name}\" does not include {}",
                some.join(", ")
            ),
        };
        let have = if today.is_empty() {
            "none".to_owned()
        } else {
            without_url_secrets(&today.join(" "))
        };
        Finding::fail("differs", line)
            .why(format!(
                "the queue has: {have}; the studio file says: {}",
                join(desired)
            ))
            .fix(Fix::setup(
                "changes this one value; `studiolink plan` shows it",
            ))
    };
    vec![finding.from(view.evidence(&QueueEnvironments(key.clone())))]
}
