//! What the last probes of a queue told, newest first. The jobs and their logs in AWS are the record, so any machine reads it.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::QueueKey;
use crate::domain::probe_run::ProbeRun;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LastProbes(pub QueueKey);

impl Question for LastProbes {
    type Answer = Vec<ProbeRun>;

    fn words(&self) -> String {
        format!("the last probes of queue {}", self.0.queue.brief())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "deadline:SearchJobs",
            "deadline:ListSessions",
            "deadline:GetSession",
            "logs:GetLogEvents",
        ]
    }
}
