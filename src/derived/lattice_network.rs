//! The networks between a resource gateway, its target, and the studio behind a VPN.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::config::{Location, PathId};
use crate::domain::fact::Fact;
use crate::domain::finding::Finding;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{LatticeStatus, ResourceGateway, Target};
use crate::domain::network::{Flow, Interface, Network, NetworkAcl, Route, VpnConnection};
use crate::domain::reach::Fit;
use crate::domain::text::Untrusted;
use crate::questions::{AddressOwner, LatticeGateway, Part, View, VpcNetwork, VpnConnections};

use super::connections::chosen;
use super::lattice::configuration;

/// Where the traffic of the workers enters the VPC, and where it goes.
pub struct Ends<'a> {
    pub gateway: &'a ResourceGateway,
    pub gateway_id: String,
    pub target: IpAddr,
}

/// Both ends, where the target is an address and the gateway takes traffic; other checks say why not.
pub fn ends<'a>(view: &View<'a>, key: &FleetKey) -> Option<Ends<'a>> {
    let (_, fact) = configuration(view, key)?;
    let it = fact.known()?;
    let Target::Address(address) = &it.target else {
        return None;
    };
    let gateway_id = it.gateway.as_ref()?.raw().to_owned();
    let gateway = view.fact(&LatticeGateway(gateway_id.clone())).known()?;
    Some(Ends {
        gateway_id,
        target: address.raw().parse().ok()?,
        gateway,
    })
    .filter(|e| e.gateway.status == LatticeStatus::Active)
}

pub fn network<'a>(view: &View<'a>, vpc: &str) -> &'a Fact<Network> {
    view.fact(&VpcNetwork(vpc.to_owned()))
}

/// Who holds a target.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// An interface of the same VPC; another VPC may have the same addresses.
    There(&'a Interface),
    Elsewhere(&'a Interface),
    Nobody,
    Unread(&'a Fact<Vec<Interface>>),
}

impl<'a> Holder<'a> {
    pub fn interface(self) -> Option<&'a Interface> {
        match self {
            Self::There(it) | Self::Elsewhere(it) => Some(it),
            Self::Nobody | Self::Unread(_) => None,
        }
    }
}

pub fn holder<'a>(view: &View<'a>, target: IpAddr, vpc: &str) -> Holder<'a> {
    let fact = view.fact(&AddressOwner(target.to_string()));
    let all = match fact {
        Fact::Known(all) => all.as_slice(),
        Fact::Absent => return Holder::Nobody,
        _ => return Holder::Unread(fact),
    };
    let there = all.iter().find(|i| i.vpc.raw() == vpc);
    match (there, all.first()) {
        (Some(it), _) => Holder::There(it),
        (None, Some(it)) => Holder::Elsewhere(it),
        (None, None) => Holder::Nobody,
    }
}

/// The interface that holds the target of these ends.
fn target_of<'a>(view: &View<'a>, ends: &Ends) -> Option<&'a Interface> {
    holder(view, ends.target, ends.gateway.vpc.raw()).interface()
}

/// The routes of the target's subnet that lead to the studio, by a VPN; where the studio file names its network, those alone
/// that lead there.
pub fn to_studio<'a>(view: &View, network: &'a Network, subnet: &str) -> Vec<&'a Route> {
    let studio = view.config(Part::Server).vpn.network;
    let leads_there = |route: &Route| match (studio, route.to) {
        (Some(studio), Some(to)) => to.contains(&studio),
        _ => true,
    };
    let table = network.table(subnet);
    let routes = table.into_iter().flat_map(|t| &t.routes);
    let all: Vec<&Route> = routes.filter(|r| r.is_vpn() && leads_there(r)).collect();
    if studio.is_none() {
        return all;
    }
    // Of those that lead to a known network the longest prefix is taken, whatever became of it.
    let length = |r: &&Route| r.to.map(|n| n.prefix_len());
    let longest = all.iter().filter_map(length).max();
    let taken = |r: &&Route| length(r).is_none() || length(r) == longest;
    all.into_iter().filter(taken).collect()
}

/// Is it the one that the studio file names? Where it names none, any may be it.
fn is_chosen(view: &View, vpn: &VpnConnection) -> bool {
    let named = view.config(Part::Server).vpn.connection.as_deref();
    named.is_none_or(|id| vpn.id.raw() == id)
}

/// The VPN connections that end in that VPC: at its own gateway, or at one that its routes name or take over routes of.
pub fn vpns<'a>(view: &View<'a>, vpc: &str, network: &Network) -> Vec<&'a VpnConnection> {
    let all = view.fact(&VpnConnections).known();
    let tables = || network.tables.iter();
    let named: Vec<&str> = tables()
        .flat_map(|t| &t.routes)
        .map(|r| r.by.raw())
        .chain(tables().flat_map(|t| &t.propagating).map(Untrusted::raw))
        .collect();
    let ends_here = |v: &&VpnConnection| {
        let own = v.vpc.as_ref().is_some_and(|own| own.raw() == vpc);
        own || named.contains(&v.gateway.raw())
    };
    let all = all.into_iter().flatten();
    all.filter(|v| is_chosen(view, v))
        .filter(ends_here)
        .collect()
}

/// The VPN connections that a fleet's connection goes by; `None`: it goes by no VPN.
pub fn of_connection<'a>(view: &View<'a>, key: &FleetKey) -> Option<Vec<&'a VpnConnection>> {
    let chosen = chosen(view, key).filter(|c| c.reach.fit != Fit::Impossible)?;
    let on_lan = view.config(Part::Server).server.location == Location::Lan;
    let through = match chosen.path {
        PathId::Vpn => true,
        PathId::Lattice => on_lan,
        _ => false,
    };
    if !through {
        return None;
    }
    let all = view.fact(&VpnConnections).known().into_iter().flatten();
    // Behind VPC Lattice only those count that the target's VPC uses.
    let here = ends(view, key).and_then(|e| target_of(view, &e));
    let here = here.map(|i| i.vpc.raw());
    let network = here.and_then(|vpc| Some((vpc, network(view, vpc).known()?)));
    Some(match network {
        Some((vpc, network)) => vpns(view, vpc, network),
        None => all.filter(|v| is_chosen(view, v)).collect(),
    })
}

/// A network ACL that is met: outbound or not, the ports, the other side.
pub type Step<'a> = (&'a NetworkAcl, bool, (u16, u16), IpNet);

/// The first ACL that does not let it through; else the first of which that can't be told.
pub fn through(steps: &[Step<'_>]) -> Option<Finding> {
    let asked = |(acl, outbound, port, other): &Step<'_>| {
        let flow = Flow {
            port: *port,
            other: *other,
        };
        acl.lets(*outbound, flow)
    };
    let shut = steps.iter().find(|s| asked(s) == Some(false));
    let unclear = || steps.iter().find(|s| asked(s).is_none());
    match shut {
        Some((acl, outbound, port, other)) => Some(refused(acl, *outbound, *port, *other)),
        None => unclear().map(|(acl, ..)| unclear_acl(acl.id.show().as_str())),
    }
}

pub fn unclear_acl(which: &str) -> Finding {
    let line = format!(
        "Whether network ACL {which} lets the traffic and its replies through can't be told"
    );
    Finding::unknown("unclear-acl", line)
        .why("an entry decides of a part of the addresses or ports only, or the ACL was not found")
        .fix("run Reachability Analyzer, or ask a worker")
}

fn refused(acl: &NetworkAcl, outbound: bool, port: (u16, u16), other: IpNet) -> Finding {
    let (direction, preposition, flag) = if outbound {
        ("outbound", "to", "--egress")
    } else {
        ("inbound", "from", "--ingress")
    };
    let ports = if port.0 == port.1 {
        port.0.to_string()
    } else {
        format!("{}-{}", port.0, port.1)
    };
    let line = format!(
        "Network ACL {} does not allow {direction} TCP {ports} {preposition} {other}",
        acl.id.show()
    );
    let flow = Flow { port, other };
    let finding = Finding::fail("acl", line)
        .why("SUBNET_ACL_RESTRICTION: a network ACL keeps no state, so what goes out and what comes back are both looked up");
    match acl.room_for(outbound, flow) {
        Some(number) => finding.fix(format!(
            "`aws ec2 create-network-acl-entry --network-acl-id {} {flag} --rule-number {number} --protocol tcp --port-range From={},To={} --cidr-block {other} --rule-action allow`",
            acl.id.show(),
            port.0,
            port.1
        )),
        None => finding.fix("the entry that refuses it is the first of the list: give it a higher number, and put one before it that lets this through"),
    }
}
