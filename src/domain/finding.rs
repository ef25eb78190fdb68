//! What a check says of a subject, and on what evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call::{Call, Vantage};
use super::fact::{Fact, NotAsked};
use super::problem::Problem;
use super::subject::Subject;
use super::text::Printable;

/// Order is worst first, and is the order of every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Fail,
    /// It is wrong, and a change of the plan cures it.
    ToDo,
    /// This machine could have seen it, but did not: denied, or no answer. The finding says why.
    Unknown,
    Warn,
    /// Only a worker can see it. Never changes an exit code.
    WorkerOnly,
    /// Behind a broken hop.
    NotReached,
    /// Somebody has looked at it by hand, and says so in the studio file.
    Confirmed,
    /// The studio file says to leave it, and why.
    Ignored,
    /// Not checked, with the reason.
    Skipped,
    Ok,
}

impl Verdict {
    pub const ALL: [Self; 10] = [
        Self::Fail,
        Self::ToDo,
        Self::Unknown,
        Self::Warn,
        Self::WorkerOnly,
        Self::NotReached,
        Self::Confirmed,
        Self::Ignored,
        Self::Skipped,
        Self::Ok,
    ];

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::ToDo => "TO DO",
            Self::Unknown => "UNKNOWN",
            Self::Warn => "WARN",
            Self::WorkerOnly => "WORKER ONLY",
            Self::NotReached => "NOT REACHED",
            Self::Confirmed => "CONFIRMED",
            Self::Ignored => "IGNORED",
            Self::Skipped => "SKIPPED",
            Self::Ok => "OK",
        }
    }

    /// As programs read it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::ToDo => "to-do",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::WorkerOnly => "worker-only",
            Self::NotReached => "not-reached",
            Self::Confirmed => "confirmed",
            Self::Ignored => "ignored",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }

    /// As a program that has read a report names it.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.id() == id)
    }

    /// Nothing was seen of it.
    pub fn is_unseen(self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Skipped | Self::NotReached | Self::WorkerOnly
        )
    }

    /// Is something wrong, or in doubt, that a change could cure?
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Fail | Self::Unknown | Self::Warn)
    }
}

words!(
    /// How a finding came about. Documents say what should be, a simulation what IAM would say, a try what happened.
    Grade { Documents = "documents", Simulated = "simulated", Tried = "tried" }
);

words!(
    /// The part of the studio that a check is about, which is also the wizard's step that shows it.
    Topic {
        Identity = "identity",
        Queue = "queue",
        Channels = "channels",
        Roles = "roles",
        Server = "server",
    }
);

words!(
    /// What has become of a finding since an earlier report.
    Since { New = "new", Worse = "worse", Changed = "changed", Better = "better", Unseen = "not-seen", Same = "same" }
);

words!(
    /// The worst that a check says. Only where that is FAIL does its UNKNOWN make a run exit with 3.
    Severity { Fail = "fail", Warn = "warn" }
);

/// A question or a live test that a finding rests on, with the calls that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub what: Printable,
    pub calls: Arc<[Call]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's permanent id.
    pub check: &'static str,
    pub topic: Topic,
    pub severity: Severity,
    pub subject: Subject,
    /// The subject as people call it.
    pub name: Printable,
    pub verdict: Verdict,
    pub grade: Grade,
    pub vantage: Vantage,
    /// What is the case, as a program compares it: kebab-case, permanent.
    pub code: &'static str,
    /// Which of several things of the subject, where there are several: a channel of a queue, a variant of a server.
    pub item: Option<Printable>,
    pub message: Printable,
    pub why: Option<Printable>,
    pub fix: Option<Printable>,
    /// The fix is a change of `setup`'s.
    pub by_setup: bool,
    /// The long form, line by line: a resolved list, the folders of a channel.
    pub details: Vec<Printable>,
    pub evidence: Vec<Evidence>,
    /// For TO DO: the id of the first change without which it stays.
    pub cured_by: Option<String>,
    /// For CONFIRMED and IGNORED: what the check itself says.
    pub was: Option<Verdict>,
    /// Where it is compared with an earlier report: what has become of it.
    pub since: Option<Since>,
}

/// What makes two findings the same one, in two runs or before and after a change.
pub type FindingKey<'a> = (&'a str, &'a Subject, &'a str, Option<&'a str>);

const RUN_SETUP: &str = "run studiolink setup, which ";

/// What to do about a finding. What `setup` does is told from what people do: where setup holds it back, sending people
/// to setup would send them in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub words: Printable,
    pub by_setup: bool,
}

impl Fix {
    /// `what`: what setup does, after "which".
    pub fn setup(what: impl std::fmt::Display) -> Self {
        Self {
            words: format!("{RUN_SETUP}{what}").into(),
            by_setup: true,
        }
    }
}

impl<'a> From<&'a str> for Fix {
    fn from(words: &'a str) -> Self {
        Self {
            words: words.into(),
            by_setup: false,
        }
    }
}

impl From<String> for Fix {
    fn from(words: String) -> Self {
        words.as_str().into()
    }
}

/// The verdicts, and what is said with them, alike for findings and for what a live test comes to.
macro_rules! said {
    ($name:ident) => {
        impl $name {
            pub fn ok(message: impl Into<Printable>) -> Self {
                Self::new(Verdict::Ok, "ok", message)
            }

            pub fn fail(code: &'static str, message: impl Into<Printable>) -> Self {
                Self::new(Verdict::Fail, code, message)
            }

            pub fn warn(code: &'static str, message: impl Into<Printable>) -> Self {
                Self::new(Verdict::Warn, code, message)
            }

            pub fn unknown(code: &'static str, message: impl Into<Printable>) -> Self {
                Self::new(Verdict::Unknown, code, message)
            }

            pub fn skipped(code: &'static str, message: impl Into<Printable>) -> Self {
                Self::new(Verdict::Skipped, code, message)
            }

            pub fn worker_only(code: &'static str, message: impl Into<Printable>) -> Self {
                Self::new(Verdict::WorkerOnly, code, message)
            }

            /// Why and fix are the problem's own.
            #[must_use]
            pub fn for_problem(self, problem: &Problem) -> Self {
                self.why(problem.because.as_str()).fix(problem.fix.as_str())
            }

            #[must_use]
            pub fn why(mut self, why: impl Into<Printable>) -> Self {
                self.why = Some(why.into());
                self
            }

            #[must_use]
            pub fn fix(mut self, fix: impl Into<Fix>) -> Self {
                let fix = fix.into();
                self.by_setup = fix.by_setup;
                self.fix = Some(fix.words);
                self
            }

            #[must_use]
            pub fn details(mut self, lines: impl IntoIterator<Item = Printable>) -> Self {
                self.details.extend(lines);
                self
            }
        }
    };
}

said!(Finding);
said!(Assessment);

impl Finding {
    /// A finding as a check makes it; the engine fills in its id, its subject and its grade.
    pub fn new(verdict: Verdict, code: &'static str, message: impl Into<Printable>) -> Self {
        Self {
            check: "",
            topic: Topic::Identity,
            severity: Severity::Fail,
            subject: Subject::Account,
            name: Printable::default(),
            verdict,
            grade: Grade::Documents,
            vantage: Vantage::Aws,
            code,
            item: None,
            message: message.into(),
            why: None,
            fix: None,
            by_setup: false,
            details: Vec::new(),
            evidence: Vec::new(),
            cured_by: None,
            was: None,
            since: None,
        }
    }

    /// The fix as the wizard says it, which is setup itself.
    pub fn fix_in_setup(&self) -> Option<Printable> {
        let fix = self.fix.as_ref()?;
        let rest = fix.as_str().strip_prefix(RUN_SETUP);
        Some(rest.map_or_else(|| fix.clone(), |what| format!("setup {what}").into()))
    }

    /// What could not be read, with the reason. Nothing while the answer is on its way: a later run of the check says it.
    pub fn unread<T>(what: &str, fact: &Fact<T>) -> Option<Self> {
        Some(match fact {
            Fact::Known(_) | Fact::NotAsked(NotAsked::Pending) => return None,
            Fact::Denied(problem) => Self::of_problem("denied", what, problem),
            Fact::NoAnswer(problem) => Self::of_problem("no-answer", what, problem),
            Fact::Absent => Self::skipped("missing", format!("Not checked: {what}"))
                .why("the service answered that there is no such thing"),
            Fact::NotAsked(NotAsked::Declined(reason)) => {
                Self::skipped("declined", format!("Not checked: {what}")).why(reason.clone())
            }
            Fact::NotAsked(NotAsked::NeedsWorker) => {
                Self::worker_only("needs-worker", format!("Only a worker can see {what}"))
            }
        })
    }

    fn of_problem(code: &'static str, what: &str, problem: &Problem) -> Self {
        let lacking = problem
            .permission
            .as_ref()
            .map(|p| format!(" (missing permission: {p})"))
            .unwrap_or_default();
        Self::unknown(code, format!("Could not read {what}"))
            .why(format!("{}{lacking}", problem.because))
            .fix(problem.fix.as_str())
    }

    #[must_use]
    pub fn about(mut self, item: impl Into<Printable>) -> Self {
        self.item = Some(item.into());
        self
    }

    #[must_use]
    pub fn from(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    #[must_use]
    pub fn seen_from(mut self, vantage: &Vantage) -> Self {
        self.vantage = vantage.clone();
        self
    }

    pub fn key(&self) -> FindingKey<'_> {
        let item = self.item.as_ref().map(Printable::as_str);
        (self.check, &self.subject, self.code, item)
    }
}

/// What an observation means: one function of each live test decides it, for findings, tables, timelines and the pane
/// of live checks alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub verdict: Verdict,
    pub code: &'static str,
    pub message: Printable,
    pub why: Option<Printable>,
    pub fix: Option<Printable>,
    pub by_setup: bool,
    pub details: Vec<Printable>,
}

impl Assessment {
    pub fn new(verdict: Verdict, code: &'static str, message: impl Into<Printable>) -> Self {
        Self {
            verdict,
            code,
            message: message.into(),
            why: None,
            fix: None,
            by_setup: false,
            details: Vec::new(),
        }
    }

    /// The finding that says so.
    pub fn finding(self) -> Finding {
        Finding {
            why: self.why,
            fix: self.fix,
            by_setup: self.by_setup,
            details: self.details,
            ..Finding::new(self.verdict, self.code, self.message)
        }
    }
}

/// The worst of several; `None` for no findings.
pub fn worst<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Verdict> {
    findings.into_iter().map(|f| f.verdict).min()
}

/// Nothing is known of it because AWS answered that the caller's credentials have expired.
pub fn is_expired(finding: &Finding) -> bool {
    let mut calls = finding.evidence.iter().flat_map(|e| e.calls.iter());
    finding.verdict == Verdict::Unknown && calls.any(Call::says_expired)
}

/// Something that decides an exit code could not be checked.
pub fn could_not_check<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> bool {
    findings
        .into_iter()
        .any(|f| f.verdict == Verdict::Unknown && f.severity == Severity::Fail)
}
