//! Plan, the roles: what the choices need joins our one inline policy before any queue names it; what a removed channel
//! needed leaves it after the last queue has let go. Statements that are not explained here stay: another queue may
//! share the role. A queue without a role is given one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::unread;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::channel::{Channel, split};
use crate::domain::choices::{Choices, RoleUse, UsedRole, needs_of, role_to_make, used_roles};
use crate::domain::documents::{Bars, proposal};
use crate::domain::environment::Template;
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn, farm_arn};
use crate::domain::needs::{INLINE_LIMIT, Need, QUEUE_POLICY, counted, narrowed, of_channels};
use crate::domain::policy::{Decision, Policy};
use crate::domain::probe::{Probe, Seen};
use crate::domain::studio::{Role, Studio};
use crate::domain::text::Printable;
use crate::domain::trust::{Trust, judge, mended, whole};
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

/// Which needs a change brings, in a sentence; all that channels need is one reason.
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
    let (policies, unread) = role.policies();
    let of = format!("role {}", arn.name());
    plan.unread.extend(
        unread
            .into_iter()
            .map(|why| Printable::from(format!("{of}: {why}"))),
    );
    let fence = role.fence().unwrap_or_else(|why| {
        plan.unread.push(format!("{of}: {why}").into());
        None
    });
    if let Some(why) = wrong_owner(studio, wanted).filter(|_| used.of == RoleUse::Queue) {
        plan.refused.push(format!("{of} gets nothing and its queues no S3 channel, for {why}; correct channel_account or bucket_owners").into());
        return RoleState::NotRead;
    }
    let needs = needs_of(studio, wanted, used);
    let text = ours.map(String::as_str);
    let proposal = proposal(&needs, &policies, fence.as_ref(), (policy, text));
    if !says_what_bars(plan, &of, &proposal.bars) {
        return RoleState::NotRead;
    }
    match proposal.after {
        Ok(None) => RoleState::Ready,
        Ok(after) => {
            let size = size_then(role, policy, after.as_deref());
            if size > INLINE_LIMIT {
                plan.refused.push(format!("{policy} of {of} is not changed: its inline policies would come to {size} characters, and IAM takes {INLINE_LIMIT}; make one of the others a managed policy").into());
                return RoleState::NotRead;
            }
            let unfenced = role.boundary.is_some() && fence.is_none();
            plan.changes.push(Change {
                key: format!("{policy}/{}", arn.name()),
                thing: thing(arn, policy),
                before: ours.cloned(),
                because: because(ours, after.as_ref(), &proposal.free),
                after,
                warning: unfenced.then(|| "the role's permissions boundary could not be read; what it does not allow, this does not give".into()),
            });
            RoleState::Ready
        }
        Err(e) => {
            plan.refused
                .push(format!("{policy} of {of} is not changed: {e}").into());
            RoleState::NotRead
        }
    }
}

/// Says what stands in the way of the needs; `false`: of a channel, so that the queues wait with it.
fn says_what_bars(plan: &mut Plan, of: &str, bars: &Bars) -> bool {
    let fix = "have whoever wrote that change it, then run this again";
    if !bars.channels.is_empty() {
        let why = bars.channels.join("; ");
        plan.refused.push(
            format!("{of} gets nothing and its queues no S3 channel, for {why}; {fix}").into(),
        );
    } else if !bars.others.is_empty() {
        let why = bars.others.join("; ");
        plan.refused
            .push(format!("{of} is not given what would have no effect: {why}; {fix}").into());
    }
    bars.channels.is_empty()
}

/// What the role's inline policies come to, as IAM counts them.
fn size_then(role: &Role, policy: &str, after: Option<&str>) -> usize {
    let others = role.inline.iter().filter(|(n, _)| *n != policy);
    let others = others.filter_map(|(_, f)| f.known());
    others.map(|t| counted(t)).sum::<usize>() + after.map_or(0, counted)
}

/// A role for each queue that has none, or whose role is gone: made, given its rights, and given to the queue. The roles
/// that queues have then, and whether they are ready.
pub(super) fn make(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    left_out: &BTreeSet<String>,
) -> BTreeMap<QueueKey, (RoleArn, RoleState)> {
    let mut given: BTreeMap<QueueKey, (RoleArn, RoleState)> = BTreeMap::new();
    let mut planned: BTreeMap<RoleArn, RoleState> = BTreeMap::new();
    for key in &wanted.queues {
        let Some(arn) = role_to_make(studio, wanted, key) else {
            continue;
        };
        let state = match planned.get(&arn) {
            Some(state) => *state,
            None => one_role(plan, studio, wanted, key, &arn, left_out),
        };
        planned.insert(arn.clone(), state);
        if state == RoleState::Ready && studio.queue(key).known().is_some_and(|q| q.role.is_none())
        {
            let link = format!("queue-role/{}", key.queue);
            let is_there = studio.role(&arn).known().is_some();
            let note = if is_there {
                format!(
                    " The role {} was there before; see that it is meant for this.",
                    arn.name()
                )
            } else {
                String::new()
            };
            plan.changes.push(Change {
                key: link.clone(),
                thing: Thing::QueueRole { queue: key.clone() },
                before: None,
                after: Some(arn.to_string()),
                because: format!("queue {} has no role", studio.queue_name(key)).into(),
                warning: Some(format!("UpdateQueue gives a queue a role and can't take one away again: undoing the run leaves the queue this role, without studiolink's policy.{note}").into()),
            });
            if left_out.contains(&link) {
                continue;
            }
        }
        given.insert(key.clone(), (arn, state));
    }
    given
}

/// The role itself and what it may do. Where a part is left out, or can't be, nothing of it is planned.
fn one_role(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    key: &QueueKey,
    arn: &RoleArn,
    left_out: &BTreeSet<String>,
) -> RoleState {
    let parts = [
        format!("new-role/{}", arn.name()),
        format!("{QUEUE_POLICY}/{}", arn.name()),
        format!("trust/{}", arn.name()),
    ];
    let from = plan.changes.len();
    let used = UsedRole {
        arn: arn.clone(),
        of: RoleUse::Queue,
        by: vec![studio.queue_name(key)],
    };
    let state = match studio.role(arn) {
        // A role of that name is there: it gets what it lacks like any other.
        Fact::Known(role) => {
            let trusts = trust_of(plan, role, key, studio, RoleUse::Queue);
            match widen(plan, studio, wanted, &used) {
                RoleState::Ready if trusts => RoleState::Ready,
                _ => RoleState::NotRead,
            }
        }
        Fact::Absent => new_role(plan, studio, wanted, key, &used),
        // Over what is not known to be missing nothing is made.
        fact => {
            plan.unread.extend(fact.problem().map(unread));
            RoleState::NotRead
        }
    };
    if parts.iter().any(|part| left_out.contains(part)) {
        // What is left out stays on the review page; the rest of the role goes with it.
        plan.changes.truncate(from);
        return RoleState::NotRead;
    }
    state
}

fn new_role(
    plan: &mut Plan,
    studio: &Studio,
    wanted: &Wanted,
    key: &QueueKey,
    used: &UsedRole,
) -> RoleState {
    let arn = &used.arn;
    if let Some(why) = wrong_owner(studio, wanted) {
        plan.refused.push(
            format!(
                "role {} is not made, for {why}; correct channel_account or bucket_owners",
                arn.name()
            )
            .into(),
        );
        return RoleState::NotRead;
    }
    let new = &wanted.roles.new;
    let of = format!("the new role {}", arn.name());
    let fact = new.boundary.as_ref().map(|b| studio.boundaries.get(b));
    let fence = match fact {
        None => None,
        Some(Some(Fact::Known(text))) => match Policy::parse(text) {
            Ok(policy) => Some(policy),
            Err(e) => {
                plan.refused
                    .push(format!("{of} is not made: its boundary: {e}").into());
                return RoleState::NotRead;
            }
        },
        Some(Some(Fact::Absent)) => {
            plan.refused.push(
                format!("{of} is not made: [roles.new] names a boundary that does not exist")
                    .into(),
            );
            return RoleState::NotRead;
        }
        Some(fact) => {
            plan.unread.extend(fact.and_then(Fact::problem).map(unread));
            return RoleState::NotRead;
        }
    };
    let needs = needs_of(studio, wanted, used);
    let proposal = proposal(&needs, &[], fence.as_ref(), (QUEUE_POLICY, None));
    if !says_what_bars(plan, &of, &proposal.bars) {
        return RoleState::NotRead;
    }
    let farm = farm_arn(&studio.region, arn.account(), &key.farm);
    plan.changes.push(Change {
        key: format!("new-role/{}", arn.name()),
        thing: Thing::NewRole {
            role: arn.clone(),
            boundary: new.boundary.clone(),
            tags: new.tags.clone(),
        },
        before: None,
        after: Some(whole(RoleUse::Queue, &farm, arn.account())),
        because: "without a queue role a worker's session has no AWS credentials: S3 channels and secrets are out of reach".into(),
        warning: Some("once the queue has it, it stays: undoing the run then takes only studiolink's policy from it".into()),
    });
    if let Ok(Some(after)) = proposal.after {
        plan.changes.push(Change {
            key: format!("{QUEUE_POLICY}/{}", arn.name()),
            thing: thing(arn, QUEUE_POLICY),
            before: None,
            because: because(None, Some(&after), &proposal.free),
            after: Some(after),
            warning: None,
        });
    }
    RoleState::Ready
}

/// What the role's trust lacks for the queue's farm, as a change; can it be trusted then?
fn trust_of(plan: &mut Plan, role: &Role, key: &QueueKey, studio: &Studio, of: RoleUse) -> bool {
    let arn = &role.arn;
    let farm = farm_arn(&studio.region, arn.account(), &key.farm);
    let was_wide = Policy::parse(&role.trust)
        .is_ok_and(|p| judge(&p, of, &farm, arn.account()) == Trust::TooWide);
    match mended(&role.trust, of, &farm, arn.account()) {
        Ok(None) => true,
        Ok(after) => {
            let mut warnings: Vec<String> = others(&role.trust, &farm).into_iter().collect();
            if was_wide {
                let who = if of == RoleUse::Fleet {
                    "fleets"
                } else {
                    "queues"
                };
                warnings.push(format!("{who} of another farm that use this role are shut out by it, unless their farm stands in it"));
            }
            plan.changes.push(Change {
                key: format!("trust/{}", arn.name()),
                thing: Thing::RoleTrust { role: arn.clone() },
                before: Some(role.trust.clone()),
                after,
                because: "Deadline Cloud must be able to assume the role for this farm; what stands in its trust policy stays".into(),
                warning: (!warnings.is_empty()).then(|| warnings.join("; ").into()),
            });
            true
        }
        Err(e) => {
            plan.refused.push(
                format!(
                    "the trust policy of role {} is not changed: {e}",
                    arn.name()
                )
                .into(),
            );
            false
        }
    }
}

/// Whom each role trusts, for the farm of the wanted queues: what is missing is merged in.
pub(super) fn trust(plan: &mut Plan, studio: &Studio, wanted: &Wanted) {
    let Some(key) = wanted.queues.first() else {
        return;
    };
    for used in used_roles(studio, wanted) {
        // That a role could not be read, or is not there, is said where its policies are planned. One that is a queue's
        // and a fleet's trusts both principals for the queue already.
        let thing = Thing::RoleTrust {
            role: used.arn.clone(),
        };
        let done = plan.changes.iter().any(|c| c.thing == thing);
        if let (Some(role), true, false) = (
            studio.role(&used.arn).known(),
            is_mended(wanted, used.of),
            done,
        ) {
            trust_of(plan, role, key, studio, used.of);
        }
    }
}

/// Was a right or a trust left out without which the role does not read the channels? Then no queue names them either.
pub(super) fn needs_what_is_left_out(
    plan: &Plan,
    studio: &Studio,
    wanted: &Wanted,
    arn: &RoleArn,
    left_out: &BTreeSet<String>,
) -> bool {
    let (Some(role), Some(key)) = (studio.role(arn).known(), wanted.queues.first()) else {
        return false;
    };
    let mut out = plan.changes.iter().filter(|c| left_out.contains(&c.key));
    let lacks = |change: &Change| match &change.thing {
        Thing::RolePolicy { role: of, .. } if of == arn => {
            let (policies, _) = role.policies();
            let all = || policies.iter().map(|(_, policy)| policy);
            let needs = Choices::of(studio, wanted, arn);
            let needs = needs.map(|c| c.needs(RoleUse::Queue)).unwrap_or_default();
            let mut channels = needs.iter().filter(|n| n.is_of_channels());
            channels.any(|n| n.met_by(all()) != Decision::Allowed)
        }
        Thing::RoleTrust { role: of } if of == arn => {
            let farm = farm_arn(&studio.region, arn.account(), &key.farm);
            let verdict =
                Policy::parse(&role.trust).map(|p| judge(&p, RoleUse::Queue, &farm, arn.account()));
            !matches!(
                verdict,
                Ok(Trust::Right | Trust::TooWide | Trust::OnlyWorkers)
            )
        }
        _ => false,
    };
    out.any(lacks)
}

/// The owner that the studio file names for a channel's bucket, where S3 was seen to know another.
fn wrong_owner(studio: &Studio, wanted: &Wanted) -> Option<String> {
    studio.readings.iter().find_map(|(probe, reading)| {
        let (Probe::ChannelOwner(channel, asked), Ok(Seen::Owner(owner))) = (probe, &reading.seen)
        else {
            return None;
        };
        let bucket = channel.bucket()?;
        let stated = wanted.owner_of(bucket)?;
        // A reading of before the file named this owner says nothing of it.
        let counts = asked.contains(stated) && wanted.channels.contains(channel);
        (counts && owner.as_ref() != Some(stated)).then(|| format!("the bucket {bucket} does not belong to account {stated}, as the studio file says; a condition with it would deny every worker"))
    })
}

pub(super) fn is_mended(wanted: &Wanted, of: RoleUse) -> bool {
    match of {
        RoleUse::Queue => true,
        RoleUse::Fleet => wanted.roles.fleets == FleetRoles::Mend,
        RoleUse::WorkerHost => false,
    }
}

/// Another farm that the role trusts stays trusted; whether it is still there can't be told from here.
fn others(text: &str, farm: &str) -> Option<String> {
    let found = text
        .split('"')
        .find(|word| word.contains(":farm/farm-") && *word != farm)?;
    let shown = Printable::short(found, 100);
    Some(format!(
        "it goes on trusting {shown}; take that out in the IAM console if the farm is gone"
    ))
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
    let of = |channels: &[Channel]| of_channels(channels, arn.partition(), &|_| None);
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
