//! Deadline Cloud can assume the queue role, for this farm (field facts B1). Read from the document.

use super::prelude::*;
use crate::derived::role_findings::{of_role, of_trust};
use crate::domain::choices::RoleUse;
use crate::domain::ids::RoleArn;

pub(super) const CHECK: Check = Check {
    id: "queue-role-trust",
    title: "The queue role trusts Deadline Cloud for this farm",
    why: "a wrong farm or region in the trust policy, typical after a farm was recreated, breaks \
        every session although the role looks fine",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    of_role(view, arn, RoleUse::Queue, |used, role| {
        of_trust(view, used, role)
    })
}
