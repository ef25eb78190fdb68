//! What a change may do besides what it is for. The kind is data: the wizard, a plan, its JSON and an unattended run say
//! and decide the same.

use serde::{Deserialize, Serialize};

use super::text::Printable;

words! {
    /// Why somebody should look twice before saying yes.
    RiskKind {
        UnreadChannel = "unread-channel",
        RemovedChannel = "removed-channel",
        UntestedWorkers = "untested-workers",
        UnreadBoundary = "unread-boundary",
        NoWayBack = "no-way-back",
        OtherFarms = "other-farms",
        SharedRole = "shared-role",
        RunningWorkers = "running-workers",
        OneZone = "one-zone",
        UnprovenKey = "unproven-key",
        UnprovenTarget = "unproven-target",
    }
}

impl RiskKind {
    /// Does it stop every job of a queue? Then an unattended run holds the change back.
    pub fn breaks_jobs(self) -> bool {
        self == Self::UnreadChannel
    }
}

/// May a queue name a channel?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    Open,
    Closed {
        why: Printable,
        /// Permissions that were just given, or that somebody gives, may open it.
        passes: bool,
    },
}

impl Gate {
    pub fn closed(why: impl Into<Printable>, passes: bool) -> Self {
        let why = why.into();
        Self::Closed { why, passes }
    }
}
