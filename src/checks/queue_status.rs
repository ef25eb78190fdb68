//! The queue exists in that farm, and takes jobs.

use super::prelude::*;
use crate::domain::fact::Fact;
use crate::domain::farm::QueueStatus;
use crate::domain::ids::QueueKey;
use crate::questions::{FarmDetails, QueueDetails};

pub(super) const CHECK: Check = Check {
    id: "queue-status",
    title: "The queue exists and takes jobs",
    why: "a blocked queue leaves every job waiting",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    view.fact(&FarmDetails(key.farm.clone()));
    let question = QueueDetails(key.clone());
    let fact = view.fact(&question);
    let finding = match fact {
        Fact::Known(queue) if queue.status == QueueStatus::Blocked => {
            let reason = queue.blocked_reason.as_ref();
            let reason = reason.map_or_else(|| "no reason given".into(), crate::domain::text::Untrusted::show);
            let finding = Finding::fail("blocked", format!("The queue is blocked: {reason}"))
                .why("no job of a blocked queue is scheduled")
                .fix("check the queue's budgets in the console; NO_BUDGET_CONFIGURED and BUDGET_THRESHOLD_REACHED name them");
            Some(finding)
        }
        Fact::Known(queue) if matches!(queue.status, QueueStatus::Unknown(_)) => Some(
            Finding::unknown("unknown-status", "Whether the queue takes jobs is unknown: its status is none that is known here")
                .fix("look at the queue's status in the console"),
        ),
        Fact::Known(queue) => {
            let bucket = queue.attachments_bucket.as_ref();
            let bucket = bucket.map_or_else(
                || "no job attachments".to_owned(),
                |b| format!("job attachments in {}", b.show()),
            );
            let farm = view.farm_name(&key.farm);
            Some(Finding::ok(format!("Exists in farm {farm}, {bucket}")))
        }
        Fact::Absent => Some(
            Finding::fail(
                "missing",
                format!("Farm {} in {} has no queue {}", key.farm, view.region(), key.queue),
            )
            .why("the service answered that it does not exist: a typo in the id, another region, or another account")
            .fix("compare farm, queue and region with the console, or run `studiolink setup` and pick them from the list"),
        ),
        fact => Finding::unread("the queue", fact),
    };
    with_evidence(finding, view.evidence(&question))
}
