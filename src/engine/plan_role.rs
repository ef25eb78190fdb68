//! Plan, the roles: what the choices need joins our one inline policy before any queue names it; what a removed channel
//! needed leaves it after the last queue has let go. Statements that are not explained here stay: another queue may
//! share the role. A queue without a role is given one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::unread;
use crate::checks::farm_arn;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{Channel, split};
use crate::domain::choices::{Choices, RoleUse, UsedRole, role_to_make, used_roles};
use crate::domain::environment::Template;
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{
    INLINE_LIMIT, Need, QUEUE_POLICY, counted, narrowed, of_channels, widened,
};
use crate::domain::policy::{Decision, Policy};
use crate::domain::studio::{Role, Studio};
use crate::domain::text::Printable;
use crate::domain::trust::{mended, whole};
use crate::domain::wanted::{FleetRoles, Wanted};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleState {
    /// Its policies were read: the rights are there, or a change of this plan brings them.
    Ready,
    NotRead,
}

fn thing(arn: &RoleArn, policy: &str) -> Thing {
    Thing::RolePolicy {
        role: arn.clone(),
        policy: policy.to_owned(),
    }
}

fn needs(studio: &Studio, wanted: &Wanted, arn: &RoleArn, of: RoleUse) -> Vec<Need> {
    let choices = Choices::of(studio, wanted, arn);
    choices.map(|c| c.needs(of)).unwrap_or_default()
}

/// Which needs a change brings, in a sentence: the first reason, and how many more.
fn because(before: Option<&String>, after: Option<&String>, needs: &[Need]) -> Printable {
    let stands = |text: Option<&String>, n: &Need| {
        let parsed = text.and_then(|t| Policy::parse(t).ok());
        parsed.is_some_and(|p| n.met_by([&p]) == Decision::Allowed)
    };
    let new: Vec<&Need> = needs
        .iter()
        .filter(|n| stands(after, n) && !stands(before, n))
        .collect();
    let channels = new.iter().any(|n| n.is_of_channels());
    let mut reasons: Vec<String> = Vec::new();
    if channels {
        reasons.push("conda on a worker reads the S3 channels as this role: GetObject for files, ListBucket to tell absent from forbidden".to_owned());
    }
    reasons.extend(
        new.iter()
            .filter(|n| !n.is_of_channels())
            .map(|n| n.because.clone()),
    );
    reasons.join("; ").into()
}

/// Our policy on one role with what it lacks. Over what was not read nothing is written.
pub(super) fn widen(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    used: &UsedRole,
) -> RoleState {
    let arn = &used.arn;
    let Some(policy) = used.of.policy() else {
        return RoleState::NotRead;
    };
    let fact = studio.role(arn);
    let Some(role) = fact.known() else {
        plan.unread.extend(fact.problem().map(unread));
        if *fact == Fact::Absent {
            let fix = "set the queue's role in the console, or sign in to the role's own account";
            plan.refused
                .push(format!("the role {arn} does not exist, and is not made: {fix}").into());
        }
        return RoleState::NotRead;
    };
    let ours = role.inline.get(policy);
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
        .filter(|(n, _)| *n != policy)
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
    let needs = needs(studio, wanted, arn, used.of);
    let bars = barred(role, &others, ours, &needs);
    if !bars.is_empty() {
        // Rights that can't take effect are not written, nor channels that every job would stop at.
        plan.refused.push(format!("role {} gets nothing and its queues no S3 channel, for {}; have whoever wrote that change it, then run this again", arn.name(), bars.join("; ")).into());
        return RoleState::NotRead;
    }
    match widened(&needs, &others, ours.map(String::as_str)) {
        Ok(None) => RoleState::Ready,
        Ok(after) => {
            let size = size_then(role, policy, after.as_deref());
            if size > INLINE_LIMIT {
                plan.refused.push(format!("{policy} of role {} is not changed: its inline policies would come to {size} characters, and IAM takes {INLINE_LIMIT}; make one of the others a managed policy", arn.name()).into());
                return RoleState::NotRead;
            }
            plan.changes.push(Change {
                key: format!("{policy}/{}", arn.name()),
                thing: thing(arn, policy),
                before: ours.cloned(),
                because: because(ours, after.as_ref(), &needs),
                after,
                warning: None,
            });
            RoleState::Ready
        }
        Err(e) => {
            plan.refused
                .push(format!("{policy} of role {} is not changed: {e}", arn.name()).into());
            RoleState::NotRead
        }
    }
}

/// What would keep the role from the channels, whatever our policy says: a Deny, or its permissions boundary.
fn barred(role: &Role, others: &[Policy], ours: Option<&String>, needs: &[Need]) -> Vec<String> {
    let ours = ours.and_then(|t| Policy::parse(t).ok());
    let all = || others.iter().chain(&ours);
    let fence = role.fence.known().and_then(|t| Policy::parse(t).ok());
    let mut bars = Vec::new();
    for (words, decision) in needs
        .iter()
        .filter(|n| n.is_of_channels())
        .flat_map(|n| n.judged(all(), None))
    {
        if decision == Decision::Denied {
            bars.push(format!("a Deny statement on it forbids {words}"));
        }
    }
    let fenced = needs.iter().filter(|n| n.is_of_channels());
    for (words, decision) in fenced.flat_map(|n| n.judged(&fence, None)) {
        if fence.is_some() && matches!(decision, Decision::Denied | Decision::NotAllowed) {
            bars.push(format!("its permissions boundary does not allow {words}"));
        }
    }
    bars
}

/// What the role's inline policies come to, as IAM counts them.
fn size_then(role: &Role, policy: &str, after: Option<&str>) -> usize {
    let others = role.inline.iter().filter(|(n, _)| *n != policy);
    let others = others.filter_map(|(_, f)| f.known());
    others.map(|t| counted(t)).sum::<usize>() + after.map_or(0, counted)
}

/// A role for each queue that has none, or whose role is gone: made, given its rights, and given to the queue. `None`
/// for a queue that has a role, or is left without.
pub(super) fn make(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    left_out: &BTreeSet<String>,
) -> BTreeMap<QueueKey, RoleArn> {
    let mut made: BTreeMap<QueueKey, RoleArn> = BTreeMap::new();
    for key in &wanted.queues {
        let Some(arn) = role_to_make(studio, wanted, key) else {
            continue;
        };
        let new_key = format!("new-role/{}", arn.name());
        if left_out.contains(&new_key) {
            continue;
        }
        if !made.values().any(|a| *a == arn)
            && *studio.role(&arn) != Fact::NotAsked
            && studio.role(&arn).known().is_none()
        {
            if let Some(problem) = studio.role(&arn).problem() {
                // Over what is not known to be missing nothing is made.
                plan.unread.push(unread(problem));
                continue;
            }
            let new = &wanted.roles.new;
            plan.changes.push(Change {
                key: new_key,
                thing: Thing::NewRole {
                    role: arn.clone(),
                    boundary: new.boundary.clone(),
                    tags: new.tags.clone(),
                },
                before: None,
                after: Some(whole(RoleUse::Queue, &farm_arn(studio, key, &arn), arn.account())),
                because: "without a queue role a worker's session has no AWS credentials: S3 channels and secrets are out of reach".into(),
                warning: None,
            });
            let needs = needs(studio, wanted, &arn, RoleUse::Queue);
            if let Ok(Some(after)) = widened(&needs, &[], None) {
                plan.changes.push(Change {
                    key: format!("{QUEUE_POLICY}/{}", arn.name()),
                    thing: thing(&arn, QUEUE_POLICY),
                    before: None,
                    because: because(None, Some(&after), &needs),
                    after: Some(after),
                    warning: None,
                });
            }
        } else if *studio.role(&arn) == Fact::NotAsked {
            // Whether a role of that name is there already is asked first.
            continue;
        }
        let queue = studio.queue(key).known();
        if queue.is_some_and(|q| q.role.is_none()) {
            plan.changes.push(Change {
                key: format!("queue-role/{}", key.queue),
                thing: Thing::QueueRole { queue: key.clone() },
                before: None,
                after: Some(arn.to_string()),
                because: format!("queue {} has no role", studio.queue_name(key)).into(),
                warning: Some("UpdateQueue gives a queue a role and can't take one away again: undoing the run leaves the queue this role, without studiolink's policy".into()),
            });
            if left_out.contains(&format!("queue-role/{}", key.queue)) {
                continue;
            }
        }
        made.insert(key.clone(), arn);
    }
    made
}

/// Whom each role trusts, for the farms of the wanted queues: what is missing is merged in.
pub(super) fn trust(plan: &mut Plan, studio: &Studio, wanted: &Wanted) {
    let Some(key) = wanted.queues.first() else {
        return;
    };
    for used in used_roles(studio, wanted) {
        if !is_mended(wanted, used.of) {
            continue;
        }
        let arn = &used.arn;
        let Some(role) = studio.role(arn).known() else {
            // That it could not be read, or is not there, is said where its policies are planned.
            continue;
        };
        let farms = [farm_arn(studio, key, arn)];
        // A role that is both a queue's and a fleet's trusts both principals by then.
        let now = plan.changes.iter().find_map(|c| match &c.thing {
            Thing::RoleTrust { role } if role == arn => c.after.clone(),
            _ => None,
        });
        if now.is_some() {
            continue;
        }
        match mended(&role.trust, used.of, &farms, arn.account()) {
            Ok(None) => {}
            Ok(after) => plan.changes.push(Change {
                key: format!("trust/{}", arn.name()),
                thing: Thing::RoleTrust { role: arn.clone() },
                before: Some(role.trust.clone()),
                after,
                because: "Deadline Cloud must be able to assume the role for this farm; what stands in its trust policy stays".into(),
                warning: others(&role.trust, &farms).or_else(|| shut_out(used.of)),
            }),
            Err(e) => plan
                .refused
                .push(format!("the trust policy of role {} is not changed: {e}", arn.name()).into()),
        }
    }
}

fn shut_out(of: RoleUse) -> Option<Printable> {
    let words = "fleets of another farm that use this role are shut out by it, unless their farm stands in it";
    (of == RoleUse::Fleet).then(|| words.into())
}

pub(super) fn is_mended(wanted: &Wanted, of: RoleUse) -> bool {
    match of {
        RoleUse::Queue => true,
        RoleUse::Fleet => wanted.roles.fleets == FleetRoles::Mend,
        RoleUse::WorkerHost => false,
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
    let planned = plan
        .changes
        .iter()
        .rev()
        .find(|c| c.thing == thing(arn, QUEUE_POLICY));
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
        thing: thing(arn, QUEUE_POLICY),
        before: Some(ours),
        after,
        because: format!("no queue of this studio file names {} any more", names.join(", ")).into(),
        warning: Some("if a queue of another studio file shares this role and the channel, it loses the right".into()),
    });
}
