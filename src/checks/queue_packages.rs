//! The queue's own default for CondaPackages: every job that names no packages gets it.

use rattler_conda_types::{MatchSpec, ParseStrictness};

use super::conda_environment::conda_environments;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, job_packages, says};
use crate::domain::text::Printable;

pub struct QueuePackages;

impl Check for QueuePackages {
    fn id(&self) -> &'static str {
        "queue-packages"
    }
    fn title(&self) -> &'static str {
        "The queue's default packages are packages"
    }
    fn why(&self) -> &'static str {
        "a word that conda does not take for a package fails every job that relies on the queue's default"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let queues = view.wanted.queues.iter();
        queues.cloned().map(Ask::Environments).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            for (environment, template) in conda_environments(view.studio, key) {
                let Some(Some(text)) = &template.packages else {
                    continue;
                };
                let name = environment.name.show();
                // An empty default is the rule: then only jobs that ask for packages get any.
                for word in text.split_whitespace() {
                    let finding = self.of_word(view, word, &name);
                    findings.extend(
                        finding.map(|f| f.from(Source::Fact(Ask::Environments(key.clone())))),
                    );
                }
            }
        }
        findings
    }
}

impl QueuePackages {
    fn of_word(&self, view: &View, word: &str, name: &Printable) -> Option<Finding> {
        let shown = Printable::short(word, 60);
        let spec = match MatchSpec::from_str(word, ParseStrictness::Lenient) {
            Ok(spec) => spec,
            Err(e) => {
                let finding = says(
                    self,
                    Verdict::Fail,
                    format!("CondaPackages of \"{name}\" holds \"{shown}\", which is no package"),
                )
                .why(e.to_string())
                .fix("correct the default in the console's editor; packages are parted by spaces");
                return Some(finding);
            }
        };
        let package = spec.name.as_exact()?.as_normalized().to_owned();
        let wanted = job_packages(view).ok()?.into_iter().find_map(|w| {
            let wanted = MatchSpec::from_str(&w, ParseStrictness::Lenient).ok()?;
            (wanted.name == spec.name).then_some((w, wanted))
        });
        match wanted {
            Some((text, wanted)) if wanted.version != spec.version => Some(
                says(
                    self,
                    Verdict::Warn,
                    format!("CondaPackages of \"{name}\" asks for {shown} in every job; the studio's pin is {text}"),
                )
                .why(format!("a job that names no packages gets this {package}"))
                .fix(format!("write {text} there, or leave the default empty and let publish jobs ask for it")),
            ),
            _ => None,
        }
    }
}
