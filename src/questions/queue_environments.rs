//! The queue's environments with their texts, in the order in which they run: by priority, the older first among equals.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::fact::Fact;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::QueueKey;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueEnvironments(pub QueueKey);

impl Question for QueueEnvironments {
    type Answer = Vec<Fact<QueueEnvironment>>;

    fn words(&self) -> String {
        format!("the environments of queue {}", self.0.queue)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "deadline:ListQueueEnvironments",
            "deadline:GetQueueEnvironment",
        ]
    }

    fn queue(&self) -> Option<&QueueKey> {
        Some(&self.0)
    }
}
