//! The values of a fact. Forbidden is not missing, and unknown is not fine.

use serde::{Deserialize, Serialize};

use super::problem::{Problem, ProblemKind};
use super::text::Printable;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    Known(T),
    /// Asked and answered: it does not exist.
    Absent,
    /// Asked, and this identity may not know.
    Denied(Box<Problem>),
    /// Asked, and no answer came that tells.
    NoAnswer(Box<Problem>),
    NotAsked(NotAsked),
}

/// Why something was not asked. Only what is pending will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotAsked {
    /// Nobody has asked yet, or the answer is on its way.
    Pending,
    /// It will not be asked in this run, for the reason given.
    Declined(Printable),
    /// Only a worker can see it.
    NeedsWorker,
}

impl<T> Fact<T> {
    pub const PENDING: Self = Self::NotAsked(NotAsked::Pending);

    pub fn declined(reason: impl Into<Printable>) -> Self {
        Self::NotAsked(NotAsked::Declined(reason.into()))
    }

    pub fn known(&self) -> Option<&T> {
        if let Self::Known(value) = self {
            Some(value)
        } else {
            None
        }
    }

    pub fn is_pending(&self) -> bool {
        matches!(self, Self::NotAsked(NotAsked::Pending))
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why it is not known; `None` where it is known, absent, or was not asked.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Denied(problem) | Self::NoAnswer(problem) => Some(problem),
            _ => None,
        }
    }

    /// Why it is not known and will not be, where it is not: what was refused, got no answer, or is not asked in this run.
    pub fn why_unread(&self) -> Option<String> {
        match self {
            Self::NotAsked(NotAsked::Declined(why)) => Some(why.to_string()),
            other => other.problem().map(|p| p.because.clone()),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Absent => Fact::Absent,
            Self::Denied(p) => Fact::Denied(p),
            Self::NoAnswer(p) => Fact::NoAnswer(p),
            Self::NotAsked(why) => Fact::NotAsked(why),
        }
    }

    /// The same lack of knowledge about another thing; `Known` has none to pass on.
    pub fn lack<U>(&self) -> Fact<U> {
        match self {
            Self::Absent => Fact::Absent,
            Self::Denied(p) => Fact::Denied(p.clone()),
            Self::NoAnswer(p) => Fact::NoAnswer(p.clone()),
            Self::NotAsked(why) => Fact::NotAsked(why.clone()),
            Self::Known(_) => Fact::PENDING,
        }
    }
}

impl<T> From<Result<T, Problem>> for Fact<T> {
    fn from(result: Result<T, Problem>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(problem) => match problem.kind {
                ProblemKind::Missing => Self::Absent,
                ProblemKind::Denied => Self::Denied(Box::new(problem)),
                _ => Self::NoAnswer(Box::new(problem)),
            },
        }
    }
}
