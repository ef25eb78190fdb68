//! Something puts the launcher into publish jobs: the queue's default, or the AYON addon's settings (field facts F).

use rattler_conda_types::{MatchSpec, ParseStrictness};

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::derived::job_packages::{bundle, job_packages, server};
use crate::derived::solve_questions::active_fleets;
use crate::domain::ayon::Variant;
use crate::domain::farm::{Fleet, Management};
use crate::domain::ids::QueueKey;
use crate::questions::{AddonSettings, AyonBundles, Part, QueueEnvironments};

pub(super) const CHECK: Check = Check {
    id: "launcher-asked-for",
    title: "Something puts AYON's packages into publish jobs",
    why: "an environment holds what its job asks for, and without the launcher a publish step ends with \"ayon: command not found\"",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let found = conda_environments(view, key);
    let [(environment, template)] = found.as_slice() else {
        return Vec::new(); // conda-environment says why
    };
    if brings_its_own(view, key) {
        return Vec::new();
    }
    let (Some(url), Some(bundle)) = (server(view), bundle_of_production(view)) else {
        return Vec::new(); // bundle-launcher and addon-channels say why
    };
    let Some(version) = &bundle.addon else {
        return Vec::new(); // addon-channels says why
    };
    let question = AddonSettings(url, Variant::Production, version.raw().to_owned());
    let Some(settings) = view.fact(&question).known() else {
        return Vec::new(); // addon-channels says why
    };
    // A job may name other queues' packages; which steps AYON sends here, its settings say.
    let queue = settings.queue.raw();
    if !queue.is_empty() && queue != key.queue.as_str() {
        return Vec::new();
    }
    let Ok(wanted) = job_packages(view) else {
        return Vec::new(); // bundle-launcher says why
    };
    let default = template.packages.clone().flatten().unwrap_or_default();
    let asked = format!(
        "{default} {} {}",
        settings.packages.raw(),
        settings.job_parameters.raw()
    );
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|w| !names(&asked).any(|n| Some(n) == name(w)))
        .collect();
    let evidence = view.evidence(&QueueEnvironments(key.clone()));
    let finding = if missing.is_empty() {
        let list: Vec<&str> = wanted.iter().map(String::as_str).collect();
        Finding::ok(format!("AYON's jobs ask for {}", list.join(" ")))
            .why("named by the queue's default or by the addon's settings")
    } else {
        let list: Vec<&str> = missing.iter().map(|m| m.as_str()).collect();
        let list = list.join(" ");
        let line = format!("Nothing puts {list} into AYON's publish jobs");
        Finding::warn("not-asked-for", line)
            .why(format!(
                "neither CondaPackages of \"{}\" nor conda_packages of the addon names it: {}; a job template or submitter of your own may",
                environment.name.show(),
                CHECK.why
            ))
            .fix(format!(
                "in AYON, settings of deadline_cloud {} (production), add to conda_packages: {list}",
                version.show()
            ))
    };
    vec![finding.from(evidence).from(view.evidence(&question))]
}

/// The studio's own machines may have the launcher installed, and alone publish here.
fn brings_its_own(view: &View, key: &QueueKey) -> bool {
    let publish = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    let Ok(fleets) = active_fleets(view, key) else {
        return false;
    };
    let known: Vec<&Fleet> = fleets.iter().filter_map(|(_, f)| f.known()).collect();
    let publishing = known.iter().copied().filter(|f| f.publishes(publish));
    let mut publishing: Vec<&Fleet> = publishing.collect();
    if publishing.is_empty() {
        // That none offers the attribute, fleet-attributes says; then any of them may be meant.
        publishing = known;
    }
    !publishing.is_empty()
        && publishing
            .iter()
            .all(|f| f.management == Management::Customer)
}

/// The bundle that AYON submits with, whatever the pin follows.
fn bundle_of_production<'a>(view: &View<'a>) -> Option<&'a crate::domain::ayon::Bundle> {
    let bundles = view.fact(&AyonBundles(server(view)?)).known()?;
    bundles.production.as_ref().or_else(|| bundle(view))
}

fn name(spec: &str) -> Option<String> {
    let spec = MatchSpec::from_str(spec, ParseStrictness::Lenient).ok()?;
    Some(spec.name.as_exact()?.as_normalized().to_owned())
}

/// The packages that a text names. In a setting they may stand among other words.
fn names(text: &str) -> impl Iterator<Item = String> {
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | '[' | ']' | '{' | '}'));
    words.filter(|w| !w.is_empty()).filter_map(name)
}
