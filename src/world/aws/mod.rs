//! AWS, one file per service: its asks, its changes, its live tests. Only this room names an `aws_*` crate.
//! To add a fact, copy `sts.rs`.

mod analyzer;
mod caller;
mod client;
mod deadline;
mod ec2;
mod fleets;
mod iam;
mod lattice;
mod problem;
pub mod profiles;
mod s3;
mod secrets;
mod sessions;
mod signed;
mod ssm;
mod sts;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, Semaphore};

use crate::domain::ids::{QueueKey, Region};

pub use client::{Login, connect};

/// So many AWS calls are under way at once, at most; more would only meet the services' throttling.
const AT_ONCE: usize = 16;

/// Clients with the queue role's credentials.
#[derive(Clone)]
struct QueueRole {
    s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
    /// For what has no client here.
    credentials: aws_credential_types::Credentials,
    /// When the credentials expire, in seconds since 1970.
    expires: i64,
}

type QueueRoleCell = Arc<OnceCell<QueueRole>>;

pub struct Aws {
    pub(crate) region: Region,
    profile: String,
    config: aws_config::SdkConfig,
    path_style: bool,
    deadline: aws_sdk_deadline::Client,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    analyzer: aws_sdk_accessanalyzer::Client,
    s3: aws_sdk_s3::Client,
    /// For services without a client crate; it follows no redirect.
    plain: reqwest::Client,
    permits: Semaphore,
    queue_roles: Mutex<HashMap<QueueKey, QueueRoleCell>>,
}
