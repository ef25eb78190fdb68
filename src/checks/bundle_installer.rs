//! The server holds an installer of the launcher that a bundle names, for the workers' system.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::platforms;
use crate::domain::ayon::Variant;
use crate::questions::{AyonBundles, AyonDesktop};

pub(super) const CHECK: Check = Check {
    id: "bundle-installer",
    title: "The server has the bundle's launcher for the workers' system",
    why: "a launcher of another version than the bundle's installs the bundle's own, and ends with exit 1 where the server has none for its platform",
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
    let Some(desktop) = desktop.known() else {
        let finding = Finding::unread("AYON's installers", desktop);
        return with_evidence(finding, view.evidence(&held));
    };
    let mut findings: Vec<Finding> = Vec::new();
    for variant in Variant::ALL {
        let version = bundles.of(*variant).and_then(|b| b.installer.as_ref());
        let Some(version) = version else {
            continue; // compatibility says what a bundle without one means
        };
        for platform in platforms.keys() {
            let shown = version.show();
            let finding = if desktop.has_installer(version.raw(), platform) {
                Finding::ok(format!(
                    "The server has the {platform} installer {shown} of the {} bundle",
                    variant.word()
                ))
            } else {
                let others = desktop
                    .installers
                    .iter()
                    .filter(|i| i.platform.raw() == *platform);
                let others: Vec<String> = others.map(|i| i.version.show().to_string()).collect();
                let has = if others.is_empty() {
                    format!("it has none for {platform}")
                } else {
                    format!("it has {}", others.join(", "))
                };
                Finding::warn("no-installer", format!("The server has no {platform} installer {shown}, which the {} bundle names: {has}", variant.word()))
                    .why(CHECK.why)
                    .fix(format!("upload the {platform} installer {shown} to AYON; while conda gives workers that very version, they need no other"))
            };
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
