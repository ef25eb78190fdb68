//! One inline policy as it is served; read again just before it is written.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::RoleArn;
use crate::domain::role::PolicyText;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RolePolicy(pub RoleArn, pub String);

impl Question for RolePolicy {
    type Answer = PolicyText;

    fn words(&self) -> String {
        format!("policy {} of role {}", self.1, self.0.name())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["iam:GetRolePolicy"]
    }
}
