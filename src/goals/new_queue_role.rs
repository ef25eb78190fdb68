//! A queue that has no role, or whose role does not exist, gets one: created, given its permissions, given to the queue.

use std::collections::{BTreeMap, BTreeSet};

use crate::derived::role_outcome::{
    NewIamRole, RoleOutcome, outcome, outcome_of_new, policy_change_id,
};
use crate::derived::role_use::{role_to_create, use_of_queue};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::QUEUE_POLICY;
use crate::domain::risk::RiskKind;
use crate::questions::{Part, QueueDetails, RoleDocuments, View};
use crate::resources::{Change, IamRole, QueueRoleLink};

use super::role_permissions::policy_change;
use super::role_trust::{trust_change, trust_change_id};
use super::{Draft, Goal, nothing_manual};

pub(super) const GOAL: Goal = Goal {
    id: "new-queue-role",
    title: "Each queue has a role",
    propose,
    manual: nothing_manual,
};

/// The id of the change that creates a role.
pub(super) fn role_change_id(arn: &RoleArn) -> String {
    format!("new-role/{}", arn.name())
}

/// The ids of the changes that create a role, or make an existing one right for queues.
pub(super) fn parts_of_role(arn: &RoleArn) -> [String; 3] {
    [
        role_change_id(arn),
        policy_change_id(QUEUE_POLICY, arn),
        trust_change_id(arn),
    ]
}

/// The id of the change that gives a queue its role.
pub(super) fn link_change_id(key: &QueueKey) -> String {
    format!("queue-role/{}", key.queue)
}

fn propose(view: &View, draft: &mut Draft) {
    let mut planned: BTreeMap<RoleArn, bool> = BTreeMap::new();
    for key in &view.config(Part::Queues).queues {
        let Some(arn) = role_to_create(view, key) else {
            continue;
        };
        let ready = *planned
            .entry(arn.clone())
            .or_insert_with(|| one_role(view, draft, key, &arn));
        let queue = view.fact(&QueueDetails(key.clone())).known();
        if ready && queue.is_some_and(|q| q.role.is_none()) {
            draft.add(link(view, draft, key, &arn));
        }
    }
}

fn link(view: &View, draft: &Draft, key: &QueueKey, arn: &RoleArn) -> Change {
    let exists = view.fact(&RoleDocuments(arn.clone())).known().is_some();
    let note = if exists {
        format!(
            " The role {} existed before; check that it is meant for this.",
            arn.name()
        )
    } else {
        String::new()
    };
    let warning = format!(
        "UpdateQueue gives a queue a role and can't take one away again: undoing the run leaves \
            the queue this role, without studiolink's policy.{note}"
    );
    let parts = parts_of_role(arn);
    Change::new(
        link_change_id(key),
        QueueRoleLink { queue: key.clone() },
        None,
        Some(arn.to_string()),
        format!("queue {} has no role", view.queue_name(key)),
    )
    .named(view.queue_name(key).to_width(40))
    .risk(RiskKind::NoWayBack, Some(warning))
    .needs(parts.into_iter().filter(|id| draft.has(id)))
}

/// The role itself and what it can do; can its queues have it then? Where a part is left out, nothing of it is planned.
fn one_role(view: &View, draft: &mut Draft, key: &QueueKey, arn: &RoleArn) -> bool {
    let before: BTreeSet<String> = draft.plan.changes.iter().map(|c| c.id.clone()).collect();
    let used = use_of_queue(view, key, arn);
    let ready = match view.fact(&RoleDocuments(arn.clone())) {
        // A role of that name exists: it gets what it lacks like any other.
        Fact::Known(role) => {
            let trusts = trust_change(view, draft, role, &used);
            let outcome = outcome(view, &used);
            take(draft, arn, outcome) && trusts
        }
        Fact::Absent => {
            let outcome = outcome_of_new(view, &used, &key.farm);
            take(draft, arn, outcome)
        }
        // Where it is not known to be missing, nothing is created.
        fact => {
            draft.problem(fact.problem());
            false
        }
    };
    if parts_of_role(arn)
        .iter()
        .any(|part| draft.wishes.left_out.contains(part))
    {
        draft.retain(|c| before.contains(&c.id));
        return false;
    }
    ready
}

fn take(draft: &mut Draft, arn: &RoleArn, outcome: RoleOutcome) -> bool {
    draft.hold(outcome.unread, outcome.refused);
    let created = outcome.create.map(|new| create(arn, new));
    let needs: Vec<String> = created.iter().map(|c| c.id.clone()).collect();
    if let Some(change) = created {
        draft.add(change);
    }
    let policy = outcome
        .policy
        .map(|edit| policy_change(arn, QUEUE_POLICY, edit));
    if let Some(policy) = policy {
        draft.add(policy.needs(needs));
    }
    outcome.ready
}

fn create(arn: &RoleArn, new: NewIamRole) -> Change {
    let role = IamRole {
        role: arn.clone(),
        boundary: new.settings.boundary,
        tags: new.settings.tags,
    };
    Change::new(
        role_change_id(arn),
        role,
        None,
        Some(new.trust),
        "without a queue role a worker's session has no AWS credentials, so S3 channels and secrets are out of reach",
    )
    .risk(RiskKind::NoWayBack, Some(
        "once the queue has it, it stays: undoing the run then removes only studiolink's policy from it",
    ))
}
