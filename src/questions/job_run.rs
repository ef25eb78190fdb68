//! A job of a queue: how far it is, its sessions, and their logs.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::Job;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobRun(pub QueueKey, pub JobId);

impl Question for JobRun {
    type Answer = Job;

    fn words(&self) -> String {
        format!("job {}", self.1.brief())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "deadline:GetJob",
            "deadline:ListSessions",
            "deadline:GetSession",
            "deadline:ListSessionActions",
            "deadline:GetSessionAction",
            "logs:GetLogEvents",
            // Of a job that is NOT_COMPATIBLE.
            "deadline:ListSteps",
            "deadline:GetStep",
            "deadline:ListQueueFleetAssociations",
            "deadline:GetFleet",
        ]
    }
}
