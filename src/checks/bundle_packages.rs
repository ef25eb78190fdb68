//! The bundle has a dependency package for the workers' system, and the server holds its file.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::platforms;
use crate::domain::ayon::{Bundle, Variant};
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
    let (question, held) = (AyonBundles(url.clone()), AyonDesktop(url.clone()));
    let desktop = view.fact(&held);
    let Some(bundles) = view.fact(&question).known() else {
        return Vec::new(); // bundle-launcher says why
    };
    let platforms = platforms(view);
    let mut findings = Vec::new();
    for variant in Variant::ALL {
        let Some(bundle) = bundles.of(*variant) else {
            continue;
        };
        for (platform, fleets) in &platforms {
            let fleets: Vec<&str> = fleets.iter().map(Printable::as_str).collect();
            let has = |file: &str| desktop.known().map(|d| d.has_package(file));
            let finding = of(bundle, platform, &listed(&fleets, "fleets"), has);
            let finding = finding.about(format!("{}, {platform}", variant.word()));
            findings.push(
                finding
                    .from(view.evidence(&question))
                    .from(view.evidence(&held)),
            );
        }
    }
    findings
}

fn of(
    bundle: &Bundle,
    platform: &str,
    fleets: &str,
    held: impl Fn(&str) -> Option<bool>,
) -> Finding {
    let name = bundle.name.show();
    let Some(file) = bundle.packages.get(platform) else {
        let line = format!(
            "Bundle {name} has no dependency package for {platform}, which the workers of {fleets} run"
        );
        return Finding::warn("no-package", line)
            .why(CHECK.why)
            .fix(format!("in AYON, make a dependency package for {platform} (ayon-dependencies-tool), and add it to the bundle or to a copy of it"));
    };
    let shown = file.show();
    match held(file.raw()) {
        Some(true) => Finding::ok(format!("Bundle {name} has dependency package {shown} for {platform}")),
        Some(false) => Finding::warn("no-file", format!("Bundle {name} names dependency package {shown} for {platform}, and the server does not hold it"))
            .why(CHECK.why)
            .fix("upload the file again, or name one that is there"),
        None => Finding::unknown("unread", format!("Whether the server holds dependency package {shown} is not known"))
            .why("its list of them could not be read"),
    }
}
