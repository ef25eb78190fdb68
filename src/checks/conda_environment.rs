//! One queue environment creates the conda environment, and it can be read.

use super::prelude::*;
use crate::derived::conda_environment::{conda_environments, environments};
use crate::domain::ids::QueueKey;
use crate::domain::template::Kind;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "conda-environment",
    title: "Exactly one conda environment, with a channel list",
    why: "workers install AYON in the conda environment that a queue environment creates",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = QueueEnvironments(key.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(list) = fact.known() else {
        return with_evidence(Finding::unread("the queue's environments", fact), evidence);
    };
    let unread = list
        .iter()
        .filter_map(|e| Finding::unread("the text of a queue environment", e));
    let mut findings: Vec<Finding> = unread.map(|f| f.from(evidence.clone())).collect();
    for environment in environments(view, key) {
        if let Err(e) = &environment.template.parsed {
            let name = environment.name.show();
            let line = format!("The queue environment \"{name}\" can't be parsed: {e}");
            let finding = Finding::fail("unparsable", line)
                .why("what can't be parsed is not edited; jobs may fail on it too")
                .fix("correct the template in the console's editor, then check again")
                .about(environment.id.as_str());
            findings.push(finding.from(evidence.clone()));
        }
    }
    let found = conda_environments(view, key);
    let finding = match found.as_slice() {
        [_] if !findings.is_empty() => Finding::unknown(
            "maybe-several",
            "One conda environment \
            was found, but not every environment could be read: there may be another",
        )
        .why("two conda environments on one queue contradict each other"),
        [] if findings.is_empty() => Finding::fail("none", "The queue has no conda environment")
            .why(CHECK.why)
            .fix(Fix::setup(
                "creates the console's default conda environment",
            )),
        [] => return findings,
        [(environment, template)] => {
            let name = environment.name.show();
            let guard = if template.has_guard {
                ", with its DISABLE_CONDA_ENV guard"
            } else {
                ""
            };
            match template.channels {
                Some(_) if template.kind == Kind::UnknownConda => Finding::unknown(
                    "unknown-kind",
                    format!("\"{name}\" has conda's parameters; whether what it runs creates a conda environment is not known"),
                )
                .why("its commands are none of those that are known here")
                .fix("read its script, or run a small job and read the session's log"),
                Some(_) => Finding::ok(format!(
                    "\"{name}\" creates the conda environment: {}, priority {}{guard}",
                    template.kind.words(),
                    environment.priority
                )),
                None => Finding::fail("no-channels", format!("\"{name}\" has no parameter CondaChannels"))
                    .why("without it no job and no default can name a channel")
                    .fix("add the parameter CondaChannels to the template by hand: its script must also use it"),
            }
        }
        several => {
            let names = several
                .iter()
                .map(|(e, _)| format!("\"{}\" ({}, priority {})", e.name.show(), e.id, e.priority));
            let names: Vec<String> = names.collect();
            let line = format!(
                "The queue has {} conda environments: {}",
                several.len(),
                names.join(", ")
            );
            Finding::fail("several", line)
                .why(
                    "for a shared parameter the last template's default wins, and both create an \
                    environment: which one counts can't be told from here",
                )
                .fix("remove one of them from the queue; setup changes nothing while there are two")
        }
    };
    findings.push(finding.from(evidence));
    findings
}
