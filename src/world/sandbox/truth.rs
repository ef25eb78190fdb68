//! Everything that is true in the sandbox: texts as the services would keep them, nothing of it judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::conda_solve::SandboxPackage;
use super::memory;
use crate::domain::addon::{AddonField, AddonSettings};
use crate::domain::ayon::{AyonUser, Bundles, Desktop, Project, Variant};
use crate::domain::caller::Caller;
use crate::domain::channel::Channel;
use crate::domain::fact::Fact;
use crate::domain::farm::{Association, Fleet, Queue, QueueEnvironment, TemplateText};
use crate::domain::ids::{
    AccountId, FarmId, FleetKey, JobId, QueueEnvironmentId, QueueKey, Region, RoleArn,
};
use crate::domain::job::Job;
use crate::domain::lattice::{ResourceConfiguration, ResourceGateway, Share};
use crate::domain::network::{Interface, Network, TransitRoute, VpnConnection};
use crate::domain::node::{ManagedNode, SessionPreferences};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::role::{PolicyText, Role};
use crate::domain::storage::StorageProfile;
use crate::domain::template::TemplateType;
use crate::domain::text::Untrusted;
use crate::domain::vpc_dns::{NameInVpc, OutboundEndpoint};
use crate::domain::worker_secret::{SecretPlace, WorkerSecret};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Truth {
    pub scenario: String,
    pub region: Region,
    pub account: AccountId,
    pub caller: Caller,
    pub farms: Vec<SandboxFarm>,
    pub queues: BTreeMap<QueueKey, SandboxQueue>,
    /// As they are listed.
    pub queue_order: Vec<QueueKey>,
    pub fleets: BTreeMap<FleetKey, Fleet>,
    pub roles: BTreeMap<RoleArn, SandboxRole>,
    pub addon: BTreeMap<Variant, AddonSettings>,
    pub channels: Vec<SandboxChannel>,
    pub ayon: SandboxAyon,
    /// Managed policies that may be boundaries, by ARN.
    pub boundaries: BTreeMap<String, String>,
    /// What Secrets Manager has; what they hold is nowhere.
    #[serde(default)]
    pub kept_secrets: Vec<WorkerSecret>,
    /// The machines that Systems Manager manages, by id.
    #[serde(default)]
    pub nodes: BTreeMap<String, ManagedNode>,
    #[serde(default)]
    pub session_preferences: SessionPreferences,
    #[serde(default)]
    pub lattice: SandboxLattice,
    #[serde(default)]
    pub network: SandboxNetwork,
    /// By id: where hosts see the studio's storage.
    #[serde(default)]
    pub storage_profiles: BTreeMap<String, StorageProfile>,
    /// The buckets for job attachments that somebody has deleted.
    #[serde(default)]
    pub gone_buckets: BTreeSet<String>,
    #[serde(default)]
    pub jobs: BTreeMap<JobId, Job>,
    /// The jobs of probes, by their marks.
    #[serde(default)]
    pub probes: BTreeMap<String, JobId>,
    /// The queues of those jobs.
    #[serde(default)]
    pub probe_queues: BTreeMap<JobId, QueueKey>,
    /// The configurations of fleets that were changed, as they were sent.
    #[serde(default)]
    pub fleet_texts: BTreeMap<String, String>,
    /// By fleet: what runs on every worker first.
    #[serde(default)]
    pub host_scripts: BTreeMap<String, String>,
    /// Permissions that the signed-in identity lacks.
    pub denies: Vec<String>,
    pub millis: u64,
    /// So many environments were created so far.
    pub made: u32,
    /// What its machine keeps.
    pub local: memory::Kept,
}

/// What VPC Lattice has, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SandboxLattice {
    #[serde(default)]
    pub configurations: BTreeMap<String, ResourceConfiguration>,
    #[serde(default)]
    pub gateways: BTreeMap<String, ResourceGateway>,
    /// By configuration.
    #[serde(default)]
    pub shares: BTreeMap<String, Vec<Share>>,
}

/// What EC2 has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SandboxNetwork {
    /// By id.
    #[serde(default)]
    pub vpcs: BTreeMap<String, Network>,
    /// What covers names, by VPC.
    #[serde(default)]
    pub names: BTreeMap<String, NameInVpc>,
    /// Route 53 Profiles, by VPC.
    #[serde(default)]
    pub dns_profiles: BTreeMap<String, Vec<Untrusted>>,
    /// Outbound endpoints of Resolver, by id.
    #[serde(default)]
    pub endpoints: BTreeMap<String, OutboundEndpoint>,
    /// The names with an address in each private hosted zone, by its id.
    #[serde(default)]
    pub records: BTreeMap<String, Vec<String>>,
    /// By private address.
    #[serde(default)]
    pub addresses: BTreeMap<String, Vec<Interface>>,
    #[serde(default)]
    pub vpns: Vec<VpnConnection>,
    /// By transit gateway.
    #[serde(default)]
    pub transit: BTreeMap<String, TransitRoute>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxFarm {
    pub id: FarmId,
    pub name: Untrusted,
    pub key: Option<Untrusted>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxQueue {
    pub queue: Queue,
    pub fleets: Vec<Association>,
    /// In the order in which they run.
    pub environments: Vec<SandboxEnvironment>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxEnvironment {
    pub id: QueueEnvironmentId,
    pub name: Untrusted,
    pub priority: i32,
    pub kind: TemplateType,
    pub text: String,
}

impl SandboxEnvironment {
    pub(super) fn answer(&self) -> QueueEnvironment {
        QueueEnvironment {
            id: self.id.clone(),
            name: self.name.clone(),
            priority: self.priority,
            template: TemplateText::new(self.text.clone(), self.kind),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxRole {
    pub trust: String,
    pub boundary: Option<String>,
    /// The boundary's text; left out where there is a boundary: nobody may read it.
    pub boundary_policy: Option<String>,
    pub inline: BTreeMap<String, String>,
    pub attached: BTreeMap<String, String>,
}

impl SandboxRole {
    pub(super) fn answer(&self, arn: &RoleArn) -> Role {
        let texts = |all: &BTreeMap<String, String>| {
            all.iter()
                .map(|(name, text)| (name.clone(), Fact::Known(PolicyText::new(text.clone()))))
                .collect()
        };
        let hidden = || {
            let doing = "Could not read the permissions boundary";
            let because =
                "this identity is not allowed to call iam:GetPolicyVersion (AccessDenied)";
            let fix = "add iam:GetPolicyVersion to this identity";
            Fact::Denied(Box::new(
                Problem::new(ProblemKind::Denied, doing, because, fix)
                    .lacking("iam:GetPolicyVersion"),
            ))
        };
        let boundary_policy = match (&self.boundary, &self.boundary_policy) {
            (None, _) => Fact::Absent,
            (Some(_), Some(text)) => Fact::Known(PolicyText::new(text.clone())),
            (Some(_), None) => hidden(),
        };
        Role {
            arn: arn.clone(),
            trust: PolicyText::new(self.trust.clone()),
            boundary: self.boundary.as_ref().map(Untrusted::new),
            boundary_policy,
            inline: texts(&self.inline),
            attached: texts(&self.attached),
            lists: Fact::Known(()),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a line that a scenario may hold
pub struct SandboxChannel {
    pub channel: Channel,
    /// The bucket's owner; left out: the studio's own account.
    pub owner: Option<AccountId>,
    /// Does the bucket's own policy let our account in? Only asked where the owner is another.
    #[serde(default)]
    pub open_to_us: bool,
    #[serde(default = "yes")]
    pub indexed: bool,
    /// A public address that this machine's firewall does not let through.
    #[serde(default)]
    pub walled: bool,
    /// Can anybody read it, without credentials?
    #[serde(default)]
    pub public: bool,
    /// Where the bucket is; left out: where the farm is.
    pub region: Option<Region>,
    #[serde(default)]
    pub packages: Vec<SandboxPackage>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxAyon {
    pub host: String,
    pub version: String,
    pub user: String,
    pub service: bool,
    pub key: String,
    pub days_left: i64,
    /// What DNS says of the host.
    pub in_dns: Option<std::net::IpAddr>,
    /// So many seconds its clock is ahead of this machine's.
    pub ahead: i64,
    pub bundles: Bundles,
    /// By user: their API keys that have labels.
    #[serde(default)]
    pub users: BTreeMap<String, AyonUser>,
    /// Is an administrator of AYON signed in?
    pub admin: bool,
    #[serde(default)]
    pub desktop: Desktop,
    #[serde(default)]
    pub projects: Vec<Project>,
    /// The addon's settings of the projects that have their own.
    #[serde(default)]
    pub project_addon: BTreeMap<String, BTreeMap<Variant, AddonSettings>>,
    /// The addon's settings in dev bundles.
    #[serde(default)]
    pub dev_addon: BTreeMap<String, AddonSettings>,
    /// The settings that a place has set to what it would have had anyway.
    #[serde(default)]
    pub pinned: Pinned,
}

/// A variant of the studio's settings, or of a project's.
pub(super) type Place = (Variant, Option<String>);
pub(super) type Pinned = BTreeSet<(Place, AddonField)>;

impl Truth {
    /// A secret that holds a value.
    pub fn add_secret(&mut self, arn: &str) {
        let place = SecretPlace {
            id: arn.to_owned(),
            key: None,
        };
        let first = crate::domain::worker_secret::first_version(place.name());
        self.kept_secrets.push(WorkerSecret {
            arn: Untrusted::new(arn),
            name: Untrusted::new(place.name()),
            key: None,
            deleted: None,
            current: Some(first.clone()),
            versions: vec![first],
        });
    }

    pub(super) fn secret(&self, place: &SecretPlace) -> Option<&WorkerSecret> {
        let own = |s: &&WorkerSecret| s.arn.raw() == place.id || s.name.raw() == place.id;
        self.kept_secrets.iter().find(own)
    }

    pub(super) fn secret_mut(&mut self, place: &SecretPlace) -> Option<&mut WorkerSecret> {
        let own = |s: &&mut WorkerSecret| s.arn.raw() == place.id || s.name.raw() == place.id;
        self.kept_secrets.iter_mut().find(own)
    }

    pub(super) fn channel(&self, channel: &Channel) -> Option<&SandboxChannel> {
        self.channels.iter().find(|c| c.channel == *channel)
    }

    pub(super) fn owner(&self, channel: &Channel) -> AccountId {
        let owner = self.channel(channel).and_then(|c| c.owner.clone());
        owner.unwrap_or_else(|| self.account.clone())
    }

    pub(super) fn denies(&self, permission: &str) -> bool {
        self.denies.iter().any(|d| d == permission)
    }
}
