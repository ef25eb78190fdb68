//! Server, launcher and addons are compatible as their own packages declare (the table `assets/compatibility.toml`).

use std::str::FromStr;
use std::sync::LazyLock;

use rattler_conda_types::{ParseStrictness, Version, VersionSpec};
use serde::Deserialize;
use url::Url;

use super::prelude::*;
use crate::derived::job_packages::bundle;
use crate::domain::ayon::Bundle;
use crate::domain::call::Vantage;
use crate::domain::text::Untrusted;
use crate::probes::AyonInfo;
use crate::questions::AyonBundles;

pub(super) const CHECK: Check = Check {
    id: "compatibility",
    title: "Server, launcher and addons declare that they are compatible",
    why: "AYON's server checks what addons declare when a bundle is created, but a bundle can be \
        forced; on a worker the launcher then ends with an error",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: String,
    source: String,
    newest_core: String,
    core: Vec<Row>,
    deadline_cloud: Addon,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    versions: String,
    server: String,
    launcher: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addon {
    core: String,
    source: String,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../assets/compatibility.toml"))
        .unwrap_or_else(|e| unreachable!("built-in data, read by a test: {e}"))
});

/// `None`: the version or the range can't be compared.
fn is_in(version: &str, range: &str) -> Option<bool> {
    let version = Version::from_str(version).ok()?;
    let range = VersionSpec::from_str(range, ParseStrictness::Lenient).ok()?;
    Some(range.matches(&version))
}

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let info = AyonInfo(url.clone());
    let seen = view.seen(&info, &Vantage::Here);
    let Some(bundle) = bundle(view) else {
        // That there is no bundle, or no key to ask with, `bundle-launcher` says.
        return Vec::new();
    };
    if seen.is_pending() {
        return Vec::new();
    }
    let finding = of_bundle(bundle, seen.value().map(|i| &i.version));
    vec![
        finding
            .from(view.evidence(&AyonBundles(url.clone())))
            .from(view.evidence_of(&info, &Vantage::Here)),
    ]
}

fn of_bundle(bundle: &Bundle, server: Option<&Untrusted>) -> Finding {
    let table = &*TABLE;
    let name = bundle.name.show();
    let Some(core) = &bundle.core else {
        return Finding::warn("no-core", format!("The bundle {name} lacks the core addon"))
            .why("the launcher ends with \"Failed to import required AYON core addon\"")
            .fix("add the core addon to the bundle in AYON");
    };
    let shown = core.show();
    let is_row = |r: &&Row| is_in(core.raw(), &r.versions) == Some(true);
    let Some(row) = table.core.iter().find(is_row) else {
        let line = format!("Nothing is known about core {shown} in the bundle {name}");
        return Finding::skipped("not-in-table", line).why(format!(
            "the table of {} ends at core {} ({})",
            table.as_of, table.newest_core, table.source
        ));
    };
    let mut outside = Vec::new();
    if let Some(server) = server
        && is_in(server.raw(), &row.server) == Some(false)
    {
        let range = &row.server;
        outside.push(format!(
            "core {shown} declares server {range}, and this one is {}",
            server.show()
        ));
    }
    if let Some(launcher) = &bundle.installer
        && is_in(launcher.raw(), &row.launcher) == Some(false)
    {
        let range = &row.launcher;
        outside.push(format!(
            "core {shown} declares launcher {range}, and the bundle names {}",
            launcher.show()
        ));
    }
    if bundle.addon.is_some() && is_in(core.raw(), &table.deadline_cloud.core) == Some(false) {
        let addon = &table.deadline_cloud;
        outside.push(format!(
            "the deadline_cloud addon needs core {} ({})",
            addon.core, addon.source
        ));
    }
    if !outside.is_empty() {
        let line = format!(
            "The versions of the bundle {name} do not go together: {}",
            outside.join("; ")
        );
        return Finding::warn("incompatible", line)
            .why(CHECK.why)
            .fix("choose compatible versions in AYON's bundle editor, which names what it checks");
    }
    // A version that can't be compared with the range was not compared.
    let inside = |v: &&Untrusted, range: &str| is_in(v.raw(), range) == Some(true);
    let launcher = bundle.installer.as_ref();
    let launcher = launcher.filter(|v| inside(v, &row.launcher));
    let launcher = launcher.map(|v| format!("launcher {}", v.show()));
    let server = server.filter(|v| inside(v, &row.server));
    let server = server.map(|v| format!("server {}", v.show()));
    let compared: Vec<String> = [launcher, server].into_iter().flatten().collect();
    if compared.is_empty() {
        let line = format!("Core {shown} of the bundle {name} was compared with nothing");
        return Finding::skipped("nothing-to-compare", line)
            .why("neither the server's version nor the bundle's launcher is known, or they can't be compared");
    }
    let line = format!(
        "Core {shown} of the bundle {name} declares that it is compatible with {}",
        compared.join(" and ")
    );
    Finding::ok(line).why(format!(
        "declared, not tested; table of {} ({})",
        table.as_of, table.source
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Verdict;

    fn verdict(core: Option<&str>, launcher: &str, server: &str) -> (Verdict, String) {
        let text = |t: &str| Untrusted::new(t);
        let bundle = Bundle {
            name: text("prod"),
            installer: Some(text(launcher)),
            addon: Some(text("0.3.0")),
            core: core.map(text),
            ..Bundle::default()
        };
        let finding = of_bundle(&bundle, Some(&text(server)));
        (finding.verdict, finding.message.to_string())
    }

    #[test]
    fn the_table_decides() {
        for (core, launcher, server, expected) in [
            (Some("1.9.5"), "1.6.1", "1.15.18+202606", Verdict::Ok),
            (Some("1.9.5"), "1.4.0", "1.15.18", Verdict::Warn),
            (Some("1.9.5"), "1.6.1", "1.8.0", Verdict::Warn),
            (Some("1.6.0"), "1.6.1", "1.15.18", Verdict::Warn),
            (Some("2.4.0"), "1.6.1", "1.15.18", Verdict::Skipped),
            (Some("nonsense!"), "1.6.1", "1.15.18", Verdict::Skipped),
            (None, "1.6.1", "1.15.18", Verdict::Warn),
        ] {
            let (seen, says) = verdict(core, launcher, server);
            assert_eq!(seen, expected, "{core:?} {launcher} {server}: {says}");
        }
    }

    #[test]
    fn every_range_of_the_table_can_be_read() {
        for row in &TABLE.core {
            for range in [&row.versions, &row.server, &row.launcher] {
                assert!(is_in("1.0.0", range).is_some(), "{range}");
            }
        }
    }
}
