//! One queue: its state, its role, its job attachments.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Queue;
use crate::domain::ids::QueueKey;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueDetails(pub QueueKey);

impl Question for QueueDetails {
    type Answer = Queue;

    fn words(&self) -> String {
        format!("queue {}", self.0.queue)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetQueue"]
    }
}
