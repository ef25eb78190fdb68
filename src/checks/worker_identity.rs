//! Which identity a session has.

use super::prelude::*;
use crate::derived::worker_reading::{queues_of, told};
use crate::domain::finding::Verdict;
use crate::domain::ids::FleetKey;
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
    let own = from_worker(view, fleet, "identity").into_iter();
    own.map(|finding| judged(view, fleet, finding)).collect()
}

/// The role of a session is its queue's.
fn judged(view: &View, fleet: &FleetKey, finding: Finding) -> Finding {
    let item = finding.item.as_ref();
    let queues = queues_of(view, fleet);
    let mut queues = queues.iter();
    let of = queues.find(|q| item.is_none_or(|i| *i == view.queue_name(q)));
    let differs = || {
        let told = told(view, of?, fleet, "identity")?;
        let details = view.fact(&QueueDetails(of?.clone())).known()?;
        let (has, role) = (told.reading.session_role()?, details.role_arn()?);
        let (name, when) = (role.name(), told.run.when());
        let line = format!("The session is role {has}, and the queue's role is {name} ({when})");
        (has != name).then_some(line)
    };
    match differs() {
        Some(line) if finding.verdict == Verdict::Ok => Finding {
            verdict: Verdict::Fail,
            code: "other-role",
            message: line.into(),
            ..finding
        }
        .why(CHECK.why)
        .fix(
            "see what sets AWS_PROFILE or credentials in the queue's environments or for the job user; \
            the role that studiolink looks at is not the one that is used",
        ),
        _ => finding,
    }
}
