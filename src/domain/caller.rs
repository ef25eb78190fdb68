//! The identity that is signed in, and what IAM's simulator says of it.

use serde::{Deserialize, Serialize};

use super::ids::AccountId;
use super::text::Untrusted;

/// Who makes the calls, as STS names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: AccountId,
    pub arn: Untrusted,
}

/// What IAM's simulator says of the caller, action by action. Simulated, never verified.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SimulatedPermissions {
    pub allowed: Vec<String>,
    pub refused: Vec<String>,
}

/// What setup calls of AWS, as IAM spells it: the identity that signs in is simulated against these.
pub const SETUP_ACTIONS: &[&str] = &[
    "deadline:ListFarms",
    "deadline:GetFarm",
    "deadline:ListQueues",
    "deadline:GetQueue",
    "deadline:ListQueueFleetAssociations",
    "deadline:GetFleet",
    "deadline:ListQueueEnvironments",
    "deadline:GetQueueEnvironment",
    "deadline:CreateQueueEnvironment",
    "deadline:UpdateQueueEnvironment",
    "deadline:DeleteQueueEnvironment",
    "deadline:AssumeQueueRoleForUser",
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:UpdateAssumeRolePolicy",
];

/// What setup also calls where a queue has no role yet.
pub const NEW_ROLE_ACTIONS: &[&str] = &[
    "iam:CreateRole",
    "iam:TagRole",
    "iam:DeleteRole",
    "iam:PassRole",
    "deadline:UpdateQueue",
];
