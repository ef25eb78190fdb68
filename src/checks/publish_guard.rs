//! Hosts that bring their own launcher leave the conda environment out by `DISABLE_CONDA_ENV`. It must be set before
//! the conda environment is entered (field facts A2).

use super::prelude::*;
use crate::derived::solve_questions::active_fleets;
use crate::derived::worker_reading::{Since, told};
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::farm::{Fleet, Management, QueueEnvironment};
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::probe_reading::has_ayon;
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

/// What a publish machine of the studio's own has told of it, while nothing has changed.
fn said_by_host(view: &View, key: &QueueKey, fleet: &FleetKey) -> Option<Finding> {
    let told = told(view, key, fleet, "variables").filter(|t| t.since == Since::default())?;
    let (fleet_name, when) = (view.fleet_name(fleet), told.run.when());
    let who = format!("A worker of fleet {fleet_name}");
    let readings = told.run.readings();
    let finding = match (told.reading.is_conda_disabled(), has_ayon(readings)) {
        (true, true) => Finding::ok(format!(
            "{who} has DISABLE_CONDA_ENV and ayon of its own ({when})"
        )),
        (true, false) => {
            let line = format!("{who} has DISABLE_CONDA_ENV, and no ayon on PATH ({when})");
            Finding::warn("set-without-ayon", line)
                .why("it gets no conda environment, and brings no launcher of its own")
                .fix("install AYON for the job user on it, or take the variable away")
        }
        (false, _) => Finding::ok(format!(
            "{who} has no DISABLE_CONDA_ENV: it gets its conda environment as others do ({when})"
        )),
    };
    let finding = finding.about(fleet_name);
    let finding = finding.seen_from(&Vantage::Worker(fleet.clone()));
    Some(finding.from(view.evidence(&LastProbes(key.clone()))))
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
        let is_host = |f: &&Fleet| f.management == Management::Customer && f.publishes(publish);
        let hosts = active
            .iter()
            .filter(|(_, f)| f.known().is_some_and(|f| is_host(&f)));
        let (mut all, mut silent) = (Vec::new(), false);
        for (host, _) in hosts {
            match said_by_host(view, key, host) {
                Some(said) => all.push(said),
                None => silent = true,
            }
        }
        // Set on a host, it can't be seen from here.
        if silent {
            let line = format!(
                "\"{name}\" checks DISABLE_CONDA_ENV, and no environment of the queue sets it: \
                whether the publish hosts do, only they can say"
            );
            all.push(Finding::worker_only("not-set", line).why(CHECK.why).fix(
                "on publish hosts with their own launcher, set DISABLE_CONDA_ENV in \
                /etc/environment or the job user's profile; jobs start through a \
                login shell; the value is the one that the environment's script tests for, 1 or true",
            ));
        }
        return all
            .into_iter()
            .map(|f| with_all(view, key, &active, f))
            .collect();
    };
    vec![with_all(view, key, &active, finding)]
}

/// The finding with everything that it rests on.
fn with_all(
    view: &View,
    key: &QueueKey,
    active: &[(FleetKey, &Fact<Fleet>)],
    finding: Finding,
) -> Finding {
    let fleets = active
        .iter()
        .map(|(fleet, _)| view.evidence(&FleetDetails(fleet.clone())));
    let finding = finding.from(view.evidence(&QueueEnvironments(key.clone())));
    fleets.fold(finding, Finding::from)
}
