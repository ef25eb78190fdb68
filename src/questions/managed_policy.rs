//! A managed policy's text, by its ARN: the permissions boundary that a new role is to get.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::role::PolicyText;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ManagedPolicy(pub String);

impl Question for ManagedPolicy {
    type Answer = PolicyText;

    fn words(&self) -> String {
        "the new role's permissions boundary".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["iam:GetPolicy", "iam:GetPolicyVersion"]
    }
}
