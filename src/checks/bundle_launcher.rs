//! The launcher that workers install is the one that the bundle names (field facts F3, the version trap).

use super::prelude::*;
use url::Url;

use crate::derived::job_packages::{bundle, variant};
use crate::domain::ayon::Bundle;
use crate::domain::config::{Pin, Strategy};
use crate::questions::{AyonBundles, Part};

pub(super) const CHECK: Check = Check {
    id: "bundle-launcher",
    title: "The pinned launcher is the bundle's launcher",
    why: "a launcher of another version installs the bundle's own and relaunches, which ends in exit 1 in a read-only conda prefix",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let question = AyonBundles(url.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    if fact.known().is_none() {
        let what = "which launcher the studio's bundle names";
        return with_evidence(Finding::unread(what, fact), evidence);
    }
    let config = view.config(Part::Packages);
    let word = variant(config).word();
    let finding = match (bundle(view), config.strategy) {
        (None, _) => Finding::warn("no-bundle", format!("AYON has no {word} bundle"))
            .why("the launcher on a worker would end with \"No studio bundle is set\"")
            .fix(format!("set a bundle to {word} in AYON")),
        (Some(bundle), Strategy::Launcher) => of_launcher(bundle, &config.pin, word),
        // The other packages follow the core addon, not the launcher.
        (Some(bundle), _) => of_core(bundle, &config.pin, word),
    };
    vec![finding.from(evidence)]
}

fn of_launcher(bundle: &Bundle, pin: &Pin, word: &str) -> Finding {
    let name = bundle.name.show();
    let Some(version) = &bundle.installer else {
        let line = format!("The {word} bundle {name} names no launcher version");
        return Finding::warn("no-launcher", line)
            .why(CHECK.why)
            .fix("set the bundle's launcher version in AYON");
    };
    let shown = version.show();
    let differs = |pinned: String, fix: String| {
        let line = format!("{pinned}, and the {word} bundle {name} names launcher {shown}");
        Finding::warn("other-version", line).why(CHECK.why).fix(fix)
    };
    match pin {
        Pin::Exactly(pin) if version.raw() != pin => differs(
            format!("The pin is =={pin}"),
            format!("write pin = \"=={shown}\" or pin = \"bundle:{word}\" in the studio file"),
        ),
        Pin::Latest => differs(
            "The pin is \"latest\"".to_owned(),
            format!("write pin = \"bundle:{word}\" in the studio file"),
        ),
        _ => Finding::ok(format!("Launcher {shown} by the {word} bundle {name}")),
    }
}

fn of_core(bundle: &Bundle, pin: &Pin, word: &str) -> Finding {
    let name = bundle.name.show();
    let Some(core) = &bundle.core else {
        let line = format!("The {word} bundle {name} lacks the core addon");
        return Finding::warn("no-core", line)
            .why("these packages have the core addon's version")
            .fix("add the core addon to the bundle in AYON, or use the launcher package");
    };
    let shown = core.show();
    match pin {
        Pin::Exactly(pin) if pin != core.raw() => {
            let line =
                format!("The pin is =={pin}, and the {word} bundle {name} holds core {shown}");
            Finding::warn("other-version", line)
                .why("a worker that publishes with another core than the artist's may refuse or misplace what it publishes")
                .fix(format!("write pin = \"bundle:{word}\" in the studio file"))
        }
        Pin::Latest => {
            let line =
                format!("The pin is \"latest\", and the {word} bundle {name} holds core {shown}");
            Finding::warn("other-version", line)
                .why("a worker that publishes with another core than the artist's may refuse or misplace what it publishes")
                .fix(format!("write pin = \"bundle:{word}\" in the studio file"))
        }
        _ => Finding::ok(format!("Core {shown} by the {word} bundle {name}")),
    }
}
