//! Does the server's port accept connections?

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::address::Scheme;
use crate::domain::call::Vantage;
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::text::Printable;

/// A host and a port, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connect(pub String, pub u16, pub Scheme);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connected {
    /// The address that accepted.
    To(IpAddr),
    /// A proxy of this machine made the connection.
    Through(Printable),
    /// Plain HTTP is handed to a proxy request by request, so there is no connection to test on its own.
    LeftToProxy(Printable),
}

impl Probe for Connect {
    type Observed = Connected;

    fn words(&self, _: &Vantage) -> String {
        format!("connect to {}:{}", self.0, self.1)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Connected>) -> Assessment {
        match &seen.seen {
            Ok(Connected::To(address)) => Assessment::ok(format!(
                "{address} accepts connections on port {}, {} ms",
                self.1, seen.millis
            )),
            Ok(Connected::Through(proxy)) => Assessment::ok(format!(
                "{}:{} accepts connections through the proxy {proxy}, {} ms",
                self.0, self.1, seen.millis
            )),
            Ok(Connected::LeftToProxy(proxy)) => Assessment::new(
                Verdict::Skipped,
                "left-to-proxy",
                format!("Not tested on its own: port {} of {}", self.1, self.0),
            )
            .why(format!(
                "plain http goes through the proxy {proxy}, which makes the connections"
            ))
            .fix("look at whether AYON answers, which is asked through the proxy"),
            Err(problem) => super::hop_problem(problem),
        }
    }
}
