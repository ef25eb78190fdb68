//! The workers of a fleet, and of those that are stuck the end of their logs.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::FleetKey;
use crate::domain::worker::Worker;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FleetWorkers(pub FleetKey);

impl Question for FleetWorkers {
    type Answer = Vec<Worker>;

    fn words(&self) -> String {
        format!("the workers of fleet {}", self.0.fleet.brief())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:ListWorkers", "logs:GetLogEvents"]
    }
}
