//! Publish steps ask for `attr.role`; a fleet must declare it, or they are NOT_COMPATIBLE (field facts G).

use super::prelude::*;
use crate::derived::solve_questions::active_fleets;
use crate::domain::farm::{Fleet, FleetStatus};
use crate::domain::finding::Verdict;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::questions::{Part, QueueFleets};

pub(super) const CHECK: Check = Check {
    id: "fleet-attributes",
    title: "A fleet of the queue offers each attr.role that steps ask for, and can start workers",
    why: "a step whose attr.role no fleet of the queue declares never runs: Deadline Cloud matches fleets, not worker.toml",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Fail,
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
    let known: Vec<(&FleetKey, &Fleet)> = fleets
        .iter()
        .filter_map(|(key, f)| Some((key, f.known()?)))
        .collect();
    let asked: Vec<&str> = attributes
        .render
        .iter()
        .chain(&attributes.publish)
        .map(String::as_str)
        .collect();
    let of_role = |role: &str| {
        let offers = |f: &Fleet| f.roles.iter().any(|r| r.raw() == role);
        let own = known.iter().filter(|(_, f)| offers(f));
        own.copied().collect::<Vec<_>>()
    };
    let missing: Vec<&str> = asked
        .iter()
        .copied()
        .filter(|r| of_role(r).is_empty())
        .collect();
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let bare = known.iter().filter(|(_, f)| f.roles.is_empty());
        let bare: Vec<String> = bare
            .map(|(key, _)| view.fleet_name(key).to_string())
            .collect();
        let who = match bare.as_slice() {
            [] => String::new(),
            [one] => format!(": fleet {one} declares none"),
            several => format!(": the fleets {} declare none", several.join(", ")),
        };
        let line = format!(
            "No fleet of the queue offers attr.role = {}{who}",
            missing.join(", ")
        );
        // A publish step that never runs is what this is all about; which roles render steps ask for, AYON may say otherwise.
        let publishes = missing
            .iter()
            .any(|m| attributes.publish.iter().any(|p| p == m));
        let verdict = if publishes {
            Verdict::Fail
        } else {
            Verdict::Warn
        };
        let finding = Finding::new(verdict, "not-offered", line)
            .why(CHECK.why)
            .fix("add the value to a fleet's custom attribute attr.role in the console (UpdateFleet replaces the whole configuration, so the rest goes back unchanged), or correct [worker_attributes] in the studio file");
        findings.push(finding.from(evidence.clone()));
    }
    let can_start = |f: &Fleet| f.status == FleetStatus::Active && f.max_workers > 0;
    let stuck = |fleets: &[(&FleetKey, &Fleet)], steps: &str| {
        if fleets.is_empty() || fleets.iter().any(|(_, f)| can_start(f)) {
            return None;
        }
        let names = fleets
            .iter()
            .map(|(key, _)| view.fleet_name(key).to_string());
        let names: Vec<String> = names.collect();
        let line = format!(
            "{steps} can't run: no worker can start in {}",
            names.join(", ")
        );
        let finding = Finding::fail("no-worker", line)
            .why("no other fleet of the queue takes them, and of these the fleet is not ACTIVE or its maximum is 0 workers")
            .fix("see what is said of the fleet; raise its maximum worker count, or read its status message in the console");
        Some(finding.from(evidence.clone()))
    };
    if asked.is_empty() {
        findings.extend(stuck(&known, "The queue's steps"));
    } else {
        let of_role = asked.iter().filter_map(|role| {
            let steps = format!("Steps that ask for attr.role = {role}");
            Some(stuck(&of_role(role), &steps)?.about((*role).to_owned()))
        });
        findings.extend(of_role);
    }
    if findings.is_empty() {
        let line = if asked.is_empty() {
            "Its fleets can start workers"
        } else {
            "Its fleets offer every attr.role of [worker_attributes]"
        };
        findings.push(Finding::ok(line).from(evidence));
    }
    findings
}
