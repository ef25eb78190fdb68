//! What each path takes: what has to be made, what it costs in AWS's own terms, how much it carries, what a firewall has to
//! allow, who has to be asked. Whether it works at all is `domain/reach.rs`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::config::{Location, PathId};

#[derive(Debug, Deserialize)]
pub struct Prices {
    pub as_of: String,
    pub region: String,
    #[serde(flatten)]
    all: BTreeMap<String, Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    usd: String,
    per: String,
    /// Where the figure was read, or that it was not read again.
    source: String,
}

static PRICES: LazyLock<Prices> = LazyLock::new(|| {
    toml::from_str(include_str!("../../assets/prices.toml"))
        .unwrap_or_else(|e| unreachable!("built-in data, read by a test: {e}"))
});

pub fn prices() -> &'static Prices {
    &PRICES
}

/// What a path takes, as lines of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effort {
    pub make: &'static str,
    pub costs: Vec<String>,
    pub carries: &'static str,
    pub firewall: &'static str,
    pub ask: &'static str,
}

const VPN: &[&str] = &[
    "vpn-connection",
    "internet-out",
    "transit-gateway-attachment",
    "transit-gateway-data",
];

/// `from_aws`: some of the workers are in AWS, so that what they send or get passes its border.
pub fn effort(location: Location, path: PathId, from_aws: bool) -> Effort {
    let on_lan = location == Location::Lan;
    let costs: Vec<&str> = match path {
        PathId::Direct if !from_aws => Vec::new(),
        PathId::Direct => vec!["internet-out"],
        PathId::Vpn => VPN.to_vec(),
        PathId::Lattice if on_lan => ["resource-data", "load-balancer"]
            .iter()
            .chain(VPN)
            .copied()
            .collect(),
        PathId::Lattice => vec!["resource-data", "load-balancer"],
        PathId::Ssm if on_lan => vec!["hybrid-node"],
        PathId::Ssm | PathId::Lan => Vec::new(),
    };
    let priced = |name: &&str| {
        let price = prices().all.get(*name)?;
        Some(format!(
            "{} USD per {} [{}]",
            price.usd, price.per, price.source
        ))
    };
    let mut costs: Vec<String> = costs.iter().filter_map(priced).collect();
    if costs.is_empty() {
        costs.push("nothing".to_owned());
    }
    let (make, carries, mut firewall, ask) = words(location, path);
    if path == PathId::Direct && !from_aws {
        firewall = "TCP on the server's port from the studio's own addresses";
    }
    Effort {
        make,
        costs,
        carries,
        firewall,
        ask,
    }
}

type Words = (&'static str, &'static str, &'static str, &'static str);

fn words(location: Location, path: PathId) -> Words {
    let on_lan = location == Location::Lan;
    match path {
        PathId::Direct => (
            "nothing",
            "what the server's line carries",
            if location == Location::AyonCloud {
                "nothing to open"
            } else {
                "inbound TCP on the server's port; the workers' addresses change, so from everywhere"
            },
            if location == Location::AyonCloud {
                "nobody"
            } else {
                "the administrator of the server's name, certificate and firewall"
            },
        ),
        PathId::Vpn => (
            "a Site-to-Site VPN connection on a virtual private gateway or a transit gateway, routes in the workers' \
                subnets and back from the studio",
            "1.25 Gbps per standard tunnel, 5 Gbps per large one; two tunnels",
            "UDP 500 and 4500 and ESP with AWS's two tunnel addresses; TCP to AYON from the VPC's addresses",
            "the studio's network administrator, and the owner of the VPC",
        ),
        PathId::Lattice => (
            if on_lan {
                "a resource gateway, a resource configuration, its share, the attachment to each fleet; in the VPC a \
                    network load balancer or a proxy that goes on to AYON; behind it the Site-to-Site VPN"
            } else {
                "a resource gateway, a resource configuration, its share, the attachment to each fleet; in the VPC the \
                    server's own address, or that of a network load balancer"
            },
            "16 addresses per interface of the gateway unless chosen otherwise, some 55,000 connections each",
            if on_lan {
                "in AWS the gateway's and the target's security groups; at the studio what the VPN asks for"
            } else {
                "the gateway's and the target's security groups; nothing at the studio"
            },
            "the owner of the VPC; Service Quotas, where a fleet's one resource configuration is taken",
        ),
        PathId::Ssm => (
            if on_lan {
                "the SSM agent on the server's machine as a hybrid node, the advanced-instances tier, and a queue \
                    environment that opens the tunnel"
            } else {
                "the SSM agent on the server's instance, its role with AmazonSSMManagedInstanceCore, and a queue \
                    environment that opens the tunnel"
            },
            "0.6 to 0.8 MB/s per session: a bundle of 300 MB takes 7 minutes on each fresh worker",
            "outbound TCP 443 from the server's machine to ssm and ssmmessages; nothing inbound",
            "the administrator of the server's machine",
        ),
        PathId::Lan => (
            "nothing",
            "what the studio's network carries; what service-managed fleets render comes through S3, unless the studio's \
                storage is synchronised with it",
            "TCP on the server's port between workers and server; outbound TCP 443 from the workers to AWS",
            "nobody",
        ),
    }
}

/// Why AWS Client VPN is not among the paths.
pub const CLIENT_VPN: &str = "AWS Client VPN is not offered: it lets people's machines into a VPC, and gives the VPC's \
    machines no route back to the studio.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_dated_read_and_used() {
        let prices = prices();
        assert!(prices.as_of.len() >= 7 && !prices.region.is_empty());
        let mut said = String::new();
        for location in Location::ALL {
            for path in PathId::ALL {
                let effort = effort(*location, *path, true);
                for text in [effort.make, effort.carries, effort.firewall, effort.ask] {
                    assert!(!text.is_empty() && !text.contains("  "), "{text}");
                }
                said += &effort.costs.join("\n");
            }
        }
        for (name, price) in &prices.all {
            assert!(
                price.usd.parse::<f64>().is_ok_and(|usd| usd > 0.0),
                "{name}"
            );
            assert!(!price.source.is_empty(), "{name}");
            assert!(said.contains(&price.per), "{name} is named by no path");
        }
    }
}
