//! The queue role reads the secret with the AYON key, tried with its own credentials. Its value is dropped unread.

use super::prelude::*;
use crate::derived::channel_refusal::why_no_credentials;
use crate::domain::call::Vantage;
use crate::domain::ids::QueueKey;
use crate::probes::ReadSecret;
use crate::questions::{Part, QueueDetails};

pub const CHECK: Check = Check {
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
    let queue = view.fact(&QueueDetails(key.clone())).known();
    let Some(secret) = &view.config(Part::Secret).secret else {
        return Vec::new();
    };
    if queue.is_none_or(|q| q.role.is_none()) {
        return Vec::new(); // queue-status and queue-role say why
    }
    let from = Vantage::QueueRole(key.clone());
    let mut findings = assessed(view, &ReadSecret(secret.arn.clone()), &from);
    for finding in &mut findings {
        if finding.code == "no-credentials"
            && let Some((why, fix)) = why_no_credentials(view, key)
        {
            finding.why = Some(why.into());
            finding.fix = Some(fix.into());
        }
    }
    findings
}
