//! The jobs of a queue that carry a probe's mark, newest first.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::JobStatus;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProbeJobs(pub QueueKey, pub String);

impl Question for ProbeJobs {
    type Answer = Vec<(JobId, JobStatus)>;

    fn words(&self) -> String {
        format!("the probe jobs of queue {}", self.0.queue.brief())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:SearchJobs"]
    }
}
