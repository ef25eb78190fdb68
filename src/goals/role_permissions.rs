//! Each role's policies allow what the studio's choices need: what is missing is added to our one inline policy before any
//! queue relies on it. Statements of others stay.

use std::collections::BTreeSet;

use serde_json::json;

use crate::derived::our_policy::is_managed;
use crate::derived::role_access::access;
use crate::derived::role_outcome::{PolicyEdit, outcome, policy_change_id};
use crate::derived::role_use::role_uses;
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::ids::{QueueKey, Region, RoleArn};
use crate::domain::needs::of_channels;
use crate::domain::problem::ProblemKind;
use crate::domain::risk::RiskKind;
use crate::domain::subject::{Subject, SubjectKind};
use crate::domain::text::Printable;
use crate::probes::ReadIndex;
use crate::questions::{CallerIdentity, Part, QueueDetails, RoleDocuments, View};
use crate::resources::{Change, InlinePolicy, Plan};

use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "role-permissions",
    title: "Each role can do what the studio's choices need",
    propose,
    manual,
};

/// The roles that the studio's queues and fleets use, and those of its machines.
pub(super) fn roles(view: &View) -> Vec<RoleArn> {
    let mut all: Vec<RoleArn> = Vec::new();
    let mut waiting = vec![Subject::Account];
    let mut seen: BTreeSet<Subject> = BTreeSet::new();
    while let Some(subject) = waiting.pop() {
        if !seen.insert(subject.clone()) {
            continue;
        }
        if let Subject::Role(arn) = &subject {
            all.push(arn.clone());
        }
        let leads_to = crate::derived::roster::expand(view, &subject);
        let counts = |s: &Subject| {
            matches!(
                s.kind(),
                SubjectKind::Queue | SubjectKind::Fleet | SubjectKind::Role
            )
        };
        waiting.extend(leads_to.into_iter().rev().filter(counts));
    }
    all
}

pub(super) fn policy_change(arn: &RoleArn, policy: &str, edit: PolicyEdit) -> Change {
    let resource = InlinePolicy {
        role: arn.clone(),
        policy: policy.to_owned(),
    };
    let id = policy_change_id(policy, arn);
    Change::new(id, resource, edit.before, edit.after, edit.because)
        .risk(RiskKind::UnreadBoundary, edit.warning)
}

fn propose(view: &View, draft: &mut Draft) {
    for arn in roles(view) {
        for used in role_uses(view, &arn) {
            let Some(policy) = used.of.policy().filter(|_| is_managed(view, used.of)) else {
                continue;
            };
            // A role that this plan creates has its policy already.
            let creates = draft.has(&super::new_queue_role::role_change_id(&arn));
            if creates || draft.has(&policy_change_id(policy, &arn)) {
                continue;
            }
            // That a role does not exist is said where it is created.
            let fact = view.fact(&RoleDocuments(arn.clone()));
            if fact.is_absent() && is_to_be_created(view, &arn) {
                continue;
            }
            let outcome = outcome(view, &used);
            draft.hold(outcome.unread, outcome.refused);
            if let Some(edit) = outcome.policy {
                draft.add(policy_change(&arn, policy, edit));
            }
        }
    }
}

/// Is it a role that setup would create for one of the queues?
fn is_to_be_created(view: &View, arn: &RoleArn) -> bool {
    let queues = &view.config(Part::Queues).queues;
    let created = |q: &QueueKey| crate::derived::role_use::role_to_create(view, q);
    queues.iter().any(|q| created(q).as_ref() == Some(arn))
}

/// The owner of another account's bucket must grant our role access: the exact statements, and a message to send.
fn manual(view: &View, _: &Plan) -> Vec<ManualStep> {
    let mut steps = Vec::new();
    let mut asked = BTreeSet::new();
    for key in &view.config(Part::Queues).queues {
        let queue = view.peek(&QueueDetails(key.clone())).known();
        let Some(arn) = queue.and_then(crate::domain::farm::Queue::role_arn) else {
            continue;
        };
        for channel in view.config(Part::Channels).s3_channels() {
            // Queues that share a role ask once.
            if asks_owner(view, key, &arn, channel) && asked.insert((arn.clone(), channel)) {
                steps.extend(for_the_owner(view, &arn, channel));
            }
        }
    }
    steps
}

fn asks_owner(view: &View, key: &QueueKey, arn: &RoleArn, channel: &Channel) -> bool {
    let config = view.config(Part::Owners);
    let own = view.peek(&CallerIdentity).known().map(|c| &c.account);
    let from = Vantage::QueueRole(key.clone());
    let seen = view.peek_seen(&ReadIndex(channel.clone()), &from).seen();
    let problem = seen.and_then(|o| o.problem());
    let refused = problem.is_some_and(|p| p.kind == ProblemKind::Denied && p.permission.is_none());
    let read = seen.is_some_and(|o| o.seen.is_ok());
    // Whose bucket it is, is only known from the studio file.
    match channel.bucket().and_then(|b| config.owner_of(b)) {
        Some(stated) => own.is_some_and(|own| own != stated) && !read,
        // While the role's own documents do not allow it, nobody else is to blame.
        None => refused && own_documents_allow(view, arn, channel),
    }
}

fn own_documents_allow(view: &View, arn: &RoleArn, channel: &Channel) -> bool {
    let Some(role) = view.peek(&RoleDocuments(arn.clone())).known() else {
        return false;
    };
    let needs = of_channels(std::slice::from_ref(channel), arn.partition(), &|_| None);
    let access = access(role, &needs);
    access.wrong().chain(&access.depends).next().is_none()
}

fn for_the_owner(view: &View, arn: &RoleArn, channel: &Channel) -> [ManualStep; 2] {
    let bucket = channel.bucket().unwrap_or_default();
    let needs = of_channels(std::slice::from_ref(channel), arn.partition(), &|_| None);
    let statement = |n: &crate::domain::needs::Need| {
        json!({
            "Effect": "Allow",
            "Principal": { "AWS": arn.as_str() },
            "Action": n.actions[0],
            "Resource": n.resources[0],
        })
    };
    let statements: Vec<_> = needs.iter().map(statement).collect();
    let text = serde_json::to_string_pretty(&statements).unwrap_or_default();
    let for_whom = if view.config(Part::Channels).is_ynputs(bucket) {
        "YNPUT"
    } else {
        "the bucket's owner"
    };
    [
        ManualStep {
            for_whom,
            what: format!("the policy of the bucket {bucket} must grant the role {arn} access; add these statements").into(),
            paste: text.lines().map(Printable::from).collect(),
        },
        ManualStep {
            for_whom,
            what: "a message to send with them; `w` on the last page, or `setup --yes --wait 60`, \
                then waits until the role can read".into(),
            paste: message(bucket, arn, view.region()),
        },
    ]
}

/// What the bucket's owner has to know, and no more.
fn message(bucket: &str, role: &RoleArn, region: &Region) -> Vec<Printable> {
    vec![
        format!("Please let our AWS Deadline Cloud queue read the conda channel in {bucket}.").into(),
        format!("Our principal: {role}").into(),
        format!("Our account and region: {}, {region}", role.account()).into(),
        "The bucket policy needs the statements above. Where the bucket is encrypted with a KMS key, the".into(),
        "key's policy must allow that role kms:Decrypt too (the aws/s3 key can't be shared between accounts).".into(),
        "A role that is created again has another id: then the statements have to be written once more.".into(),
    ]
}
