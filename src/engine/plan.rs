//! Plan: the changes that lead from what is there to what is wanted. Pure, in a stable order, empty when nothing is
//! wrong. Rights come before channels: a queue that names a channel its role may not read fails every job.

use std::collections::{BTreeMap, BTreeSet};

use super::plan_addon;
use super::plan_channels::{self, Queue};
use super::plan_role::{self, RoleState};
use crate::domain::change::{Plan, Thing};
use crate::domain::channel::Channel;
use crate::domain::choices::{RoleUse, used_roles};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::QUEUE_POLICY;
use crate::domain::problem::Problem;
use crate::domain::studio::Studio;
use crate::domain::text::Printable;
use crate::domain::wanted::Wanted;
use crate::paths;

/// The plan without the changes whose keys were left out.
pub fn plan(studio: &Studio, wanted: &Wanted, left_out: &BTreeSet<String>) -> Plan {
    let mut plan = Plan::default();
    let mut roles: BTreeMap<RoleArn, RoleState> = BTreeMap::new();
    let given = plan_role::make(&mut plan, studio, wanted, left_out);
    roles.extend(given.values().cloned());
    for used in used_roles(studio, wanted) {
        if !roles.contains_key(&used.arn) || used.of == RoleUse::Fleet {
            if !plan_role::is_mended(wanted, used.of) {
                continue;
            }
            let state = plan_role::widen(&mut plan, studio, wanted, &used);
            if used.of == RoleUse::Queue {
                roles.insert(used.arn, state);
            }
        }
    }
    plan_role::trust(&mut plan, studio, wanted);
    for (arn, state) in &mut roles {
        if plan_role::needs_what_is_left_out(&plan, studio, wanted, arn, left_out) {
            *state = RoleState::NotRead;
        }
    }
    plan.changes.retain(|c| !left_out.contains(&c.key));
    let mut gone: Vec<(QueueKey, Channel)> = Vec::new();
    let mut moving: BTreeSet<RoleArn> = BTreeSet::new();
    for key in &wanted.queues {
        let ready = match studio.queue(key) {
            Fact::Known(queue) => {
                let new = given.get(key).map(|(arn, _)| arn.clone());
                let arn = new.or_else(|| queue.role_arn());
                let state = arn.and_then(|arn| roles.get(&arn));
                if state.is_none() && wanted.s3_channels().next().is_some() {
                    let name = queue.name.show();
                    plan.refused.push(
                        format!("queue {name} has no role that could read an S3 channel").into(),
                    );
                }
                state.is_some_and(|s| *s == RoleState::Ready)
            }
            Fact::Absent => {
                plan.refused.push(
                    format!(
                        "there is no queue {} in farm {} in {}",
                        key.queue, key.farm, studio.region
                    )
                    .into(),
                );
                continue;
            }
            fact => {
                plan.unread.extend(fact.problem().map(unread));
                false
            }
        };
        let queue = Queue {
            studio,
            wanted,
            key,
            role_ready: ready,
            left_out,
        };
        let before = (plan.refused.len(), plan.changes.len());
        plan_channels::of_queue(&mut plan, &queue, &mut gone);
        let is_stuck = plan.refused.len() > before.0 && plan.changes.len() == before.1;
        if !is_stuck {
            let own = || studio.queue(key).known().and_then(|q| q.role_arn());
            let new = given.get(key).map(|(arn, _)| arn.clone());
            moving.extend(new.or_else(own));
        }
    }
    // Where nothing of a queue can be changed, its role is not given rights for what will not come, nor made.
    plan.changes.retain(|c| match &c.thing {
        Thing::RolePolicy { role, policy } => moving.contains(role) || policy != QUEUE_POLICY,
        Thing::NewRole { role, .. } => moving.contains(role),
        Thing::QueueRole { queue } => given.get(queue).is_some_and(|(r, _)| moving.contains(r)),
        Thing::Environment { .. } | Thing::RoleTrust { .. } | Thing::AddonChannels { .. } => true,
    });
    plan_addon::of_addon(&mut plan, studio, wanted, left_out);
    plan.changes
        .extend(paths::of(wanted.server.path).plan(studio, wanted));
    // Last: a right goes only after the channel that needed it.
    for (arn, state) in &roles {
        if *state == RoleState::Ready {
            plan_role::narrow(&mut plan, studio, wanted, arn, &gone, left_out);
        }
    }
    plan
}

pub(super) fn unread(problem: &Problem) -> Printable {
    format!("{}: {}", problem.doing, problem.because).into()
}
