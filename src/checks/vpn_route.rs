//! From the target's subnet on to the studio: a route, by a gateway that leads there, and network ACLs that let it pass.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::prelude::*;
use crate::derived::connections::chosen;
use crate::derived::lattice_network::{
    ends, holder, network, of_connection, through, to_studio, unclear_acl, vpns,
};
use crate::domain::config::{Location, PathId};
use crate::domain::finding::Verdict;
use crate::domain::ids::FleetKey;
use crate::domain::network::{
    EPHEMERAL, Network, Route, RouteState, RouteTable, TunnelStatus, VpnAttachment, VpnConnection,
};
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{Part, TransitPath, VpcNetwork};

pub const CHECK: Check = Check {
    id: "vpn-route",
    title: "The target's subnet has a route to the studio",
    why: "what stands in the VPC goes on to the server in the studio, by the subnet's routes",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    if view.config(Part::Server).server.location != Location::Lan {
        return Vec::new();
    }
    if chosen(view, key).is_some_and(|c| c.path == PathId::Vpn) {
        return of_workers(view, key);
    }
    let ends = ends(view, key);
    let held = ends.and_then(|e| holder(view, e.target, e.gateway.vpc.raw()).interface());
    let Some(holder) = held else {
        return Vec::new(); // lattice-target says why
    };
    let vpc = holder.vpc.raw();
    let fact = network(view, vpc);
    let evidence = view.evidence(&VpcNetwork(vpc.to_owned()));
    let Some(network) = fact.known() else {
        return with_evidence(Finding::unread("the network of the target", fact), evidence);
    };
    let subnet = holder.subnet.raw();
    let routes = to_studio(view, network, subnet);
    if routes.is_empty() {
        let whose = Whose {
            none: "The target's subnet has no route".to_owned(),
            whether: "Whether the target's subnet has a route".to_owned(),
        };
        let table = network.table(subnet).into_iter();
        let vpns = vpns(view, vpc, network);
        let finding = no_route(view, &vpns, &table.collect::<Vec<_>>(), &whose);
        return vec![finding.from(evidence)];
    }
    // Which of several is the studio's, no call tells: one that is dead is a FAIL where none is left.
    let (dead, alive): (Vec<&Route>, Vec<&Route>) = routes
        .into_iter()
        .partition(|r| r.state == RouteState::Blackhole);
    let mut findings: Vec<Finding> = Vec::new();
    for route in &dead {
        let to = route.to.map(|n| n.to_string()).unwrap_or_default();
        let line = format!("The route to {to} by {} is a blackhole", route.by.show());
        let verdict = if alive.is_empty() {
            Verdict::Fail
        } else {
            Verdict::Warn
        };
        let finding = Finding::new(verdict, "blackhole", line)
            .why("BAD_STATE_ROUTE: what the route names was deleted or detached")
            .fix("replace the route by one to a gateway that exists");
        findings.push(finding.about(to).from(evidence.clone()));
    }
    let own = overlaps(network, subnet, &alive);
    findings.extend(own.into_iter().map(|f| f.from(evidence.clone())));
    for route in alive.iter().filter(|r| r.is_transit()) {
        findings.extend(transit(view, vpc, route));
    }
    // Replies of the studio come back through the ACL of the target's subnet.
    let port = view.config(Part::Server).lattice_port();
    let nets: Vec<IpNet> = alive.iter().filter_map(|r| r.to).collect();
    let acl = network.acl(subnet);
    let met = acl.into_iter().flat_map(|acl| {
        let each = nets.iter();
        each.flat_map(move |to| [(acl, true, (port, port), *to), (acl, false, EPHEMERAL, *to)])
    });
    let met: Vec<_> = met.collect();
    let shut = match acl {
        Some(_) => through(&met),
        None => Some(unclear_acl(&format!("of subnet {subnet}"))),
    };
    findings.extend(shut.map(|f| f.from(evidence.clone())));
    if findings.is_empty() && nets.is_empty() {
        let finding = Finding::unknown("lists", "Where the routes by the VPN lead can't be told")
            .why("they name prefix lists, whose addresses are not read")
            .fix("see that the lists hold the server's network");
        findings.push(finding.from(evidence));
    } else if findings.is_empty() {
        let ways = alive
            .iter()
            .filter_map(|r| Some(format!("{} by {}", r.to?, r.by.show())));
        let ways: Vec<String> = ways.collect();
        let line = format!(
            "The target's subnet has routes by a VPN: {}",
            ways.join(", ")
        );
        findings.push(
            Finding::ok(line)
                .why("that the AYON server is in one of these networks, and the studio's own routes and firewall, can't be seen from AWS")
                .from(evidence),
        );
    }
    findings
}

/// Workers of the studio's own in a VPC: in which, and in which subnet, no call tells. That no subnet of any VPC that it may be
/// has a route is seen all the same.
fn of_workers(view: &View, key: &FleetKey) -> Vec<Finding> {
    let all_vpns = of_connection(view, key).unwrap_or_default();
    let vpcs: BTreeSet<&str> = all_vpns
        .iter()
        .filter_map(|v| v.vpc.as_ref())
        .map(Untrusted::raw)
        .collect();
    if vpcs.is_empty() {
        let line = "Whether the workers' subnet has a route to the studio, only a worker can tell";
        return vec![only_workers_know(line.to_owned())];
    }
    let (mut without, mut others) = (Vec::new(), Vec::new());
    for vpc in vpcs {
        let fact = network(view, vpc);
        let evidence = view.evidence(&VpcNetwork(vpc.to_owned()));
        let Some(there) = fact.known() else {
            let unread = Finding::unread("the network of the VPN's VPC", fact);
            others.extend(with_evidence(unread, evidence));
            continue;
        };
        let shown = Untrusted::new(vpc).show();
        let has = |id: &str| {
            let mut routes = to_studio(view, there, id).into_iter();
            routes.any(|r| r.state == RouteState::Active)
        };
        let all = there.subnets.len();
        let with = there.subnets.iter().filter(|s| has(s.id.raw())).count();
        if with == 0 {
            let tables = there.subnets.iter().filter_map(|s| there.table(s.id.raw()));
            let tables: Vec<&RouteTable> = tables.collect();
            let whose = Whose {
                none: format!("No subnet of {shown} has a route"),
                whether: format!("Whether a subnet of {shown} has a route"),
            };
            let ends_here = vpns(view, vpc, there);
            without.push((
                shown,
                no_route(view, &ends_here, &tables, &whose).from(evidence),
            ));
        } else {
            let line = format!(
                "{with} of {all} subnets of {shown} have a route to the studio; whether the workers stand in one of them, only a worker can tell"
            );
            others.push(only_workers_know(line).from(evidence));
        }
    }
    // They stand nowhere else only where each VPN ends in a VPC that was looked at.
    let is_all = others.is_empty() && all_vpns.iter().all(|v| v.vpc.is_some());
    let say = |(vpc, finding): (Printable, Finding)| {
        if is_all || finding.verdict != Verdict::Fail {
            return finding;
        }
        let line = format!(
            "{vpc} has no route to the studio; whether the workers stand in it, only a worker can tell"
        );
        let own = only_workers_know(line);
        finding.evidence.into_iter().fold(own, Finding::from)
    };
    without.into_iter().map(say).chain(others).collect()
}

fn only_workers_know(line: String) -> Finding {
    Finding::worker_only("whose-subnet", line)
        .why("no call tells in which VPC and subnet customer-managed workers stand")
        .fix("`studiolink probe` asks a worker whether it reaches the server")
}

/// The VPC's own addresses stay in it, whatever another route says: two networks with the same addresses never meet.
fn overlaps(network: &Network, subnet: &str, alive: &[&Route]) -> Vec<Finding> {
    let table = network.table(subnet);
    let all = table.into_iter().flat_map(|t| &t.routes);
    let local: Vec<IpNet> = all
        .filter(|r| r.by.raw() == "local")
        .filter_map(|r| r.to)
        .collect();
    let mut findings = Vec::new();
    for to in alive.iter().filter_map(|r| r.to) {
        for own in &local {
            let words = format!(
                "The studio's network {to} and the VPC's own {own} have the same addresses"
            );
            if own.contains(&to) {
                let finding = Finding::fail("overlap", words)
                    .why("the VPC's local route wins: nothing to these addresses ever leaves the VPC")
                    .fix("give the load balancer a VPC with other addresses, or translate the studio's (NAT) in front of the VPN");
                findings.push(finding.about(to.to_string()));
            } else if to.contains(own) {
                let finding = Finding::warn("overlap", words)
                    .why(format!("the VPC's local route wins for {own}: a server of the studio in it is not reached, the others are"))
                    .fix("see that the AYON server's address is outside of the VPC's own network");
                findings.push(finding.about(to.to_string()));
            }
        }
    }
    findings
}

/// Of which subnets a route is looked for, in words.
struct Whose {
    none: String,
    whether: String,
}

fn no_route(
    view: &View,
    vpns: &[&VpnConnection],
    tables: &[&RouteTable],
    whose: &Whose,
) -> Finding {
    let propagates = tables.iter().any(|t| !t.propagating.is_empty());
    let mut tunnels = vpns.iter().flat_map(|v| &v.tunnels);
    let down = !vpns.is_empty() && tunnels.all(|t| t.status == TunnelStatus::Down);
    if propagates && down {
        return Finding::new(
            Verdict::NotReached,
            "not-reached",
            "Not reached: the route to the studio",
        )
        .why("the VPN's routes are propagated, and are gone while its tunnels are down");
    }
    let mut routes = tables.iter().flat_map(|t| &t.routes);
    if let Some(route) = routes.find(|r| r.is_elsewhere()) {
        let line = format!("{} to the studio can't be told", whose.whether);
        return Finding::unknown("elsewhere", line)
            .why(format!("no route goes by a VPN gateway, and {} may lead there: appliances and peerings are not looked into", route.by.show()))
            .fix("ask a worker whether it reaches the server");
    }
    let (why, fix) = if propagates {
        (
            "NO_ROUTE_TO_DESTINATION: propagation is on, and the VPN's gateway has no route to give",
            "let the studio's device announce its networks by BGP, or add static routes to the VPN connection",
        )
    } else {
        (
            "NO_ROUTE_TO_DESTINATION: no route leads to a VPN gateway, and propagation is off",
            "turn on route propagation from the virtual private gateway in the subnet's route table, or add the route by hand",
        )
    };
    let to = match view.config(Part::Server).vpn.network {
        Some(studio) => format!("the studio's network {studio}"),
        None => "the studio".to_owned(),
    };
    let line = format!("{} to {to}", whose.none);
    Finding::fail("cannot-route", line).why(why).fix(fix)
}

/// May a route be to the studio's own network, rather than to all of a company's?
fn is_narrow(to: IpNet) -> bool {
    to.prefix_len() >= 24
}

fn transit(view: &View, vpc: &str, route: &Route) -> Option<Finding> {
    let vpn = &view.config(Part::Server).vpn;
    // A route may be wider than what the transit gateway knows: where the studio file names its network, that one is looked for.
    let (studio, to) = (vpn.network, route.to?);
    let to = studio.filter(|s| to.contains(s)).unwrap_or(to);
    let question = TransitPath {
        gateway: route.by.raw().to_owned(),
        vpc: vpc.to_owned(),
        to: to.network().to_string(),
    };
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    if fact.is_absent() {
        let line = format!(
            "The VPC is not attached to the transit gateway {}",
            route.by.show()
        );
        let finding = Finding::fail("not-attached", line)
            .why(CHECK.why)
            .fix("attach the VPC, and associate the attachment with a route table");
        return Some(finding.from(evidence));
    }
    let Some(there) = fact.known() else {
        return Finding::unread("the transit gateway's route", fact).map(|f| f.from(evidence));
    };
    // Of several VPNs only the studio's own is the right one.
    let is_own = |a: &&VpnAttachment| vpn.connection.as_deref() == Some(a.connection.raw());
    let attachment = match there.vpns.as_slice() {
        [one] if vpn.connection.is_none() => Some(one),
        several => several.iter().find(is_own),
    };
    let attachment = attachment.map_or_else(|| "tgw-attach-…".into(), |a| a.id.show());
    let table = there.table.show();
    let command = |verb: &str, to: IpNet| {
        format!(
            "`aws ec2 {verb} --destination-cidr-block {to} --transit-gateway-route-table-id {table} --transit-gateway-attachment-id {attachment}`"
        )
    };
    let finding = match &there.route {
        Some((_, RouteState::Active)) => return None,
        Some((net, RouteState::Blackhole)) => Finding::fail(
            "transit-blackhole",
            format!("The transit gateway's route to {net} is a blackhole"),
        )
        .why("TGW_RTB_BAD_STATE_ROUTE: it names an attachment that is gone, or was made to drop what it gets")
        .fix(command("replace-transit-gateway-route", *net)),
        Some((net, RouteState::Unknown(state))) => Finding::warn(
            "transit-state",
            format!("The transit gateway's route to {net} is {}", state.show()),
        )
        .why("it carries nothing until it is active")
        .fix("wait a minute, then check again"),
        None if studio.is_none() && !is_narrow(to) => Finding::unknown(
            "transit-wide",
            format!("Whether the transit gateway has a route to the studio was not seen: the subnet's route is to {to}, and none of the gateway's is as wide"),
        )
        .why("it may have one to the studio's own network, which the studio file does not name")
        .fix("write the studio's network into the studio file as network in [vpn], then check again"),
        None => Finding::fail(
            "transit-route",
            format!("The transit gateway has no route to {to} for this VPC"),
        )
        .why("TGW_RTB_CANNOT_ROUTE: the route table of the VPC's attachment does not name it")
        .fix(command("create-transit-gateway-route", to)),
    };
    Some(finding.from(evidence))
}
