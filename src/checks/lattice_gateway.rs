//! The resource gateway is active and can find the target.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::domain::fact::Fact;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{DnsResolution, LatticeStatus, Target};
use crate::domain::vpc_dns::is_private_name;
use crate::questions::LatticeGateway;

pub const CHECK: Check = Check {
    id: "lattice-gateway",
    title: "The resource gateway is active and can find the target",
    why: "traffic of the workers enters your VPC at the gateway, which must resolve the target's name",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let known = configuration(view, key).and_then(|(_, fact)| fact.known());
    let Some(it) = known else {
        return Vec::new(); // lattice-configuration says why
    };
    let Some(gateway) = &it.gateway else {
        let line = format!("{} names no resource gateway", it.name.show());
        return vec![
            Finding::unknown("no-gateway", line)
                .fix("look at the configuration in the VPC console"),
        ];
    };
    let question = LatticeGateway(gateway.raw().to_owned());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let there = match fact {
        Fact::Known(there) => there,
        Fact::Absent => {
            let line = format!("There is no resource gateway {}", gateway.show());
            let finding = Finding::fail("absent", line)
                .why("the configuration names one that was deleted")
                .fix("make a gateway in the target's VPC, and a new configuration on it");
            return vec![finding.from(evidence)];
        }
        _ => return with_evidence(Finding::unread("the resource gateway", fact), evidence),
    };
    let named = format!("{} ({})", there.name.show(), gateway.show());
    let finding = match (&there.status, &it.target) {
        (LatticeStatus::Active, Target::Name(name))
            if there.dns != DnsResolution::InVpc && is_private_name(name.raw()) =>
        {
            let line = format!(
                "The gateway {named} can't resolve {}: its resourceConfigDnsResolution is {}",
                name.show(),
                there.dns.word()
            );
            Finding::fail("private-name", line)
                .why("only the studio's own DNS knows the name, and the gateway asks public DNS")
                .fix(format!(
                    "`aws vpc-lattice update-resource-gateway --resource-gateway-identifier {} --resource-config-dns-resolution IN_VPC` (the AWS CLI of early November 2026 does not know that option yet: take a newer one, or boto3) and a Route 53 Resolver rule for the name in the VPC; or an address of the VPC as the target",
                    gateway.show()
                ))
        }
        (LatticeStatus::Active, target) => {
            let target = match target {
                Target::Address(a) => a.show(),
                Target::Name(n) => n.show(),
                Target::Other(_) => "its target".into(),
            };
            Finding::ok(format!("The gateway {named} in {} is ACTIVE; its target is {target}", there.vpc.show()))
        }
        (LatticeStatus::Creating | LatticeStatus::Updating, _) => {
            Finding::warn("not-active", format!("The gateway {named} is {}", there.status.word()))
                .why("it takes no traffic until it is ACTIVE")
                .fix("wait a minute, then check again")
        }
        (LatticeStatus::Unknown(status), _) => {
            Finding::unknown("status", format!("The gateway {named} has the status {}", status.show()))
                .fix("look at it in the VPC console")
        }
        _ => Finding::fail("not-active", format!("The gateway {named} is {}", there.status.word()))
            .why("it takes no traffic; VPC Lattice gives no reason for a gateway")
            .fix("look at its subnets and security groups; make a new gateway, and a new configuration on it"),
    };
    vec![finding.from(evidence)]
}
