//! One farm: its name and its KMS key.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Farm;
use crate::domain::ids::FarmId;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FarmDetails(pub FarmId);

impl Question for FarmDetails {
    type Answer = Farm;

    fn words(&self) -> String {
        format!("farm {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetFarm"]
    }
}
