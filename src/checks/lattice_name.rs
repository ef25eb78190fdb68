//! Where the resource configuration names a host, the gateway's VPC knows that name: a rule of Route 53 Resolver forwards it to
//! the studio's DNS, or a private hosted zone has it.

use super::prelude::*;
use crate::derived::lattice::configuration;
use crate::domain::finding::{Evidence, Verdict};
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{DnsResolution, LatticeStatus, ResourceGateway, Target};
use crate::domain::text::Untrusted;
use crate::domain::vpc_dns::{
    Decides, EndpointState, NameRule, OutboundEndpoint, PrivateZone, RuleKind, RuleState,
    is_private_name,
};
use crate::questions::{DnsProfiles, LatticeGateway, ResolverEndpoint, VpcName, ZoneRecord};

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
    let in_vpc =
        |g: &&ResourceGateway| g.dns == DnsResolution::InVpc && g.status == LatticeStatus::Active;
    let Some(gateway) = gateway.filter(in_vpc) else {
        return Vec::new(); // lattice-gateway says why
    };
    let vpc = gateway.vpc.raw();
    let question = VpcName {
        vpc: vpc.to_owned(),
        name: name.raw().to_owned(),
    };
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(there) = fact.known() else {
        let what = "who answers for the target's name in the VPC";
        return with_evidence(Finding::unread(what, fact), evidence);
    };
    let asked = Asked {
        view,
        name,
        vpc: &gateway.vpc,
    };
    let decides = there.decides();
    let (finding, more) = match decides {
        Decides::Rule(rule) => asked.rule(rule),
        Decides::Zone(zone) => asked.zone(zone),
        Decides::Public => (Some(asked.public()), None),
    };
    let finding = finding.map(|f| more.into_iter().fold(f.from(evidence), Finding::from));
    if decides.is_of(name.raw()) {
        return finding.into_iter().collect(); // nothing can be more specific
    }
    match asked.profiles() {
        Profiles::Pending => Vec::new(),
        Profiles::None => finding.into_iter().collect(),
        // What they bring may be more specific: of the VPC's own a FAIL is not the last word.
        Profiles::Maybe(unknown) => match finding {
            Some(own) if own.verdict == Verdict::Fail => {
                let why = format!(
                    "by the VPC's own rules and zones it is broken, and a profile may bring what is more specific: {}",
                    own.message
                );
                vec![
                    own.evidence
                        .into_iter()
                        .fold(unknown.why(why), Finding::from),
                ]
            }
            own => own.into_iter().chain([*unknown]).collect(),
        },
    }
}

struct Asked<'a> {
    view: &'a View<'a>,
    name: &'a Untrusted,
    vpc: &'a Untrusted,
}

/// The Route 53 Profiles of a VPC, which are not looked into.
enum Profiles {
    Pending,
    None,
    /// It has some, or they could not be read.
    Maybe(Box<Finding>),
}

impl Asked<'_> {
    fn profiles(&self) -> Profiles {
        let (name, vpc) = (self.name.show(), self.vpc.show());
        let question = DnsProfiles(self.vpc.raw().to_owned());
        let fact = self.view.fact(&question);
        let finding = match fact.known() {
            Some(profiles) if profiles.is_empty() => return Profiles::None,
            Some(profiles) => {
                let all: Vec<String> = profiles.iter().map(|p| p.show().to_string()).collect();
                let line = format!(
                    "Whether a Route 53 Profile of {vpc} decides about {name} was not seen: {}",
                    all.join(", ")
                );
                Finding::unknown("profile", line)
                    .why("a profile brings rules and zones of its own, which are not read here")
                    .fix("look at the profile's rules and zones in the Route 53 console, or ask a worker")
            }
            None => match Finding::unread(&format!("the Route 53 Profiles of {vpc}"), fact) {
                Some(unread) => unread,
                None => return Profiles::Pending,
            },
        };
        Profiles::Maybe(Box::new(finding.from(self.view.evidence(&question))))
    }

    fn rule(&self, rule: &NameRule) -> (Option<Finding>, Option<Evidence>) {
        if let Some(finding) = self.rule_itself(rule) {
            return (Some(finding), None);
        }
        let (name, vpc) = (self.name.show(), self.vpc.show());
        let named = named(rule);
        let Some(endpoint) = &rule.endpoint else {
            let finding = Finding::fail("no-endpoint", format!("{named} forwards by no endpoint"))
                .why("a rule reaches the studio's DNS by an outbound endpoint in a VPC with a way there")
                .fix("give the rule an outbound endpoint in the Route 53 console, under Resolver");
            return (Some(finding), None);
        };
        let servers: Vec<String> = rule.servers.iter().map(|s| s.show().to_string()).collect();
        let forwards = Finding::ok(format!(
            "In {vpc} {named} forwards {name} to {}",
            servers.join(", ")
        ));
        if rule.shared {
            let why = "another account shares the rule: its endpoint was not seen, nor that these name servers answer; only a worker's own try tells";
            return (Some(forwards.why(why)), None);
        }
        let question = ResolverEndpoint(endpoint.raw().to_owned());
        let fact = self.view.fact(&question);
        let line = format!("The outbound endpoint {} of {named}", endpoint.show());
        let finding = match fact.known() {
            Some(it) => Some(of_endpoint(it, endpoint, &line).unwrap_or_else(|| {
                forwards.why("that these name servers answer, and have an address for it, only a worker's own try tells")
            })),
            None if fact.is_absent() => Some(
                Finding::fail("endpoint-gone", format!("{line} does not exist"))
                    .why("queries for the target's name do not leave the VPC by it")
                    .fix("give the rule an outbound endpoint in the Route 53 console, under Resolver"),
            ),
            None => Finding::unread(&format!("the outbound endpoint of {named}"), fact),
        };
        (finding, Some(self.view.evidence(&question)))
    }

    /// What is wrong with a rule, whatever its endpoint.
    fn rule_itself(&self, rule: &NameRule) -> Option<Finding> {
        let (name, vpc, id) = (self.name.show(), self.vpc.show(), rule.id.show());
        let named = named(rule);
        if rule.kind != RuleKind::Forward {
            let kind = rule.kind.word();
            let line = format!("{named} decides about {name} in {vpc}, and is of the type {kind}");
            return Some(
                Finding::unknown("rule-type", line)
                    .why("only rules that forward are read here")
                    .fix("ask a worker whether it finds the server"),
            );
        }
        let states = [
            ("", &rule.state),
            ("'s association with the VPC", &rule.association),
        ];
        let (what, state) = states
            .into_iter()
            .find(|(_, state)| **state != RuleState::Complete)?;
        let line = format!("{named}{what} is {}", state.word());
        let finding = match state {
            RuleState::Creating | RuleState::Updating => Finding::warn("rule-state", line)
                .why("it forwards nothing until it is COMPLETE")
                .fix("wait a minute, then check again"),
            RuleState::Unknown(_) => Finding::unknown("rule-state", line)
                .why("what this state means is not known here")
                .fix("look at it under Resolver rules in the Route 53 console"),
            _ => Finding::fail("rule-state", line)
                .why(says(rule.said.as_ref(), &format!("the gateway's queries for {name} go by it")))
                .fix(format!(
                    "`aws route53resolver associate-resolver-rule --resolver-rule-id {id} --vpc-id {vpc}` with a rule that is COMPLETE"
                )),
        };
        Some(finding)
    }

    fn zone(&self, zone: &PrivateZone) -> (Option<Finding>, Option<Evidence>) {
        let (name, vpc) = (self.name.show(), self.vpc.show());
        let named = format!(
            "the private hosted zone {} ({})",
            zone.domain.show(),
            zone.id.show()
        );
        let question = ZoneRecord {
            zone: zone.id.raw().to_owned(),
            name: self.name.raw().to_owned(),
        };
        let fact = self.view.fact(&question);
        let finding = match fact.known() {
            Some(true) => Finding::ok(format!("In {vpc} {named} answers for {name}"))
                .why("whether anything listens at that address, only a worker's own try tells"),
            Some(false) => {
                let line =
                    format!("In {vpc} {named} answers for {name}, and has no address for it");
                Finding::fail("no-record", line)
                    .why("a private hosted zone hides public DNS and less specific rules: what it does not have does not exist in the VPC")
                    .fix(format!("add a record for {name} to the zone, with an address that the VPC reaches; or a Resolver rule for the same domain, which goes before the zone"))
            }
            None => {
                let unread = Finding::unread(&format!("the records of {named}"), fact);
                let evidence = self.view.evidence(&question);
                return (unread, Some(evidence));
            }
        };
        (Some(finding), Some(self.view.evidence(&question)))
    }

    fn public(&self) -> Finding {
        let (name, vpc) = (self.name.show(), self.vpc.show());
        if !is_private_name(self.name.raw()) {
            let line = format!(
                "In {vpc} public DNS is asked for {name}: no Resolver rule and no private hosted zone covers it"
            );
            return Finding::ok(line).why("what it answers there, only a worker's own try tells");
        }
        let domain = self.name.raw().trim_end_matches('.');
        let domain = domain.split_once('.').map_or(domain, |(_, above)| above);
        let domain = Untrusted::new(domain).show();
        let line = format!(
            "In {vpc} nobody answers for {name}: no Resolver rule and no private hosted zone covers it"
        );
        let rule = format!(
            "`aws route53resolver create-resolver-rule --creator-request-id ayon-dns --rule-type FORWARD --domain-name {domain} --target-ips Ip=ADDRESS_OF_THE_STUDIO_DNS --resolver-endpoint-id rslvr-out-…`"
        );
        let associated = format!(
            "`aws route53resolver associate-resolver-rule --resolver-rule-id rslvr-rr-… --vpc-id {vpc}`"
        );
        Finding::fail("no-way", line)
            .why("public DNS does not know the name, and the studio's own DNS is not asked")
            .fix(format!(
                "{rule}, then {associated}; or a private hosted zone {domain} with a record for the server"
            ))
    }
}

fn named(rule: &NameRule) -> String {
    format!("Resolver rule {} ({})", rule.id.show(), rule.domain.show())
}

/// The service's own words, where there are some.
fn says(said: Option<&Untrusted>, or: &str) -> String {
    said.map_or_else(|| or.to_owned(), |s| format!("Route 53 says: {}", s.show()))
}

/// What is wrong with an outbound endpoint.
fn of_endpoint(it: &OutboundEndpoint, id: &Untrusted, named: &str) -> Option<Finding> {
    let line = format!("{named} is {}", it.state.word());
    let said = it.said.as_ref();
    Some(match &it.state {
        EndpointState::Operational => return None,
        EndpointState::ActionNeeded | EndpointState::Deleting => Finding::fail("endpoint", line)
            .why(says(said, "queries for the target's name do not leave the VPC by it"))
            .fix(format!(
                "`aws route53resolver list-resolver-endpoint-ip-addresses --resolver-endpoint-id {}` says which address is at fault",
                id.show()
            )),
        EndpointState::Unknown(_) => Finding::unknown("endpoint", line)
            .why("what this state means is not known here")
            .fix("look at it under Resolver in the Route 53 console"),
        _ => Finding::warn("endpoint", line)
            .why(says(said, "Route 53 is at work on it; some queries may fail meanwhile"))
            .fix("wait a minute, then check again"),
    })
}
