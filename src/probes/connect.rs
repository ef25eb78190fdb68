//! Does the server's port accept connections?

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connect(pub String, pub u16);

impl Probe for Connect {
    /// The address that accepted.
    type Observed = IpAddr;

    fn words(&self, _: &Vantage) -> String {
        format!("connect to {}:{}", self.0, self.1)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<IpAddr>) -> Assessment {
        match &seen.seen {
            Ok(address) => Assessment::ok(format!(
                "{address} accepts connections on port {}, {} ms",
                self.1, seen.millis
            )),
            Err(problem) => super::hop_problem(problem),
        }
    }
}
