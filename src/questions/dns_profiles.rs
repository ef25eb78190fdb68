//! The Route 53 Profiles of a VPC, which bring rules and private zones that its own lists do not have.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::text::Untrusted;

/// Of a VPC, by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DnsProfiles(pub String);

impl Question for DnsProfiles {
    type Answer = Vec<Untrusted>;

    fn words(&self) -> String {
        format!("Route 53 Profiles of {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["route53profiles:ListProfileAssociations"]
    }
}
