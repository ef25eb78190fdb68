//! One queue environment; read again just before it is changed.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::{QueueEnvironmentId, QueueKey};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnvironmentText(pub QueueKey, pub QueueEnvironmentId);

impl Question for EnvironmentText {
    type Answer = QueueEnvironment;

    fn words(&self) -> String {
        format!("queue environment {}", self.1)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetQueueEnvironment"]
    }
}
