//! Whether a private hosted zone has an address for a name.

use serde::{Deserialize, Serialize};

use super::Question;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ZoneRecord {
    /// Its id.
    pub zone: String,
    pub name: String,
}

impl Question for ZoneRecord {
    type Answer = bool;

    fn words(&self) -> String {
        format!("{} in the private hosted zone {}", self.name, self.zone)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["route53:ListResourceRecordSets"]
    }
}
