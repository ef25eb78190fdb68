//! Plan, the channels: one value of one queue environment, or an environment where there is none. Pure.

use std::collections::BTreeSet;

use super::plan::unread;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{Channel, join, split};
use crate::domain::environment::{CONSOLE_TEMPLATE, Template, TemplateType, with_channels};
use crate::domain::ids::QueueKey;
use crate::domain::probe::Probe;
use crate::domain::studio::{Management, Studio};
use crate::domain::text::{Printable, Untrusted, without_url_secrets};
use crate::domain::wanted::Wanted;

/// The service's quota of queue environments per queue (field facts A1).
const MOST_ENVIRONMENTS: usize = 10;

/// One queue of the studio, and what is known of its role.
pub(super) struct Queue<'a> {
    pub studio: &'a Studio,
    pub wanted: &'a Wanted,
    pub key: &'a QueueKey,
    /// Its role could be read, so that the rights for an S3 channel are there or come first.
    pub role_ready: bool,
    pub left_out: &'a BTreeSet<String>,
}

/// The changes of one queue. `gone` gathers the channels that leave it.
pub(super) fn of_queue(plan: &mut Plan, of: &Queue<'_>, gone: &mut Vec<(QueueKey, Channel)>) {
    let Queue {
        studio,
        key,
        left_out,
        ..
    } = *of;
    let Some(fact) = studio.queues.get(key).map(|q| &q.environments) else {
        return;
    };
    let Some(list) = fact.known() else {
        plan.unread.extend(fact.problem().map(unread));
        return;
    };
    let unread: Vec<Printable> = list
        .iter()
        .filter_map(|e| e.problem())
        .map(|p| format!("{}: {}", p.doing, p.because).into())
        .collect();
    if !unread.is_empty() {
        plan.unread.extend(unread);
        return;
    }
    let queue = studio.queue_name(key);
    let mut conda = Vec::new();
    for environment in studio.environments(key) {
        match Template::read(&environment.template, environment.template_type) {
            Ok(template) if template.kind.is_conda() => conda.push((environment, template)),
            Ok(_) => {}
            Err(e) => {
                plan.refused.push(format!("queue {queue}: environment \"{}\" can't be read, so no environment of the queue is changed: {e}", environment.name.show()).into());
                return;
            }
        }
    }
    match conda.as_slice() {
        [] => console(plan, of, list.len()),
        [(environment, template)] => {
            let Some(today) = &template.channels else {
                plan.refused.push(
                    format!(
                        "queue {queue}: \"{}\" has no parameter CondaChannels; nothing is changed",
                        environment.name.show()
                    )
                    .into(),
                );
                return;
            };
            let thing = Thing::Environment {
                queue: key.clone(),
                id: Some(environment.id.clone()),
                name: environment.name.clone(),
                priority: environment.priority,
                template_type: environment.template_type,
            };
            let today = split(today.as_deref().unwrap_or_default());
            let wanted = affordable(plan, of, &today);
            let edits = edits(&today, &wanted, key, left_out);
            let mut text = environment.template.clone();
            for edit in edits {
                match with_channels(&text, environment.template_type, &edit.channels) {
                    Ok(after) => {
                        let before = Some(std::mem::replace(&mut text, after.clone()));
                        let left = edit.gone.and_then(|g| g.parse::<Channel>().ok());
                        gone.extend(left.map(|c| (key.clone(), c)));
                        plan.changes.push(Change {
                            key: edit.key,
                            thing: thing.clone(),
                            before,
                            after: Some(after),
                            because: edit.because,
                            warning: edit.warning.or_else(|| unread_by_all(of, &edit.added)),
                        });
                    }
                    Err(e) => {
                        plan.refused.push(
                            format!(
                                "queue {queue}: \"{}\" is not changed: {e}",
                                environment.name.show()
                            )
                            .into(),
                        );
                        return;
                    }
                }
            }
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|(e, _)| format!("\"{}\" {}", e.name.show(), e.id))
                .collect();
            plan.refused.push(
                format!(
                    "queue {queue} has {} conda environments ({}); none is changed",
                    several.len(),
                    names.join(", ")
                )
                .into(),
            );
        }
    }
}

struct Edit {
    key: String,
    channels: String,
    because: Printable,
    warning: Option<Printable>,
    added: Vec<Channel>,
    /// The channel that leaves.
    gone: Option<String>,
}

/// A channel that neither this identity nor the queue role reads today: the rights that come with this plan may be
/// enough, or may not, and a queue that names a channel its role can't read fails every job.
fn unread_by_all(of: &Queue<'_>, added: &[Channel]) -> Option<Printable> {
    let failed = |probe: Probe| {
        let reading = of.studio.readings.get(&probe)?;
        reading.problem().map(|p| p.kind)
    };
    let unread = added.iter().find(|c| {
        let here = failed(Probe::ChannelHere((*c).clone()));
        let role = failed(Probe::ChannelAsQueueRole(of.key.clone(), (*c).clone()));
        c.is_s3() && here.is_some() && role.is_some()
    })?;
    Some(format!("neither you nor the queue role reads {unread} today; if its owner does not let the role in, every job of this queue stops there: leave this change out until then").into())
}

/// The wanted channels, without S3 ones that would be new while the role could not be read: a queue that names a
/// channel its role may not read fails every job.
fn affordable(plan: &mut Plan, of: &Queue<'_>, today: &[&str]) -> Vec<Channel> {
    let dear = |c: &&Channel| !of.role_ready && c.is_s3() && !today.contains(&c.as_str());
    for channel in of.wanted.channels.iter().filter(dear) {
        let queue = of.studio.queue_name(of.key);
        plan.refused.push(format!("queue {queue}: {channel} is not added before its role could be read and given the rights").into());
    }
    of.wanted
        .channels
        .iter()
        .filter(|c| !dear(c))
        .cloned()
        .collect()
}

/// First what is added or moved, then each removal as a change of its own, for each takes something away from jobs.
fn edits(
    today: &[&str],
    wanted: &[Channel],
    key: &QueueKey,
    left_out: &BTreeSet<String>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let wanted: Vec<&str> = wanted.iter().map(Channel::as_str).collect();
    let mut gone: Vec<&str> = Vec::new();
    let mut merged: Vec<&str> = wanted.clone();
    for (i, word) in today.iter().enumerate() {
        if wanted.contains(word) || gone.contains(word) {
            continue;
        }
        gone.push(word);
        // It keeps its place behind the channel that it stood behind.
        let behind = today[..i]
            .iter()
            .rev()
            .find_map(|w| merged.iter().position(|m| m == w));
        merged.insert(behind.map_or(0, |p| p + 1), word);
    }
    let list_key = format!("channels/{}", key.queue);
    let mut now = today.to_vec();
    if merged != today && !left_out.contains(&list_key) {
        let added: Vec<&str> = merged
            .iter()
            .copied()
            .filter(|w| !today.contains(w))
            .collect();
        let because = if added.is_empty() {
            "the channels' order decides which one a package comes from".to_owned()
        } else {
            format!(
                "jobs must find their packages: {} joins the queue's channels",
                added.join(", ")
            )
        };
        now.clone_from(&merged);
        edits.push(Edit {
            key: list_key,
            channels: now.join(" "),
            because: because.into(),
            warning: None,
            added: added.iter().filter_map(|w| w.parse().ok()).collect(),
            gone: None,
        });
    }
    for word in gone {
        let key = format!(
            "channels/{}/remove/{}",
            key.queue,
            without_url_secrets(word)
        );
        if left_out.contains(&key) {
            continue;
        }
        now.retain(|w| *w != word);
        let raw = word.to_owned();
        let word = Printable::short(&without_url_secrets(word), 80);
        edits.push(Edit {
            key,
            channels: now.join(" "),
            because: format!("the studio file does not list {word}").into(),
            warning: Some(format!("jobs that install from {word} will no longer find it").into()),
            added: Vec::new(),
            gone: Some(raw),
        });
    }
    edits
}

fn console(plan: &mut Plan, of: &Queue<'_>, there: usize) {
    let Queue {
        studio,
        key: queue,
        left_out,
        ..
    } = *of;
    let key = format!("conda-environment/{}", queue.queue);
    if left_out.contains(&key) {
        return;
    }
    if there >= MOST_ENVIRONMENTS {
        plan.refused.push(format!("queue {} has {there} environments already, and the service takes {MOST_ENVIRONMENTS}", studio.queue_name(queue)).into());
        return;
    }
    // A fleet that could not be read may be a customer's: then the warning stands too.
    let customer = studio.fleets(queue).known().is_none_or(|list| {
        list.iter().any(|f| {
            f.fleet
                .known()
                .is_none_or(|f| f.management == Management::Customer)
        })
    });
    let channels = affordable(plan, of, &[]);
    if channels.is_empty() {
        return;
    }
    match with_channels(CONSOLE_TEMPLATE, TemplateType::Yaml, &join(&channels)) {
        Ok(template) => plan.changes.push(Change {
            key,
            thing: Thing::Environment { queue: queue.clone(), id: None, name: Untrusted::new("Conda"), priority: 1, template_type: TemplateType::Yaml },
            before: None,
            after: Some(template),
            because: "the queue has no conda environment, so no job could install AYON; this is the console's kind".into(),
            warning: customer.then(|| "a customer-managed fleet works for this queue, or may; the console's command is only known to be on service-managed workers".into()),
        }),
        Err(e) => plan.refused.push(format!("no conda environment can be made: {e}").into()),
    }
}
