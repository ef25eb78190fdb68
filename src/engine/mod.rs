//! Observe, check, plan, apply, verify. [`workflow`] alone decides the order; [`drive`] runs it to its end. Only `apply` and
//! `drive` touch the world, through its doors; the rest is pure.

pub mod apply;
pub mod drive;
pub mod gate;
pub mod inquiry;
pub mod journal;
pub mod plan;
pub mod rollback;
pub mod settle;
pub mod todo;
pub mod tried;
pub mod workflow;

use crate::domain::finding::Finding;
use crate::domain::text::Printable;
use crate::questions::Demand;
use crate::resources::Change;

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeState {
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
    /// It would stop jobs, as far as can be seen; the reason.
    HeldBack(Printable),
}

impl ChangeState {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "-",
            Self::UnderWay => "RUNNING",
            Self::Done { .. } | Self::FoundDone => "DONE",
            Self::InDoubt => "IN DOUBT",
            Self::HeldBack(_) => "HELD BACK",
            Self::Failed | Self::Moved | Self::NotReached => "NOT DONE",
        }
    }
}

/// Progress, for the one who watches.
#[derive(Debug, Clone)]
pub enum Progress {
    Asking(Demand),
    Answered(Demand),
    /// All that an audit says of one subject, once it is complete.
    Findings(Vec<Finding>),
    /// A run has begun or goes on; its id.
    Run {
        id: Printable,
        resumed: bool,
    },
    Change {
        at: usize,
        change: Box<Change>,
        state: ChangeState,
    },
    /// Waiting for another process of this machine.
    WaitingFor(Printable),
    /// Waiting for IAM, so many seconds of at most so many.
    WaitingForIam {
        seconds: u64,
        most: u64,
    },
}

/// The one who watches; it must not block.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Nobody watches.
pub fn unheard(_: Progress) {}
