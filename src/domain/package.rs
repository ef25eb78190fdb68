//! The package strategies: which AYON packages a worker gets, pinned by what, and what each is good for.

use super::ayon::Bundle;
use super::config::{Pin, Strategy};

/// A strategy's page of help.
#[derive(Debug, Clone, Copy)]
pub struct Help {
    pub title: &'static str,
    /// One line, for a list.
    pub line: &'static str,
    /// Paragraphs.
    pub page: &'static str,
}

impl Strategy {
    pub fn help(self) -> Help {
        match self {
            Self::Launcher => Help {
                title: "the AYON launcher, run headless",
                line: "ayon-launcher: recommended (Ynput, AWS, 2026-06)",
                page: include_str!("../../assets/help/strategy-launcher.md"),
            },
            Self::Publish => Help {
                title: "the slim package ayon-publish",
                line: "ayon-publish: small, and superseded (option A)",
                page: include_str!("../../assets/help/strategy-publish.md"),
            },
            Self::Components => Help {
                title: "components, each pinned",
                line: "ayon-core, ayon-python-api, ayon-deadline-cloud (option B)",
                page: include_str!("../../assets/help/strategy-components.md"),
            },
            Self::CoreSync => Help {
                title: "a core, and addons from the job attachments bucket",
                line: "ayon-publish-core (option C)",
                page: include_str!("../../assets/help/strategy-core-sync.md"),
            },
        }
    }

    /// The package that a version typed by hand is for.
    pub fn main_package(self) -> &'static str {
        match self {
            Self::Launcher => "ayon-launcher",
            Self::Publish => "ayon-publish",
            Self::Components => "ayon-core",
            Self::CoreSync => "ayon-publish-core",
        }
    }
}

/// What is asked of conda, or what is lacking to name it.
pub fn packages(
    strategy: Strategy,
    pin: &Pin,
    bundle: Option<&Bundle>,
) -> Result<Vec<String>, String> {
    let main = strategy.main_package();
    // Never a space inside: a space ends a package in CondaPackages.
    let exactly = |name: &str, version: &str| format!("{name}=={version}");
    let from_bundle = |what: &str, of: &dyn Fn(&Bundle) -> Option<String>| {
        let bundle = bundle
            .ok_or_else(|| format!("the bundle that names the version of {what} is not known"))?;
        let version = of(bundle).ok_or_else(|| {
            format!(
                "the bundle {} names no version of {what}",
                bundle.name.show()
            )
        })?;
        version
            .parse::<rattler_conda_types::Version>()
            .map(|_| version)
            .map_err(|_| format!("the bundle's version of {what} is none that conda knows"))
    };
    let installer = |b: &Bundle| b.installer.as_ref().map(|v| v.raw().to_owned());
    let core = |b: &Bundle| b.core.as_ref().map(|v| v.raw().to_owned());
    let addon = |b: &Bundle| b.addon.as_ref().map(|v| v.raw().to_owned());
    let pinned = match pin {
        Pin::Exactly(version) => exactly(main, version),
        Pin::Latest => main.to_owned(),
        Pin::ProductionBundle | Pin::StagingBundle if strategy == Strategy::Launcher => {
            exactly(main, &from_bundle("the launcher", &installer)?)
        }
        // The other packages are versioned as the addon `core` is (inferred from the one that was built).
        Pin::ProductionBundle | Pin::StagingBundle => {
            exactly(main, &from_bundle("the core addon", &core)?)
        }
    };
    let mut list = vec![pinned];
    if strategy == Strategy::Components {
        list.push("ayon-python-api".to_owned());
        list.push(match pin {
            Pin::ProductionBundle | Pin::StagingBundle => exactly(
                "ayon-deadline-cloud",
                &from_bundle("the deadline_cloud addon", &addon)?,
            ),
            Pin::Latest | Pin::Exactly(_) => "ayon-deadline-cloud".to_owned(),
        });
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Untrusted;

    fn bundle() -> Bundle {
        Bundle {
            name: Untrusted::new("prod"),
            installer: Some(Untrusted::new("1.6.1")),
            addon: Some(Untrusted::new("0.3.0")),
            core: Some(Untrusted::new("1.9.5")),
            ..Bundle::default()
        }
    }

    #[test]
    fn each_strategy_asks_for_its_own_packages() {
        let all = [
            (
                Strategy::Launcher,
                Pin::ProductionBundle,
                "ayon-launcher==1.6.1",
            ),
            (Strategy::Launcher, Pin::Latest, "ayon-launcher"),
            (
                Strategy::Launcher,
                Pin::Exactly("1.7".to_owned()),
                "ayon-launcher==1.7",
            ),
            (Strategy::Publish, Pin::StagingBundle, "ayon-publish==1.9.5"),
            (
                Strategy::Components,
                Pin::ProductionBundle,
                "ayon-core==1.9.5 ayon-python-api ayon-deadline-cloud==0.3.0",
            ),
            (
                Strategy::CoreSync,
                Pin::ProductionBundle,
                "ayon-publish-core==1.9.5",
            ),
        ];
        for (strategy, pin, asked) in all {
            let list = packages(strategy, &pin, Some(&bundle())).unwrap();
            assert_eq!(list.join(" "), asked);
            for one in &list {
                assert!(
                    one.parse::<rattler_conda_types::MatchSpec>().is_ok(),
                    "{one}"
                );
            }
        }
    }

    #[test]
    fn what_is_lacking_is_named() {
        let none = packages(Strategy::Launcher, &Pin::ProductionBundle, None).unwrap_err();
        assert!(none.contains("not known"), "{none}");
        let mut bare = bundle();
        bare.core = None;
        let lack = packages(Strategy::Publish, &Pin::ProductionBundle, Some(&bare)).unwrap_err();
        assert!(lack.contains("core"), "{lack}");
        bare.installer = Some(Untrusted::new("1.6.1; rm -rf"));
        assert!(packages(Strategy::Launcher, &Pin::ProductionBundle, Some(&bare)).is_err());
    }

    #[test]
    fn every_strategy_has_a_page() {
        for strategy in Strategy::ALL {
            let help = strategy.help();
            assert!(
                help.page.lines().count() >= 5 && help.line.chars().count() <= 66,
                "{strategy:?}"
            );
        }
    }
}
