//! Observe, check, plan, apply, verify: drives the three doors, speaks progress as events, draws nothing.
//! `check`, `plan` and `left` are pure; `observe`, `apply` and `verify` touch the world through its doors alone.

pub mod apply;
pub mod check;
pub mod journal;
pub mod left;
pub mod observe;
pub mod plan;
mod plan_addon;
mod plan_channels;
mod plan_role;
pub mod rollback;
pub mod verify;

use crate::domain::ask::Ask;
use crate::domain::change::Change;
use crate::domain::probe::Probe;
use crate::domain::text::Printable;

/// What the checks are run for. An audit starts no session with the queue role's credentials and judges no rights
/// that only changes need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Setup,
    Audit,
}

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Waiting,
    UnderWay,
    Done {
        millis: u64,
    },
    /// It was so already when it was read again.
    FoundDone,
    Failed,
    /// Neither before nor after: somebody else changed it.
    Moved,
    /// The call did not answer, and what came of it could not be read.
    InDoubt,
    NotReached,
}

impl State {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "-",
            Self::UnderWay => "....",
            Self::Done { .. } | Self::FoundDone => "DONE",
            Self::Failed | Self::Moved => "FAIL",
            Self::InDoubt => "IN DOUBT",
            Self::NotReached => "not reached",
        }
    }
}

/// Progress, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Asking(Ask),
    Answered(Ask),
    Trying(Probe),
    SolveReport(Probe),
    /// A run has begun or goes on; its id.
    Run {
        id: Printable,
        resumed: bool,
    },
    Change {
        at: usize,
        change: Box<Change>,
        state: State,
    },
    /// Waiting for IAM, so many seconds of at most so many.
    WaitingForIam {
        seconds: u64,
        most: u64,
    },
}

/// Whoever watches; it must not block.
pub type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Nobody watches.
pub fn unheard(_: Event) {}
