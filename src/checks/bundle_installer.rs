//! The server holds an installer of the launcher that a bundle names, for the workers' system.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::{ForWorkers, bundles_for_workers};
use crate::domain::ayon::Desktop;
use crate::domain::text::Untrusted;
use crate::questions::{AyonBundles, AyonDesktop};

pub(super) const CHECK: Check = Check {
    id: "bundle-installer",
    title: "The server has the bundle's launcher for the workers' system",
    why: "a launcher of another version than the bundle's installs the bundle's own, \
        and ends with exit 1 where the server has none for its platform",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let held = AyonDesktop(url.clone());
    let fact = view.fact(&held);
    let pairs = bundles_for_workers(view, url);
    let Some(desktop) = fact.known() else {
        // Without a bundle that is known there is nothing to look for.
        let finding = Finding::unread("AYON's installers", fact).filter(|_| !pairs.is_empty());
        return with_evidence(finding, view.evidence(&held));
    };
    let one = |pair: &ForWorkers| {
        // What a bundle without one means, compatibility says.
        let version = pair.bundle.installer.as_ref()?;
        let finding = of(desktop, version, pair).about(pair.words());
        let bundles = view.evidence(&AyonBundles(url.clone()));
        Some(finding.from(bundles).from(view.evidence(&held)))
    };
    pairs.iter().filter_map(one).collect()
}

fn of(desktop: &Desktop, version: &Untrusted, pair: &ForWorkers) -> Finding {
    let (platform, variant, shown) = (pair.platform, pair.variant.word(), version.show());
    if desktop.has_installer(version.raw(), platform) {
        let line =
            format!("The server has the {platform} installer {shown} of the {variant} bundle");
        return Finding::ok(line);
    }
    let others = desktop.installers.iter();
    let others = others.filter(|i| i.platform.raw() == platform);
    let others: Vec<String> = others.map(|i| i.version.show().to_string()).collect();
    let has = if others.is_empty() {
        format!("it has none for {platform}")
    } else {
        format!("it has {}", others.join(", "))
    };
    let line = format!(
        "The server has no {platform} installer {shown}, which the {variant} bundle names: {has}"
    );
    Finding::warn("no-installer", line)
        .why(CHECK.why)
        .fix(format!(
            "upload the {platform} installer {shown} to AYON; \
            while conda gives workers that very version, they need no other"
        ))
}
