//! One queue environment makes the conda environment, and it can be read.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::environment::Template;
use crate::domain::ids::QueueKey;
use crate::domain::studio::{QueueEnvironment, Studio};

pub struct CondaEnvironment;

/// The queue's conda environments, of those that were read and can be parsed.
pub fn conda_environments<'a>(
    studio: &'a Studio,
    key: &QueueKey,
) -> Vec<(&'a QueueEnvironment, Template)> {
    let read = |e: &'a QueueEnvironment| {
        Template::read(&e.template, e.template_type)
            .ok()
            .map(|t| (e, t))
    };
    studio
        .environments(key)
        .into_iter()
        .filter_map(read)
        .filter(|(_, t)| t.kind.is_conda())
        .collect()
}

impl Check for CondaEnvironment {
    fn id(&self) -> &'static str {
        "conda-environment"
    }
    fn title(&self) -> &'static str {
        "Exactly one conda environment, with a channel list"
    }
    fn why(&self) -> &'static str {
        "workers install AYON in the conda environment that a queue environment makes"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .cloned()
            .map(Ask::Environments)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        view.wanted
            .queues
            .iter()
            .flat_map(|key| self.of_queue(view, key))
            .collect()
    }
}

impl CondaEnvironment {
    fn of_queue(&self, view: &View, key: &QueueKey) -> Vec<Finding> {
        let ask = Ask::Environments(key.clone());
        let fact = view.studio.queues.get(key).map(|q| &q.environments);
        let Some(list) = fact.and_then(|f| f.known()) else {
            let nothing = crate::domain::fact::Fact::NotAsked;
            return vec![unseen(
                self,
                "the queue's environments",
                fact.unwrap_or(&nothing),
                ask,
            )];
        };
        let mut findings = Vec::new();
        for unread in list.iter().filter(|e| e.known().is_none()) {
            findings.push(unseen(
                self,
                "the text of a queue environment",
                unread,
                ask.clone(),
            ));
        }
        for environment in view.studio.environments(key) {
            if let Err(e) = Template::read(&environment.template, environment.template_type) {
                let finding = says(
                    self,
                    Verdict::Fail,
                    format!(
                        "Queue environment \"{}\" can't be read: {e}",
                        environment.name.show()
                    ),
                )
                .why("what can't be parsed is not edited; jobs may fail on it too")
                .fix("mend the template in the console's editor, then look again");
                findings.push(finding.from(Source::Fact(ask.clone())));
            }
        }
        let found = conda_environments(view.studio, key);
        let all_read = findings.is_empty();
        let finding = match found.as_slice() {
            [_] if !all_read => says(self, Verdict::Unknown, "One conda environment was found, and not every environment could be read: there may be another")
                .why("two conda environments on one queue contradict each other"),
            [] if findings.is_empty() => {
                says(self, Verdict::Fail, "The queue has no conda environment")
                    .why(self.why())
                    .fix("setup creates one of the console's kind")
            }
            [] => return findings,
            [(environment, template)] => {
                let guard = if template.has_guard {
                    ", keeps its DISABLE_CONDA_ENV guard"
                } else {
                    ""
                };
                let line = format!(
                    "\"{}\" makes the conda environment: {}, priority {}{guard}",
                    environment.name.show(),
                    template.kind.words(),
                    environment.priority
                );
                match template.channels {
                    Some(_) => says(self, Verdict::Ok, line),
                    None => says(self, Verdict::Fail, format!("\"{}\" has no parameter CondaChannels", environment.name.show()))
                        .why("without it no job and no default can name a channel")
                        .fix("add the parameter CondaChannels to the template by hand: its script must also use it"),
                }
            }
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|(e, _)| format!("\"{}\" ({}, priority {})", e.name.show(), e.id, e.priority))
                    .collect();
                says(self, Verdict::Fail, format!("The queue has {} conda environments: {}", several.len(), names.join(", ")))
                    .why("for a shared parameter the last template's default wins, and both make an environment: which one counts can't be told from here")
                    .fix("remove one of them from the queue; setup changes nothing while there are two")
            }
        };
        findings.push(finding.from(Source::Fact(ask)));
        findings
    }
}
