//! A fleet's configuration as the service sends it, whole: what UpdateFleet replaces must be sent back whole, members that
//! nobody here knows included.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::fleet_settings::FleetSettings as Settings;
use crate::domain::ids::FleetKey;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FleetSettings(pub FleetKey);

impl Question for FleetSettings {
    type Answer = Settings;

    fn words(&self) -> String {
        format!("configuration of {}", self.0.fleet)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetFleet"]
    }
}
