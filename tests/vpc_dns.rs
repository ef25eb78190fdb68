//! A gateway that resolves its target's name in the VPC: who answers for it there, in every state of rules, endpoints and zones.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::connected::{Dns, by_name, forwards};
use common::{look, open};
use studiolink::domain::finding::{Finding, Verdict};
use studiolink::domain::text::{Printable, Untrusted};
use studiolink::domain::vpc_dns::{EndpointState, NameInVpc, NameRule, PrivateZone, RuleState};
use studiolink::world::sandbox::{Sandbox, Truth};

/// What `lattice-name` finds.
async fn found(dns: Dns) -> Vec<Finding> {
    let (world, mut config) = open("studio");
    let mut truth = Truth::clone(&world.truth());
    by_name(&mut truth, &mut config, dns);
    let work = look(&Sandbox::new(truth, None), &config).await;
    let all = work.findings().into_iter();
    let own: Vec<Finding> = all.filter(|f| f.check == "lattice-name").collect();
    assert!(!own.is_empty(), "no word on the name");
    own
}

fn words(finding: &Finding) -> String {
    let all = [
        Some(&finding.message),
        finding.why.as_ref(),
        finding.fix.as_ref(),
    ];
    let words: Vec<&str> = all.into_iter().flatten().map(Printable::as_str).collect();
    words.join(" | ")
}

fn rule(change: impl Fn(&mut NameRule)) -> Dns {
    let mut it = forwards(EndpointState::Operational);
    change(&mut it.names.rules[0]);
    it
}

fn zone(records: Option<&[&str]>) -> Dns {
    let zone = PrivateZone {
        id: Untrusted::new("Z0123456789ABCDEFGHIJ"),
        domain: Untrusted::new("nordlicht.lan."),
    };
    Dns {
        names: NameInVpc {
            zones: vec![zone],
            ..NameInVpc::default()
        },
        records: records.map(|all| all.iter().map(|r| (*r).to_owned()).collect()),
        ..Dns::default()
    }
}

fn profile(mut dns: Dns) -> Dns {
    dns.profiles = vec![Untrusted::new("rp-0123456789abcdef0")];
    dns
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // a table
async fn each_state_has_its_own_word() {
    let table: &[(Dns, Verdict, &str, &str)] = &[
        (
            rule(|_| ()),
            Verdict::Ok,
            "ok",
            "forwards ayon.nordlicht.lan to 192.168.10.2",
        ),
        (
            rule(|r| r.shared = true),
            Verdict::Ok,
            "ok",
            "its endpoint was not seen",
        ),
        (
            Dns {
                endpoint: None,
                ..rule(|_| ())
            },
            Verdict::Fail,
            "endpoint-gone",
            "does not exist",
        ),
        (
            forwards(EndpointState::ActionNeeded),
            Verdict::Fail,
            "endpoint",
            "is ACTION_NEEDED",
        ),
        (
            forwards(EndpointState::Recovering),
            Verdict::Warn,
            "endpoint",
            "AUTO_RECOVERING",
        ),
        (
            forwards("SLEEPING".into()),
            Verdict::Unknown,
            "endpoint",
            "SLEEPING",
        ),
        (
            rule(|r| r.endpoint = None),
            Verdict::Fail,
            "no-endpoint",
            "by no endpoint",
        ),
        (
            rule(|r| r.association = RuleState::Failed),
            Verdict::Fail,
            "rule-state",
            "association with the VPC is FAILED",
        ),
        (
            rule(|r| r.association = RuleState::Creating),
            Verdict::Warn,
            "rule-state",
            "CREATING",
        ),
        (
            rule(|r| r.state = RuleState::Deleting),
            Verdict::Fail,
            "rule-state",
            "is DELETING",
        ),
        (
            rule(|r| r.kind = "DELEGATE".into()),
            Verdict::Unknown,
            "rule-type",
            "DELEGATE",
        ),
        // Resolver itself answers, and public DNS does not know such a name.
        (
            rule(|r| r.kind = "SYSTEM".into()),
            Verdict::Fail,
            "no-way",
            "nobody answers",
        ),
        (
            zone(Some(&["\\052.nordlicht.lan."])),
            Verdict::Ok,
            "ok",
            "answers for ayon.nordlicht.lan",
        ),
        (
            zone(Some(&["www.nordlicht.lan."])),
            Verdict::Fail,
            "no-record",
            "has no address for it",
        ),
        // It went between two calls.
        (
            zone(None),
            Verdict::Skipped,
            "missing",
            "the records of the private hosted zone",
        ),
        (
            Dns::default(),
            Verdict::Fail,
            "no-way",
            "--domain-name nordlicht.lan",
        ),
        (
            profile(Dns::default()),
            Verdict::Unknown,
            "profile",
            "rp-0123456789abcdef0",
        ),
        // A more specific rule of the profile may be right where the VPC's own is broken.
        (
            profile(forwards(EndpointState::ActionNeeded)),
            Verdict::Unknown,
            "profile",
            "rp-0123456789abcdef0",
        ),
        // Nothing is more specific than the name itself.
        (
            profile(rule(|r| {
                r.domain = Untrusted::new("ayon.nordlicht.lan.");
                r.state = RuleState::Failed;
            })),
            Verdict::Fail,
            "rule-state",
            "is FAILED",
        ),
        // Another domain's rule is not about this name.
        (
            rule(|r| r.domain = Untrusted::new("lan.example.")),
            Verdict::Fail,
            "no-way",
            "nobody answers",
        ),
    ];
    for (dns, verdict, code, text) in table {
        let found = found(dns.clone()).await;
        let said = words(&found[0]);
        if *verdict != Verdict::Ok {
            assert_eq!(found[0].code, *code, "{said}");
        }
        assert_eq!((found[0].verdict, found.len()), (*verdict, 1), "{said}");
        assert!(said.contains(text), "{text}: {said}");
    }
}

/// What the VPC's own rule does stands beside what a profile may bring.
#[tokio::test]
async fn a_rule_that_works_is_told_beside_a_profile() {
    let found = found(profile(rule(|_| ()))).await;
    let verdicts: Vec<Verdict> = found.iter().map(|f| f.verdict).collect();
    assert_eq!(verdicts, [Verdict::Ok, Verdict::Unknown]);
}

/// That its endpoint is not to be read takes nothing from the rest.
#[tokio::test]
async fn what_is_denied_is_named_alone() {
    for (denied, verdicts) in [
        (
            "route53resolver:GetResolverEndpoint",
            &[Verdict::Unknown][..],
        ),
        (
            "route53profiles:ListProfileAssociations",
            &[Verdict::Ok, Verdict::Unknown],
        ),
    ] {
        let (world, mut config) = open("studio");
        let mut truth = Truth::clone(&world.truth());
        by_name(
            &mut truth,
            &mut config,
            forwards(EndpointState::Operational),
        );
        truth.denies.push(denied.to_owned());
        let work = look(&Sandbox::new(truth, None), &config).await;
        let all = work.findings();
        let own: Vec<&Finding> = all.iter().filter(|f| f.check == "lattice-name").collect();
        let seen: Vec<Verdict> = own.iter().map(|f| f.verdict).collect();
        assert_eq!(seen, verdicts, "{denied}");
        assert!(words(own.last().unwrap()).contains(denied), "{denied}");
    }
}
