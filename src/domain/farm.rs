//! What Deadline Cloud answers: farms, queues, their fleets and their environments.

use serde::{Deserialize, Serialize};

use super::conda_solve::Platform;
use super::ids::{FarmId, FleetId, QueueEnvironmentId, RoleArn};
use super::template::{Template, TemplateError, TemplateType};
use super::text::{Printable, Untrusted};

/// A row of a list: an id and the name that people gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub name: Untrusted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farm {
    pub id: FarmId,
    pub name: Untrusted,
    /// The customer's own KMS key, where the farm has one.
    #[serde(default)]
    pub key: Option<Untrusted>,
}

service_words!(
    /// Whether a queue schedules jobs.
    QueueStatus { Idle = "IDLE", Scheduling = "SCHEDULING", Blocked = "SCHEDULING_BLOCKED" }
);
service_words!(
    /// Whether a fleet takes jobs of a queue.
    AssociationStatus {
        Active = "ACTIVE",
        StopAndComplete = "STOP_SCHEDULING_AND_COMPLETE_TASKS",
        StopAndCancel = "STOP_SCHEDULING_AND_CANCEL_TASKS",
        Stopped = "STOPPED",
    }
);
service_words!(
    FleetStatus {
        Active = "ACTIVE",
        Creating = "CREATE_IN_PROGRESS",
        Updating = "UPDATE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        UpdateFailed = "UPDATE_FAILED",
        Suspended = "SUSPENDED",
    }
);
service_words!(
    /// Who runs a fleet's machines. A kind that this version does not know is neither.
    Management { Service = "SMF", Customer = "CMF" }
);
service_words!(
    OperatingSystem { Linux = "LINUX", Windows = "WINDOWS", Macos = "MACOS" }
);
service_words!(
    CpuArchitecture { X86 = "x86_64", Arm = "arm64" }
);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub name: Untrusted,
    pub status: QueueStatus,
    pub blocked_reason: Option<Untrusted>,
    /// `None`: the queue has no role. A text that is not a role's ARN stays as it is.
    pub role: Option<Untrusted>,
    pub attachments_bucket: Option<Untrusted>,
    #[serde(default)]
    pub attachments_prefix: Option<Untrusted>,
    /// The ids of the storage profiles that a job may be submitted with.
    #[serde(default)]
    pub storage_profiles: Vec<Untrusted>,
}

impl Queue {
    pub fn role_arn(&self) -> Option<RoleArn> {
        self.role.as_ref().and_then(|r| r.raw().parse().ok())
    }
}

/// A fleet that is associated with a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    pub fleet: FleetId,
    pub status: AssociationStatus,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    pub name: Untrusted,
    pub status: FleetStatus,
    pub management: Management,
    pub os: OperatingSystem,
    pub cpu: CpuArchitecture,
    pub workers: i64,
    pub max_workers: i64,
    /// The values of `attr.role`; empty where the fleet declares none.
    pub roles: Vec<Untrusted>,
    /// The ARN of the role that its workers get.
    #[serde(default)]
    pub role: Option<Untrusted>,
    /// What the service says of its status.
    #[serde(default)]
    pub message: Option<Untrusted>,
    /// The ARNs of the resource configurations of VPC Lattice that its workers use.
    #[serde(default)]
    pub configurations: Vec<Untrusted>,
    /// How many workers it wants just now, where it grows by itself.
    #[serde(default)]
    pub wants: Option<i64>,
    /// The id of its workers' storage profile.
    #[serde(default)]
    pub storage_profile: Option<Untrusted>,
    /// What runs on its workers before they take tasks.
    #[serde(default)]
    pub host_script: Option<Untrusted>,
}

impl Fleet {
    pub fn role_arn(&self) -> Option<RoleArn> {
        self.role.as_ref()?.raw().parse().ok()
    }

    /// What conda calls its workers; `None` where no package is built for such a machine, or AWS did not say.
    pub fn platform(&self) -> Option<Platform> {
        let unstated = matches!(&self.cpu, CpuArchitecture::Unknown(text) if text.raw().is_empty());
        match (&self.os, &self.cpu) {
            (OperatingSystem::Linux, CpuArchitecture::Arm) => Some(Platform::LinuxArm),
            (OperatingSystem::Linux, cpu) if *cpu == CpuArchitecture::X86 || unstated => {
                Some(Platform::Linux64)
            }
            (OperatingSystem::Windows, cpu) if *cpu == CpuArchitecture::X86 || unstated => {
                Some(Platform::Win64)
            }
            _ => None,
        }
    }

    /// Does it take publish steps, which ask for one of these values of `attr.role`? A fleet that declares none takes
    /// only steps that ask for none.
    pub fn publishes(&self, roles: &[String]) -> bool {
        let offers = |w: &String| self.roles.iter().any(|r| w == r.raw());
        roles.is_empty() || roles.iter().any(offers)
    }
}

/// A template as the service keeps it, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText {
    pub kind: TemplateType,
    pub text: String,
    pub parsed: Result<Template, TemplateError>,
}

impl TemplateText {
    pub fn new(text: impl Into<String>, kind: TemplateType) -> Self {
        let text = text.into();
        let parsed = Template::read(&text, kind);
        Self { kind, text, parsed }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEnvironment {
    pub id: QueueEnvironmentId,
    pub name: Untrusted,
    pub priority: i32,
    pub template: TemplateText,
}
