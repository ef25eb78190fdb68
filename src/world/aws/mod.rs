//! AWS, one file per service: its asks, its changes, its live tests. Only this room names an `aws_*` crate.
//! To add a fact, copy `sts.rs`.

mod analyzer;
mod caller;
mod client;
mod deadline;
mod ec2;
mod fleets;
mod iam;
mod iam_xml;
mod jobs;
mod lattice;
mod probes;
mod problem;
pub mod profiles;
mod s3;
mod secrets;
mod sessions;
mod signed;
mod ssm;
mod sts;
mod vpc_dns;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, Semaphore};

use crate::domain::ids::{QueueKey, Region};

pub use client::{Login, connect};

/// So many AWS calls are under way at once, at most; where a service throttles, adaptive retries make them fewer.
const AT_ONCE: usize = 32;

/// The queue role's credentials, and the client that holds them.
#[derive(Clone)]
struct QueueRole {
    s3: aws_sdk_s3::Client,
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
    sts: aws_sdk_sts::Client,
    s3: aws_sdk_s3::Client,
    /// For services without a client crate; it follows no redirect.
    plain: reqwest::Client,
    permits: Semaphore,
    queue_roles: Mutex<HashMap<QueueKey, QueueRoleCell>>,
    left: sessions::Left,
}
