//! What a DNS server says of the server's name: each record on the way to an address. This explains; the operating
//! system's resolver decides where a connection goes (`resolve`).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::text::{Printable, Untrusted};

/// A host name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AskDns(pub String);

/// What one name server answered. Without records, it knows no address of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The name server that answered: its address.
    pub server: IpAddr,
    /// Does the name exist? It may, without an address.
    pub exists: bool,
    /// In the order of the answer: CNAME, A and AAAA.
    pub records: Vec<DnsRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRecord {
    pub name: Untrusted,
    pub leads_to: LeadsTo,
    /// For how long it may be kept, in seconds.
    pub ttl: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadsTo {
    Name(Untrusted),
    Address(IpAddr),
}

impl DnsAnswer {
    pub fn addresses(&self) -> Vec<IpAddr> {
        let address = |r: &DnsRecord| match r.leads_to {
            LeadsTo::Address(ip) => Some(ip),
            LeadsTo::Name(_) => None,
        };
        self.records.iter().filter_map(address).collect()
    }

    /// Each record in a line.
    pub fn lines(&self) -> impl Iterator<Item = Printable> + '_ {
        self.records.iter().map(|record| {
            let name = record.name.show();
            let leads_to = match &record.leads_to {
                LeadsTo::Name(other) => format!("CNAME {}", other.show()),
                LeadsTo::Address(ip @ IpAddr::V4(_)) => format!("A {ip}"),
                LeadsTo::Address(ip @ IpAddr::V6(_)) => format!("AAAA {ip}"),
            };
            format!("{name} {leads_to}, TTL {} s", record.ttl).into()
        })
    }
}

impl Probe for AskDns {
    type Observed = DnsAnswer;

    fn words(&self, _: &Vantage) -> String {
        format!("ask DNS for {}", self.0)
    }

    fn assess(&self, _: &Vantage, seen: &Observation<DnsAnswer>) -> Assessment {
        match &seen.seen {
            Ok(answer) => {
                let (server, count) = (answer.server, answer.addresses().len());
                let words = match count {
                    0 => format!("{server} knows no address of {}", self.0),
                    1 => format!("{server} knows an address of {}", self.0),
                    _ => format!("{server} knows {count} addresses of {}", self.0),
                };
                Assessment::ok(format!("{words}, {} ms", seen.millis)).details(answer.lines())
            }
            Err(problem) => super::hop_problem(problem),
        }
    }
}
