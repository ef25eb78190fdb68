//! Something puts the launcher into publish jobs: the queue's default, or the AYON addon's settings (field facts F).

use super::prelude::*;
use crate::derived::asked_packages::asked;
use crate::derived::solve_questions::active_fleets;
use crate::domain::farm::{Fleet, Management};
use crate::domain::ids::QueueKey;
use crate::questions::{Part, QueueEnvironments};

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
    if brings_its_own(view, key) {
        return Vec::new();
    }
    // What could not be read, conda-environment, bundle-launcher and addon-channels say.
    let Some(asked) = asked(view, key) else {
        return Vec::new();
    };
    let finding = if asked.missing.is_empty() {
        Finding::ok(format!("AYON's jobs ask for {}", asked.wanted.join(" ")))
            .why("named by the queue's default or by the addon's settings")
    } else {
        let list = asked.missing.join(" ");
        Finding::warn(
            "not-asked-for",
            format!("Nothing puts {list} into AYON's publish jobs"),
        )
        .why(format!(
            "neither CondaPackages of \"{}\" nor conda_packages of the addon names it: {}; a job template or submitter of your own may",
            asked.environment,
            CHECK.why
        ))
        .fix(format!(
            "in AYON, settings of deadline_cloud {} (production), add to conda_packages: {list}",
            asked.settings.version.show()
        ))
    };
    let of_queue = view.evidence(&QueueEnvironments(key.clone()));
    vec![finding.from(of_queue).from(view.evidence(&asked.question))]
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
