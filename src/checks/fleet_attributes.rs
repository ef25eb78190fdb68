//! Publish steps ask for `attr.role`; a fleet must declare it, or they are NOT_COMPATIBLE (field facts G).

use super::prelude::*;
use crate::derived::solve_questions::active_fleets;
use crate::domain::farm::Fleet;
use crate::domain::ids::QueueKey;
use crate::domain::text::Untrusted;
use crate::questions::{Part, QueueFleets};

pub(super) const CHECK: Check = Check {
    id: "fleet-attributes",
    title: "A fleet of the queue offers each attr.role that steps ask for",
    why: "a step whose attr.role no fleet of the queue declares never runs: Deadline Cloud matches fleets, not worker.toml",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let Ok(fleets) = active_fleets(view, key) else {
        return Vec::new(); // queue-fleets says why
    };
    let evidence = view.evidence(&QueueFleets(key.clone()));
    let attributes = &view.config(Part::WorkerAttributes).worker_attributes;
    if fleets.is_empty() || fleets.iter().any(|(_, f)| f.known().is_none()) {
        return Vec::new(); // queue-fleets and fleet-status say why
    }
    let known = fleets.iter().filter_map(|(_, f)| f.known());
    let offered: Vec<&str> = known
        .flat_map(|f: &Fleet| &f.roles)
        .map(Untrusted::raw)
        .collect();
    let asked = attributes.render.iter().chain(&attributes.publish);
    let missing: Vec<&str> = asked
        .map(String::as_str)
        .filter(|r| !offered.contains(r))
        .collect();
    let finding = if missing.is_empty() {
        Finding::ok("Its fleets offer every attr.role of [worker_attributes]")
    } else {
        Finding::warn(
            "not-offered",
            format!("No fleet of the queue offers attr.role = {}", missing.join(", ")),
        )
        .why(CHECK.why)
        .fix("add the value to a fleet's custom attribute attr.role, or correct [worker_attributes] in the studio file")
    };
    vec![finding.from(evidence)]
}
