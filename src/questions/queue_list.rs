//! The queues of a farm.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Listed;
use crate::domain::ids::FarmId;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueList(pub FarmId);

impl Question for QueueList {
    type Answer = Vec<Listed>;

    fn words(&self) -> String {
        "the farm's queues".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:ListQueues"]
    }
}
