//! What the signed-in identity may do, by IAM's simulator.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::caller::SimulatedPermissions;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallerPermissions;

impl Question for CallerPermissions {
    type Answer = SimulatedPermissions;

    fn words(&self) -> String {
        "what this identity may do".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["iam:SimulatePrincipalPolicy", "iam:GetRole"]
    }
}
