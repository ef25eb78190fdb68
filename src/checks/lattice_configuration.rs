//! The resource configuration is active, may be shared with Deadline Cloud, and carries the server's port.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::domain::fact::Fact;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::LatticeStatus;
use crate::questions::{LatticeConfiguration, Part};

pub const CHECK: Check = Check {
    id: "lattice-configuration",
    title: "The resource configuration leads to the server's port and may be shared",
    why: "Deadline Cloud associates it with a service network that is shared with it, which the flag must allow",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some((id, fact)) = configuration(view, key) else {
        return Vec::new(); // lattice-attachment says why
    };
    let evidence = view.evidence(&LatticeConfiguration(id.clone()));
    let it = match fact {
        Fact::Known(it) => it,
        Fact::Absent => {
            let finding = Finding::fail(
                "absent",
                format!("There is no resource configuration {id}"),
            )
            .why("it was deleted, or is of another account or region")
            .fix(
                "attach one that exists, or correct configuration in [lattice] of the studio file",
            );
            return vec![finding.from(evidence)];
        }
        _ => {
            return with_evidence(
                Finding::unread("the resource configuration", fact),
                evidence,
            );
        }
    };
    let named = format!("{} ({id})", it.name.show());
    let port = view.config(Part::Server).lattice_port();
    let mut findings = Vec::new();
    match &it.status {
        LatticeStatus::Active => {}
        LatticeStatus::CreateFailed | LatticeStatus::UpdateFailed | LatticeStatus::DeleteFailed => {
            let why = it.failure.as_ref().map_or_else(
                || "VPC Lattice gave no reason".into(),
                crate::domain::text::Untrusted::long,
            );
            findings.push(
                Finding::fail("failed", format!("{named} is {}", it.status.word()))
                    .why(why)
                    .fix(
                        "fix what VPC Lattice names, or delete the configuration and make it again",
                    ),
            );
        }
        LatticeStatus::Deleting => findings.push(
            Finding::fail("deleting", format!("{named} is being deleted"))
                .why("workers reach nothing through it any more")
                .fix("attach another one"),
        ),
        LatticeStatus::Unknown(status) => findings.push(
            Finding::unknown(
                "status",
                format!("{named} has the status {}", status.show()),
            )
            .fix("look at it in the VPC console"),
        ),
        LatticeStatus::Creating | LatticeStatus::Updating => findings.push(
            Finding::warn("not-active", format!("{named} is {}", it.status.word()))
                .why("workers reach nothing through it until it is ACTIVE")
                .fix("wait a minute, then check again"),
        ),
    }
    if !it.shareable {
        findings.push(
            Finding::fail(
                "not-shareable",
                format!("allowAssociationToShareableServiceNetwork is false on {named}"),
            )
            .why("so Deadline Cloud can't put it into its service network, and the update of a fleet with it fails; that the flag is required is seen in AWS's samples")
            .fix(format!(
                "`aws vpc-lattice update-resource-configuration --resource-configuration-identifier {id} --allow-association-to-shareable-service-network`, then update the fleet again"
            )),
        );
    }
    if !it.carries(port) {
        findings.push(
            Finding::fail("other-port", format!("{named} carries port {}, and the server listens on {port}", it.ports()))
                .why("VPC Lattice lets no other port through")
                .fix("make a configuration for the server's port, or write the port that workers use into [lattice] port"),
        );
    }
    if it.kind.raw() != "SINGLE" {
        findings.push(
            Finding::unknown(
                "other-kind",
                format!("{named} is of the type {}", it.kind.show()),
            )
            .why("what a type other than SINGLE leads to is not looked at here")
            .fix("a worker's own try tells"),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "{named} is ACTIVE, may be shared, and carries port {port}"
        )));
    }
    findings
        .into_iter()
        .map(|f| f.from(evidence.clone()))
        .collect()
}
