//! The statement by which workers read AWS's own channels must stay on the queue role (field facts B2).

use super::prelude::*;
use crate::derived::role_access::access;
use crate::derived::role_findings::{ON_A_CONDITION, Words, of_access, of_role};
use crate::derived::role_use::needs;
use crate::domain::choices::RoleUse;
use crate::domain::finding::Verdict;
use crate::domain::ids::RoleArn;
use crate::domain::needs::Serves;

pub(super) const CHECK: Check = Check {
    id: "queue-role-software",
    title: "The queue role keeps its access to AWS's software channels",
    why: "deadline-cloud and deadline-cloud-v2 are read through access points named \
        deadline-software-*; losing that statement while tidying a role breaks every job",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    of_role(view, arn, RoleUse::Queue, |used, role| {
        let mut needs = needs(view, used);
        needs.retain(|n| n.serves == Serves::AwsSoftware);
        // No channel of AWS's own is listed.
        if needs.is_empty() {
            return Vec::new();
        }
        let words = Words {
            missing: Verdict::Warn,
            why: CHECK.why,
            fix: Fix::setup(
                "adds it to the inline policy studiolink-queue as the console writes it: on *, and only through access points deadline-software-*",
            ),
            depends: ON_A_CONDITION,
            ok: "Keeps the statement for AWS's software access points",
        };
        vec![of_access(role, &access(role, &needs), &words)]
    })
}
