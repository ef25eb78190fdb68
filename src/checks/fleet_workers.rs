//! The fleet's workers come up: none is stuck while it starts, none was lost to its host configuration script.

use super::prelude::*;
use crate::domain::farm::{FleetStatus, Management};
use crate::domain::ids::{FleetKey, with_brief_ids};
use crate::domain::worker::{Worker, WorkerStatus};
use crate::questions::{FleetDetails, FleetWorkers};

pub(super) const CHECK: Check = Check {
    id: "fleet-workers",
    title: "The fleet's workers come up",
    why: "a worker that never gets past its start leaves jobs READY, and its fleet starts another one, billed like the first",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Fleet(check),
};

/// A worker that is CREATED for longer is stuck: a start takes 3 to 10 minutes (inferred).
const START: i64 = 15;

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let question = FleetWorkers(key.clone());
    let fact = view.fact(&question);
    let evidence = || view.evidence(&question);
    let Some(workers) = fact.known() else {
        let finding = Finding::unread("the fleet's workers", fact).map(lightly);
        return with_evidence(finding, evidence());
    };
    let findings = [
        by_script(workers),
        stuck(workers),
        lost(workers),
        wants(view, key, workers),
    ];
    let findings = findings.into_iter().flatten();
    findings.map(|f| f.from(evidence())).collect()
}

/// Lost to the host configuration script, by the newest log that tells of one that failed.
fn by_script(workers: &[Worker]) -> Option<Finding> {
    let failed = |w: &Worker| w.script_end().filter(|e| e.exit != 0);
    let at = workers.iter().position(|w| failed(w).is_some())?;
    let (worker, end) = (&workers[at], failed(&workers[at])?);
    let id = with_brief_ids(worker.id.show().as_str());
    let minutes = worker.minutes.map(|m| format!(", created {m} minutes ago"));
    let who = format!("{id}{}", minutes.unwrap_or_default());
    // One that has only started may be lost to the same script yet.
    let up = |w: &Worker| match w.status {
        WorkerStatus::Running | WorkerStatus::Idle => w.script_runs().is_none(),
        _ => w.script_end().is_some_and(|e| e.exit == 0),
    };
    let how = format!("exit code {} ({}; {who})", end.exit, end.said);
    // They are listed youngest first.
    if workers[..at].iter().any(up) {
        let line =
            format!("Its host configuration script ended with {how}, and a younger worker came up");
        return Some(Finding::ok(line));
    }
    let line = format!("Its host configuration script ends with {how}");
    let finding = Finding::fail("script-fails", line)
        .why("Deadline Cloud shuts such a worker down and starts another one, which meets the same until the script is corrected")
        .fix("correct the script, so that it ends with 0 in any case; commands such as dig are not on every image: getent is");
    Some(finding)
}

fn stuck(workers: &[Worker]) -> Option<Finding> {
    let is_late =
        |w: &&Worker| w.status == WorkerStatus::Created && w.minutes.is_some_and(|m| m >= START);
    // One whose script still runs is on its way: the script's own limit ends it. Not every log is read; where all that were say
    // so, the others are taken for the same.
    let late: Vec<&Worker> = workers.iter().filter(is_late).collect();
    let runs = |w: &&&Worker| w.script_runs().is_some();
    let waits = |w: &&&Worker| w.log.is_some() && w.script_runs().is_none();
    if late.iter().any(|w| runs(&w)) && !late.iter().any(|w| waits(&w)) {
        return None;
    }
    let minutes = late.iter().filter(|w| !runs(w)).filter_map(|w| w.minutes);
    let minutes: Vec<i64> = minutes.collect();
    let least = minutes.iter().min()?;
    let (count, are) = match minutes.len() {
        1 => ("1 worker".to_owned(), "has"),
        n => (format!("{n} workers"), "have"),
    };
    let line = format!("{count} {are} been CREATED for {least} minutes or longer, and not come up");
    let finding = Finding::warn("stuck", line)
        .why(
            "AWS names one reason: the fleet's role lacks logs:CreateLogStream; \
            a trust policy that names another farm does the same (inferred)",
        )
        .fix("see fleet-role and fleet-role-needs");
    Some(finding)
}

fn lost(workers: &[Worker]) -> Option<Finding> {
    let lost = workers
        .iter()
        .filter(|w| w.status == WorkerStatus::NotResponding);
    // What a script does to them is said already.
    let by_script = workers.iter().filter_map(Worker::script_end);
    let lost = if by_script.into_iter().any(|e| e.exit != 0) {
        0
    } else {
        lost.count()
    };
    if lost == 0 {
        return None;
    }
    let finding = Finding::warn("not-responding", format!("Workers that do not respond: {lost}"))
        .why("Deadline Cloud hears nothing of them any more: the machine is off, or its agent has ended")
        .fix("see the worker's log in the monitor; on machines of your own, start the worker agent again");
    Some(finding)
}

/// It wants workers, and nothing shows why it has none.
fn wants(view: &View, key: &FleetKey, workers: &[Worker]) -> Option<Finding> {
    let fleet = view.fact(&FleetDetails(key.clone())).known()?;
    let wanted = fleet.wants.filter(|n| *n > 0)?;
    let can = fleet.status == FleetStatus::Active && fleet.management == Management::Service;
    if !can || !workers.is_empty() || fleet.max_workers == 0 {
        return None;
    }
    let finding = Finding::warn(
        "wants-workers",
        format!("Wants {wanted} of its workers started, and has none"),
    )
    .why("one may be on its way; where it stays so and no other check of the fleet says why, \
        it is probably the account's vCPU quota, which no call tells (inferred)")
    .fix("look at Service Quotas, AWS Deadline Cloud, and ask for more; or let the fleet take smaller instances");
    Some(finding)
}
