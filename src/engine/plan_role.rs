//! Plan, the role: what the S3 channels need joins our one inline policy before any queue names them; what a removed
//! channel needed leaves it after the last queue has let go. Statements that are not explained here stay: another
//! queue may share the role. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::unread;
use crate::checks::farm_arn;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{Channel, split};
use crate::domain::environment::Template;
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{QUEUE_POLICY, narrowed, of_channels, widened};
use crate::domain::policy::Policy;
use crate::domain::studio::Studio;
use crate::domain::text::Printable;
use crate::domain::trust::mended;
use crate::domain::wanted::Wanted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleState {
    /// Its policies were read: the rights are there, or a change of this plan brings them.
    Ready,
    NotRead,
}

fn thing(arn: &RoleArn) -> Thing {
    Thing::RolePolicy {
        role: arn.clone(),
        policy: QUEUE_POLICY.to_owned(),
    }
}

pub(super) fn widen(plan: &mut Plan, studio: &Studio, wanted: &Wanted, arn: &RoleArn) -> RoleState {
    let fact = studio.role(arn);
    let Some(role) = fact.known() else {
        plan.unread.extend(fact.problem().map(unread));
        if *fact == Fact::Absent {
            plan.refused
                .push(format!("the role {arn} does not exist; this version creates none").into());
        }
        return RoleState::NotRead;
    };
    let ours = role.inline.get(QUEUE_POLICY);
    // Without its list it is not known whether ours is there; over what is not known nothing is written.
    if let Some(problem) = role
        .lists
        .problem()
        .or_else(|| ours.and_then(Fact::problem))
    {
        plan.unread.push(unread(problem));
        return RoleState::NotRead;
    }
    let ours = ours.and_then(Fact::known);
    let mut others = Vec::new();
    let rest = role
        .inline
        .iter()
        .filter(|(n, _)| *n != QUEUE_POLICY)
        .chain(&role.attached);
    for (name, fact) in rest {
        match (fact.known().map(|t| Policy::parse(t)), fact.problem()) {
            (Some(Ok(policy)), _) => others.push(policy),
            (Some(Err(e)), _) => plan
                .unread
                .push(format!("Policy {name} of role {}: {e}", arn.name()).into()),
            (None, Some(problem)) => plan.unread.push(unread(problem)),
            (None, None) => {}
        }
    }
    let account = wanted.channel_account.as_ref();
    let needs = of_channels(&wanted.channels, arn.partition(), account);
    match widened(&needs, &others, ours.map(String::as_str)) {
        Ok(None) => RoleState::Ready,
        Ok(after) => {
            plan.changes.push(Change {
                key: format!("{QUEUE_POLICY}/{}", arn.name()),
                thing: thing(arn),
                before: ours.cloned(),
                after,
                because: "conda on a worker reads the S3 channels as this role: GetObject for files, ListBucket to tell absent from forbidden".into(),
                warning: None,
            });
            RoleState::Ready
        }
        Err(e) => {
            plan.refused
                .push(format!("{QUEUE_POLICY} of role {} is not changed: {e}", arn.name()).into());
            RoleState::NotRead
        }
    }
}

/// Whom each role trusts, for the farms of the wanted queues: what is missing is merged in.
pub(super) fn trust(plan: &mut Plan, studio: &Studio, wanted: &Wanted) {
    let mut farms: BTreeMap<RoleArn, Vec<String>> = BTreeMap::new();
    for key in &wanted.queues {
        if let Some(arn) = studio.queue(key).known().and_then(|q| q.role_arn()) {
            let farm = farm_arn(studio, key, &arn);
            let list = farms.entry(arn).or_default();
            if !list.contains(&farm) {
                list.push(farm);
            }
        }
    }
    for (arn, farms) in farms {
        let Some(role) = studio.role(&arn).known() else {
            // That it could not be read, or is not there, is said where its policies are planned.
            continue;
        };
        match mended(&role.trust, &farms, arn.account()) {
            Ok(None) => {}
            Ok(after) => plan.changes.push(Change {
                key: format!("trust/{}", arn.name()),
                thing: Thing::RoleTrust { role: arn.clone() },
                before: Some(role.trust.clone()),
                after,
                because: "Deadline Cloud must be able to assume the role for this farm; what stands in its trust policy stays".into(),
                warning: others(&role.trust, &farms),
            }),
            Err(e) => plan
                .refused
                .push(format!("the trust policy of role {} is not changed: {e}", arn.name()).into()),
        }
    }
}

/// Another farm that the role trusts stays trusted; whether it is still there can't be told from here.
fn others(text: &str, farms: &[String]) -> Option<Printable> {
    let found = text
        .split('"')
        .find(|word| word.contains(":farm/farm-") && !farms.iter().any(|f| f == word))?;
    let shown = Printable::short(found, 100);
    Some(
        format!(
            "it goes on trusting {shown}; take that out in the IAM console if the farm is gone"
        )
        .into(),
    )
}

/// Every environment of the queue was read and can be parsed.
fn is_read(studio: &Studio, queue: &QueueKey) -> bool {
    let list = studio
        .queues
        .get(queue)
        .and_then(|q| q.environments.known());
    list.is_some_and(|list| {
        list.iter().all(|e| {
            e.known()
                .is_some_and(|e| Template::read(&e.template, e.template_type).is_ok())
        })
    })
}

/// The text that our policy has once the changes so far are made.
fn text_then(plan: &Plan, studio: &Studio, arn: &RoleArn) -> Option<String> {
    let planned = plan.changes.iter().rev().find(|c| c.thing == thing(arn));
    match planned {
        Some(change) => change.after.clone(),
        None => studio
            .role(arn)
            .known()?
            .inline
            .get(QUEUE_POLICY)?
            .known()
            .cloned(),
    }
}

pub(super) fn narrow(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    arn: &RoleArn,
    gone: &[(QueueKey, Channel)],
    left_out: &BTreeSet<String>,
) {
    let key = format!("{QUEUE_POLICY}/{}/narrow", arn.name());
    // Over a queue that was not read, or that a flag left aside, nothing can be said: then the right stays.
    if wanted.only_some_queues || !wanted.queues.iter().all(|q| is_read(studio, q)) {
        return;
    }
    let Some(ours) = text_then(plan, studio, arn) else {
        return;
    };
    // What any queue of this studio still names, and what is wanted, stays.
    let mut kept = wanted.channels.clone();
    for queue in &wanted.queues {
        for environment in studio.environments(queue) {
            let template = Template::read(&environment.template, environment.template_type);
            let text = template
                .ok()
                .and_then(|t| t.channels.flatten())
                .unwrap_or_default();
            let named = split(&text)
                .into_iter()
                .filter_map(|c| c.parse::<Channel>().ok());
            kept.extend(named.filter(|c| !gone.iter().any(|(q, g)| q == queue && g == c)));
        }
    }
    let of = |channels: &[Channel]| of_channels(channels, arn.partition(), None);
    let gone: Vec<Channel> = gone.iter().map(|(_, c)| c.clone()).collect();
    let Some(after) = narrowed(&ours, &of(&gone), &of(&kept)) else {
        return;
    };
    if left_out.contains(&key) {
        return;
    }
    let names: Vec<&str> = gone.iter().map(Channel::as_str).collect();
    plan.changes.push(Change {
        key,
        thing: thing(arn),
        before: Some(ours),
        after,
        because: format!("no queue of this studio file names {} any more", names.join(", ")).into(),
        warning: Some("if a queue of another studio file shares this role and the channel, it loses the right".into()),
    });
}
