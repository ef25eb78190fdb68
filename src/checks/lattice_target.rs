//! From the resource gateway to the target: routes, security groups and network ACLs, read as EC2 reads them. The causes
//! have the names of Reachability Analyzer's codes.

use super::prelude::*;
use crate::derived::lattice_network::{Holder, ends, holder, network};
use crate::derived::lattice_reach::Way;
use crate::domain::finding::Evidence;
use crate::domain::ids::FleetKey;
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
    let holder = holder(view, ends.target, vpc);
    let mut evidence = vec![view.evidence(&question)];
    evidence.push(view.evidence(&AddressOwner(ends.target.to_string())));
    let Some(there) = fact.known() else {
        let what = "the network of the resource gateway";
        return with_evidence(Finding::unread(what, fact), view.evidence(&question));
    };
    if matches!(holder, Holder::Unread(fact) if fact.is_pending()) {
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
