//! From the resource gateway to the target: routes, security groups and network ACLs, read as EC2 reads them. The causes
//! have the names of Reachability Analyzer's codes.

use ipnet::IpNet;

use super::prelude::*;
use crate::derived::lattice_network::{Ends, ends, network, owner, refused};
use crate::domain::fact::Fact;
use crate::domain::finding::Evidence;
use crate::domain::ids::FleetKey;
use crate::domain::network::{EPHEMERAL, Flow, Interface, Network, SecurityGroup, subnet_names};
use crate::domain::text::Untrusted;
use crate::questions::{AddressOwner, Part, VpcNetwork};

pub const CHECK: Check = Check {
    id: "lattice-target",
    title: "The resource gateway reaches its target",
    why: "the gateway's interfaces are ordinary ones of your VPC: routes, security groups and network ACLs count for them",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some(ends) = ends(view, key) else {
        return Vec::new(); // lattice-configuration and lattice-gateway say why
    };
    let vpc = ends.gateway.vpc.raw();
    let question = VpcNetwork(vpc.to_owned());
    let fact = network(view, vpc);
    let holder = owner(view, ends.target);
    let mut evidence = vec![view.evidence(&question)];
    evidence.push(view.evidence(&AddressOwner(ends.target.to_string())));
    let Some(there) = fact.known() else {
        let what = "the network of the resource gateway";
        return with_evidence(Finding::unread(what, fact), view.evidence(&question));
    };
    if holder.is_pending() {
        return Vec::new();
    }
    let port = view.config(Part::Server).lattice_port();
    let way = Way {
        view,
        ends: &ends,
        network: there,
        holder,
        port,
    };
    let mut findings = way.judge();
    if findings.is_empty() {
        let line = format!(
            "Routes, security groups and network ACLs let TCP {port} through from the gateway to {}",
            ends.target
        );
        findings.push(
            Finding::ok(line).why("whether anything answers there, only a worker's own try tells"),
        );
    }
    let with = |f: Finding| evidence.iter().cloned().fold(f, |f, e: Evidence| f.from(e));
    findings.into_iter().map(with).collect()
}

struct Way<'a> {
    view: &'a View<'a>,
    ends: &'a Ends<'a>,
    network: &'a Network,
    holder: &'a Fact<Interface>,
    port: u16,
}

impl Way<'_> {
    fn judge(&self) -> Vec<Finding> {
        if let Some(finding) = self.route() {
            return vec![finding];
        }
        let mut findings: Vec<Finding> =
            self.outbound().into_iter().chain(self.inbound()).collect();
        findings.extend(self.acls());
        if let Fact::Denied(_) | Fact::NoAnswer(_) = self.holder
            && findings.is_empty()
        {
            let what = format!("who holds {}", self.ends.target);
            findings.extend(Finding::unread(&what, self.holder));
        }
        findings
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
        let subnets = &self.ends.gateway.subnets;
        let without: Vec<Untrusted> = subnets
            .iter()
            .filter(|id| {
                let table = self.network.table(id.raw());
                table.is_some_and(|t| t.route(self.ends.target).is_none())
            })
            .cloned()
            .collect();
        if without.is_empty() {
            return None;
        }
        let target = self.ends.target;
        let line = format!(
            "The gateway's subnets have no route to the target {target}: {}",
            subnet_names(self.network, &without)
        );
        let holder = self
            .holder
            .known()
            .filter(|i| i.vpc != self.ends.gateway.vpc);
        let (why, fix) = match holder {
            Some(holder) => {
                // The names of the target's own subnets, for the gateway to be made.
                let there = network(self.view, holder.vpc.raw()).known();
                let ids: Vec<Untrusted> = there.into_iter().flat_map(|n| &n.subnets).map(|s| s.id.clone()).collect();
                let names = there.map(|n| subnet_names(n, &ids)).unwrap_or_default();
                (
                    format!("CANNOT_ROUTE: the gateway is in {}, and the target in {}", self.ends.gateway.vpc.show(), holder.vpc.show()),
                    format!("make a new gateway in {names} ({}) and a new configuration on it: the subnets of a gateway can't be changed", holder.vpc.show()),
                )
            }
            None => (
                format!("CANNOT_ROUTE: their route tables name no way to {target}"),
                "add a route, or make a new gateway in the target's VPC and a new configuration on it".to_owned(),
            ),
        };
        Some(Finding::fail("cannot-route", line).why(why).fix(fix))
    }

    fn groups(&self, ids: &[Untrusted]) -> Vec<&SecurityGroup> {
        ids.iter()
            .filter_map(|id| self.network.group(id.raw()))
            .collect()
    }

    /// The gateway's own groups: what they let out.
    fn outbound(&self) -> Option<Finding> {
        let ids = &self.ends.gateway.security_groups;
        let groups = self.groups(ids);
        let flow = Flow {
            port: (self.port, self.port),
            other: self.address(),
        };
        let target = self
            .holder
            .known()
            .map(|i| i.groups.clone())
            .unwrap_or_default();
        let answers: Vec<_> = groups
            .iter()
            .map(|g| SecurityGroup::lets(&g.outbound, flow, &target))
            .collect();
        if groups.is_empty() || answers.contains(&Some(true)) {
            return None;
        }
        let (port, first) = (self.port, groups.first()?);
        let names = groups
            .iter()
            .map(|g| g.show())
            .collect::<Vec<_>>()
            .join(", ");
        if answers.contains(&None) {
            return Some(self.unclear(&names, "outbound"));
        }
        let to = self.network.own().unwrap_or_else(|| self.address());
        let line = format!(
            "Security group {names} does not allow outbound TCP {port} to the target {}",
            self.ends.target
        );
        Some(Finding::fail("egress", line)
            .why("ENI_SG_RULES_MISMATCH: the group of a resource gateway governs what leaves it to the target")
            .fix(format!(
                "`aws ec2 authorize-security-group-egress --group-id {} --ip-permissions IpProtocol=tcp,FromPort={port},ToPort={port},IpRanges=[{{CidrIp={to}}}]`",
                first.id.show()
            )))
    }

    /// The target's groups: what they let in from the gateway.
    fn inbound(&self) -> Option<Finding> {
        let holder = self.holder.known()?;
        let groups = self.groups(&holder.groups);
        let gateway = &self.ends.gateway.security_groups;
        let (port, first) = (self.port, groups.first()?);
        let lets = |g: &&SecurityGroup| {
            let each = self.from().into_iter().map(|other| {
                let flow = Flow {
                    port: (port, port),
                    other,
                };
                SecurityGroup::lets(&g.inbound, flow, gateway)
            });
            let each: Vec<_> = each.collect();
            if each.contains(&Some(false)) {
                Some(false)
            } else if each.contains(&None) {
                None
            } else {
                Some(true)
            }
        };
        let answers: Vec<_> = groups.iter().map(lets).collect();
        if answers.contains(&Some(true)) {
            return None;
        }
        let names = groups
            .iter()
            .map(|g| g.show())
            .collect::<Vec<_>>()
            .join(", ");
        if answers.contains(&None) {
            return Some(self.unclear(&names, "inbound"));
        }
        let from = gateway.first().map_or_else(
            || {
                let nets = self.from();
                format!(
                    "--cidr {}",
                    nets.first().map(ToString::to_string).unwrap_or_default()
                )
            },
            |g| format!("--source-group {}", g.show()),
        );
        let line =
            format!("Security group {names} does not allow TCP {port} from the resource gateway");
        Some(Finding::fail("ingress", line)
            .why(format!("ENI_SG_RULES_MISMATCH: the target {} ({}) takes only what its groups let in", self.ends.target, holder.description.show()))
            .fix(format!(
                "`aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port {port} {from}`",
                first.id.show()
            )))
    }

    fn unclear(&self, names: &str, direction: &str) -> Finding {
        let line = format!(
            "Whether security group {names} allows {direction} TCP {} can't be told",
            self.port
        );
        Finding::unknown("unclear-group", line)
            .why("a rule names a prefix list, or a part of the addresses only")
            .fix("run Reachability Analyzer from an interface of the gateway, or ask a worker")
    }

    /// Between two subnets the ACLs of both count, there and back.
    fn acls(&self) -> Option<Finding> {
        let holder = self
            .holder
            .known()
            .filter(|i| i.vpc == self.ends.gateway.vpc)?;
        let target = self.network.subnet(holder.subnet.raw())?.cidr?;
        let theirs = self.network.acl(holder.subnet.raw())?;
        for id in &self.ends.gateway.subnets {
            let (Some(own), Some(cidr)) = (
                self.network.acl(id.raw()),
                self.network.subnet(id.raw()).and_then(|s| s.cidr),
            ) else {
                continue;
            };
            if *id == holder.subnet {
                continue;
            }
            let asked = (self.port, self.port);
            let steps = [
                (own, true, asked, target),
                (theirs, false, asked, cidr),
                (theirs, true, EPHEMERAL, cidr),
                (own, false, EPHEMERAL, target),
            ];
            for (acl, outbound, port, other) in steps {
                if acl.lets(outbound, Flow { port, other }) == Some(false) {
                    return Some(refused(acl, outbound, port, other));
                }
            }
        }
        None
    }
}
