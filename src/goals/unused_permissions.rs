//! No role keeps or gets a permission that no queue uses: what a removed channel needed leaves our policy after the last
//! queue has let go of it, and a queue of which nothing can be changed gets nothing for its role either.

use std::collections::{BTreeMap, BTreeSet};

use crate::derived::conda_environment::environments;
use crate::derived::role_outcome::policy_change_id;
use crate::derived::role_use::role_of;
use crate::domain::channel::{Channel, split};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{QUEUE_POLICY, narrowed, of_channels};
use crate::domain::risk::RiskKind;
use crate::domain::role::PolicyText;
use crate::questions::{Part, QueueEnvironments, RoleDocuments, View};
use crate::resources::{AnyResource, Change, InlinePolicy};

use super::{Draft, Goal, nothing_manual};

pub(super) const GOAL: Goal = Goal {
    id: "unused-permissions",
    title: "No role keeps a permission that no queue uses",
    propose,
    manual: nothing_manual,
};

fn propose(view: &View, draft: &mut Draft) {
    let queues = &view.config(Part::Queues).queues;
    let moving = queues.iter().filter(|q| !draft.stuck.contains(*q));
    let mut roles: BTreeMap<RoleArn, Vec<&QueueKey>> = BTreeMap::new();
    for queue in moving {
        if let Some(arn) = role_of(view, queue) {
            roles.entry(arn).or_default().push(queue);
        }
    }
    let stuck = draft.stuck.clone();
    draft.retain(|c| match &c.resource {
        AnyResource::InlinePolicy(p) => p.policy != QUEUE_POLICY || roles.contains_key(&p.role),
        AnyResource::IamRole(r) => roles.contains_key(&r.role),
        AnyResource::QueueRoleLink(l) => !stuck.contains(&l.queue),
        _ => true,
    });
    let only_some = view.config(Part::Queues).only_some_queues;
    // Of a queue that was not read, or that a flag set aside, nothing can be said: then the permission stays.
    if draft.leaving.is_empty() || only_some || !queues.iter().all(|q| is_read(view, q)) {
        return;
    }
    let (gone, kept) = (gone(draft), kept(view, draft));
    for (arn, queues) in &roles {
        narrow(view, draft, arn, queues, (&gone, &kept));
    }
}

/// Every environment of the queue was read and can be parsed.
fn is_read(view: &View, queue: &QueueKey) -> bool {
    let list = view.fact(&QueueEnvironments(queue.clone())).known();
    list.is_some_and(|list| {
        list.iter()
            .all(|e| e.known().is_some_and(|e| e.template.parsed.is_ok()))
    })
}

fn gone(draft: &Draft) -> Vec<Channel> {
    let gone: BTreeSet<&Channel> = draft.leaving.iter().map(|(_, c)| c).collect();
    gone.into_iter().cloned().collect()
}

/// What any queue of this studio still names, and what the studio file lists.
fn kept(view: &View, draft: &Draft) -> Vec<Channel> {
    let listed = view.config(Part::Channels).channels.iter();
    let mut kept: BTreeSet<Channel> = listed.cloned().collect();
    for queue in &view.config(Part::Queues).queues {
        for environment in environments(view, queue) {
            let template = environment.template.parsed.as_ref().ok();
            let text = template.and_then(|t| t.channels.as_ref()?.as_deref());
            let named = split(text.unwrap_or_default()).into_iter();
            let named = named.filter_map(|c| c.parse::<Channel>().ok());
            kept.extend(named.filter(|c| !draft.leaving.contains(&(queue.clone(), c.clone()))));
        }
    }
    kept.into_iter().collect()
}

/// The text that our policy has once the changes so far are made.
fn text_after(view: &View, draft: &Draft, arn: &RoleArn) -> Option<String> {
    let id = policy_change_id(QUEUE_POLICY, arn);
    if let Some(change) = draft.plan.changes.iter().find(|c| c.id == id) {
        return change.after.clone();
    }
    let role = view.fact(&RoleDocuments(arn.clone())).known()?;
    let ours = role.inline.get(QUEUE_POLICY).and_then(Fact::known)?;
    Some(PolicyText::text(ours).to_owned())
}

/// Takes out of our policy what only the channels that are gone needed. It waits for the role's own queues alone.
fn narrow(
    view: &View,
    draft: &mut Draft,
    arn: &RoleArn,
    queues: &[&QueueKey],
    (gone, kept): (&[Channel], &[Channel]),
) {
    let id = format!("{QUEUE_POLICY}/{}/narrow", arn.name());
    let Some(ours) = text_after(view, draft, arn) else {
        return;
    };
    let of = |channels: &[Channel]| of_channels(channels, arn.partition(), &|_| None);
    let Some(after) = narrowed(&ours, &of(gone), &of(kept)) else {
        return;
    };
    if draft.wishes.left_out.contains(&id) {
        return;
    }
    let names: Vec<&str> = gone.iter().map(Channel::as_str).collect();
    let resource = InlinePolicy {
        role: arn.clone(),
        policy: QUEUE_POLICY.to_owned(),
    };
    let because = format!(
        "no queue of this studio file names {} any more",
        names.join(", ")
    );
    let change = Change::new(id, resource, Some(ours), after, because);
    let is_ours = |c: &&Change| matches!(&c.resource, AnyResource::EnvironmentTemplate(e) if queues.contains(&&e.queue));
    let environments = draft.plan.changes.iter().filter(is_ours);
    let mut needs: Vec<String> = environments.map(|c| c.id.clone()).collect();
    let policy = policy_change_id(QUEUE_POLICY, arn);
    needs.extend(draft.has(&policy).then_some(policy));
    let warning =
        "a queue of another studio file that shares this role and the channel loses the permission";
    draft.add(
        change
            .risk(RiskKind::SharedRole, Some(warning))
            .needs(needs),
    );
}
