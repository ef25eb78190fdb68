//! A worker of each fleet that publishes was asked what a publish step meets there, and could tell.

use super::prelude::*;
use crate::derived::connections::publishing;
use crate::derived::job_packages::server;
use crate::derived::worker_reading::{newest, probes, since};
use crate::domain::call::Vantage;
use crate::domain::finding::Verdict;
use crate::domain::ids::{QueueKey, with_brief_ids};
use crate::domain::job::JobStatus;
use crate::domain::probe_run::{Basis, ProbeMark, ProbeRun};
use crate::domain::text::Printable;
use crate::questions::LastProbes;

pub const CHECK: Check = Check {
    id: "worker-probe",
    title: "A worker of each publishing fleet was asked",
    why: "what a session really gets, only a worker can tell: its conda environment, its network, its key",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = LastProbes(key.clone());
    // Asked for before anything else is known: a log takes some calls, one after the other.
    let fact = view.fact(&question);
    if server(view).is_none() {
        return Vec::new();
    }
    let fleets = publishing(view, key);
    if fleets.is_empty() {
        return Vec::new(); // fleet-attributes says why
    }
    let evidence = || view.evidence(&question);
    if fact.known().is_none() {
        let finding = Finding::unread("the last probes of the queue", fact);
        return with_evidence(finding.map(lightly), evidence());
    }
    let mut findings: Vec<Finding> = newest_of_each(view, key)
        .into_iter()
        .filter_map(|run| came_short(view, key, run))
        .collect();
    for (fleet, details) in fleets {
        let name = details.name.show();
        let whole = newest(view, key, &fleet, "conda");
        let bare = || newest(view, key, &fleet, "worker");
        let finding = match (whole, bare()) {
            (Some(run), _) => {
                let worker = run.session.as_ref().map(|s| s.worker.show());
                let worker = with_brief_ids(worker.unwrap_or_default().as_str());
                let when = run.when();
                Finding::ok(format!(
                    "A worker of fleet {name} ran the probe to its end: {worker} ({when})"
                ))
            }
            (None, Some(run)) => Finding::worker_only(
                "without-packages",
                format!(
                    "A worker of fleet {name} was asked without the conda packages alone ({})",
                    run.when()
                ),
            )
            .why(CHECK.why)
            .fix(ASK_A_WORKER),
            (None, None) => Finding::worker_only(
                "needs-worker",
                format!("No worker of fleet {name} has told what a publish step meets there, by the newest probes of the queue"),
            )
            .why(CHECK.why)
            .fix(ASK_A_WORKER),
        };
        findings.push(finding.about(name).seen_from(&Vantage::Worker(fleet)));
    }
    findings.into_iter().map(|f| f.from(evidence())).collect()
}

/// The newest probe of each kind: of the same fleets, with or without the packages. One that was canceled says nothing.
fn newest_of_each<'a>(view: &View<'a>, key: &QueueKey) -> Vec<&'a ProbeRun> {
    let kind = |r: &ProbeRun| {
        let fleets = r.mark.rests_on.keys().filter(|n| ProbeMark::is_fleet(n));
        (fleets.cloned().collect::<Vec<_>>(), r.mark.conda)
    };
    let mut all: Vec<&ProbeRun> = Vec::new();
    for run in probes(view, key) {
        let silent = matches!(run.status, JobStatus::Canceled | JobStatus::Suspended);
        if !silent && !all.iter().any(|r| kind(r) == kind(run)) {
            all.push(run);
        }
    }
    all
}

/// Where it did not come to its end: how far it came.
fn came_short(view: &View, key: &QueueKey, run: &ProbeRun) -> Option<Finding> {
    if run.is_whole() {
        return None;
    }
    let job = run.job.brief();
    Some(how_far(view, key, run).about(format!("job {job}")))
}

fn how_far(view: &View, key: &QueueKey, run: &ProbeRun) -> Finding {
    let (job, when, status) = (&run.job, run.when(), run.status.word());
    if run.status == JobStatus::Unknown {
        let line = format!(
            "How far the probe is can't be told: this version does not know its status ({when})"
        );
        return Finding::unknown("unknown-status", line).fix("use the newest studiolink");
    }
    if !run.is_over() {
        let line = format!("A probe is under way: {status} ({when})");
        let fix = format!("studiolink probe --job {job} watches it");
        return Finding::worker_only("under-way", line).fix(fix);
    }
    let explain = format!("studiolink explain --job {job}");
    let finding = match (run.status, &run.session) {
        _ if run.could_not_be_made => {
            Finding::fail("not-made", format!("Deadline Cloud did not take the probe ({when})"))
                .why("its template or its parameters were refused")
                .fix(format!("studiolink probe --job {job} says what the service said"))
        }
        (JobStatus::NotCompatible, _) => {
            Finding::fail("not-compatible", format!("No fleet of the queue can take the probe: it is {status} ({when})"))
                .why("publish steps ask for the same attributes, and are not taken either")
                .fix("see fleet-attributes")
        }
        (_, Some(session)) if session.readings.is_err() => {
            let why = session.readings.as_ref().err().cloned().unwrap_or_default();
            Finding::unknown("log-unread", format!("What the probe told is unknown: its log was not read ({when})"))
                .why(why)
                .fix(explain)
        }
        (JobStatus::Failed, Some(_)) => {
            Finding::fail("failed", format!("The probe failed before its script came to its end ({when})"))
                .why("a publish job meets the same: an environment of the queue that fails, or an action that is stopped")
                .fix(explain)
        }
        (JobStatus::Failed, None) => {
            Finding::fail("failed", format!("The probe failed before a worker took it ({when})")).fix(explain)
        }
        _ => Finding::unknown("not-whole", format!("The probe is {status}, and its log does not hold all that it tells ({when})"))
            .why("its last lines may not have come into the log, or the log was cut")
            .fix(explain),
    };
    let changed = since(view, key, run, Basis::ALL).changed;
    if finding.verdict == Verdict::Fail && !changed.is_empty() {
        let message = Printable::from(finding.message.as_str());
        return stale(finding.verdict, &message, &when, &changed);
    }
    match run.fleet() {
        Some(fleet) => finding.seen_from(&Vantage::Worker(key.fleet(fleet))),
        None => finding,
    }
}
