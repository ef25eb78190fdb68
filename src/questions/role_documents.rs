//! A role with all its documents.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::RoleArn;
use crate::domain::role::Role;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleDocuments(pub RoleArn);

impl Question for RoleDocuments {
    type Answer = Role;

    fn words(&self) -> String {
        format!("role {}", self.0.name())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "iam:GetRole",
            "iam:ListRolePolicies",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
        ]
    }
}
