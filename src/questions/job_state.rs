//! How far a job is, by its id; nothing of its sessions.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::JobStatus;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobState(pub QueueKey, pub JobId);

impl Question for JobState {
    type Answer = JobStatus;

    fn words(&self) -> String {
        format!("how far job {} is", self.1.brief())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetJob"]
    }
}
