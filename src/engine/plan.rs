//! Plan: the changes that lead from what is there to what is wanted. Pure, in a stable order, empty when nothing is
//! wrong. Rights come before channels: a queue that names a channel its role may not read fails every job.

use std::collections::BTreeSet;

use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{Channel, Place, join, split};
use crate::domain::environment::{CONSOLE_TEMPLATE, Template, TemplateType, with_channels};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{QUEUE_POLICY, of_channels, queue_policy};
use crate::domain::policy::Policy;
use crate::domain::studio::{Management, Studio};
use crate::domain::text::{Printable, Untrusted};
use crate::domain::wanted::Wanted;
use crate::paths;

/// The service's quota of queue environments per queue (field facts A1).
const MOST_ENVIRONMENTS: usize = 10;

/// The plan without the changes whose keys were left out.
pub fn plan(studio: &Studio, wanted: &Wanted, left_out: &BTreeSet<String>) -> Plan {
    let mut plan = Plan::default();
    let roles: BTreeSet<RoleArn> = wanted
        .queues
        .iter()
        .filter_map(|k| studio.queue(k).known()?.role_arn())
        .collect();
    for role in &roles {
        plan_role(&mut plan, studio, wanted, role);
    }
    plan.changes.retain(|c| !left_out.contains(&c.key));
    for key in &wanted.queues {
        if let Some(problem) = studio.queue(key).problem() {
            plan.unread
                .push(format!("{}: {}", problem.doing, problem.because).into());
        }
        plan_channels(&mut plan, studio, wanted, key, left_out);
    }
    plan.changes
        .extend(paths::of(wanted.server.path).plan(studio, wanted));
    plan
}

fn plan_role(plan: &mut Plan, studio: &Studio, wanted: &Wanted, arn: &RoleArn) {
    let fact = studio.role(arn);
    let Some(role) = fact.known() else {
        match fact.problem() {
            Some(problem) => plan
                .unread
                .push(format!("{}: {}", problem.doing, problem.because).into()),
            None if *fact == Fact::Absent => plan
                .refused
                .push(format!("the role {arn} does not exist; this version creates none").into()),
            None => {}
        }
        return;
    };
    if let Some(problem) = role.lists.problem() {
        plan.unread
            .push(format!("{}: {}", problem.doing, problem.because).into());
        return;
    }
    let ours = role.inline.get(QUEUE_POLICY);
    if let Some(problem) = ours.and_then(Fact::problem) {
        plan.unread
            .push(format!("{}: {}", problem.doing, problem.because).into());
        return;
    }
    let ours = ours.and_then(Fact::known);
    let mut others = Vec::new();
    for (name, fact) in role
        .inline
        .iter()
        .filter(|(n, _)| *n != QUEUE_POLICY)
        .chain(&role.attached)
    {
        match (fact.known().map(|t| Policy::parse(t)), fact.problem()) {
            (Some(Ok(policy)), _) => others.push(policy),
            (Some(Err(e)), _) => plan
                .unread
                .push(format!("Policy {name} of role {}: {e}", arn.name()).into()),
            (None, Some(problem)) => plan
                .unread
                .push(format!("{}: {}", problem.doing, problem.because).into()),
            (None, None) => {}
        }
    }
    let needs = of_channels(
        &wanted.channels,
        arn.partition(),
        wanted.channel_account.as_ref(),
    );
    let parsed = ours.and_then(|t| Policy::parse(t).ok());
    let after = queue_policy(&needs, &others, parsed.as_ref());
    let change = Change {
        key: format!("{QUEUE_POLICY}/{}", arn.name()),
        thing: Thing::RolePolicy {
            role: arn.clone(),
            policy: QUEUE_POLICY.to_owned(),
        },
        before: ours.cloned(),
        after: after.clone(),
        because: if after.is_some() {
            "conda on a worker reads the S3 channels as this role: GetObject for files, ListBucket to tell absent from forbidden".into()
        } else {
            "no S3 channel of the studio needs it any more".into()
        },
        warning: None,
    };
    if !change.is_after(change.before.as_deref()) {
        plan.changes.push(change);
    }
}

fn plan_channels(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    key: &QueueKey,
    left_out: &BTreeSet<String>,
) {
    let Some(fact) = studio.queues.get(key).map(|q| &q.environments) else {
        return;
    };
    let Some(list) = fact.known() else {
        if let Some(problem) = fact.problem() {
            plan.unread
                .push(format!("{}: {}", problem.doing, problem.because).into());
        }
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
        [] => plan_console(plan, studio, wanted, key, list.len(), left_out),
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
            let edits = edits(
                &split(today.as_deref().unwrap_or_default()),
                &wanted.channels,
                key,
                left_out,
            );
            let mut text = environment.template.clone();
            for edit in edits {
                match with_channels(&text, environment.template_type, &edit.channels) {
                    Ok(after) => {
                        let before = Some(std::mem::replace(&mut text, after.clone()));
                        plan.changes.push(Change {
                            key: edit.key,
                            thing: thing.clone(),
                            before,
                            after: Some(after),
                            because: edit.because,
                            warning: edit.warning,
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
                .map(|(e, _)| format!("\"{}\"", e.name.show()))
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
        });
    }
    for word in gone {
        let key = format!("channels/{}/remove/{word}", key.queue);
        if left_out.contains(&key) {
            continue;
        }
        now.retain(|w| *w != word);
        let word = Printable::short(word, 80);
        edits.push(Edit {
            key,
            channels: now.join(" "),
            because: format!("the studio file does not list {word}").into(),
            warning: Some(format!("jobs that install from {word} will no longer find it").into()),
        });
    }
    edits
}

fn plan_console(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    queue: &QueueKey,
    there: usize,
    left_out: &BTreeSet<String>,
) {
    let key = format!("conda-environment/{}", queue.queue);
    if left_out.contains(&key) {
        return;
    }
    if there >= MOST_ENVIRONMENTS {
        plan.refused.push(format!("queue {} has {there} environments already, and the service takes {MOST_ENVIRONMENTS}", studio.queue_name(queue)).into());
        return;
    }
    let fleets = studio.fleets(queue).known();
    let customer = fleets
        .into_iter()
        .flatten()
        .filter_map(|f| f.fleet.known())
        .any(|f| f.management == Management::Customer);
    match with_channels(CONSOLE_TEMPLATE, TemplateType::Yaml, &join(&wanted.channels)) {
        Ok(template) => plan.changes.push(Change {
            key,
            thing: Thing::Environment { queue: queue.clone(), id: None, name: Untrusted::new("Conda"), priority: 1, template_type: TemplateType::Yaml },
            before: None,
            after: Some(template),
            because: "the queue has no conda environment, so no job could install AYON; this is the console's kind".into(),
            warning: customer.then(|| "a customer-managed fleet works for this queue, and the console's command is only known to be on service-managed workers".into()),
        }),
        Err(e) => plan.refused.push(format!("no conda environment can be made: {e}").into()),
    }
}

/// Does any wanted channel need rights on S3?
pub fn needs_s3(wanted: &Wanted) -> bool {
    wanted
        .channels
        .iter()
        .any(|c| matches!(c.place(), Place::S3 { .. }))
}
