//! The five values of a fact. Forbidden is not missing, and unknown is not fine.

use serde::{Deserialize, Serialize};

use super::problem::{Problem, ProblemKind};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    Known(T),
    /// Asked and answered: it does not exist.
    Absent,
    /// Asked, and this identity may not know.
    Denied(Box<Problem>),
    /// Asked, and no answer came that tells.
    Unreached(Box<Problem>),
    #[default]
    NotAsked,
}

impl<T> Fact<T> {
    pub fn known(&self) -> Option<&T> {
        if let Self::Known(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// Why it is not known; `None` where it is known, absent, or was never asked.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Denied(problem) | Self::Unreached(problem) => Some(problem),
            _ => None,
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Absent => Fact::Absent,
            Self::Denied(p) => Fact::Denied(p),
            Self::Unreached(p) => Fact::Unreached(p),
            Self::NotAsked => Fact::NotAsked,
        }
    }

    /// The same lack of knowledge about another thing; `Known` has none to pass on.
    pub fn lack<U>(&self) -> Fact<U> {
        match self {
            Self::Absent => Fact::Absent,
            Self::Denied(p) => Fact::Denied(p.clone()),
            Self::Unreached(p) => Fact::Unreached(p.clone()),
            Self::Known(_) | Self::NotAsked => Fact::NotAsked,
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
                _ => Self::Unreached(Box::new(problem)),
            },
        }
    }
}
