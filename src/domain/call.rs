//! One call to the outside, as evidence: who was asked what, from where, when, and what came back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::Printable;

/// Where something was seen from. A verdict is worth what its vantage point can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vantage {
    /// This machine, with the caller's own credentials or none.
    Here,
    /// AWS's control plane: what the services say of themselves.
    Aws,
    /// This machine, holding the queue role's credentials.
    QueueRole,
    /// A worker. Nothing in this version sees from there.
    Worker,
}

impl Vantage {
    pub fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Aws => "aws",
            Self::QueueRole => "queue role",
            Self::Worker => "worker",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub vantage: Vantage,
    pub service: String,
    pub operation: String,
    /// What it was asked about, shortened; no URL query, no secret.
    pub about: Printable,
    pub millis: u64,
    /// `OK`, or the error's code.
    pub outcome: Printable,
    pub request_id: Option<Printable>,
    pub at: Timestamp,
}

impl Call {
    pub fn succeeded(&self) -> bool {
        // "OK, absent": the answer that was hoped for is that there is no such file.
        self.outcome.as_str().starts_with("OK")
    }

    /// The evidence in one line: `deadline GetQueue  AccessDeniedException  request id 7f0c…  09:14:02Z`.
    pub fn line(&self) -> String {
        let id = self.request_id.as_ref().map_or_else(
            || "no request id".to_owned(),
            |id| format!("request id {id}"),
        );
        format!(
            "{} {}  {}  {} ms  {}  {}",
            self.service,
            self.operation,
            self.outcome,
            self.millis,
            id,
            self.at.strftime("%H:%M:%SZ")
        )
    }
}
