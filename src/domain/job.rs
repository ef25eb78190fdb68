//! A job as Deadline Cloud tells it: how far it is, where it ran, and what its sessions wrote.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{FleetId, QueueEnvironmentId};
use super::step_needs::Unmet;
use super::text::{Printable, Untrusted};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub name: Untrusted,
    /// `CREATE_COMPLETE`, or how the job could not be made.
    pub lifecycle: Untrusted,
    pub lifecycle_message: Option<Untrusted>,
    /// `READY`, `RUNNING`, `FAILED`, …
    pub status: JobStatus,
    pub created: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub sessions: Vec<JobSession>,
    /// Of a job that no fleet is compatible with: what each lacks, or why that was not read.
    #[serde(default)]
    pub unmet: Option<Result<Vec<Unmet>, Printable>>,
}

words!(
    /// The task run status of a job, as the service names it. AWS's own client takes the last five for final.
    JobStatus {
        Pending = "PENDING", Ready = "READY", Assigned = "ASSIGNED", Starting = "STARTING", Scheduled = "SCHEDULED",
        Interrupting = "INTERRUPTING", Running = "RUNNING", Suspended = "SUSPENDED", Canceled = "CANCELED",
        Failed = "FAILED", Succeeded = "SUCCEEDED", NotCompatible = "NOT_COMPATIBLE", Unknown = "UNKNOWN"
    }
);

impl JobStatus {
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Suspended | Self::Canceled | Self::Failed | Self::Succeeded | Self::NotCompatible
        )
    }
}

impl From<&str> for JobStatus {
    fn from(word: &str) -> Self {
        Self::of_word(word).unwrap_or(Self::Unknown)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSession {
    pub id: Untrusted,
    pub fleet: Option<FleetId>,
    pub worker: Untrusted,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// In the order in which they ran.
    pub actions: Vec<SessionAction>,
    /// What it wrote, or why that was not read.
    pub log: Result<Vec<Untrusted>, Printable>,
}

/// What a session did: entered an environment, ran a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAction {
    pub id: Untrusted,
    pub what: ActionKind,
    /// `SUCCEEDED`, `FAILED`, `RUNNING`, …
    pub status: Untrusted,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub message: Option<Untrusted>,
    pub exit_code: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKind {
    /// A queue environment, by its id, or one of the job.
    EnterEnvironment(Untrusted),
    ExitEnvironment(Untrusted),
    Task,
    Attachments,
    Other,
}

impl SessionAction {
    pub fn has_failed(&self) -> bool {
        matches!(self.status.raw(), "FAILED" | "INTERRUPTED")
    }

    /// The queue environment that it enters.
    pub fn environment(&self) -> Option<QueueEnvironmentId> {
        match &self.what {
            ActionKind::EnterEnvironment(id) => id.raw().parse().ok(),
            _ => None,
        }
    }

    pub fn words(&self) -> Printable {
        match &self.what {
            ActionKind::EnterEnvironment(id) => format!("entering environment {}", last(id)).into(),
            ActionKind::ExitEnvironment(id) => format!("leaving environment {}", last(id)).into(),
            ActionKind::Task => "running the task".into(),
            ActionKind::Attachments => "downloading job attachments".into(),
            ActionKind::Other => "an action that this version does not know".into(),
        }
    }
}

/// `STEP:step-…:NAME` and `JOB:job-…:NAME` name the environments of a job; a queue's own is an id alone.
fn last(id: &Untrusted) -> Printable {
    let name = id.raw().rsplit(':').next().unwrap_or_default();
    Printable::short(name, 60)
}

impl Job {
    /// The service took its template back: nothing of it runs.
    pub fn could_not_be_made(&self) -> bool {
        self.lifecycle.raw() == "CREATE_FAILED"
    }

    /// Nothing of it changes any more.
    pub fn is_over(&self) -> bool {
        self.status.is_final() || self.could_not_be_made()
    }

    /// The session and the action that failed first.
    pub fn failed(&self) -> Option<(&JobSession, Option<&SessionAction>)> {
        let with = self.sessions.iter().find_map(|s| {
            let action = s.actions.iter().find(|a| a.has_failed())?;
            Some((s, Some(action)))
        });
        with.or_else(|| self.sessions.last().map(|s| (s, None)))
    }
}
