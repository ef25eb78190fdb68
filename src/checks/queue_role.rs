//! The queue has a role, and the role exists.

use super::prelude::*;
use crate::derived::role_use::{needs_role, role_to_create};
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::questions::{QueueDetails, RoleDocuments};

pub(super) const CHECK: Check = Check {
    id: "queue-role",
    title: "The queue has a role that exists",
    why: "without a queue role a worker's session has no AWS credentials, and S3 channels and job attachments fail",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = QueueDetails(key.clone());
    let Some(queue) = view.fact(&question).known() else {
        return Vec::new(); // queue-status says why
    };
    let evidence = view.evidence(&question);
    let Some(role) = &queue.role else {
        let finding = if needs_role(view) {
            Finding::fail("none", "The queue has no role").fix(Fix::setup("creates one as [iam.new_role] of the studio file says; a queue keeps its role, because UpdateQueue can't take it away again"))
        } else {
            Finding::warn("none", "The queue has no role")
                .fix("give the queue a service role in the console, if its jobs have attachments or read anything of yours in AWS")
        };
        return vec![finding.why(CHECK.why).from(evidence)];
    };
    let Some(arn) = queue.role_arn() else {
        let line = format!("The queue's role is not the ARN of a role: {}", role.show());
        let finding =
            Finding::fail("not-an-arn", line).fix("set the queue's role again in the console");
        return vec![finding.from(evidence)];
    };
    let question = RoleDocuments(arn.clone());
    let finding = match view.fact(&question) {
        Fact::Known(_) => Some(Finding::ok(format!("Its role {} exists", arn.name()))),
        // IAM was asked in this account only.
        Fact::Absent if role_to_create(view, key).is_none() => Some(
            Finding::unknown(
                "other-account",
                format!("Whether the queue's role {arn} exists is unknown: it is not of this account"),
            )
            .why("IAM answers for the account that is signed in alone, and there it does not exist")
            .fix("sign in to the role's account, or set the queue's role in the console"),
        ),
        Fact::Absent => Some(
            Finding::fail("missing", format!("The queue's role {arn} does not exist"))
                .why("IAM answered that there is no such role; workers of this queue get no credentials")
                .fix(Fix::setup("creates a role of that name and path again; the bucket policy of another account that named the old role must be written again, because it holds the old role's id")),
        ),
        fact => Finding::unread(&format!("the queue's role {}", arn.name()), fact),
    };
    with_evidence(finding, view.evidence(&question))
}
