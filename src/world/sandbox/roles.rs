//! What a role may do in the sandbox: what its documents say, its boundary and the bucket's owner counted in.

use super::{Sandbox, Truth};
use crate::domain::channel::Channel;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, QueueKey, RoleArn, farm_arn};
use crate::domain::needs::{of_channels, plain_bucket};
use crate::domain::policy::{Context, Decision, Policy, decide, decide_within, trusts};
use crate::domain::probe::Seen;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::permission::{PermissionRequest, SimulationResult};
use crate::domain::studio::Role;

impl Sandbox {
    /// The sandbox's simulator reads the role's documents and its boundary; it has no organisation.
    pub(super) fn simulate(truth: &Truth, arn: &RoleArn, all: &[PermissionRequest]) -> Fact<Vec<SimulationResult>> {
        let Some(role) = truth.studio.role(arn).known() else {
            return Fact::Absent;
        };
        let (policies, fence) = documents(role);
        let said = |may: &PermissionRequest| {
            let (action, resource, context) = (&may.action, &may.resource, &may.context);
            let inside = |f: &Policy| decide([f], action, resource, context) == Decision::Allowed;
            let decision = decide_within(&policies, fence.as_ref(), action, resource, context);
            SimulationResult {
                may: may.clone(),
                allowed: decision == Decision::Allowed,
                explicit: decision == Decision::Denied,
                boundary: fence.as_ref().map(inside),
                organisation: None,
                missing: Vec::new(),
            }
        };
        Fact::Known(all.iter().map(said).collect())
    }

    pub(super) fn owner(truth: &Truth, channel: &Channel) -> AccountId {
        let there = Self::channel(truth, channel).and_then(|c| c.owner);
        there.unwrap_or_else(|| truth.account.clone())
    }

    /// The queue's role, where Deadline Cloud may assume it and this identity may ask for that.
    pub(super) fn queue_role(
        truth: &Truth,
        queue: &QueueKey,
        doing: &str,
    ) -> Result<Box<Role>, Problem> {
        let no_credentials = Problem::new(
            ProblemKind::Denied,
            format!("Could not {doing}"),
            "AWS did not hand out the queue role's credentials (AccessDenied): either this identity lacks deadline:AssumeQueueRoleForUser, or the role's trust policy refuses Deadline Cloud",
            "what the role lacks is said beside this; its trust and its policies are looked at on their own",
        )
        .lacking("deadline:AssumeQueueRoleForUser");
        let role = truth
            .studio
            .queue(queue)
            .known()
            .and_then(|q| q.role_arn())
            .and_then(|arn| truth.studio.role(&arn).known().cloned());
        let Some(role) = role else {
            return Err(no_credentials);
        };
        let farm = farm_arn(&truth.studio.region, truth.account.as_str(), &queue.farm);
        let context = Context::from([
            ("aws:sourcearn".to_owned(), farm),
            ("aws:sourceaccount".to_owned(), truth.account.to_string()),
        ]);
        let service = "deadline.amazonaws.com";
        let trusted = Policy::parse(&role.trust)
            .is_ok_and(|p| trusts(&p, service, "sts:AssumeRole", &context) == Decision::Allowed);
        let denied = truth
            .denies
            .iter()
            .any(|d| d == "deadline:AssumeQueueRoleForUser");
        if trusted && !denied {
            Ok(role)
        } else {
            Err(no_credentials)
        }
    }

    pub(super) fn channel_as_queue_role(
        truth: &Truth,
        queue: &QueueKey,
        channel: &Channel,
    ) -> Result<Seen, Problem> {
        let doing = format!("Could not read {channel} as the queue role");
        let refused = |because: &str| {
            Problem::new(
                ProblemKind::Denied,
                doing.clone(),
                because,
                "what the role lacks is said beside this; its trust and its policies are looked at on their own",
            )
        };
        let role = Self::queue_role(truth, queue, &format!("read {channel} as the queue role"))?;
        let there = Self::channel(truth, channel);
        let owner = Self::owner(truth, channel);
        let open = owner == truth.account || there.as_ref().is_some_and(|c| c.open_to_us);
        let (policies, fence) = documents(&role);
        let needs = of_channels(
            std::slice::from_ref(channel),
            role.arn.partition(),
            &|_: &str| Some(owner.clone()),
        );
        let may = |action: &str| {
            open && needs
                .iter()
                .filter(|n| n.actions == [action])
                .all(|n| n.met_within(&policies, fence.as_ref()) == Decision::Allowed)
        };
        let exists = there.as_ref().is_some_and(|c| c.indexed);
        if !may("s3:GetObject") || (!exists && !may("s3:ListBucket")) {
            return Err(refused(
                "S3 answered 403 to the queue role: its own policies or the bucket's policy refuse",
            ));
        }
        if !exists {
            return Err(Problem::new(
                ProblemKind::Missing,
                doing,
                "there is no noarch/repodata.json",
                "have the channel indexed",
            ));
        }
        Ok(Seen::Index {
            lists: Some(may("s3:ListBucket")),
        })
    }

    pub(super) fn beside_channel(
        truth: &Truth,
        queue: &QueueKey,
        channel: &Channel,
        doing: &str,
    ) -> Result<Seen, Problem> {
        let role = Self::queue_role(truth, queue, doing)?;
        let (policies, fence) = documents(&role);
        let mut context = plain_bucket();
        let owner = Self::owner(truth, channel);
        context.insert("aws:resourceaccount".to_owned(), owner.to_string());
        let bucket = channel.bucket().unwrap_or_default();
        let may = |action: &str, path: &str| {
            let arn = format!("arn:{}:s3:::{bucket}{path}", role.arn.partition());
            let says = decide_within(&policies, fence.as_ref(), action, &arn, &context);
            says == Decision::Allowed
        };
        // Whoever may not list is told 403 for an absent file, whatever else they may.
        Ok(Seen::Beside(
            may("s3:GetObject", "/beside") && may("s3:ListBucket", ""),
        ))
    }

    pub(super) fn secret(
        truth: &Truth,
        queue: &QueueKey,
        arn: &str,
        doing: &str,
    ) -> Result<Seen, Problem> {
        let role = Self::queue_role(truth, queue, doing)?;
        let (policies, fence) = documents(&role);
        let action = "secretsmanager:GetSecretValue";
        let may = decide_within(&policies, fence.as_ref(), action, arn, &Context::new());
        let problem = |kind, because: &str| {
            let fix = "this is the sandbox: choose a scenario that has it, or use a real profile";
            Err(Problem::new(
                kind,
                format!("Could not {doing}"),
                because,
                fix,
            ))
        };
        if may != Decision::Allowed {
            problem(
                ProblemKind::Denied,
                "Secrets Manager refused the queue role",
            )
        } else if truth.secrets.iter().any(|s| s == arn) {
            Ok(Seen::Secret)
        } else {
            problem(ProblemKind::Missing, "there is no such secret")
        }
    }
}

/// A role's policies and its boundary, as far as they can be read.
fn documents(role: &Role) -> (Vec<Policy>, Option<Policy>) {
    let policies = role.policies().0.into_iter().map(|(_, policy)| policy);
    (policies.collect(), role.fence().unwrap_or(None))
}
