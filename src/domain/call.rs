//! One call to the outside, as evidence: who was asked what, from where, when, and what came back.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{FleetKey, NotAnId, QueueKey};
use super::text::Printable;

/// Where something was seen from. A verdict is worth what its vantage point can see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Vantage {
    /// This machine, with the caller's own credentials.
    Here,
    /// AWS's control plane: what the services say of themselves.
    Aws,
    /// This machine, without credentials.
    Anonymous,
    /// This machine, holding the queue role's credentials.
    QueueRole(QueueKey),
    /// A worker of that fleet.
    Worker(FleetKey),
}

impl Vantage {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Aws => "aws",
            Self::Anonymous => "anonymous",
            Self::QueueRole(_) => "queue role",
            Self::Worker(_) => "worker",
        }
    }

    pub fn is_queue_role(&self) -> bool {
        matches!(self, Self::QueueRole(_))
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("here"),
            Self::Aws => f.write_str("aws"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::QueueRole(queue) => write!(f, "queue-role:{queue}"),
            Self::Worker(fleet) => write!(f, "worker:{fleet}"),
        }
    }
}

impl From<Vantage> for String {
    fn from(vantage: Vantage) -> String {
        vantage.to_string()
    }
}

impl TryFrom<String> for Vantage {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        Ok(match text.split_once(':') {
            None if text == "here" => Self::Here,
            None if text == "aws" => Self::Aws,
            None if text == "anonymous" => Self::Anonymous,
            Some(("queue-role", key)) => Self::QueueRole(key.to_owned().try_into()?),
            Some(("worker", key)) => Self::Worker(key.to_owned().try_into()?),
            _ => {
                let shown = Printable::short(&text, 60);
                return Err(NotAnId(format!("\"{shown}\" is not a vantage point")));
            }
        })
    }
}

/// The codes with which AWS's services say that credentials have expired.
pub const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

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

    /// AWS answered that the caller's own credentials have expired; what was lent to a role is another matter.
    pub fn says_expired(&self) -> bool {
        let own = matches!(self.vantage, Vantage::Here | Vantage::Aws);
        own && EXPIRED.contains(&self.outcome.as_str())
    }

    /// The evidence in one line: `deadline GetQueue  AccessDeniedException  41 ms  request id 7f0c…  09:14:02Z`.
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
            super::time::clock(self.at)
        )
    }
}
