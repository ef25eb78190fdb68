//! One fleet: who runs it, its platform, its attributes, its role.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Fleet;
use crate::domain::ids::FleetKey;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FleetDetails(pub FleetKey);

impl Question for FleetDetails {
    type Answer = Fleet;

    fn words(&self) -> String {
        format!("fleet {}", self.0.fleet)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetFleet"]
    }
}
