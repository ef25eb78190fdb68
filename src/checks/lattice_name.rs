//! Where the resource configuration names a host, the gateway's VPC knows that name: a rule of Route 53 Resolver forwards it to
//! the studio's DNS, or a private hosted zone has it.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{DnsResolution, LatticeStatus, Target};
use crate::domain::text::{Printable, Untrusted};
use crate::domain::vpc_dns::{
    Decides, EndpointState, NameInVpc, NameRule, PrivateZone, RuleKind, RuleState, is_private_name,
};
use crate::questions::{LatticeGateway, VpcName};

pub const CHECK: Check = Check {
    id: "lattice-name",
    title: "The DNS of the gateway's VPC knows the target's name",
    why: "a gateway that resolves in its VPC finds a studio's own name only by a Resolver rule or a private hosted zone there",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let known = configuration(view, key).and_then(|(_, fact)| fact.known());
    let Some(Target::Name(name)) = known.map(|it| &it.target) else {
        return Vec::new(); // an address needs no DNS
    };
    let gateway = known.and_then(|it| it.gateway.as_ref());
    let gateway = gateway.and_then(|id| view.fact(&LatticeGateway(id.raw().to_owned())).known());
    let in_vpc = |g: &&crate::domain::lattice::ResourceGateway| {
        g.dns == DnsResolution::InVpc && g.status == LatticeStatus::Active
    };
    let Some(gateway) = gateway.filter(in_vpc) else {
        return Vec::new(); // lattice-gateway says why
    };
    let question = VpcName {
        vpc: gateway.vpc.raw().to_owned(),
        name: name.raw().to_owned(),
    };
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(there) = fact.known() else {
        let what = "who answers for the target's name in the VPC";
        return with_evidence(Finding::unread(what, fact), evidence);
    };
    let asked = Asked {
        name,
        vpc: gateway.vpc.show(),
    };
    let finding = match there.decides() {
        Decides::Rule(rule) => asked.rule(rule),
        Decides::Zone(zone) => asked.zone(zone),
        Decides::Public => asked.public(there),
    };
    vec![finding.from(evidence)]
}

struct Asked<'a> {
    name: &'a Untrusted,
    vpc: Printable,
}

impl Asked<'_> {
    fn rule(&self, rule: &NameRule) -> Finding {
        let (name, vpc, id) = (self.name.show(), &self.vpc, rule.id.show());
        let named = format!("Resolver rule {id} ({})", rule.domain.show());
        let said = rule
            .said
            .as_ref()
            .map(|s| format!("Route 53 says: {}", s.show()));
        let said = |or: &str| said.clone().unwrap_or_else(|| or.to_owned());
        if rule.kind != RuleKind::Forward {
            let line = format!(
                "{named} decides about {name} in {vpc}, and is of the type {}",
                rule.kind.word()
            );
            return Finding::unknown("rule-type", line)
                .why("only rules that forward are read here")
                .fix("ask a worker whether it finds the server");
        }
        for (what, state) in [
            ("", &rule.state),
            ("'s association with the VPC", &rule.association),
        ] {
            let line = format!("{named}{what} is {}", state.word());
            match state {
                RuleState::Complete => {}
                RuleState::Creating | RuleState::Updating => {
                    return Finding::warn("rule-state", line)
                        .why("it forwards nothing until it is COMPLETE")
                        .fix("wait a minute, then check again");
                }
                RuleState::Unknown(_) => {
                    return Finding::unknown("rule-state", line)
                        .why("what this state means is not known here")
                        .fix("look at it under Resolver rules in the Route 53 console");
                }
                _ => {
                    return Finding::fail("rule-state", line)
                        .why(said(&format!("the gateway's queries for {name} go by it")))
                        .fix(format!("`aws route53resolver associate-resolver-rule --resolver-rule-id {id} --vpc-id {vpc}` with a rule that is COMPLETE"));
                }
            }
        }
        let Some(endpoint) = &rule.endpoint else {
            return Finding::fail("no-endpoint", format!("{named} forwards by no endpoint"))
                .why("a rule reaches the studio's DNS by an outbound endpoint in a VPC with a way there")
                .fix("give the rule an outbound endpoint in the Route 53 console, under Resolver");
        };
        let by = endpoint.show();
        let line = format!("The outbound endpoint {by} of {named} is");
        match &rule.endpoint_state {
            Some(EndpointState::Operational) | None => {}
            Some(state @ (EndpointState::ActionNeeded | EndpointState::Deleting)) => {
                return Finding::fail("endpoint", format!("{line} {}", state.word()))
                    .why(said("queries for the target's name do not leave the VPC by it"))
                    .fix(format!("`aws route53resolver list-resolver-endpoint-ip-addresses --resolver-endpoint-id {by}` says which address is at fault"));
            }
            Some(state @ EndpointState::Unknown(_)) => {
                return Finding::unknown("endpoint", format!("{line} {}", state.word()))
                    .why("what this state means is not known here")
                    .fix("look at it under Resolver in the Route 53 console");
            }
            Some(state) => {
                return Finding::warn("endpoint", format!("{line} {}", state.word()))
                    .why(said(
                        "Route 53 is at work on it; some queries may fail meanwhile",
                    ))
                    .fix("wait a minute, then check again");
            }
        }
        let servers: Vec<String> = rule.servers.iter().map(|s| s.show().to_string()).collect();
        let seen = if rule.endpoint_state.is_some() {
            "that these name servers answer, and have an address for it, only a worker's own try tells"
        } else {
            "another account shares the rule: its endpoint was not seen, nor that these name servers answer; only a worker's own try tells"
        };
        Finding::ok(format!(
            "In {vpc} {named} forwards {name} to {}",
            servers.join(", ")
        ))
        .why(seen)
    }

    fn zone(&self, zone: &PrivateZone) -> Finding {
        let (name, vpc) = (self.name.show(), &self.vpc);
        let named = format!(
            "the private hosted zone {} ({})",
            zone.domain.show(),
            zone.id.show()
        );
        match zone.has {
            Some(true) => Finding::ok(format!("In {vpc} {named} answers for {name}"))
                .why("whether anything listens at that address, only a worker's own try tells"),
            Some(false) => {
                let line =
                    format!("In {vpc} {named} answers for {name}, and has no address for it");
                Finding::fail("no-record", line)
                    .why("a private hosted zone hides public DNS and less specific rules: what it does not have does not exist in the VPC")
                    .fix(format!("add a record for {name} to the zone, with an address that the VPC reaches; or a Resolver rule for the same domain, which goes before the zone"))
            }
            None => Finding::unknown(
                "records",
                format!("Whether {named} has an address for {name} was not seen"),
            )
            .why(format!(
                "it answers for the name in {vpc}, and its records could not be read"
            ))
            .fix("ask who owns the zone, or allow route53:ListResourceRecordSets on it"),
        }
    }

    fn public(&self, there: &NameInVpc) -> Finding {
        let (name, vpc) = (self.name.show(), &self.vpc);
        if !is_private_name(self.name.raw()) {
            return Finding::ok(format!("In {vpc} public DNS answers for {name}"))
                .why("no Resolver rule and no private hosted zone of the VPC covers it");
        }
        let profiles: Vec<String> = there
            .profiles
            .iter()
            .map(|p| p.show().to_string())
            .collect();
        if !profiles.is_empty() {
            let line = format!(
                "Whether {vpc} knows {name} was not seen: it has the Route 53 Profile {}",
                profiles.join(", ")
            );
            return Finding::unknown("profile", line)
                .why("a profile brings rules and zones of its own, which are not read here")
                .fix("look at the profile's rules in the Route 53 console, or ask a worker");
        }
        let domain = self.name.raw().trim_end_matches('.');
        let domain = domain.split_once('.').map_or(domain, |(_, above)| above);
        let domain = Untrusted::new(domain).show();
        Finding::fail("no-way", format!("In {vpc} nobody answers for {name}: no Resolver rule and no private hosted zone covers it"))
            .why("public DNS does not know the name, and the studio's own DNS is not asked")
            .fix(format!(
                "`aws route53resolver create-resolver-rule --creator-request-id ayon-dns --rule-type FORWARD --domain-name {domain} --target-ips Ip=ADDRESS_OF_THE_STUDIO_DNS --resolver-endpoint-id rslvr-out-…`, then `aws route53resolver associate-resolver-rule --resolver-rule-id rslvr-rr-… --vpc-id {vpc}`; or a private hosted zone {domain} with a record for the server"
            ))
    }
}
