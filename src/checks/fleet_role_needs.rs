//! The fleet's role has what a worker needs to work and to write its logs (field facts B2). Read from the documents.

use super::prelude::*;
use crate::derived::role_access::access;
use crate::derived::role_findings::{ON_A_CONDITION, Words, fix_of_fleets, of_access, of_role};
use crate::derived::role_use::needs;
use crate::domain::choices::RoleUse;
use crate::domain::finding::Verdict;
use crate::domain::ids::RoleArn;
use crate::questions::FarmDetails;

pub(super) const CHECK: Check = Check {
    id: "fleet-role-needs",
    title: "The fleet role's policies allow its workers to work",
    why: "a worker asks for work, takes the queue role and writes logs as its fleet's role; AWS's \
        managed policy AWSDeadlineCloud-FleetWorker and a statement for the logs allow it",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Role(check),
};

/// Fleets whose workers do work have what they need, whatever is read here: so it says WARN at most.
fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    of_role(view, arn, RoleUse::Fleet, |used, role| {
        let fix = Fix::setup(
            "adds it to the inline policy studiolink-fleet; or attach AWSDeadlineCloud-FleetWorker",
        );
        let words = Words {
            missing: Verdict::Warn,
            why: CHECK.why,
            fix: fix_of_fleets(view, fix),
            depends: ON_A_CONDITION,
            ok: "Can do what workers need",
        };
        let mut findings = vec![of_access(role, &access(role, &needs(view, used)), &words)];
        // Whether the farm has a key of its own, which workers need too, the farm alone tells.
        for farm in &used.farms {
            let question = FarmDetails(farm.clone());
            let what = "the farm, which may have a KMS key that its workers need";
            let unread = Finding::unread(what, view.fact(&question));
            let of_farm = |f: Finding| f.about(farm.as_str()).from(view.evidence(&question));
            findings.extend(unread.map(of_farm));
        }
        findings
    })
}
