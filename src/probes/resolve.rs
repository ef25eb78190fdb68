//! The server's name, resolved.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::address::Scheme;
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::text::Printable;

/// A host name, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resolve(pub String, pub Scheme);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    To(Vec<IpAddr>),
    /// Not by this machine, which leaves it to a proxy.
    ByProxy {
        proxy: Printable,
        because: String,
    },
}

impl Resolved {
    pub fn addresses(&self) -> &[IpAddr] {
        match self {
            Self::To(addresses) => addresses,
            Self::ByProxy { .. } => &[],
        }
    }
}

impl Probe for Resolve {
    type Observed = Resolved;

    fn words(&self, _: &Vantage) -> String {
        format!("resolve {}", self.0)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Resolved>) -> Assessment {
        match &seen.seen {
            Ok(Resolved::To(addresses)) => {
                let shown: Vec<String> =
                    addresses.iter().take(4).map(ToString::to_string).collect();
                let addresses = shown.join(", ");
                Assessment::ok(format!(
                    "{} resolves to {addresses}, {} ms",
                    self.0, seen.millis
                ))
            }
            Ok(Resolved::ByProxy { proxy, because }) => Assessment::unknown(
                "left-to-proxy",
                format!("Where {} leads is not seen from here", self.0),
            )
            .why(format!(
                "this machine does not resolve it ({because}), and leaves it to the proxy {proxy}"
            ))
            .fix("look at the hops behind it, which are tested through the proxy; a worker resolves the name itself"),
            Err(problem) => super::hop_problem(problem),
        }
    }
}
