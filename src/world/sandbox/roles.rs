//! What a role can do in the sandbox: what its documents say, with its boundary and the bucket's owner counted in. It is the
//! product's own evaluator, so what the sandbox says of a role proves nothing about IAM; the peer tests do that.

use super::truth::Truth;
use crate::domain::channel::{Channel, Place};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, Region, RoleArn, farm_arn};
use crate::domain::needs::{of_channels, plain_bucket};
use crate::domain::permission::{PermissionRequest, SimulationResult};
use crate::domain::policy::{Context, Decision, Policy, decide, decide_within, trusts};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::role::Role;
use crate::domain::worker_secret::SecretPlace;
use crate::probes::{IndexSeen, OutsideSeen, ReadAttachments};

/// The sandbox's simulator reads the role's documents and its boundary; it has no organization.
pub(super) fn simulate(
    truth: &Truth,
    arn: &RoleArn,
    all: &[PermissionRequest],
) -> Fact<Vec<SimulationResult>> {
    let Some(role) = truth.roles.get(arn) else {
        return Fact::Absent;
    };
    let role = role.answer(arn);
    let (policies, boundary) = documents(&role);
    let result = |request: &PermissionRequest| {
        let (action, resource, context) = (&request.action, &request.resource, &request.context);
        let inside = |b: &Policy| decide([b], action, resource, context) == Decision::Allowed;
        let decision = decide_within(
            policies.iter().copied(),
            boundary,
            action,
            resource,
            context,
        );
        SimulationResult {
            request: request.clone(),
            allowed: decision == Decision::Allowed,
            explicit: decision == Decision::Denied,
            boundary: boundary.map(inside),
            organization: None,
            missing: Vec::new(),
        }
    };
    Fact::Known(all.iter().map(result).collect())
}

/// The queue's role, where Deadline Cloud can assume it and this identity may ask for that.
pub(super) fn queue_role(truth: &Truth, queue: &QueueKey, doing: &str) -> Result<Role, Problem> {
    let no_credentials = Problem::new(
        ProblemKind::Denied,
        format!("Could not {doing}"),
        "AWS did not hand out the queue role's credentials (AccessDenied): either this identity \
            lacks deadline:AssumeQueueRoleForUser, or the role's trust policy refuses Deadline \
            Cloud",
        "look at the check queue-role-trust: where it is OK, add deadline:AssumeQueueRoleForUser to this identity",
    )
    .lacking("deadline:AssumeQueueRoleForUser");
    let arn = truth.queues.get(queue).and_then(|q| q.queue.role_arn());
    let role = arn.and_then(|arn| Some(truth.roles.get(&arn)?.answer(&arn)));
    let Some(role) = role else {
        return Err(no_credentials);
    };
    let farm = farm_arn(&truth.region, truth.account.as_str(), &queue.farm);
    let context = Context::from([
        ("aws:sourcearn".to_owned(), farm),
        ("aws:sourceaccount".to_owned(), truth.account.to_string()),
    ]);
    let service = "deadline.amazonaws.com";
    let trusted = role
        .trust
        .policy()
        .is_ok_and(|p| trusts(p, service, "sts:AssumeRole", &context) == Decision::Allowed);
    if trusted && !truth.denies("deadline:AssumeQueueRoleForUser") {
        Ok(role)
    } else {
        Err(no_credentials)
    }
}

pub(super) fn channel_as_queue_role(
    truth: &Truth,
    queue: &QueueKey,
    channel: &Channel,
) -> Result<IndexSeen, Problem> {
    let doing = format!("Could not read {channel} as the queue role");
    let refused = |because: &str| {
        Problem::new(
            ProblemKind::Denied,
            doing.clone(),
            because,
            "setup adds the permission that it lacks (check queue-role-channels); where the bucket \
                belongs to another account, its owner must allow the role too",
        )
    };
    let role = queue_role(truth, queue, &format!("read {channel} as the queue role"))?;
    let there = truth.channel(channel);
    let owner = truth.owner(channel);
    let open = owner == truth.account || there.is_some_and(|c| c.open_to_us);
    let (policies, boundary) = documents(&role);
    let needs = of_channels(
        std::slice::from_ref(channel),
        role.arn.partition(),
        &|_: &str| Some(owner.clone()),
    );
    let can = |action: &str| {
        open && needs
            .iter()
            .filter(|n| n.actions == [action])
            .all(|n| n.met_within(policies.iter().copied(), boundary) == Decision::Allowed)
    };
    let exists = there.is_some_and(|c| c.indexed);
    if !can("s3:GetObject") || (!exists && !can("s3:ListBucket")) {
        return Err(refused(
            "S3 answered 403 to the queue role: its own policies or the bucket's policy refuse",
        ));
    }
    if !exists {
        return Err(Problem::new(
            ProblemKind::Missing,
            doing,
            "noarch/repodata.json does not exist",
            "have the channel indexed",
        ));
    }
    Ok(IndexSeen {
        lists: Some(can("s3:ListBucket")),
    })
}

pub(super) fn outside_channel(
    truth: &Truth,
    queue: &QueueKey,
    channel: &Channel,
    doing: &str,
) -> Result<OutsideSeen, Problem> {
    let role = queue_role(truth, queue, doing)?;
    let (policies, boundary) = documents(&role);
    let mut context = plain_bucket();
    let owner = truth.owner(channel);
    let open = owner == truth.account || truth.channel(channel).is_some_and(|c| c.open_to_us);
    context.insert("aws:resourceaccount".to_owned(), owner.to_string());
    let Place::S3 { bucket, prefix } = channel.place() else {
        return Err(Problem::new(
            ProblemKind::Local,
            format!("Could not {doing}"),
            "it is not an s3:// channel",
            "this is a bug in studiolink; please report it",
        ));
    };
    let can = |action: &str, path: &str| {
        let arn = format!("arn:{}:s3:::{bucket}{path}", role.arn.partition());
        let all = policies.iter().copied();
        open && decide_within(all, boundary, action, &arn, &context) == Decision::Allowed
    };
    // An identity that may not list gets 403 for a missing file, whatever else they may do.
    let lists = can("s3:ListBucket", "");
    Ok(OutsideSeen {
        outside: lists && can("s3:GetObject", "/studiolink.absent"),
        inside: lists
            && can(
                "s3:GetObject",
                &format!("/{prefix}/noarch/studiolink.absent"),
            ),
    })
}

pub(super) fn attachments(
    truth: &Truth,
    queue: &QueueKey,
    it: &ReadAttachments,
    doing: &str,
) -> Result<(), Problem> {
    let role = queue_role(truth, queue, doing)?;
    let (policies, boundary) = documents(&role);
    let mut context = plain_bucket();
    context.insert("aws:resourceaccount".to_owned(), truth.account.to_string());
    let can = |action: &str, path: &str| {
        let arn = format!("arn:{}:s3:::{}{path}", role.arn.partition(), it.bucket);
        let all = policies.iter().copied();
        decide_within(all, boundary, action, &arn, &context) == Decision::Allowed
    };
    let file = format!("/{}", it.absent("studiolink.absent"));
    if can("s3:ListBucket", "") && can("s3:GetObject", &file) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::Denied,
        format!("Could not {doing}"),
        "the sandbox's policies refuse it",
        "give the role what AWS's console gives it",
    ))
}

pub(super) fn secret(
    truth: &Truth,
    queue: &QueueKey,
    place: &SecretPlace,
    doing: &str,
) -> Result<String, Problem> {
    let role = queue_role(truth, queue, doing)?;
    let there = truth.secret(place);
    let arn = there.map_or(place.id.as_str(), |s| s.arn.raw());
    let (policies, boundary) = documents(&role);
    let action = "secretsmanager:GetSecretValue";
    let all = policies.iter().copied();
    let can = decide_within(all, boundary, action, arn, &Context::new());
    let problem = |kind, because: &str| {
        let fix = "this is the sandbox: choose a scenario that has it, or use a real profile";
        Err(Problem::new(
            kind,
            format!("Could not {doing}"),
            because,
            fix,
        ))
    };
    if can != Decision::Allowed {
        problem(
            ProblemKind::Denied,
            "Secrets Manager refused the queue role",
        )
    } else if let Some(version) = there
        .filter(|s| s.deleted.is_none())
        .and_then(|s| s.current.clone())
    {
        Ok(version)
    } else {
        problem(
            ProblemKind::Missing,
            "the secret does not exist, or holds no value",
        )
    }
}

/// May the role start a session on that machine, and open its channel?
pub(super) fn session(role: &Role, region: &Region, instance: &str) -> (bool, bool) {
    let (policies, boundary) = documents(role);
    let (partition, account) = (role.arn.partition(), role.arn.account());
    let target = if instance.starts_with("mi-") {
        format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{instance}")
    } else {
        format!("arn:{partition}:ec2:{region}:{account}:instance/{instance}")
    };
    let id = "AROASANDBOX:queue";
    let context = Context::from([("aws:userid".to_owned(), id.to_owned())]);
    let session = format!("arn:{partition}:ssm:{region}:{account}:session/{id}-0a1b");
    let can = |action: &str, arn: &str| {
        let all = policies.iter().copied();
        decide_within(all, boundary, action, arn, &context) == Decision::Allowed
    };
    (
        can("ssm:StartSession", &target),
        can("ssmmessages:OpenDataChannel", &session),
    )
}

/// A role's policies and its boundary, as far as they can be read.
fn documents(role: &Role) -> (Vec<&Policy>, Option<&Policy>) {
    let policies = role.policies().0.into_iter().map(|(_, policy)| policy);
    (policies.collect(), role.boundary_document().unwrap_or(None))
}
