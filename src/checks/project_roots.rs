//! Each root of AYON's projects has a path for the workers' system.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::platforms;
use crate::domain::text::Printable;
use crate::questions::AyonProjects;

pub(super) const CHECK: Check = Check {
    id: "project-roots",
    title: "The roots of AYON's projects have a path for the workers' system",
    why: "a publish step on such a worker has no place to write to: it ends, or files land where nobody looks",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let question = AyonProjects(url.clone());
    let fact = view.fact(&question);
    let platforms = platforms(view);
    let Some(projects) = fact.known() else {
        return Vec::new(); // addon-queue says why
    };
    let mut findings = Vec::new();
    let mut fine = 0_usize;
    for project in &projects.read {
        let name = project.name.show();
        for (root, paths) in &project.roots {
            for (platform, fleets) in &platforms {
                if paths.get(*platform).is_some_and(|p| !p.trim().is_empty()) {
                    fine += 1;
                    continue;
                }
                let root = Printable::short(root, 40);
                let fleets: Vec<&str> = fleets.iter().map(Printable::as_str).collect();
                let line = format!(
                    "Root {root} of {name} has no {platform} path, and the workers of {} run {platform}",
                    listed(&fleets, "fleets")
                );
                let finding = Finding::warn("no-path", line)
                    .why(CHECK.why)
                    .fix(format!(
                        "in AYON, anatomy of {name}: give root {root} the path at which {platform} workers see it \
                        (the queue's storage profile, or the mount of the host configuration script)"
                    ));
                findings.push(finding.about(format!("{name}, {root}, {platform}")));
            }
        }
    }
    if findings.is_empty() && fine > 0 {
        let count = projects.read.len();
        let names: Vec<&str> = platforms.keys().copied().collect();
        let of = if count == 1 {
            "1 project".to_owned()
        } else {
            format!("{count} projects")
        };
        findings.push(Finding::ok(format!(
            "Every root of {of} has a path for {}",
            names.join(", ")
        )));
    }
    findings
        .into_iter()
        .map(|f| f.from(view.evidence(&question)))
        .collect()
}
