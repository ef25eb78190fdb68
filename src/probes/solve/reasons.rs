//! What conda would not find, why, and the way out.

use std::collections::BTreeSet;

use super::Judge;
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{Reason, Solve as Solved};
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::known;

impl Judge<'_> {
    pub(super) fn not_found(&self, solve: &Solved, reasons: &[Reason]) -> Assessment {
        let word = self.platform.word();
        let asked = self.question.packages.join(" ");
        let can_be = reasons.iter().all(|r| self.may_be_there(r, solve.priority));
        let verdict = if can_be {
            Verdict::WorkerOnly
        } else {
            Verdict::Fail
        };
        let words: Vec<String> = reasons.iter().take(3).map(|r| self.words(r)).collect();
        let message = if can_be {
            let unseen = self.unseen_names();
            let unseen = if unseen.is_empty() {
                "a worker".to_owned()
            } else {
                format!("{}, which only a worker can read,", unseen.join(" or "))
            };
            format!("{word}: {}; {unseen} may have it", words.join("; "))
        } else {
            format!("{word}: {}", words.join("; "))
        };
        let code = if can_be { "needs-worker" } else { "not-found" };
        let assessment = Assessment::new(verdict, code, message)
            .why(format!(
                "asked for {asked}, with {} priority",
                solve.priority.word()
            ))
            .details(self.details(solve));
        match reasons.first().map(|r| self.fix(r)) {
            Some(fix) if !can_be => assessment.fix(fix),
            _ => assessment,
        }
    }

    pub(super) fn words(&self, reason: &Reason) -> String {
        let needs = |spec: &str, by: &Option<String>| match by {
            Some(by) => format!("{by} needs {spec}"),
            None => format!("{spec} was asked for"),
        };
        match reason {
            Reason::NoName {
                name,
                spec,
                wanted_by,
                elsewhere,
            } => {
                let other: BTreeSet<&str> = elsewhere.iter().map(|(_, p)| p.as_str()).collect();
                let other: Vec<&str> = other.into_iter().collect();
                let tail = if other.is_empty() {
                    format!("no channel in the list has {name}")
                } else {
                    format!("the channels have {name} for {} only", other.join(" and "))
                };
                format!("{}; {tail}", needs(spec, wanted_by))
            }
            Reason::NoVersion {
                name,
                spec,
                wanted_by,
                nearest,
            } => {
                let near: Vec<String> = nearest
                    .iter()
                    .map(|(v, c)| format!("{} ({})", v.show(), self.channel(*c)))
                    .collect();
                format!(
                    "{}; no such {name} is in the channels; nearest: {}",
                    needs(spec, wanted_by),
                    near.join(", ")
                )
            }
            Reason::Shadowed {
                name,
                spec,
                wanted_by,
                by,
                there,
            } => format!(
                "{}; {} has it, but {} comes first and knows {name}, which hides it under strict priority",
                needs(spec, wanted_by),
                self.channel(*there),
                self.channel(*by)
            ),
            Reason::Worker {
                name,
                spec,
                wanted_by,
            } => {
                let have = known::workers()
                    .virtual_packages(self.platform)
                    .find(|(n, ..)| n == name)
                    .map_or("none", |(_, v, _)| v);
                format!(
                    "{}; a worker has {have} (inferred, {})",
                    needs(spec, wanted_by),
                    known::workers().as_of
                )
            }
            Reason::Conflict(words) => format!("the packages do not go together: {words}"),
        }
    }

    pub(super) fn fix(&self, reason: &Reason) -> String {
        let last = self
            .question
            .channels
            .last()
            .map_or("the others", Channel::as_str);
        let has = |name: &str| {
            self.question
                .channels
                .iter()
                .any(|c| c.as_str() == name || c.as_str().ends_with(&format!("/{name}")))
        };
        match reason {
            Reason::NoName { elsewhere, name, .. } if !elsewhere.is_empty() => format!(
                "have {name} built for {} too, or give publish steps a fleet of the other platform (attr.worker.os.family)",
                self.platform.word()
            ),
            Reason::NoName { name, .. }
                if name != "ayon-launcher" && known::aws_channels().lack(name) =>
            {
                format!("no published channel is known to hold {name}: build it, or choose the strategy launcher")
            }
            Reason::NoName { name, .. } if known::aws_channels().lack(name) => {
                "add YNPUT's channel, or compare its address with what YNPUT says; another strategy asks for other packages".to_owned()
            }
            Reason::NoName { .. } if !has("conda-forge") => format!("add conda-forge after {last}"),
            Reason::NoName { name, .. } => format!("add a channel that has {name}"),
            Reason::NoVersion { wanted_by: None, name, .. } => {
                format!("have the version of {name} built into the channel, or pin one that the \
                    channel has: [conda] pin in the studio file, or the bundle's launcher in AYON")
            }
            Reason::NoVersion { name, .. } => format!("add a channel with a {name} that fits, after {last}"),
            Reason::Shadowed { by, there, .. } => format!("move {} before {}", self.channel(*there), self.channel(*by)),
            Reason::Worker { .. } => "ask the package's owner for a build for older systems, or publish on a fleet of your own".to_owned(),
            Reason::Conflict(_) => "loosen one of the pins; the details hold the solver's words".to_owned(),
        }
    }
}
