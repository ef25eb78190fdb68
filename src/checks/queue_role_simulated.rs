//! The queue role by IAM's simulator: what it needs is allowed, boundaries included, and what it does not need is not.

use super::prelude::*;
use crate::derived::role_findings::{WHY_SIMULATED, simulated};
use crate::domain::choices::RoleUse;
use crate::domain::ids::RoleArn;

pub(super) const CHECK: Check = Check {
    id: "queue-role-simulated",
    title: "The queue role can do what it needs, and no more (simulated)",
    why: WHY_SIMULATED,
    topic: Topic::Roles,
    grade: Grade::Simulated,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    simulated(view, arn, RoleUse::Queue)
}
