//! The launcher that workers install is the one that the bundle asks for (field facts F3, the version trap).

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::package::packages;
use crate::domain::studio::Bundle;
use crate::domain::wanted::{Pin, Strategy, Wanted};

pub struct BundleLauncher;

/// The packages of a publish job's CondaPackages, or what is lacking to name them.
pub fn job_packages(view: &View) -> Result<Vec<String>, String> {
    packages(view.wanted.strategy, &view.wanted.pin, bundle(view))
}

/// The bundle that the pin follows; production's, where it follows none.
pub(super) fn bundle<'a>(view: &View<'a>) -> Option<&'a Bundle> {
    let bundles = view.studio.bundles.known()?;
    let of = |wanted: &Wanted| {
        if wanted.pin == Pin::StagingBundle {
            bundles.staging.as_ref()
        } else {
            bundles.production.as_ref()
        }
    };
    of(view.wanted)
}

impl Check for BundleLauncher {
    fn id(&self) -> &'static str {
        "bundle-launcher"
    }
    fn title(&self) -> &'static str {
        "The pinned launcher is the bundle's launcher"
    }
    fn why(&self) -> &'static str {
        "a launcher of another version installs the bundle's own and relaunches, which ends in exit 1 in a read-only conda prefix"
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
        let ask = Ask::Bundles(view.wanted.server.url.clone());
        if view.studio.bundles.known().is_none() {
            return vec![super::addon_channels::no_key_or(
                view,
                self,
                "which launcher the studio's bundle asks for",
                &view.studio.bundles,
                ask,
            )];
        }
        let word = if view.wanted.pin == Pin::StagingBundle {
            "staging"
        } else {
            "production"
        };
        let finding = match (bundle(view).map(|b| (b, &b.installer)), &view.wanted.pin) {
            (None, _) => says(self, Verdict::Warn, format!("AYON has no {word} bundle"))
                .why("the launcher on a worker would end with \"No studio bundle is set\"")
                .fix(format!("set a bundle to {word} in AYON")),
            // The other packages follow the addon core, not the launcher.
            (Some((b, _)), pin) if view.wanted.strategy != Strategy::Launcher => {
                self.of_core(b, pin, word)
            }
            (Some((b, None)), _) => says(
                self,
                Verdict::Warn,
                format!(
                    "The {word} bundle {} names no launcher version",
                    b.name.show()
                ),
            )
            .why(self.why())
            .fix("set the bundle's launcher version in AYON"),
            (Some((b, Some(v))), Pin::Exactly(pin)) if v.raw() != pin => says(
                self,
                Verdict::Warn,
                format!(
                    "The pin is =={pin}, and the {word} bundle {} asks for launcher {}",
                    b.name.show(),
                    v.show()
                ),
            )
            .why(self.why())
            .fix(format!(
                "write pin = \"=={}\" or pin = \"bundle:{word}\" in the studio file",
                v.show()
            )),
            (Some((b, Some(v))), Pin::Latest) => says(
                self,
                Verdict::Warn,
                format!(
                    "The pin is \"latest\", and the {word} bundle {} asks for launcher {}",
                    b.name.show(),
                    v.show()
                ),
            )
            .why(self.why())
            .fix(format!("write pin = \"bundle:{word}\" in the studio file")),
            (Some((b, Some(v))), _) => says(
                self,
                Verdict::Ok,
                format!(
                    "Launcher {} by the {word} bundle {}",
                    v.show(),
                    b.name.show()
                ),
            ),
        };
        vec![finding.from(Source::Fact(ask))]
    }
}

impl BundleLauncher {
    fn of_core(&self, bundle: &Bundle, pin: &Pin, word: &str) -> Finding {
        let name = bundle.name.show();
        let Some(core) = &bundle.core else {
            return says(
                self,
                Verdict::Warn,
                format!("The {word} bundle {name} holds no addon core"),
            )
            .why("these packages are versioned as the addon core is")
            .fix("add the addon core to the bundle in AYON, or use the launcher package");
        };
        match pin {
            Pin::Exactly(pin) if pin != core.raw() => says(
                self,
                Verdict::Warn,
                format!(
                    "The pin is =={pin}, and the {word} bundle {name} holds core {}",
                    core.show()
                ),
            )
            .why("a worker that publishes with another core than the artist's may refuse or misplace what it publishes")
            .fix(format!("write pin = \"bundle:{word}\" in the studio file")),
            _ => says(
                self,
                Verdict::Ok,
                format!("Core {} by the {word} bundle {name}", core.show()),
            ),
        }
    }
}
