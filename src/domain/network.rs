//! EC2's networks as far as a connection passes through them: subnets, routes, security groups, network ACLs, interfaces,
//! VPN connections. What may pass is decided here, as EC2 decides it; what can't be decided is said so.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::{Printable, Untrusted};

service_words!(
    RouteState { Active = "active", Blackhole = "blackhole" }
);
service_words!(
    TunnelStatus { Up = "UP", Down = "DOWN" }
);

/// One VPC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    pub subnets: Vec<Subnet>,
    pub tables: Vec<RouteTable>,
    pub groups: Vec<SecurityGroup>,
    pub acls: Vec<NetworkAcl>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: Untrusted,
    pub cidr: Option<IpNet>,
    pub name: Option<Untrusted>,
    /// Its Availability Zone, as this account calls it.
    #[serde(default)]
    pub zone: Option<Untrusted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    pub id: Untrusted,
    /// Of every subnet that has none of its own.
    pub main: bool,
    pub subnets: Vec<Untrusted>,
    /// The gateways whose routes it takes over.
    pub propagating: Vec<Untrusted>,
    pub routes: Vec<Route>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `None`: a prefix list, whose addresses are not read.
    pub to: Option<IpNet>,
    /// `local`, a gateway, an interface …
    pub by: Untrusted,
    pub state: RouteState,
}

impl Route {
    pub fn is_vpn(&self) -> bool {
        self.by.raw().starts_with("vgw-") || self.is_transit()
    }

    /// By something that this version does not look into: an appliance, a peering, another service's gateway.
    pub fn is_elsewhere(&self) -> bool {
        let known = ["local", "igw-", "nat-", "eigw-", "vpce-"];
        !self.is_vpn() && !known.iter().any(|k| self.by.raw().starts_with(k))
    }

    pub fn is_transit(&self) -> bool {
        self.by.raw().starts_with("tgw-")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: Untrusted,
    pub name: Untrusted,
    pub inbound: Vec<Rule>,
    pub outbound: Vec<Rule>,
}

/// What a security group lets through; everything else it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `tcp`, `6`, or `-1` for all.
    pub protocol: Untrusted,
    pub ports: Option<(i32, i32)>,
    pub networks: Vec<IpNet>,
    pub groups: Vec<Untrusted>,
    /// It names prefix lists too, whose addresses are not read.
    pub lists: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    pub id: Untrusted,
    pub main: bool,
    pub subnets: Vec<Untrusted>,
    pub entries: Vec<AclEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    pub number: i32,
    pub outbound: bool,
    pub allows: bool,
    pub protocol: Untrusted,
    pub ports: Option<(i32, i32)>,
    pub network: Option<IpNet>,
}

/// Who holds an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub id: Untrusted,
    pub vpc: Untrusted,
    pub subnet: Untrusted,
    pub groups: Vec<Untrusted>,
    /// `interface`, `network_load_balancer` …
    pub kind: Untrusted,
    pub description: Untrusted,
}

/// A Site-to-Site VPN connection. The keys that AWS's answer holds are never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnConnection {
    pub id: Untrusted,
    pub name: Option<Untrusted>,
    pub state: Untrusted,
    /// The virtual private gateway or transit gateway on AWS's side.
    pub gateway: Untrusted,
    /// The VPC that a virtual private gateway is attached to, where that could be read.
    #[serde(default)]
    pub vpc: Option<Untrusted>,
    /// The studio's device: its id, and its address where that could be read.
    pub device: Untrusted,
    pub device_address: Option<Untrusted>,
    pub tunnels: Vec<VpnTunnel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnTunnel {
    pub status: TunnelStatus,
    pub message: Option<Untrusted>,
    /// Since when it is so.
    pub since: Option<Timestamp>,
}

/// The route of a transit gateway that a VPC's traffic meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitRoute {
    /// The route table of the VPC's attachment.
    pub table: Untrusted,
    /// `None`: the table has no route there.
    pub route: Option<(IpNet, RouteState)>,
    /// The VPN connections that end at the same gateway, for a fix.
    pub vpns: Vec<VpnAttachment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnAttachment {
    /// `tgw-attach-…`
    pub id: Untrusted,
    /// `vpn-…`
    pub connection: Untrusted,
}

/// TCP in one direction.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    pub port: (u16, u16),
    pub other: IpNet,
}

/// The ports that clients take: of both Linux's and Windows's range, and of load balancers.
pub const EPHEMERAL: (u16, u16) = (1_024, 65_535);

/// The highest number that an entry of an ACL can have; the one that ends the list has the next.
const LAST_NUMBER: i32 = 32_766;

fn is_tcp(protocol: &Untrusted) -> bool {
    matches!(protocol.raw(), "tcp" | "6" | "-1" | "all")
}

fn covers(ports: Option<(i32, i32)>, asked: (u16, u16)) -> bool {
    let (first, last) = (i32::from(asked.0), i32::from(asked.1));
    // Left out, or -1: every port.
    ports.is_none_or(|(from, to)| from == -1 || (from <= first && last <= to))
}

/// Whether something passes; `None`: it can't be told from here.
pub type Passes = Option<bool>;

impl SecurityGroup {
    pub fn show(&self) -> String {
        format!("{} ({})", self.name.show(), self.id.show())
    }

    /// Do these rules together let it through, from or to that network? `groups`: those of the other side; `None`: they
    /// are not known, so that a rule which names groups decides nothing.
    pub fn lets<'a>(
        rules: impl IntoIterator<Item = &'a Rule>,
        flow: Flow,
        groups: Option<&[Untrusted]>,
    ) -> Passes {
        let rules = rules.into_iter();
        let fits = |r: &&Rule| is_tcp(&r.protocol) && covers(r.ports, flow.port);
        let mut passes = Some(false);
        for rule in rules.filter(fits) {
            let by_group = |g| rule.groups.contains(g);
            if rule.networks.iter().any(|n| n.contains(&flow.other))
                || groups.is_some_and(|all| all.iter().any(by_group))
            {
                return Some(true);
            }
            let partly = rule.networks.iter().any(|n| flow.other.contains(n));
            if rule.lists || partly || (groups.is_none() && !rule.groups.is_empty()) {
                passes = None;
            }
        }
        passes
    }
}

impl AclEntry {
    /// Does it decide of any part of it? Of a network that could not be read it may.
    fn touches(&self, flow: Flow) -> bool {
        let (first, last) = (i32::from(flow.port.0), i32::from(flow.port.1));
        let ports = self
            .ports
            .is_none_or(|(from, to)| from == -1 || (from <= last && first <= to));
        let network = self
            .network
            .is_none_or(|n| n.contains(&flow.other) || flow.other.contains(&n));
        is_tcp(&self.protocol) && ports && network
    }
}

impl NetworkAcl {
    /// The number for an entry that lets it through: a free one before the entry that refuses it. `None`: there is none.
    pub fn room_for(&self, outbound: bool, flow: Flow) -> Option<i32> {
        let own = self.entries.iter().filter(|e| e.outbound == outbound);
        let taken: Vec<i32> = own.clone().map(|e| e.number).collect();
        let refuses = own.filter(|e| !e.allows && e.touches(flow));
        let before = refuses.map(|e| e.number).min().unwrap_or(LAST_NUMBER);
        let before = before.min(LAST_NUMBER);
        let highest = taken
            .iter()
            .filter(|n| **n < before)
            .max()
            .copied()
            .unwrap_or(0);
        // After what stands before it, with room on both sides where there is some.
        let steps = [highest + 10, highest + 1];
        let next = steps
            .into_iter()
            .find(|n| *n < before && !taken.contains(n));
        next.or_else(|| (1..before).find(|n| !taken.contains(n)))
    }

    /// The first entry that matches decides, as EC2 has it; at the end nothing passes.
    pub fn lets(&self, outbound: bool, flow: Flow) -> Passes {
        let mut entries: Vec<&AclEntry> = self
            .entries
            .iter()
            .filter(|e| e.outbound == outbound)
            .collect();
        entries.sort_by_key(|e| e.number);
        for entry in entries {
            if !entry.touches(flow) {
                continue;
            }
            // One that decides of a part only leaves the rest to others.
            let whole = entry.network?.contains(&flow.other) && covers(entry.ports, flow.port);
            return whole.then_some(entry.allows);
        }
        Some(false)
    }
}

impl Network {
    pub fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|s| s.id.raw() == id)
    }

    /// The VPC's own addresses, as its local route names them.
    pub fn own(&self) -> Option<IpNet> {
        let local = self
            .tables
            .iter()
            .flat_map(|t| &t.routes)
            .find(|r| r.by.raw() == "local");
        local.and_then(|r| r.to)
    }

    pub fn table(&self, subnet: &str) -> Option<&RouteTable> {
        let own = |t: &&RouteTable| t.subnets.iter().any(|s| s.raw() == subnet);
        let all = || self.tables.iter();
        all().find(own).or_else(|| all().find(|t| t.main))
    }

    pub fn acl(&self, subnet: &str) -> Option<&NetworkAcl> {
        let own = |a: &&NetworkAcl| a.subnets.iter().any(|s| s.raw() == subnet);
        let all = || self.acls.iter();
        all().find(own).or_else(|| all().find(|a| a.main))
    }

    pub fn group(&self, id: &str) -> Option<&SecurityGroup> {
        self.groups.iter().find(|g| g.id.raw() == id)
    }
}

impl RouteTable {
    /// Does it name prefix lists, whose addresses are not read?
    pub fn has_lists(&self) -> bool {
        self.routes.iter().any(|r| r.to.is_none())
    }

    /// The route that an address takes: the one of the longest prefix.
    pub fn route(&self, to: IpAddr) -> Option<&Route> {
        let fits = self
            .routes
            .iter()
            .filter(|r| r.to.is_some_and(|n| n.contains(&to)));
        fits.max_by_key(|r| r.to.map_or(0, |n| n.prefix_len()))
    }
}

/// Subnets as people call them.
pub fn subnet_names(network: &Network, ids: &[Untrusted]) -> Printable {
    let name = |id: &Untrusted| {
        let subnet = network.subnet(id.raw());
        let name = subnet.and_then(|s| s.name.as_ref());
        name.map_or_else(|| id.show().to_string(), |n| n.show().to_string())
    };
    let all: Vec<String> = ids.iter().map(name).collect();
    all.join(", ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn flow(port: (u16, u16), other: &str) -> Flow {
        Flow {
            port,
            other: net(other),
        }
    }

    fn entry(number: i32, allows: bool, ports: Option<(i32, i32)>, network: &str) -> AclEntry {
        AclEntry {
            number,
            outbound: false,
            allows,
            protocol: Untrusted::new("6"),
            ports,
            network: Some(net(network)),
        }
    }

    #[test]
    fn an_entry_that_lets_it_through_stands_before_the_one_that_refuses() {
        let acl = |entries| NetworkAcl {
            id: Untrusted::new("acl-1"),
            main: true,
            subnets: Vec::new(),
            entries,
        };
        let asked = flow((443, 443), "192.168.10.0/24");
        for (own, wanted) in [
            (vec![entry(100, true, None, "10.0.0.0/8")], Some(110)),
            (
                vec![
                    entry(90, false, Some((443, 443)), "192.168.10.0/24"),
                    entry(100, true, None, "0.0.0.0/0"),
                ],
                Some(10),
            ),
            (
                vec![
                    entry(80, true, None, "10.0.0.0/8"),
                    entry(85, false, None, "192.168.0.0/16"),
                ],
                Some(81),
            ),
            (vec![entry(1, false, None, "192.168.10.0/24")], None),
            (
                vec![
                    entry(1, true, None, "10.0.0.0/8"),
                    entry(3, false, None, "0.0.0.0/0"),
                ],
                Some(2),
            ),
            // What refuses another port is in nobody's way.
            (
                vec![
                    entry(1, false, Some((22, 22)), "0.0.0.0/0"),
                    entry(100, true, Some((80, 80)), "0.0.0.0/0"),
                ],
                Some(110),
            ),
        ] {
            let mut acl = acl(own);
            let room = acl.room_for(false, asked);
            assert_eq!(room, wanted, "{:?}", acl.entries);
            let Some(number) = room else { continue };
            acl.entries
                .push(entry(number, true, Some((443, 443)), "192.168.10.0/24"));
            assert_eq!(acl.lets(false, asked), Some(true), "{number}");
        }
    }

    #[test]
    fn an_acl_is_decided_by_its_first_entry_that_matches() {
        let acl = |entries| NetworkAcl {
            id: Untrusted::new("acl-1"),
            main: true,
            subnets: Vec::new(),
            entries,
        };
        let vpc_only = acl(vec![entry(100, true, None, "10.20.0.0/16")]);
        assert_eq!(
            vpc_only.lets(false, flow(EPHEMERAL, "192.168.10.0/24")),
            Some(false)
        );
        assert_eq!(
            vpc_only.lets(false, flow((443, 443), "10.20.1.0/24")),
            Some(true)
        );
        let denied_first = acl(vec![
            entry(100, true, None, "0.0.0.0/0"),
            entry(90, false, Some((443, 443)), "10.0.0.0/8"),
        ]);
        assert_eq!(
            denied_first.lets(false, flow((443, 443), "10.1.2.0/24")),
            Some(false)
        );
        assert_eq!(
            denied_first.lets(false, flow((80, 80), "10.1.2.0/24")),
            Some(true)
        );
        // A part of the ports is refused: whether replies come through depends on the port that a client took.
        assert_eq!(
            acl(vec![
                entry(90, false, Some((3389, 3389)), "0.0.0.0/0"),
                entry(100, true, None, "0.0.0.0/0"),
            ])
            .lets(false, flow(EPHEMERAL, "10.1.2.0/24")),
            None
        );
    }

    #[test]
    fn a_group_lets_through_by_network_by_group_or_not() {
        let rule = |ports, networks: &[&str], groups: &[&str]| Rule {
            protocol: Untrusted::new("tcp"),
            ports: Some(ports),
            networks: networks.iter().map(|n| net(n)).collect(),
            groups: groups.iter().map(|g| Untrusted::new(*g)).collect(),
            lists: false,
        };
        let gateway = [Untrusted::new("sg-gateway")];
        let asked = flow((443, 443), "10.20.1.0/24");
        let lets = |rules: &[Rule]| SecurityGroup::lets(rules, asked, Some(&gateway));
        assert_eq!(lets(&[rule((80, 80), &["0.0.0.0/0"], &[])]), Some(false));
        assert_eq!(
            lets(&[rule((400, 500), &["10.20.0.0/16"], &[])]),
            Some(true)
        );
        let by_group = [rule((443, 443), &[], &["sg-gateway"])];
        assert_eq!(lets(&by_group), Some(true));
        assert_eq!(lets(&[rule((443, 443), &[], &["sg-other"])]), Some(false));
        assert_eq!(lets(&[rule((443, 443), &["10.20.1.128/25"], &[])]), None);
        assert_eq!(
            SecurityGroup::lets(&by_group, asked, None),
            None,
            "whose groups they are is not known"
        );
    }

    #[test]
    fn the_longest_prefix_is_the_route() {
        let route = |to: &str, by: &str| Route {
            to: Some(net(to)),
            by: Untrusted::new(by),
            state: RouteState::Active,
        };
        let table = RouteTable {
            id: Untrusted::new("rtb-1"),
            main: true,
            subnets: Vec::new(),
            propagating: Vec::new(),
            routes: vec![
                route("0.0.0.0/0", "igw-1"),
                route("192.168.10.0/24", "vgw-1"),
                route("192.168.0.0/16", "tgw-1"),
            ],
        };
        let by = |ip: &str| table.route(ip.parse().unwrap()).unwrap().by.raw();
        assert_eq!(by("192.168.10.20"), "vgw-1");
        assert_eq!(by("192.168.11.20"), "tgw-1");
        assert_eq!(by("8.8.8.8"), "igw-1");
    }
}
