//! Which fleets take the queue's jobs.

use super::prelude::*;
use crate::domain::farm::AssociationStatus;
use crate::domain::finding::Verdict;
use crate::domain::ids::QueueKey;
use crate::questions::QueueFleets;

pub(super) const CHECK: Check = Check {
    id: "queue-fleets",
    title: "Fleets are associated with the queue",
    why: "without an active fleet every job stays READY",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = QueueFleets(key.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(fleets) = fact.known() else {
        return with_evidence(Finding::unread("the queue's fleets", fact), evidence);
    };
    if fleets.is_empty() {
        let finding = Finding::fail("none", "No fleet is associated with the queue")
            .why(CHECK.why)
            .fix("associate a fleet with the queue in the console");
        return vec![finding.from(evidence)];
    }
    let mut findings = Vec::new();
    let mut active = Vec::new();
    for row in fleets {
        let name = view.fleet_name(&key.fleet(&row.fleet));
        if row.status == AssociationStatus::Active {
            active.push(name.to_string());
            continue;
        }
        let word = row.status.word();
        let finding = Finding::warn(
            "not-active",
            format!("Fleet {name} takes no new jobs of this queue: the association is {word}"),
        )
        .why("only a fleet with an ACTIVE association is given jobs")
        .fix(
            "set the association to ACTIVE in the console; if it was stopped on purpose, remove it",
        )
        .about(row.fleet.as_str());
        findings.push(finding.from(evidence.clone()));
    }
    if active.is_empty() {
        // With none left, no job of the queue runs.
        for finding in &mut findings {
            finding.verdict = Verdict::Fail;
        }
    } else {
        let line = format!("Takes workers of {}", active.join(", "));
        findings.push(Finding::ok(line).from(evidence));
    }
    findings
}
