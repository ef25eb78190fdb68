//! The fleet's role exists, and its workers can have it (field facts B1). Read from the documents.

use super::prelude::*;
use crate::derived::role_findings::{of_role, of_trust};
use crate::derived::role_use::role_use;
use crate::domain::choices::RoleUse;
use crate::domain::ids::RoleArn;
use crate::domain::text::Printable;
use crate::questions::RoleDocuments;

pub(super) const CHECK: Check = Check {
    id: "fleet-role",
    title: "The fleet's role exists and trusts Deadline Cloud for this farm",
    why: "a worker has no identity until Deadline Cloud gives it its fleet's role; without it the \
        fleet starts workers that never ask for work",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    let question = RoleDocuments(arn.clone());
    if view.fact(&question).is_absent()
        && let Some(used) = role_use(view, arn, RoleUse::Fleet)
    {
        let by: Vec<&str> = used.by.iter().map(Printable::as_str).collect();
        let line = format!("The role of fleet {} does not exist", by.join(", "));
        let finding = Finding::fail("missing", line)
            .why("IAM answered that there is no such role; workers of the fleet get no credentials")
            .fix("create the role again in the console: a fleet gets its role when it is created, and setup creates no fleets");
        return vec![finding.from(view.evidence(&question))];
    }
    of_role(view, arn, RoleUse::Fleet, |used, role| {
        of_trust(view, used, role)
    })
}
