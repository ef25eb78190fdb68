//! What IAM's simulator says of a role's requests.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::RoleArn;
use crate::domain::permission::{Requests, SimulationResult};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleSimulation(pub RoleArn, pub Requests);

impl Question for RoleSimulation {
    type Answer = Vec<SimulationResult>;

    fn words(&self) -> String {
        format!("simulation of role {}", self.0.name())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["iam:SimulatePrincipalPolicy"]
    }
}
