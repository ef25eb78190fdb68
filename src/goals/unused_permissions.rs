//! No role keeps or gets a permission that no queue uses: what a removed channel needed leaves our policy after the last
//! queue has let go of it, and a queue of which nothing can be changed gets nothing for its role either.

use crate::derived::conda_environment::environments;
use crate::derived::role_outcome::policy_change_id;
use crate::derived::role_use::role_of;
use crate::domain::channel::{Channel, split};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{QUEUE_POLICY, narrowed, of_channels};
use crate::domain::role::PolicyText;
use crate::questions::{Part, QueueEnvironments, RoleDocuments, View};
use crate::resources::{AnyResource, Change, InlinePolicy};

use super::{Draft, Goal, nothing_manual};

pub const GOAL: Goal = Goal {
    id: "unused-permissions",
    title: "No role keeps a permission that no queue uses",
    propose,
    manual: nothing_manual,
};

fn propose(view: &View, draft: &mut Draft) {
    let queues = &view.config(Part::Queues).queues;
    let moving: Vec<RoleArn> = queues
        .iter()
        .filter(|q| !draft.stuck.contains(*q))
        .filter_map(|q| role_of(view, q))
        .collect();
    let stuck = draft.stuck.clone();
    draft.plan.changes.retain(|c| match &c.resource {
        AnyResource::InlinePolicy(p) => p.policy != QUEUE_POLICY || moving.contains(&p.role),
        AnyResource::IamRole(r) => moving.contains(&r.role),
        AnyResource::QueueRoleLink(l) => !stuck.contains(&l.queue),
        _ => true,
    });
    let mut roles = moving;
    roles.sort();
    roles.dedup();
    for arn in roles {
        narrow(view, draft, &arn);
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

fn narrow(view: &View, draft: &mut Draft, arn: &RoleArn) {
    let id = format!("{QUEUE_POLICY}/{}/narrow", arn.name());
    let config = view.config(Part::Queues);
    // Of a queue that was not read, or that a flag set aside, nothing can be said: then the permission stays.
    if config.only_some_queues || !config.queues.iter().all(|q| is_read(view, q)) {
        return;
    }
    let Some(ours) = text_after(view, draft, arn) else {
        return;
    };
    // What any queue of this studio still names, and what the studio file lists, stays.
    let mut kept = view.config(Part::Channels).channels.clone();
    for queue in &config.queues {
        for environment in environments(view, queue) {
            let template = environment.template.parsed.as_ref().ok();
            let text = template.and_then(|t| t.channels.clone().flatten());
            let text = text.unwrap_or_default();
            let named = split(&text)
                .into_iter()
                .filter_map(|c| c.parse::<Channel>().ok());
            let leaves = |c: &Channel| draft.leaving.iter().any(|(q, g)| q == queue && g == c);
            kept.extend(named.filter(|c| !leaves(c)));
        }
    }
    let of = |channels: &[Channel]| of_channels(channels, arn.partition(), &|_| None);
    let gone: Vec<Channel> = draft.leaving.iter().map(|(_, c)| c.clone()).collect();
    let Some(after) = narrowed(&ours, &of(&gone), &of(&kept)) else {
        return;
    };
    if draft.left_out.contains(&id) {
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
    let environments = draft.plan.changes.iter();
    let environments =
        environments.filter(|c| matches!(c.resource, AnyResource::EnvironmentTemplate(_)));
    let mut needs: Vec<String> = environments.map(|c| c.id.clone()).collect();
    let policy = policy_change_id(QUEUE_POLICY, arn);
    needs.extend(draft.has(&policy).then_some(policy));
    let warning =
        "a queue of another studio file that shares this role and the channel loses the permission";
    draft.add(change.warning(Some(warning)).needs(needs));
}
