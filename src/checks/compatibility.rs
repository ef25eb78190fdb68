//! Server, launcher and addons go together as their own packages declare (the table `assets/compatibility.toml`).

use std::str::FromStr;
use std::sync::LazyLock;

use rattler_conda_types::{ParseStrictness, Version, VersionSpec};
use serde::Deserialize;

use super::bundle_launcher::bundle;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::probe::{Probe, Seen};
use crate::domain::studio::Bundle;
use crate::domain::text::Untrusted;

pub struct Compatibility;

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

/// `None`: the version, or the range, is none that can be compared.
fn is_in(version: &str, range: &str) -> Option<bool> {
    let version = Version::from_str(version).ok()?;
    let range = VersionSpec::from_str(range, ParseStrictness::Lenient).ok()?;
    Some(range.matches(&version))
}

impl Check for Compatibility {
    fn id(&self) -> &'static str {
        "compatibility"
    }
    fn title(&self) -> &'static str {
        "Server, launcher and addons declare that they go together"
    }
    fn why(&self) -> &'static str {
        "AYON's server checks what addons declare when a bundle is made, but a bundle can be forced; on a worker the launcher then ends with an error"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        vec![Ask::Bundles(view.wanted.server.url.clone())]
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let Some(bundle) = bundle(view) else {
            // That there is no bundle, or no key to ask with, `bundle-launcher` says.
            return Vec::new();
        };
        let url = &view.wanted.server.url;
        let probe = Probe::AyonInfo(url.clone());
        let server = match view.studio.readings.get(&probe).map(|r| &r.seen) {
            Some(Ok(Seen::Ayon { version })) => Some(version.clone()),
            _ => None,
        };
        let finding = self.of_bundle(bundle, server.as_ref());
        vec![
            finding
                .from(Source::Fact(Ask::Bundles(url.clone())))
                .from(Source::Test(probe)),
        ]
    }
}

impl Compatibility {
    fn of_bundle(&self, bundle: &Bundle, server: Option<&Untrusted>) -> Finding {
        let table = &*TABLE;
        let name = bundle.name.show();
        let Some(core) = &bundle.core else {
            return says(
                self,
                Verdict::Warn,
                format!("The bundle {name} holds no addon core"),
            )
            .why("the launcher ends with \"Failed to import required AYON core addon\"")
            .fix("add the addon core to the bundle in AYON");
        };
        let shown = core.show();
        let row = table
            .core
            .iter()
            .find(|r| is_in(core.raw(), &r.versions) == Some(true));
        let Some(row) = row else {
            return says(
                self,
                Verdict::Skipped,
                format!("Nothing is known of core {shown} in the bundle {name}"),
            )
            .why(format!(
                "the table of {} ends at core {} ({})",
                table.as_of, table.newest_core, table.source
            ));
        };
        let mut outside = Vec::new();
        if let Some(server) = server
            && is_in(server.raw(), &row.server) == Some(false)
        {
            outside.push(format!(
                "core {shown} declares server {}, and this one is {}",
                row.server,
                server.show()
            ));
        }
        if let Some(launcher) = &bundle.installer
            && is_in(launcher.raw(), &row.launcher) == Some(false)
        {
            outside.push(format!(
                "core {shown} declares launcher {}, and the bundle names {}",
                row.launcher,
                launcher.show()
            ));
        }
        if bundle.addon.is_some() && is_in(core.raw(), &table.deadline_cloud.core) == Some(false) {
            outside.push(format!(
                "the addon deadline_cloud needs core {} ({})",
                table.deadline_cloud.core, table.deadline_cloud.source
            ));
        }
        if outside.is_empty() {
            let compared: Vec<String> = [
                bundle
                    .installer
                    .as_ref()
                    .map(|v| format!("launcher {}", v.show())),
                server.map(|v| format!("server {}", v.show())),
            ]
            .into_iter()
            .flatten()
            .collect();
            if compared.is_empty() {
                return says(
                    self,
                    Verdict::Skipped,
                    format!("Core {shown} of the bundle {name} was compared with nothing"),
                )
                .why("neither the server's version nor the bundle's launcher is known");
            }
            return says(
                self,
                Verdict::Ok,
                format!(
                    "Core {shown} of the bundle {name} declares that it goes with {}",
                    compared.join(" and ")
                ),
            )
            .why(format!(
                "declared, not tested; table of {} ({})",
                table.as_of, table.source
            ));
        }
        says(
            self,
            Verdict::Warn,
            format!(
                "The bundle {name} is outside of what is declared: {}",
                outside.join("; ")
            ),
        )
        .why(self.why())
        .fix("choose versions that go together in AYON's bundle editor, which names what it checks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(core: Option<&str>, launcher: &str, server: &str) -> (Verdict, String) {
        let text = |t: &str| Untrusted::new(t);
        let bundle = Bundle {
            name: text("prod"),
            installer: Some(text(launcher)),
            addon: Some(text("0.3.0")),
            core: core.map(text),
        };
        let finding = Compatibility.of_bundle(&bundle, Some(&text(server)));
        (finding.verdict, finding.says.to_string())
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
