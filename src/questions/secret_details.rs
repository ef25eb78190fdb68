//! The secret that holds the workers' AYON key: that it exists, its key, its versions. Its value is never asked for.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::worker_secret::{SecretPlace, WorkerSecret};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretDetails(pub SecretPlace);

impl Question for SecretDetails {
    type Answer = WorkerSecret;

    fn words(&self) -> String {
        format!("the secret {}", self.0.name())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["secretsmanager:DescribeSecret"]
    }
}
