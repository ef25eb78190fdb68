//! The server's name, resolved.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;

/// A host name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resolve(pub String);

impl Probe for Resolve {
    type Observed = Vec<IpAddr>;

    fn words(&self, _: &Vantage) -> String {
        format!("resolve {}", self.0)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Vec<IpAddr>>) -> Assessment {
        match &seen.seen {
            Ok(addresses) => {
                let shown: Vec<String> =
                    addresses.iter().take(4).map(ToString::to_string).collect();
                let addresses = shown.join(", ");
                Assessment::ok(format!(
                    "{} resolves to {addresses}, {} ms",
                    self.0, seen.millis
                ))
            }
            Err(problem) => super::hop_problem(problem),
        }
    }
}
