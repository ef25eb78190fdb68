//! The queue's own default for CondaPackages: every job that names no packages gets it.

use rattler_conda_types::{MatchSpec, ParseStrictness};

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::derived::job_packages::job_packages;
use crate::domain::ids::QueueKey;
use crate::domain::text::Printable;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "queue-packages",
    title: "The queue's default packages are valid",
    why: "a word that conda does not accept as a package fails every job that relies on the queue's default",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (environment, template) in conda_environments(view, key) {
        let Some(Some(text)) = &template.packages else {
            continue;
        };
        let name = environment.name.show();
        // An empty default is the rule: then only jobs that ask for packages get any.
        let words = text.split_whitespace();
        findings.extend(words.filter_map(|word| of_word(view, word, &name)));
    }
    let evidence = view.evidence(&QueueEnvironments(key.clone()));
    let with = |f: Finding| f.from(evidence.clone());
    findings.into_iter().map(with).collect()
}

fn of_word(view: &View, word: &str, name: &Printable) -> Option<Finding> {
    let shown = Printable::short(word, 60);
    let spec = match MatchSpec::from_str(word, ParseStrictness::Lenient) {
        Ok(spec) => spec,
        Err(e) => {
            let line =
                format!("CondaPackages of \"{name}\" holds \"{shown}\", which is not a package");
            let finding = Finding::fail("not-a-package", line)
                .why(e.to_string())
                .fix("correct the default in the console's editor; separate packages with spaces");
            return Some(finding.about(shown));
        }
    };
    let package = spec.name.as_exact()?.as_normalized().to_owned();
    let pinned = job_packages(view).ok()?.into_iter().find_map(|p| {
        let pinned = MatchSpec::from_str(&p, ParseStrictness::Lenient).ok()?;
        (pinned.name == spec.name).then_some((p, pinned))
    });
    match pinned {
        Some((text, pinned)) if pinned.version != spec.version => {
            let line = format!(
                "CondaPackages of \"{name}\" asks for {shown} in every job; the studio's pin is {text}"
            );
            let finding = Finding::warn("other-version", line)
                .why(format!("a job that names no packages gets this {package}"))
                .fix(format!(
                    "write {text} there, or leave the default empty and let publish jobs ask for it"
                ));
            Some(finding.about(shown))
        }
        _ => None,
    }
}
