//! The role of the studio's own machines: who can assume it, and whether it can create a worker (field facts B1).

use super::prelude::*;
use crate::derived::role_access::{Access, access};
use crate::derived::role_findings::{ON_A_CONDITION, Words, of_access, of_role};
use crate::derived::role_use::{needs, role_use};
use crate::domain::choices::RoleUse;
use crate::domain::finding::Verdict;
use crate::domain::ids::RoleArn;
use crate::domain::role::Role;
use crate::domain::trust::{HostTrust, judge_host};
use crate::questions::{FleetDetails, Part, QueueFleets, RoleDocuments};

pub(super) const CHECK: Check = Check {
    id: "worker-host-role",
    title: "The role of the studio's own machines lets them become workers",
    why: "a machine of a customer-managed fleet registers itself as a worker with this role; it is used at its start only",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    let question = RoleDocuments(arn.clone());
    if view.fact(&question).is_absent() && role_use(view, arn, RoleUse::WorkerHost).is_some() {
        let finding = Finding::fail("missing", "The role of [iam] worker_hosts does not exist")
            .why("IAM answered that there is no such role")
            .fix("correct worker_hosts in the studio file, or create the role again");
        return vec![finding.from(view.evidence(&question))];
    }
    of_role(view, arn, RoleUse::WorkerHost, |used, role| {
        let words = Words {
            missing: Verdict::Fail,
            why: CHECK.why,
            fix: "attach AWS's managed policy AWSDeadlineCloud-WorkerHost to it".into(),
            depends: ON_A_CONDITION,
            ok: "Can create a worker and take its fleet's role",
        };
        let trust = trust(role).about("trust");
        if let Some(unread) = unread_fleets(view) {
            return vec![trust, unread.about("permissions")];
        }
        // A pair of needs for each fleet that such a machine could join; it joins one.
        let needs = needs(view, used);
        let of_fleets: Vec<Access> = needs.chunks(2).map(|pair| access(role, pair)).collect();
        let right = of_fleets.iter().position(Access::is_right);
        let documents = of_fleets.get(right.unwrap_or(0));
        let documents =
            documents.map(|access| of_access(role, access, &words).about("permissions"));
        std::iter::once(trust).chain(documents).collect()
    })
}

/// Which fleets such a machine could join, where that could not be read: then what the role needs is not known.
fn unread_fleets(view: &View) -> Option<Finding> {
    const WHAT: &str = "which fleets such a machine could join";
    let queues = &view.config(Part::Queues).queues;
    queues.iter().find_map(|key| {
        let question = QueueFleets(key.clone());
        let fact = view.fact(&question);
        if let Some(unread) = Finding::unread(WHAT, fact) {
            return Some(unread.from(view.evidence(&question)));
        }
        let mut fleets = fact
            .known()?
            .iter()
            .map(|row| FleetDetails(key.fleet(&row.fleet)));
        fleets.find_map(|fleet| {
            let unread = Finding::unread(WHAT, view.fact(&fleet))?;
            Some(unread.from(view.evidence(&fleet)))
        })
    })
}

fn trust(role: &Role) -> Finding {
    let policy = match role.trust.policy() {
        Ok(policy) => policy,
        Err(e) => {
            let finding = Finding::fail(
                "unreadable",
                format!("The trust policy can't be parsed: {e}"),
            )
            .fix("write the trust policy again in the IAM console");
            return finding;
        }
    };
    let anywhere = "allow rolesanywhere.amazonaws.com sts:AssumeRole, sts:TagSession and \
        sts:SetSourceIdentity, with aws:SourceArn of your trust anchor";
    match judge_host(policy) {
        HostTrust::Ec2 => Finding::ok("Trusts machines in EC2 (read from the document)"),
        HostTrust::Anywhere => Finding::ok(
            "Trusts IAM Roles Anywhere (read from the document); which certificates, its trust anchor says",
        ),
        HostTrust::Both => {
            Finding::ok("Trusts machines in EC2 and IAM Roles Anywhere (read from the document)")
        }
        HostTrust::HalfAnywhere => Finding::fail(
            "half-anywhere",
            "IAM Roles Anywhere can assume \
            it, but not tag the session or set its source identity",
        )
        .why("Roles Anywhere does all three in one call, so it is refused")
        .fix(anywhere),
        HostTrust::Depends => Finding::unknown(
            "depends",
            "Whether it trusts machines in EC2 \
            depends on a condition that can't be evaluated from here",
        ),
        HostTrust::Neither => Finding::fail("refused", "Trusts neither EC2 nor IAM Roles Anywhere")
            .why("a machine that can't assume the role never becomes a worker")
            .fix(format!(
                "for machines in EC2 allow ec2.amazonaws.com sts:AssumeRole; for others \
                {anywhere}; which of the two is yours, setup can't know"
            )),
    }
}
