//! From the resource gateway to the target: routes, security groups and network ACLs, read as EC2 reads them. The causes have the
//! names of Reachability Analyzer's codes.

use ipnet::IpNet;

use super::lattice_network::{Ends, Holder, holder, network, through, unclear_acl};
use crate::domain::finding::Finding;
use crate::domain::network::{
    EPHEMERAL, Flow, Interface, Network, Passes, Route, RouteState, SecurityGroup, subnet_names,
};
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{Part, View};

/// From a resource gateway to a target in the VPC.
pub struct Way<'a> {
    view: &'a View<'a>,
    ends: &'a Ends<'a>,
    network: &'a Network,
    pub holder: Holder<'a>,
    pub port: u16,
}

impl<'a> Way<'a> {
    /// `network`: the gateway's.
    pub fn new(view: &'a View<'a>, ends: &'a Ends<'a>, network: &'a Network) -> Self {
        Self {
            view,
            ends,
            network,
            holder: holder(view, ends.target, ends.gateway.vpc.raw()),
            port: view.config(Part::Server).lattice_port(),
        }
    }
}

/// Why, and how.
const NEW_GATEWAY: &str = "the subnets of a gateway can't be changed. `studiolink setup` makes both where [lattice] names target, subnets and \
    security_groups in place of configuration; take the old configuration from the fleet first";

/// Does no change of rules or routes let this gateway lead to the target? It has to be another one then.
pub fn is_stranded(way: &Way) -> bool {
    let no_route = |f: Finding| f.code == "cannot-route";
    let elsewhere = matches!(way.holder, Holder::Elsewhere(_));
    (elsewhere && way.route().is_some_and(no_route))
        || matches!(way.holder, Holder::There(holder) if way.zone(holder).is_some())
}

impl Way<'_> {
    /// What a private target would be looked for by: a gateway to the Internet, which has no way to it. `None`: there is another.
    pub fn leaves_by_default(&self) -> Option<Printable> {
        let private = match self.ends.target {
            std::net::IpAddr::V4(ip) => ip.is_private(),
            std::net::IpAddr::V6(ip) => ip.is_unique_local(),
        };
        if !private {
            return None;
        }
        let subnets = self.ends.gateway.subnets.iter();
        let mut routes =
            subnets.filter_map(|id| self.network.table(id.raw())?.route(self.ends.target));
        let public = |r: &&Route| !r.is_vpn() && !r.is_elsewhere() && r.by.raw() != "local";
        routes.find(public).map(|r| r.by.show())
    }

    /// What is wrong on it, or can't be told; nothing: it lets the traffic through.
    pub fn judge(&self) -> Vec<Finding> {
        if let Some(finding) = self.route() {
            return vec![finding];
        }
        let mut findings: Vec<Finding> = self.outbound().into_iter().collect();
        let target = self.ends.target;
        // What the target's side lets in is known only where its interface is.
        match self.holder {
            Holder::There(holder) => {
                findings.extend(self.zone(holder));
                findings.extend(self.inbound(holder));
                findings.extend(self.acls(holder));
            }
            Holder::Elsewhere(holder) => findings.push(
                Finding::unknown(
                    "other-vpc",
                    format!("Whether {target} in {} lets the gateway in can't be told", holder.vpc.show()),
                )
                .why("the target is in another VPC than the gateway, and only the gateway's is looked at")
                .fix("run Reachability Analyzer from an interface of the gateway, or ask a worker"),
            ),
            Holder::Nobody => findings.push(
                Finding::unknown(
                    "no-holder",
                    format!("No network interface of this account and region holds the target {target}"),
                )
                .why("it may be another account's, or behind a VPN: that VPC Lattice leads to an address beyond the VPC is not proven, its pages differ")
                .fix("put a network load balancer or a proxy into the VPC and make it the target; or ask a worker"),
            ),
            Holder::Unread(unread) => {
                let what = format!("who holds the target {target}");
                findings.extend(Finding::unread(&what, unread));
            }
        }
        findings
    }

    /// A gateway reaches its target from an interface in the target's own zone (field facts C).
    fn zone(&self, holder: &Interface) -> Option<Finding> {
        let own = zone_of(self.network, holder.subnet.raw())?;
        let subnets = self.ends.gateway.subnets.iter();
        let zones: Option<Vec<&Untrusted>> =
            subnets.map(|id| zone_of(self.network, id.raw())).collect();
        let zones = zones.filter(|z| !z.is_empty())?;
        if zones.contains(&own) {
            return None;
        }
        let mut names: Vec<String> = zones.iter().map(|z| z.show().to_string()).collect();
        names.sort_unstable();
        names.dedup();
        let line = format!(
            "The gateway has no subnet in {}, the zone of the target {}: it stands in {}",
            own.show(),
            self.ends.target,
            names.join(", ")
        );
        Some(
            Finding::fail("other-zone", line)
                .why("a resource gateway shares a zone with its target, so that it should span all of them")
                .fix(format!("make a new gateway with subnets in all zones of the target, and a new configuration on it: {NEW_GATEWAY}")),
        )
    }

    fn address(&self) -> IpNet {
        self.ends.target.into()
    }

    /// The gateway's subnets, as networks.
    fn from(&self) -> Vec<IpNet> {
        let subnets = self.ends.gateway.subnets.iter();
        subnets
            .filter_map(|id| self.network.subnet(id.raw())?.cidr)
            .collect()
    }

    fn route(&self) -> Option<Finding> {
        let mut without: Vec<Untrusted> = Vec::new();
        let mut unclear = self.ends.gateway.subnets.is_empty();
        for id in &self.ends.gateway.subnets {
            let Some(table) = self.network.table(id.raw()) else {
                unclear = true;
                continue;
            };
            match table.route(self.ends.target).map(|r| (&r.state, r)) {
                Some((RouteState::Active, _)) => {}
                Some((RouteState::Blackhole, route)) => {
                    let line = format!(
                        "The route of the gateway's subnet {} to {} is a blackhole",
                        id.show(),
                        self.ends.target
                    );
                    return Some(
                        Finding::fail("blackhole", line)
                            .why(format!(
                                "BAD_STATE_ROUTE: {} was deleted or detached",
                                route.by.show()
                            ))
                            .fix("replace the route by one to a gateway that exists"),
                    );
                }
                Some((RouteState::Unknown(_), _)) => unclear = true,
                // A prefix list may hold the address.
                None if table.has_lists() => unclear = true,
                None => without.push(id.clone()),
            }
        }
        if without.is_empty() && unclear {
            let line = format!(
                "Whether the gateway's subnets have a route to {} can't be told",
                self.ends.target
            );
            return Some(Finding::unknown("unclear-route", line)
                .why("a route table was not found, or names a prefix list, whose addresses are not read")
                .fix("run Reachability Analyzer from an interface of the gateway, or ask a worker"));
        }
        if without.is_empty() {
            return None;
        }
        let target = self.ends.target;
        let line = format!(
            "The gateway's subnets have no route to the target {target}: {}",
            subnet_names(self.network, &without)
        );
        let (why, fix) = match self.holder {
            Holder::Elsewhere(holder) => {
                // The names of the target's own subnets, for the gateway to be made.
                let there = network(self.view, holder.vpc.raw()).known();
                let ids: Vec<Untrusted> = there.into_iter().flat_map(|n| &n.subnets).map(|s| s.id.clone()).collect();
                let names = there.map(|n| subnet_names(n, &ids)).unwrap_or_default();
                (
                    format!("NO_ROUTE_TO_DESTINATION: the gateway is in {}, and the target in {}", self.ends.gateway.vpc.show(), holder.vpc.show()),
                    format!("make a new gateway in {names} ({}) and a new configuration on it: {NEW_GATEWAY}", holder.vpc.show()),
                )
            }
            _ => (
                format!("NO_ROUTE_TO_DESTINATION: their route tables name no way to {target}"),
                "add a route, or make a new gateway in the target's VPC and a new configuration on it".to_owned(),
            ),
        };
        Some(Finding::fail("cannot-route", line).why(why).fix(fix))
    }

    /// The groups that are known of these; and whether that is all of them.
    fn groups(&self, ids: &[Untrusted]) -> (Vec<&SecurityGroup>, bool) {
        let known = ids.iter().filter_map(|id| self.network.group(id.raw()));
        let known: Vec<&SecurityGroup> = known.collect();
        let whole = known.len() == ids.len();
        (known, whole)
    }

    /// The gateway's own groups: what they let out.
    fn outbound(&self) -> Option<Finding> {
        let ids = &self.ends.gateway.security_groups;
        let (groups, whole) = self.groups(ids);
        let flow = Flow {
            port: (self.port, self.port),
            other: self.address(),
        };
        let target = self.holder.interface().map(|i| i.groups.as_slice());
        let rules = groups.iter().flat_map(|g| &g.outbound);
        let (port, names) = (self.port, names(ids, &groups));
        match SecurityGroup::lets(rules, flow, target) {
            Some(true) => return None,
            Some(false) if whole && !groups.is_empty() => {}
            _ => return Some(self.unclear(&names, "outbound")),
        }
        // A load balancer changes its addresses within the VPC; what lies beyond it is named alone.
        let own = self.network.own();
        let own = own.filter(|n| n.contains(&self.ends.target));
        let to = own.unwrap_or_else(|| self.address());
        let line = format!(
            "Security group {names} does not allow outbound TCP {port} to the target {}",
            self.ends.target
        );
        Some(Finding::fail("egress", line)
            .why("ENI_SG_RULES_MISMATCH: the group of a resource gateway governs what leaves it to the target")
            .fix(format!(
                "`aws ec2 authorize-security-group-egress --group-id {} --ip-permissions IpProtocol=tcp,FromPort={port},ToPort={port},IpRanges=[{{CidrIp={to}}}]`",
                groups[0].id.show()
            )))
    }

    /// The target's groups: what they let in from the gateway. A load balancer may have none, and then lets in everything.
    fn inbound(&self, holder: &Interface) -> Option<Finding> {
        if holder.groups.is_empty() {
            return None;
        }
        let (groups, whole) = self.groups(&holder.groups);
        let gateway = &self.ends.gateway.security_groups;
        let (port, names) = (self.port, names(&holder.groups, &groups));
        let from = self.from();
        let answers: Vec<Passes> = from
            .iter()
            .map(|other| {
                let flow = Flow {
                    port: (port, port),
                    other: *other,
                };
                let rules = groups.iter().flat_map(|g| &g.inbound);
                SecurityGroup::lets(rules, flow, Some(gateway))
            })
            .collect();
        if !answers.is_empty() && answers.iter().all(|a| *a == Some(true)) {
            return None;
        }
        if !answers.contains(&Some(false)) || !whole || groups.is_empty() {
            return Some(self.unclear(&names, "inbound"));
        }
        let source = match gateway.first() {
            Some(group) => format!("--source-group {}", group.show()),
            None => format!("--cidr {}", from[0]),
        };
        let line =
            format!("Security group {names} does not allow TCP {port} from the resource gateway");
        Some(Finding::fail("ingress", line)
            .why(format!("ENI_SG_RULES_MISMATCH: the target {} ({}) takes only what its groups let in", self.ends.target, holder.description.show()))
            .fix(format!(
                "`aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port {port} {source}`",
                groups[0].id.show()
            )))
    }

    fn unclear(&self, names: &str, direction: &str) -> Finding {
        let line = format!(
            "Whether security group {names} allows {direction} TCP {} can't be told",
            self.port
        );
        Finding::unknown("unclear-group", line)
            .why("a group was not found, or a rule names a prefix list or a part of the addresses only")
            .fix("run Reachability Analyzer from an interface of the gateway, or ask a worker")
    }

    /// Between two subnets the ACLs of both count, there and back.
    fn acls(&self, holder: &Interface) -> Option<Finding> {
        let known = |id: &str| Some((self.network.acl(id)?, self.network.subnet(id)?.cidr?));
        let others = self
            .ends
            .gateway
            .subnets
            .iter()
            .filter(|id| **id != holder.subnet);
        let mut steps = Vec::new();
        for id in others {
            let (Some((own, from)), Some((theirs, to))) =
                (known(id.raw()), known(holder.subnet.raw()))
            else {
                return Some(unclear_acl(&format!(
                    "between {} and {}",
                    id.show(),
                    holder.subnet.show()
                )));
            };
            let asked = (self.port, self.port);
            steps.extend([
                (own, true, asked, to),
                (theirs, false, asked, from),
                (theirs, true, EPHEMERAL, from),
                (own, false, EPHEMERAL, to),
            ]);
        }
        through(&steps)
    }
}

/// The zone of a subnet, where it is known.
pub fn zone_of<'a>(network: &'a Network, subnet: &str) -> Option<&'a Untrusted> {
    network.subnet(subnet)?.zone.as_ref()
}

/// Groups as people call them, also those that were not found.
fn names(ids: &[Untrusted], known: &[&SecurityGroup]) -> String {
    let name = |id: &Untrusted| {
        let group = known.iter().find(|g| g.id == *id);
        group.map_or_else(|| id.show().to_string(), |g| g.show())
    };
    let all: Vec<String> = ids.iter().map(name).collect();
    if all.is_empty() {
        return "(none is named)".to_owned();
    }
    all.join(", ")
}
