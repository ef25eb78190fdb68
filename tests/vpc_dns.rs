//! A gateway that resolves its target's name in the VPC: who answers for it there, in every state of rules, endpoints and zones.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::connected::{by_name, forwards};
use common::{look, open};
use studiolink::domain::finding::Verdict;
use studiolink::domain::text::{Printable, Untrusted};
use studiolink::domain::vpc_dns::{EndpointState, NameInVpc, NameRule, PrivateZone, RuleState};
use studiolink::world::sandbox::{Sandbox, Truth};

/// Verdict and code of `lattice-name`, and its words.
async fn said(names: NameInVpc) -> (Verdict, &'static str, String) {
    let (world, mut config) = open("studio");
    let mut truth = Truth::clone(&world.truth());
    by_name(&mut truth, &mut config, names);
    let work = look(&Sandbox::new(truth, None), &config).await;
    let findings = work.findings();
    let own: Vec<_> = findings
        .iter()
        .filter(|f| f.check == "lattice-name")
        .collect();
    let first = own.first().unwrap_or_else(|| panic!("no word on the name"));
    let all = [Some(&first.message), first.why.as_ref(), first.fix.as_ref()];
    let words: Vec<&str> = all.into_iter().flatten().map(Printable::as_str).collect();
    (first.verdict, first.code, words.join(" | "))
}

fn rule(change: impl Fn(&mut NameRule)) -> NameInVpc {
    let mut it = forwards(Some(EndpointState::Operational));
    change(&mut it.rules[0]);
    it
}

fn zone(has: Option<bool>) -> NameInVpc {
    let zone = PrivateZone {
        id: Untrusted::new("Z0123456789ABCDEFGHIJ"),
        domain: Untrusted::new("nordlicht.lan."),
        has,
    };
    NameInVpc {
        zones: vec![zone],
        ..NameInVpc::default()
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // a table
async fn each_state_has_its_own_word() {
    let profile = NameInVpc {
        profiles: vec![Untrusted::new("rp-0123456789abcdef0")],
        ..NameInVpc::default()
    };
    let table: &[(NameInVpc, Verdict, &str, &str)] = &[
        (
            rule(|_| ()),
            Verdict::Ok,
            "ok",
            "forwards ayon.nordlicht.lan to 192.168.10.2",
        ),
        (
            rule(|r| r.endpoint_state = None),
            Verdict::Ok,
            "ok",
            "its endpoint was not seen",
        ),
        (
            rule(|r| r.endpoint_state = Some(EndpointState::ActionNeeded)),
            Verdict::Fail,
            "endpoint",
            "is ACTION_NEEDED",
        ),
        (
            rule(|r| r.endpoint_state = Some(EndpointState::Recovering)),
            Verdict::Warn,
            "endpoint",
            "AUTO_RECOVERING",
        ),
        (
            rule(|r| r.endpoint_state = Some("SLEEPING".into())),
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
            zone(Some(true)),
            Verdict::Ok,
            "ok",
            "answers for ayon.nordlicht.lan",
        ),
        (
            zone(Some(false)),
            Verdict::Fail,
            "no-record",
            "has no address for it",
        ),
        (zone(None), Verdict::Unknown, "records", "was not seen"),
        (
            NameInVpc::default(),
            Verdict::Fail,
            "no-way",
            "--domain-name nordlicht.lan",
        ),
        (profile, Verdict::Unknown, "profile", "rp-0123456789abcdef0"),
        // Another domain's rule is not about this name.
        (
            rule(|r| r.domain = Untrusted::new("lan.example.")),
            Verdict::Fail,
            "no-way",
            "nobody answers",
        ),
    ];
    for (names, verdict, code, words) in table {
        let (own, its, text) = said(names.clone()).await;
        let code = if *verdict == Verdict::Ok { its } else { code };
        assert_eq!((own, its), (*verdict, code), "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}
