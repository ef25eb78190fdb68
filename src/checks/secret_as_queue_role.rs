//! The queue role reads the secret with the AYON key, tried with its own credentials. Its value is dropped unread.

use super::prelude::*;
use crate::domain::ids::QueueKey;
use crate::probes::ReadSecret;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "secret-as-queue-role",
    title: "The queue role reads the secret with the AYON key",
    why: "a publish step on a worker has no other way to the key that no log shows",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let Some(secret) = &view.config(Part::Secret).secret else {
        return Vec::new();
    };
    as_queue_role(view, key, &ReadSecret(secret.clone()))
}
