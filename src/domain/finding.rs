//! What a check says, and on what evidence.

use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::probe::Probe;
use super::text::Printable;

/// The six words. Order is worst first, and is the order of every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    #[serde(rename = "FAIL")]
    Fail,
    /// This machine could have seen it, but did not: denied, unreached. The finding says why.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    #[serde(rename = "WARN")]
    Warn,
    /// Only a worker can see it. Never changes an exit code.
    #[serde(rename = "WORKER ONLY")]
    WorkerOnly,
    /// Not looked at, with the reason.
    #[serde(rename = "SKIPPED")]
    Skipped,
    #[serde(rename = "OK")]
    Ok,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Warn => "WARN",
            Self::WorkerOnly => "WORKER ONLY",
            Self::Skipped => "SKIPPED",
            Self::Ok => "OK",
        }
    }
}

/// The part of the studio that a check speaks of, which is also the wizard's step that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    Identity,
    Queue,
    Channels,
    Roles,
    Server,
}

impl Topic {
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Queue => "Farm, queue",
            Self::Channels => "Channels",
            Self::Roles => "Roles",
            Self::Server => "Server",
        }
    }
}

/// Where a finding was read: a fact that was asked for, or a live test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Fact(Ask),
    Test(Probe),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's permanent id.
    pub check: String,
    pub topic: Topic,
    pub verdict: Verdict,
    /// Could this check have said FAIL? Only then does its UNKNOWN matter to an exit code.
    pub could_fail: bool,
    pub says: Printable,
    pub why: Option<Printable>,
    pub fix: Option<Printable>,
    /// The long form, line by line: a resolved list, the folders of a channel.
    #[serde(default)]
    pub details: Vec<Printable>,
    pub sources: Vec<Source>,
}

impl Finding {
    #[must_use]
    pub fn why(mut self, why: impl Into<Printable>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<Printable>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn details(mut self, lines: impl IntoIterator<Item = Printable>) -> Self {
        self.details.extend(lines);
        self
    }

    #[must_use]
    pub fn from(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }
}

/// The exit code of a report: 0 clean, 1 findings, 3 could not look (house style, "Exit codes mean something").
/// Without an identity nothing of AWS was looked at, whatever else was found.
pub fn exit_code(findings: &[Finding]) -> u8 {
    if findings
        .iter()
        .any(|f| f.check == "caller-identity" && f.verdict == Verdict::Unknown)
    {
        return 3;
    }
    if findings
        .iter()
        .any(|f| matches!(f.verdict, Verdict::Fail | Verdict::Warn))
    {
        return 1;
    }
    if could_not_look(findings) { 3 } else { 0 }
}

pub fn could_not_look(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|f| f.verdict == Verdict::Unknown && f.could_fail)
}

/// The worst word of several; `None` for no findings.
pub fn worst<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Verdict> {
    findings.into_iter().map(|f| f.verdict).min()
}
