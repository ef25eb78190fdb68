//! The bundle has a dependency package for the workers' system, and the server holds its file.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::{ForWorkers, bundles_for_workers};
use crate::domain::ayon::Desktop;
use crate::domain::fact::Fact;
use crate::domain::text::Printable;
use crate::questions::{AyonBundles, AyonDesktop};

pub(super) const CHECK: Check = Check {
    id: "bundle-packages",
    title: "The bundle has a dependency package for the workers' system",
    why: "the launcher ends with \"missing or incompatible dependency package\" where there is none for its platform",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let held = AyonDesktop(url.clone());
    let desktop = view.fact(&held);
    let one = |pair: &ForWorkers| {
        let finding = of(pair, desktop).about(pair.words());
        let bundles = view.evidence(&AyonBundles(url.clone()));
        finding.from(bundles).from(view.evidence(&held))
    };
    bundles_for_workers(view, url).iter().map(one).collect()
}

fn of(pair: &ForWorkers, desktop: &Fact<Desktop>) -> Finding {
    let (name, platform) = (pair.bundle.name.show(), pair.platform);
    let Some(file) = pair.bundle.packages.get(platform) else {
        let fleets: Vec<&str> = pair.fleets.iter().map(Printable::as_str).collect();
        let fleets = listed(&fleets, "fleets");
        let line = format!(
            "Bundle {name} has no dependency package for {platform}, which the workers of {fleets} run"
        );
        return Finding::warn("no-package", line)
            .why(CHECK.why)
            .fix(format!(
                "in AYON, make a dependency package for {platform} (ayon-dependencies-tool), \
                and add it to the bundle or to a copy of it"
            ));
    };
    let shown = file.show();
    let line =
        |what: &str| format!("Bundle {name} {what} dependency package {shown} for {platform}");
    match desktop.known().map(|d| d.has_package(file.raw())) {
        Some(true) => Finding::ok(line("has")),
        Some(false) => Finding::warn(
            "no-file",
            format!("{}, and the server does not hold it", line("names")),
        )
        .why(CHECK.why)
        .fix("upload the file again, or name one that the server holds"),
        None => Finding::unknown(
            "unread",
            format!(
                "{}; whether the server holds it is not known",
                line("names")
            ),
        )
        .why(desktop.why_unread().unwrap_or_default()),
    }
}
