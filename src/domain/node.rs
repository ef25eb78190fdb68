//! Systems Manager: a managed node, and the account's preferences for its sessions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::{Printable, Untrusted};

service_words!(
    /// Whether a node's agent is in touch with Systems Manager.
    PingStatus { Online = "Online", Lost = "ConnectionLost", Inactive = "Inactive" }
);

/// A machine that Systems Manager manages: an EC2 instance, or a hybrid node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedNode {
    pub ping: PingStatus,
    /// As its machine or its activation calls it.
    #[serde(default)]
    pub name: Option<Untrusted>,
    /// The agent's version.
    pub agent: Untrusted,
    /// When its agent was last heard of.
    #[serde(default)]
    pub last_ping: Option<Timestamp>,
}

/// What the account's document `SSM-SessionManagerRunShell` says of every session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPreferences {
    /// The KMS key that sessions are encrypted with: an id, an ARN or an alias.
    #[serde(default)]
    pub key: Option<Untrusted>,
    /// Minutes without traffic after which a session ends.
    #[serde(default)]
    pub idle: Option<u32>,
    /// Minutes after which a session ends in any case.
    #[serde(default)]
    pub longest: Option<u32>,
}

/// Minutes without traffic after which a session ends where nobody says otherwise.
pub const IDLE: u32 = 20;

/// The oldest agents that know the documents for port forwarding: the first by the agent's release notes ("Port plugin"),
/// the second by general knowledge, not read again.
pub const FORWARDS: &str = "2.3.672.0";
pub const FORWARDS_TO_HOST: &str = "3.1.1374.0";

/// Is this version at least that one? `None`: it can't be read.
pub fn at_least(version: &str, least: &str) -> Option<bool> {
    let numbers =
        |text: &str| -> Option<Vec<u64>> { text.split('.').map(|n| n.parse().ok()).collect() };
    Some(numbers(version.trim())? >= numbers(least)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_compared_by_numbers() {
        assert_eq!(at_least("2.3.612.0", FORWARDS), Some(false));
        assert_eq!(at_least("2.3.672.0", FORWARDS), Some(true));
        assert_eq!(at_least("3.3.987.0", FORWARDS), Some(true));
        assert_eq!(at_least("3.1.1374.0", FORWARDS_TO_HOST), Some(true));
        assert_eq!(at_least("3.1.821.0", FORWARDS_TO_HOST), Some(false));
        assert_eq!(at_least("latest", FORWARDS), None);
    }
}
