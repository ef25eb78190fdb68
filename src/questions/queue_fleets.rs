//! Which fleets are associated with a queue.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Association;
use crate::domain::ids::QueueKey;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueFleets(pub QueueKey);

impl Question for QueueFleets {
    type Answer = Vec<Association>;

    fn words(&self) -> String {
        format!("the fleets of queue {}", self.0.queue)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:ListQueueFleetAssociations"]
    }
}
