//! From the resource gateway to the target. What is met on the way is judged in `derived::lattice_reach`.

use super::prelude::*;
use crate::derived::lattice_network::{Holder, ends, network};
use crate::derived::lattice_reach::Way;
use crate::domain::finding::Evidence;
use crate::domain::ids::FleetKey;
use crate::questions::{AddressOwner, VpcNetwork};

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
    let mut evidence = vec![view.evidence(&question)];
    evidence.push(view.evidence(&AddressOwner(ends.target.to_string())));
    let Some(there) = fact.known() else {
        let what = "the network of the resource gateway";
        return with_evidence(Finding::unread(what, fact), view.evidence(&question));
    };
    let way = Way::new(view, &ends, there);
    if matches!(way.holder, Holder::Unread(fact) if fact.is_pending()) {
        return Vec::new();
    }
    let mut findings = way.judge();
    if findings.is_empty() {
        let line = format!(
            "Routes, security groups and network ACLs let TCP {} through from the gateway to {}",
            way.port, ends.target
        );
        findings.push(
            Finding::ok(line).why("whether anything answers there, only a worker's own try tells"),
        );
    }
    let with = |f: Finding| evidence.iter().cloned().fold(f, |f, e: Evidence| f.from(e));
    findings.into_iter().map(with).collect()
}
