//! Which identity a session has.

use super::prelude::*;
use crate::derived::worker_reading::{queues_of, told};
use crate::domain::finding::Verdict;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::text::Printable;
use crate::questions::QueueDetails;

pub(super) const CHECK: Check = Check {
    id: "worker-identity",
    title: "A session has the queue role",
    why: "everything that a worker may read or write, this identity decides",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    let findings = from_worker(view, fleet, "identity");
    let queues = queues_of(view, fleet);
    let other = |finding: &Finding| {
        // The role of a session is its queue's.
        let of = |queue: &&QueueKey| {
            let item = finding.item.as_ref();
            item.is_none_or(|i| *i == view.queue_name(queue))
        };
        let queue = queues.iter().find(of)?;
        let told = told(view, queue, fleet, "identity")?;
        let role = view
            .fact(&QueueDetails(queue.clone()))
            .known()?
            .role_arn()?;
        let has = told.reading.session_role()?;
        (has != role.name()).then(|| (Printable::from(has.as_str()), role))
    };
    let judged = |finding: Finding| match other(&finding) {
        Some((has, role)) if finding.verdict == Verdict::Ok => {
            let line = format!(
                "The session is role {has}, and the queue's role is {} {}",
                role.name(),
                after_bracket(&finding)
            );
            Finding {
                verdict: Verdict::Fail,
                code: "other-role",
                message: line.into(),
                ..finding
            }
            .why(CHECK.why)
            .fix("see what sets AWS_PROFILE or credentials in the queue's environments or for the job user; the role that the studio file and audit look at is not the one that is used")
        }
        _ => finding,
    };
    findings.into_iter().map(judged).collect()
}

/// Job and date, as the message ends.
fn after_bracket(finding: &Finding) -> &str {
    let text = finding.message.as_str();
    text.rfind(" (").map_or("", |at| text[at..].trim_start())
}
