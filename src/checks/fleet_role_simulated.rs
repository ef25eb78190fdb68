//! The fleet's role by IAM's simulator: what its workers need is allowed, and what they do not need is not.

use super::prelude::*;
use crate::derived::role_findings::simulated;
use crate::domain::choices::RoleUse;
use crate::domain::ids::RoleArn;

pub(super) const CHECK: Check = Check {
    id: "fleet-role-simulated",
    title: "The fleet's role can do what workers need, and no more (simulated)",
    why: "a boundary or an organization's policy may keep workers from their work although the role's documents look right",
    topic: Topic::Roles,
    grade: Grade::Simulated,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    simulated(view, arn, RoleUse::Fleet)
}
