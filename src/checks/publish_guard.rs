//! Hosts that bring their own launcher leave the conda environment out by `DISABLE_CONDA_ENV`. It must be set before
//! the conda environment is entered (field facts A2).

use super::prelude::*;
use crate::derived::conda_environment::environments;
use crate::domain::farm::{Fleet, Management};
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::template::Template;
use crate::questions::{FleetDetails, Part, QueueEnvironments, QueueFleets};

pub const CHECK: Check = Check {
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

fn fleets<'a>(view: &View<'a>, key: &QueueKey) -> Vec<&'a Fleet> {
    let list = view.fact(&QueueFleets(key.clone())).known();
    let details = list.into_iter().flatten().filter_map(|row| {
        let fleet = FleetKey {
            farm: key.farm.clone(),
            fleet: row.fleet.clone(),
        };
        view.fact(&FleetDetails(fleet)).known()
    });
    details.collect()
}

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let fleets = fleets(view, key);
    let parsed = |e: &'_ _| -> Option<(String, Template)> {
        let e: &crate::domain::farm::QueueEnvironment = e;
        let template = e.template.parsed.as_ref().ok()?.clone();
        Some((e.name.show().to_string(), template))
    };
    let templates: Vec<(String, Template)> = environments(view, key)
        .into_iter()
        .filter_map(parsed)
        .collect();
    let guarded = |(_, t): &(String, Template)| t.kind.is_conda() && t.has_guard;
    let Some(conda) = templates.iter().position(guarded) else {
        return Vec::new();
    };
    let sets = |i: &usize| *i != conda && templates[*i].1.sets_guard;
    let setters: Vec<usize> = (0..templates.len()).filter(sets).collect();
    let name = &templates[conda].0;
    let finding = if let Some(early) = setters.iter().find(|i| **i < conda) {
        let line = format!(
            "\"{}\" sets DISABLE_CONDA_ENV before \"{name}\" checks it: no job of this queue gets a conda environment",
            templates[*early].0
        );
        let relies = fleets.iter().any(|f| f.management == Management::Service);
        if relies {
            Finding::warn("set-for-all", line)
                .why("service-managed workers bring no launcher of their own: they have AYON from conda or not at all")
                .fix("set the variable on the hosts that bring their own launcher, not in an environment of the queue")
        } else {
            Finding::ok(line)
        }
    } else if let Some(late) = setters.first() {
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
        Finding::warn(
            "not-set",
            format!("\"{name}\" checks DISABLE_CONDA_ENV, and no environment of the queue sets it"),
        )
        .why(CHECK.why)
        .fix(
            "on publish hosts with their own launcher, set DISABLE_CONDA_ENV=true in \
            /etc/environment or the job user's profile; jobs start through a login shell",
        )
    };
    vec![finding.from(view.evidence(&QueueEnvironments(key.clone())))]
}
