//! Hosts that bring their own launcher leave the conda environment out by `DISABLE_CONDA_ENV`. It must be set before
//! the conda environment is entered (field facts A2).

use super::prelude::*;
use crate::derived::connections::publishing;
use crate::derived::solve_questions::active_fleets;
use crate::derived::worker_reading::told;
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::farm::{Fleet, Management, QueueEnvironment};
use crate::domain::ids::QueueKey;
use crate::domain::template::{GuardSet, Template};
use crate::domain::text::Printable;
use crate::questions::{FleetDetails, LastProbes, Part, QueueEnvironments};

pub(super) const CHECK: Check = Check {
    id: "publish-guard",
    title: "DISABLE_CONDA_ENV is set before the conda environment checks it",
    why: "environments see only what earlier ones set, and a step's come after all of the queue's: \
        AYON's publish step sets it at step level, which is too late",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn named(environment: &QueueEnvironment) -> Option<(Printable, &Template)> {
    let template = environment.template.parsed.as_ref().ok()?;
    Some((environment.name.show(), template))
}

/// What the studio's own publish machines have told of it.
fn said_by_hosts(view: &View, key: &QueueKey) -> Option<Finding> {
    let own = publishing(view, key).into_iter();
    let mut own = own.filter(|(_, f)| f.management == Management::Customer);
    own.find_map(|(fleet, details)| {
        let told = told(view, key, &fleet, "variables").filter(|t| t.since.changed.is_empty())?;
        let (name, when) = (details.name.show(), told.run.when());
        let from = Vantage::Worker(fleet);
        let has_ayon = told.run.readings().iter().any(|r| r.name == "launcher" && r.ok);
        let finding = match (told.reading.is_conda_disabled(), has_ayon) {
            (true, true) => Finding::ok(format!("A worker of fleet {name} has DISABLE_CONDA_ENV and ayon of its own ({when})")),
            (true, false) => Finding::warn("set-without-ayon", format!("A worker of fleet {name} has DISABLE_CONDA_ENV, and no ayon on PATH ({when})"))
                .why("it gets no conda environment, and brings no launcher of its own")
                .fix("install AYON for the job user there, or take the variable away"),
            (false, _) => Finding::ok(format!("A worker of fleet {name} has no DISABLE_CONDA_ENV: it gets its conda environment as others do ({when})")),
        };
        Some(finding.seen_from(&from).from(view.evidence(&LastProbes(key.clone()))))
    })
}

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = QueueEnvironments(key.clone());
    let Ok(active) = active_fleets(view, key) else {
        return Vec::new(); // queue-fleets says why
    };
    // What an environment says that could not be read, nobody knows: conda-environment says so.
    let all = view.fact(&question).known().into_iter().flatten();
    if all.clone().any(|e| e.known().is_none()) {
        return Vec::new();
    }
    let templates: Option<Vec<(Printable, &Template)>> =
        all.filter_map(Fact::known).map(named).collect();
    let Some(templates) = templates else {
        return Vec::new();
    };
    let fleets: Vec<&Fleet> = active.iter().filter_map(|(_, f)| f.known()).collect();
    let unread = fleets.len() < active.len();
    let guarded = |(_, t): &(Printable, &Template)| t.kind.is_conda() && t.has_guard;
    let Some(conda) = templates.iter().position(guarded) else {
        return Vec::new();
    };
    let told = |i: &usize| *i != conda && templates[*i].1.sets_guard.is_some();
    let told: Vec<usize> = (0..templates.len()).filter(told).collect();
    let name = &templates[conda].0;
    let sets = |i: &usize| templates[*i].1.sets_guard == Some(GuardSet::Set);
    // What is said last before the conda environment counts.
    let early = told.iter().rfind(|i| **i < conda).filter(|i| sets(i));
    let late = told.iter().find(|i| **i > conda && sets(i));
    let finding = if let Some(early) = early {
        let line = format!(
            "\"{}\" sets DISABLE_CONDA_ENV before \"{name}\" checks it: no job of this queue gets a conda environment",
            templates[*early].0
        );
        let relies = fleets.iter().any(|f| f.management == Management::Service);
        if relies {
            Finding::warn("set-for-all", line)
                .why("service-managed workers bring no launcher of their own: they have AYON from conda or not at all")
                .fix("set the variable on the hosts that bring their own launcher, not in an environment of the queue")
        } else if unread {
            Finding::unknown("fleet-unread", line)
                .why("not every fleet of the queue could be read, and a service-managed one would have AYON from conda or not at all")
                .fix("see what the checks of the fleets say")
        } else {
            Finding::ok(line)
        }
    } else if let Some(late) = late {
        Finding::warn(
            "set-too-late",
            format!("\"{}\" sets DISABLE_CONDA_ENV after \"{name}\" has checked it", templates[*late].0),
        )
        .why(CHECK.why)
        .fix("give that environment a lower priority number than the conda environment's, or set the variable on the hosts")
    } else {
        let publish = &view
            .config(Part::WorkerAttributes)
            .worker_attributes
            .publish;
        let hosts = |f: &&Fleet| f.management == Management::Customer && f.publishes(publish);
        if !fleets.iter().any(hosts) {
            return Vec::new();
        }
        // Set on a host, it can't be seen from here.
        said_by_hosts(view, key).unwrap_or_else(|| Finding::worker_only(
            "not-set",
            format!("\"{name}\" checks DISABLE_CONDA_ENV, and no environment of the queue sets it: whether the publish hosts do, only they can say"),
        )
        .why(CHECK.why)
        .fix(
            "on publish hosts with their own launcher, set DISABLE_CONDA_ENV in \
            /etc/environment or the job user's profile; jobs start through a \
            login shell; the value is the one that the environment's script tests for, 1 or true",
        ))
    };
    let mut finding = finding.from(view.evidence(&question));
    for (fleet, _) in active {
        finding = finding.from(view.evidence(&FleetDetails(fleet)));
    }
    vec![finding]
}
