//! What can be asked of the world, one variant for one fact. An ask is named for the thing, not for the call.

use serde::{Deserialize, Serialize};
use url::Url;

use super::ids::{FarmId, QueueEnvironmentId, QueueKey, RoleArn};
use super::lint::Lint;
use super::simulated::{May, Said};
use super::studio::{
    AddonChannels, AddonSettings, Bundles, Caller, Farm, Listed, Queue, QueueEnvironment,
    QueueFleet, Rights, Role,
};
use super::{call::Call, fact::Fact};

/// AYON keeps settings per variant of a studio's bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    Production,
    Staging,
}

impl Variant {
    pub fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    Caller,
    Rights,
    Farms,
    Queues(FarmId),
    Farm(FarmId),
    Queue(QueueKey),
    Fleets(QueueKey),
    Environments(QueueKey),
    Environment(QueueKey, QueueEnvironmentId),
    Role(RoleArn),
    /// One inline policy's text as it is served; read again just before it is written.
    RolePolicy(RoleArn, String),
    /// A role's trust policy as it is served; read again just before it is written.
    RoleTrust(RoleArn),
    /// What IAM's simulator says of a role.
    RoleMay(RoleArn, Vec<May>),
    /// A managed policy's text, by its ARN: the boundary that a new role is to get.
    Boundary(String),
    /// What Access Analyzer says of a policy's text, and whether it grants any of these.
    PolicyLint(String, Vec<May>),
    Bundles(Url),
    /// The addon `deadline_cloud` of that version, in that variant.
    Addon(Url, Variant, String),
    /// Its field `conda_channels` as an administrator sees it, which tells a value of the studio's own from a default.
    AddonChannels(Url, Variant, String),
}

/// The fact that answers an ask.
#[derive(Debug, Clone)]
pub enum Answer {
    Caller(Fact<Caller>),
    Rights(Fact<Rights>),
    Farms(Fact<Vec<Listed>>),
    Queues(Fact<Vec<Listed>>),
    Farm(Fact<Farm>),
    Queue(Fact<Box<Queue>>),
    Fleets(Fact<Vec<QueueFleet>>),
    Environments(Fact<Vec<Fact<QueueEnvironment>>>),
    Environment(Fact<QueueEnvironment>),
    Role(Fact<Box<Role>>),
    RolePolicy(Fact<String>),
    RoleTrust(Fact<String>),
    RoleMay(Fact<Vec<Said>>),
    Boundary(Fact<String>),
    PolicyLint(Fact<Lint>),
    Bundles(Fact<Bundles>),
    Addon(Fact<AddonSettings>),
    AddonChannels(Fact<AddonChannels>),
}

/// An answer with the calls that it took: the evidence.
#[derive(Debug, Clone)]
pub struct Answered {
    pub answer: Answer,
    pub calls: Vec<Call>,
}

impl Ask {
    /// A few words for a list of checks that are under way.
    pub fn words(&self) -> String {
        let words = match self {
            Self::Caller => "who is signed in",
            Self::Rights => "what this identity may do",
            Self::Farms => "the farms",
            Self::Queues(_) => "the farm's queues",
            Self::Farm(_) => "the farm",
            Self::Queue(_) => "the queue",
            Self::Fleets(_) => "the queue's fleets",
            Self::Environments(_) | Self::Environment(..) => "the queue's environments",
            Self::Role(arn) | Self::RolePolicy(arn, _) | Self::RoleTrust(arn) => {
                return format!("role {}", arn.name());
            }
            Self::RoleMay(arn, ..) => return format!("simulation of {}", arn.name()),
            Self::Boundary(_) => "the new role's boundary",
            Self::PolicyLint(..) => "Access Analyzer",
            Self::Bundles(_) => "AYON's bundles",
            Self::Addon(..) | Self::AddonChannels(..) => "the AYON addon's settings",
        };
        words.to_owned()
    }

    /// The permissions that the caller needs for it, as IAM spells them.
    pub fn permissions(&self) -> &'static [&'static str] {
        match self {
            // GetCallerIdentity can't be denied.
            Self::Caller | Self::Bundles(_) | Self::Addon(..) | Self::AddonChannels(..) => &[],
            Self::Rights => &["iam:SimulatePrincipalPolicy", "iam:GetRole"],
            Self::Farms => &["deadline:ListFarms"],
            Self::Queues(_) => &["deadline:ListQueues"],
            Self::Farm(_) => &["deadline:GetFarm"],
            Self::Queue(_) => &["deadline:GetQueue"],
            Self::Fleets(_) => &["deadline:ListQueueFleetAssociations", "deadline:GetFleet"],
            Self::Environments(_) => &[
                "deadline:ListQueueEnvironments",
                "deadline:GetQueueEnvironment",
            ],
            Self::Environment(..) => &["deadline:GetQueueEnvironment"],
            Self::Role(_) => &[
                "iam:GetRole",
                "iam:ListRolePolicies",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
            ],
            Self::RolePolicy(..) => &["iam:GetRolePolicy"],
            Self::RoleTrust(_) => &["iam:GetRole"],
            Self::RoleMay(..) => &["iam:SimulatePrincipalPolicy"],
            Self::Boundary(_) => &["iam:GetPolicy", "iam:GetPolicyVersion"],
            Self::PolicyLint(..) => &[
                "access-analyzer:ValidatePolicy",
                "access-analyzer:CheckAccessNotGranted",
            ],
        }
    }
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

/// What setup calls beside these where a queue has no role yet.
pub const NEW_ROLE_ACTIONS: &[&str] = &[
    "iam:CreateRole",
    "iam:TagRole",
    "iam:DeleteRole",
    "iam:PassRole",
    "deadline:UpdateQueue",
];
