//! Studios whose fleets reach the server by VPC Lattice, and by a VPN behind it, all of it in order.
#![allow(dead_code, clippy::unwrap_used)] // each test file takes what it needs

use studiolink::domain::config::{Location, PathId, StudioConfig};
use studiolink::domain::host_script::{block, with};
use studiolink::domain::lattice::{
    AssociationKind, AssociationState, DEADLINE_FLEETS, DnsResolution, LatticeStatus,
    ResourceConfiguration, ResourceGateway, Share, ShareAssociation, Target,
};
use studiolink::domain::network::{
    AclEntry, Interface, Network, NetworkAcl, Route, RouteState, RouteTable, Rule, SecurityGroup,
    Subnet, TunnelStatus, VpnConnection, VpnTunnel,
};
use studiolink::domain::text::Untrusted;
use studiolink::domain::vpc_dns::{
    EndpointState, NameInVpc, NameRule, OutboundEndpoint, RuleKind, RuleState,
};
use studiolink::world::sandbox::Truth;

pub(crate) const VPC: &str = "vpc-0a1b2c3d4e5f60718";
pub(crate) const TARGET: &str = "10.20.1.50";

fn text(text: &str) -> Untrusted {
    Untrusted::new(text)
}

fn route(to: &str, by: &str) -> Route {
    Route {
        to: Some(to.parse().unwrap()),
        by: text(by),
        state: RouteState::Active,
    }
}

fn rule(networks: &[&str], groups: &[&str]) -> Rule {
    Rule {
        protocol: text("tcp"),
        ports: Some((443, 443)),
        networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
        groups: groups.iter().map(|g| text(g)).collect(),
        lists: false,
    }
}

/// The gateway in one subnet, a load balancer in the other.
fn network(t: &mut Truth) {
    let subnet = |id: &str, cidr: &str| Subnet {
        id: text(id),
        cidr: Some(cidr.parse().unwrap()),
        name: None,
        zone: None,
    };
    let group = |id: &str, inbound, outbound| SecurityGroup {
        id: text(id),
        name: text(&id.replace("sg-", "ayon-")),
        inbound,
        outbound,
    };
    let all = |outbound| AclEntry {
        number: 100,
        outbound,
        allows: true,
        protocol: text("-1"),
        ports: None,
        network: Some("0.0.0.0/0".parse().unwrap()),
    };
    let network = Network {
        subnets: vec![
            subnet("subnet-0a1b2c3d4e5f60711", "10.20.0.0/24"),
            subnet("subnet-0a1b2c3d4e5f60712", "10.20.1.0/24"),
        ],
        tables: vec![RouteTable {
            id: text("rtb-0a1b2c3d4e5f60718"),
            main: true,
            subnets: Vec::new(),
            propagating: Vec::new(),
            routes: vec![route("10.20.0.0/16", "local")],
        }],
        groups: vec![
            group("sg-gateway", Vec::new(), vec![rule(&["10.20.0.0/16"], &[])]),
            group("sg-balancer", vec![rule(&[], &["sg-gateway"])], Vec::new()),
        ],
        acls: vec![NetworkAcl {
            id: text("acl-0a1b2c3d4e5f60718"),
            main: true,
            subnets: Vec::new(),
            entries: vec![all(true), all(false)],
        }],
    };
    let balancer = Interface {
        id: text("eni-0a1b2c3d4e5f60711"),
        vpc: text(VPC),
        subnet: text("subnet-0a1b2c3d4e5f60712"),
        groups: vec![text("sg-balancer")],
        kind: text("network_load_balancer"),
        description: text("ELB net/ayon"),
    };
    t.network.vpcs.insert(VPC.to_owned(), network);
    t.network
        .addresses
        .insert(TARGET.to_owned(), vec![balancer]);
}

pub(crate) fn network_with(t: &mut Truth, change: impl Fn(&mut Network)) {
    t.network.vpcs.values_mut().for_each(change);
}

/// The server in the studio, behind the load balancer and a VPN.
pub(crate) fn over_vpn(t: &mut Truth, c: &mut StudioConfig) {
    lattice(t, c);
    c.server.location = Location::Lan;
    network_with(t, |n| {
        n.tables[0].routes.push(route("192.168.10.0/24", "vgw-1"))
    });
    let tunnel = || VpnTunnel {
        status: TunnelStatus::Up,
        message: None,
        since: None,
    };
    t.network.vpns.push(VpnConnection {
        id: text("vpn-0a1b2c3d4e5f60718"),
        name: Some(text("studio")),
        state: text("available"),
        gateway: text("vgw-1"),
        vpc: Some(text(VPC)),
        device: text("cgw-1"),
        device_address: None,
        tunnels: vec![tunnel(), tunnel()],
    });
}

/// A studio whose fleets reach the server by VPC Lattice, all of it in order.
pub(crate) fn lattice(t: &mut Truth, c: &mut StudioConfig) {
    c.server.path = PathId::Lattice;
    c.server.location = Location::Ec2;
    let (id, gateway) = ("rcfg-0a1b2c3d4e5f60718", "rgw-0a1b2c3d4e5f60718");
    let arn = format!("arn:aws:vpc-lattice:us-west-2:123456789012:resourceconfiguration/{id}");
    let configuration = ResourceConfiguration {
        arn: text(&arn),
        name: text("ayon-server"),
        status: LatticeStatus::Active,
        failure: None,
        kind: text("SINGLE"),
        protocol: Some(text("TCP")),
        ports: vec![text("443")],
        gateway: Some(text(gateway)),
        target: Target::Address(text("10.20.1.50")),
        shareable: true,
    };
    let there = ResourceGateway {
        name: text("ayon-gateway"),
        status: LatticeStatus::Active,
        vpc: text("vpc-0a1b2c3d4e5f60718"),
        subnets: vec![text("subnet-0a1b2c3d4e5f60711")],
        security_groups: vec![text("sg-gateway")],
        dns: DnsResolution::Public,
    };
    let association = |kind, entity: &str| ShareAssociation {
        kind,
        entity: text(entity),
        state: AssociationState::Associated,
        message: None,
    };
    let share = Share {
        external: true,
        name: text("ayon-server"),
        arn: text("arn:aws:ram:us-west-2:123456789012:resource-share/0a1b"),
        status: text("ACTIVE"),
        associations: vec![
            association(AssociationKind::Resource, &arn),
            association(AssociationKind::Principal, DEADLINE_FLEETS),
            association(AssociationKind::Source, "123456789012"),
        ],
    };
    t.lattice
        .configurations
        .insert(id.to_owned(), configuration);
    t.lattice.gateways.insert(gateway.to_owned(), there);
    t.lattice.shares.insert(id.to_owned(), vec![share]);
    let name = format!("{id}.resource-endpoints.deadline.us-west-2.amazonaws.com");
    let host = c.server.url.domain().unwrap_or_default();
    for (key, fleet) in &mut t.fleets {
        fleet.configurations = vec![text(&arn)];
        if let Some(lines) = block(&fleet.os, &name, host) {
            let script = with(None, Some(&lines), &fleet.os).unwrap();
            t.host_scripts.insert(key.fleet.to_string(), script);
        }
    }
    network(t);
}

/// The same with one thing changed.
pub(crate) fn lattice_with(
    t: &mut Truth,
    c: &mut StudioConfig,
    change: impl Fn(&mut ResourceConfiguration, &mut ResourceGateway, &mut Share),
) {
    lattice(t, c);
    let lattice = &mut t.lattice;
    let configuration = lattice.configurations.values_mut().next().unwrap();
    let gateway = lattice.gateways.values_mut().next().unwrap();
    let share = &mut lattice.shares.values_mut().next().unwrap()[0];
    change(configuration, gateway, share);
}

/// What Route 53 has for a VPC.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dns {
    pub names: NameInVpc,
    /// Of the rule's outbound endpoint; `None`: there is no such endpoint.
    pub endpoint: Option<EndpointState>,
    /// What the zones have; `None`: no records are to be had.
    pub records: Option<Vec<String>>,
    pub profiles: Vec<Untrusted>,
}

/// The configuration names a host that only the studio's DNS knows, and the gateway asks the DNS of its VPC.
pub(crate) fn by_name(t: &mut Truth, c: &mut StudioConfig, dns: Dns) {
    lattice_with(t, c, |configuration, gateway, _| {
        configuration.target = Target::Name(Untrusted::new("ayon.nordlicht.lan"));
        gateway.dns = DnsResolution::InVpc;
    });
    let vpc = t.lattice.gateways.values().next().unwrap().vpc.raw();
    let network = &mut t.network;
    network.dns_profiles.insert(vpc.to_owned(), dns.profiles);
    let endpoints = dns.names.rules.iter().filter_map(|r| r.endpoint.as_ref());
    let endpoints = endpoints.map(|id| id.raw().to_owned());
    let endpoints: Vec<String> = endpoints.collect();
    for (id, state) in endpoints.into_iter().zip(dns.endpoint) {
        let said = None;
        let endpoint = OutboundEndpoint { state, said };
        network.endpoints.insert(id, endpoint);
    }
    let zones = dns.names.zones.iter().map(|z| z.id.raw().to_owned());
    network.records = zones.zip(dns.records).collect();
    network.names.insert(vpc.to_owned(), dns.names);
}

/// A rule of Route 53 Resolver that forwards the studio's domain by an endpoint in that state.
pub(crate) fn forwards(endpoint: EndpointState) -> Dns {
    let rule = NameRule {
        id: Untrusted::new("rslvr-rr-0123456789abcdef0"),
        domain: Untrusted::new("nordlicht.lan."),
        kind: RuleKind::Forward,
        state: RuleState::Complete,
        association: RuleState::Complete,
        servers: vec![Untrusted::new("192.168.10.2")],
        endpoint: Some(Untrusted::new("rslvr-out-0123456789abcdef0")),
        shared: false,
        said: None,
    };
    let names = NameInVpc {
        rules: vec![rule],
        ..NameInVpc::default()
    };
    Dns {
        names,
        endpoint: Some(endpoint),
        ..Dns::default()
    }
}
