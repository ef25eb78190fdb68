//! May a queue name this channel? A queue that names one which its role can't read stops every job at its start, so what
//! is not seen, or at least allowed by the documents and by IAM's simulator alike, does not go in unasked.

use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::needs::{Need, of_channels};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::risk::Gate;
use crate::domain::text::Printable;
use crate::domain::trust::Trust;
use crate::probes::{ReadIndex, has_no_credentials};
use crate::questions::{Part, RoleDocuments, View};

use super::channel_refusal::trust_of;
use super::role_access::access;
use super::role_use::role_of;
use super::simulation;

/// What is known by now of the queue and that channel.
pub fn gate(view: &View, key: &QueueKey, channel: &Channel) -> Gate {
    if !channel.is_s3() {
        return outside(view, channel);
    }
    let seen = view.seen(
        &ReadIndex(channel.clone()),
        &Vantage::QueueRole(key.clone()),
    );
    let problem = match seen.seen().map(|o| &o.seen) {
        Some(Ok(index)) if index.lists == Some(false) => {
            let why = format!(
                "the queue role reads {channel} and may not list its bucket, so a file that is merely absent stops the job"
            );
            return Gate::closed(why, true);
        }
        Some(Ok(_)) => return Gate::Open,
        Some(Err(problem)) => Some(&**problem),
        None => None,
    };
    if let Some(problem) = problem.filter(|p| !has_no_credentials(p)) {
        let because = &problem.because;
        match problem.kind {
            ProblemKind::Denied => {
                let why = format!("the queue role can't read {channel}: {because}");
                return Gate::closed(why, true);
            }
            ProblemKind::Missing | ProblemKind::Invalid => {
                let why = format!(
                    "as the queue role, {channel} has no index that conda reads: {because}"
                );
                return Gate::closed(why, false);
            }
            _ => {}
        }
    }
    unseen(view, key, channel, problem)
}

/// A channel that needs no AWS credentials: what answers this machine answers a worker alike, and no answer says nothing.
fn outside(view: &View, channel: &Channel) -> Gate {
    if matches!(channel.place(), Place::AwsAlias) || channel.is_on_disk() {
        return Gate::Open;
    }
    let seen = view.seen(&ReadIndex(channel.clone()), &Vantage::Here);
    match seen.seen().and_then(|o| o.problem()) {
        Some(p) if matches!(p.kind, ProblemKind::Denied | ProblemKind::Missing) => {
            let because = &p.because;
            Gate::closed(
                format!("{channel} has no index that conda reads: {because}"),
                false,
            )
        }
        _ => Gate::Open,
    }
}

/// Nobody has read it as the role, so the documents and the simulator decide, both.
fn unseen(view: &View, key: &QueueKey, channel: &Channel, problem: Option<&Problem>) -> Gate {
    let because = problem.map_or_else(|| "nobody has tried it".to_owned(), |p| p.because.clone());
    let unknown = |what: &str| {
        let why =
            format!("whether the queue role reads {channel} is not known ({because}), and {what}");
        Gate::closed(why, true)
    };
    let Some(arn) = role_of(view, key) else {
        return unknown("which role the queue has is not known either");
    };
    let Some(role) = view.fact(&RoleDocuments(arn.clone())).known() else {
        return unknown("the role's documents were not read");
    };
    // Without the role's credentials a worker reads nothing, whatever the role may do.
    match trust_of(view, key, role) {
        Some(Trust::Refused | Trust::Denied) => {
            return unknown(
                "the role's trust policy does not let Deadline Cloud assume it for this farm",
            );
        }
        Some(Trust::Depends) | None => {
            return unknown(
                "whether Deadline Cloud can assume the role, its trust policy does not decide",
            );
        }
        Some(Trust::Right | Trust::OnlyWorkers | Trust::TooWide | Trust::Anybody) => {}
    }
    let documents = access(role, &needs(view, &arn, channel));
    if let Some(denied) = documents.denied.first() {
        let why = format!("a Deny statement on role {} forbids {denied}", arn.name());
        return Gate::closed(why, false);
    }
    if documents.wrong().next().is_some() {
        return unknown("its documents do not allow it");
    }
    if !documents.is_right() {
        return unknown("its documents do not decide it");
    }
    let requests: Vec<_> = needs(view, &arn, channel)
        .into_iter()
        .flat_map(|n| n.examples)
        .collect();
    let Some(simulated) = view.fact(&simulation::question(view, &arn)).known() else {
        return unknown("IAM's simulator was not asked or did not answer");
    };
    let allowed = |action: &str, resource: &str| {
        let same = |s: &&crate::domain::permission::SimulationResult| {
            s.request.action == action && s.request.resource == resource
        };
        simulated.iter().find(same).is_some_and(|s| s.allowed)
    };
    if requests.iter().all(|r| allowed(&r.action, &r.resource)) {
        Gate::Open
    } else {
        unknown("IAM's simulator does not allow it")
    }
}

fn needs(view: &View, arn: &RoleArn, channel: &Channel) -> Vec<Need> {
    let config = view.config(Part::Owners);
    let owner = |bucket: &str| config.owner_of(bucket).cloned();
    of_channels(std::slice::from_ref(channel), arn.partition(), &owner)
}

/// What is to be said of adding it, before anything is made. `permissions`: this plan gives the role what it lacks, so that
/// the channel is read once more before the queue names it.
pub fn risk(
    view: &View,
    key: &QueueKey,
    channel: &Channel,
    permissions: bool,
) -> Option<Printable> {
    let Gate::Closed { why, passes } = gate(view, key, channel) else {
        return None;
    };
    let here = view.peek_seen(&ReadIndex(channel.clone()), &Vantage::Here);
    let read_here = here.value().is_some();
    // An audit and a plan do not act as the queue role, so that nobody has tried it yet.
    let untried = !view.purpose().acts_as_queue_role();
    if passes && read_here && (permissions || untried) {
        return None;
    }
    Some(if passes && permissions {
        format!(
            "neither you nor the queue role has read {channel}; it is read as the queue role \
                before the queue names it, because a channel that its role can't read stops every job"
        )
        .into()
    } else {
        format!("{why}; a channel that its role can't read stops every job").into()
    })
}
