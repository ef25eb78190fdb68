//! What went wrong, in the user's words: what we were doing, why it failed, what to do now, which call.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::text::Printable;

/// How it failed, for those who decide by it; people read the other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The other side answered, and said no.
    Denied,
    /// The other side answered: there is no such thing.
    Missing,
    /// No answer, or none that tells: refused, timed out, throttled to the end, 5xx.
    Unreached,
    /// This identity can't sign in at all: no credentials, expired, wrong.
    Credentials,
    /// The other side understood and refused the content.
    Invalid,
    /// The thing is not what it was when the plan was made.
    Moved,
    /// This machine: files, keyring, terminal.
    Local,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    pub doing: String,
    pub because: String,
    pub fix: String,
    /// The permission that was missing, where one was.
    pub permission: Option<String>,
    pub call: Option<Call>,
}

impl Problem {
    pub fn new(
        kind: ProblemKind,
        doing: impl Into<String>,
        because: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            doing: doing.into(),
            because: because.into(),
            fix: fix.into(),
            permission: None,
            call: None,
        }
    }

    #[must_use]
    pub fn lacking(mut self, permission: impl Into<String>) -> Self {
        self.permission = Some(permission.into());
        self
    }

    #[must_use]
    pub fn seen(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parts of it may be others' words.
        let shown = Printable::new;
        write!(
            f,
            "{}\n  why   {}\n  fix   {}",
            shown(&self.doing),
            shown(&self.because),
            shown(&self.fix)
        )?;
        if let Some(call) = &self.call {
            write!(f, "\n  call  {}", call.line())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
