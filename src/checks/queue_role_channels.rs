//! The queue role's documents allow what the S3 channels need. Read from the documents, not tried.

use super::prelude::*;
use crate::derived::role_access::access;
use crate::derived::role_findings::{Words, of_access, of_role};
use crate::derived::role_use::needs;
use crate::domain::choices::RoleUse;
use crate::domain::finding::Verdict;
use crate::domain::ids::RoleArn;
use crate::domain::needs::Need;

pub(super) const CHECK: Check = Check {
    id: "queue-role-channels",
    title: "The queue role's policies allow reading the S3 channels",
    why: "conda reads s3:// channels as the queue role: s3:GetObject for files, s3:ListBucket to tell missing from forbidden",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    of_role(view, arn, RoleUse::Queue, |used, role| {
        let mut needs = needs(view, used);
        needs.retain(Need::is_of_channels);
        if needs.is_empty() {
            return Vec::new();
        }
        let words = Words {
            missing: Verdict::Fail,
            why: CHECK.why,
            fix: Fix::setup("adds it to the inline policy studiolink-queue"),
            depends: "name the bucket's owner in the studio file: [conda] channel_account for YNPUT's, bucket_owners for others",
            ok: "Can read the S3 channels",
        };
        vec![of_access(role, &access(role, &needs), &words)]
    })
}
