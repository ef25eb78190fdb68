//! What a review has found of VPC Lattice and VPNs: inputs that once gave a wrong word, or would have made a studio worse.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::sync::atomic::AtomicBool;

use common::connected::{TARGET, lattice, network_with, over_vpn};
use common::{apply_all, look, open};
use studiolink::domain::config::{FleetConnection, LatticeTls, PathId, StudioConfig};
use studiolink::domain::farm::Management;
use studiolink::domain::finding::{Finding, Verdict};
use studiolink::domain::lattice::{
    AssociationKind, AssociationState, LatticeStatus, Share, Target,
};
use studiolink::domain::network::{Interface, Route, RouteState, TransitRoute, VpnAttachment};
use studiolink::domain::reach::MachinePlace;
use studiolink::domain::risk::RiskKind;
use studiolink::domain::text::{Printable, Untrusted};
use studiolink::domain::worker_secret::SecretPlace;
use studiolink::engine::drive::apply_and_verify;
use studiolink::engine::unheard;
use studiolink::engine::workflow::Workflow;
use studiolink::goals::Wishes;
use studiolink::resources::Change;
use studiolink::world::sandbox::{Sandbox, Truth};

fn text(text: &str) -> Untrusted {
    Untrusted::new(text)
}

fn studio(
    base: fn(&mut Truth, &mut StudioConfig),
    change: impl FnOnce(&mut Truth, &mut StudioConfig),
) -> (Sandbox, StudioConfig) {
    let (world, mut config) = open("studio");
    let mut truth = Truth::clone(&world.truth());
    base(&mut truth, &mut config);
    change(&mut truth, &mut config);
    (Sandbox::new(truth, None), config)
}

async fn said(
    base: fn(&mut Truth, &mut StudioConfig),
    change: impl FnOnce(&mut Truth, &mut StudioConfig),
    check: &str,
) -> Vec<Finding> {
    let (world, config) = studio(base, change);
    let work = look(&world, &config).await;
    let all = work.findings().into_iter();
    all.filter(|f| f.check == check).collect()
}

async fn refused(
    base: fn(&mut Truth, &mut StudioConfig),
    change: impl FnOnce(&mut Truth, &mut StudioConfig),
) -> (Vec<String>, Vec<String>) {
    let (world, config) = studio(base, change);
    let work = look(&world, &config).await;
    let plan = work.plan();
    let changes = plan.changes.iter().map(|c| c.id.clone()).collect();
    let refused = plan.refused.iter().map(ToString::to_string).collect();
    (refused, changes)
}

fn license_server(t: &mut Truth) {
    let it = t.lattice.configurations.values_mut().next().unwrap();
    it.target = Target::Address(text("10.20.2.50"));
    it.name = text("license-server");
}

/// Another service's configuration on the same port is not AYON's: workers would send it the API key.
#[tokio::test]
async fn a_configuration_to_another_address_than_the_studio_files_is_not_ayons() {
    let all = said(
        lattice,
        |t, c| {
            license_server(t);
            c.lattice.target = Some(TARGET.parse().unwrap());
        },
        "lattice-attachment",
    )
    .await;
    assert!(
        !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::Fail),
        "{all:#?}"
    );
    let (refused, changes) = refused(lattice, |t, c| {
        license_server(t);
        t.host_scripts.clear();
        c.lattice.target = Some(TARGET.parse().unwrap());
        c.lattice.tls = Some(LatticeTls::Hosts);
        c.lattice.subnets = vec!["subnet-0a1b2c3d4e5f60711".to_owned()];
        c.lattice.security_groups = vec!["sg-gateway".to_owned()];
    })
    .await;
    assert!(refused.iter().any(|r| r.contains("quota")), "{refused:#?}");
    assert!(
        !changes
            .iter()
            .any(|c| c.starts_with("host-script/") || c.starts_with("lattice")),
        "{changes:?}"
    );
}

#[tokio::test]
async fn a_configuration_whose_gateway_does_not_reach_the_target_is_given_to_no_fleet() {
    let cut = |t: &mut Truth, c: &mut StudioConfig| {
        for fleet in t.fleets.values_mut() {
            fleet.configurations.clear();
        }
        c.lattice.target = Some(TARGET.parse().unwrap());
    };
    let (none, changes) = refused(lattice, cut).await;
    assert!(
        none.is_empty() && changes.iter().any(|c| c.starts_with("fleet/")),
        "{none:?} {changes:?}"
    );
    let (why, changes) = refused(lattice, |t, c| {
        cut(t, c);
        network_with(t, |n| n.groups[0].outbound.clear());
    })
    .await;
    assert!(
        why.iter().any(|r| r.contains("does not reach the target")),
        "{why:#?}"
    );
    assert!(
        !changes.iter().any(|c| c.starts_with("fleet/")),
        "{changes:?}"
    );
}

#[tokio::test]
async fn what_the_file_says_of_tls_that_can_not_be_so_is_refused() {
    for (tls, port, words) in [
        (LatticeTls::Plain, None, Some("plain HTTP")),
        (LatticeTls::Plain, Some(5000), None),
        (LatticeTls::CustomDomain, None, Some("customDomainName")),
    ] {
        let (why, _) = refused(lattice, |t, c| {
            c.lattice.tls = Some(tls);
            c.lattice.port = port;
            if let Some(port) = port {
                let it = t.lattice.configurations.values_mut().next().unwrap();
                it.ports = vec![text(&port.to_string())];
            }
        })
        .await;
        let found = words.map(|w| why.iter().any(|r| r.contains(w)));
        assert_eq!(found, words.map(|_| true), "{tls:?} {port:?}: {why:#?}");
    }
}

fn no_entry(t: &mut Truth, c: &mut StudioConfig) {
    t.host_scripts.clear();
    c.lattice.configuration = Some("rcfg-0a1b2c3d4e5f60718".to_owned());
}

#[tokio::test]
async fn a_name_that_no_worker_finds_is_said() {
    let all = said(lattice, no_entry, "lattice-hosts").await;
    assert!(
        all.iter().all(|f| f.code == "no-entry" && !f.by_setup) && !all.is_empty(),
        "{all:#?}"
    );
    let proxy = |t: &mut Truth, c: &mut StudioConfig| {
        no_entry(t, c);
        let host = c.server.url.domain().unwrap().to_owned();
        for key in t.fleets.keys() {
            let script = format!("#!/bin/bash\nexport NO_PROXY={host}\n");
            t.host_scripts.insert(key.fleet.to_string(), script);
        }
    };
    let all = said(lattice, proxy, "lattice-hosts").await;
    assert!(
        all.iter().all(|f| f.code == "no-entry") && !all.is_empty(),
        "{all:#?}"
    );
}

fn transit(route: Option<&str>) -> TransitRoute {
    let attachment = |id: &str, connection: &str| VpnAttachment {
        id: text(id),
        connection: text(connection),
    };
    TransitRoute {
        table: text("tgw-rtb-1"),
        route: route.map(|r| (r.parse().unwrap(), RouteState::Active)),
        vpns: vec![
            attachment("tgw-attach-other", "vpn-other"),
            attachment("tgw-attach-studio", "vpn-0a1b2c3d4e5f60718"),
        ],
    }
}

/// The VPC's route to the transit gateway is wider than what the gateway knows.
fn wide(t: &mut Truth, c: &mut StudioConfig) {
    over_vpn(t, c);
    network_with(t, |n| {
        n.tables[0].routes[1] = Route {
            to: Some("0.0.0.0/0".parse().unwrap()),
            by: text("tgw-1"),
            state: RouteState::Active,
        };
    });
    for vpn in &mut t.network.vpns {
        vpn.gateway = text("tgw-1");
    }
    t.network.transit.insert("tgw-1".to_owned(), transit(None));
}

#[tokio::test]
async fn a_wide_route_is_not_asked_for_whole() {
    let all = said(wide, |_, _| {}, "vpn-route").await;
    assert!(
        all.iter()
            .any(|f| f.code == "transit-wide" && f.verdict == Verdict::Unknown),
        "{all:#?}"
    );
    assert!(
        !all.iter().any(|f| f
            .fix
            .as_ref()
            .is_some_and(|f| f.as_str().contains("0.0.0.0/0"))),
        "{all:#?}"
    );
    // With the studio's network named, the fix is for it, and by the studio's own VPN.
    let all = said(
        wide,
        |_, c| {
            c.vpn.network = Some("192.168.10.0/24".parse().unwrap());
            c.vpn.connection = Some("vpn-0a1b2c3d4e5f60718".to_owned());
        },
        "vpn-route",
    )
    .await;
    let fixes: Vec<&str> = all
        .iter()
        .filter_map(|f| f.fix.as_ref())
        .map(Printable::as_str)
        .collect();
    assert!(
        fixes
            .iter()
            .any(|f| f.contains("192.168.10.0/24") && f.contains("tgw-attach-studio")),
        "{all:#?}"
    );
}

#[tokio::test]
async fn of_several_routes_the_longest_is_judged() {
    let all = said(
        over_vpn,
        |t, c| {
            c.vpn.network = Some("192.168.10.0/24".parse().unwrap());
            network_with(t, |n| {
                n.tables[0].routes[1].state = RouteState::Blackhole;
                n.tables[0].routes.push(Route {
                    to: Some("192.168.0.0/16".parse().unwrap()),
                    by: text("vgw-1"),
                    state: RouteState::Active,
                });
            });
        },
        "vpn-route",
    )
    .await;
    assert!(
        all.iter()
            .any(|f| f.code == "blackhole" && f.verdict == Verdict::Fail),
        "{all:#?}"
    );
}

#[tokio::test]
async fn a_vpn_gateway_without_a_route_is_there_all_the_same() {
    let all = said(
        over_vpn,
        |t, _| {
            let vpc = t.lattice.gateways.values().next().unwrap().vpc.clone();
            network_with(t, |n| n.tables[0].routes.truncate(1));
            t.network
                .vpns
                .iter_mut()
                .for_each(|v| v.vpc = Some(vpc.clone()));
        },
        "vpn-tunnels",
    )
    .await;
    assert!(
        all.iter().all(|f| f.verdict == Verdict::Ok) && !all.is_empty(),
        "{all:#?}"
    );
}

#[tokio::test]
async fn another_vpc_with_the_same_address_changes_nothing() {
    let twin = |t: &mut Truth, _: &mut StudioConfig| {
        let other = Interface {
            id: text("eni-twin"),
            vpc: text("vpc-twin"),
            subnet: text("subnet-twin"),
            groups: Vec::new(),
            kind: text("interface"),
            description: text("somebody else's"),
        };
        t.network
            .addresses
            .get_mut(TARGET)
            .unwrap()
            .insert(0, other);
    };
    for check in ["lattice-target", "vpn-route"] {
        let all = said(over_vpn, twin, check).await;
        assert!(
            all.iter().all(|f| f.verdict == Verdict::Ok) && !all.is_empty(),
            "{check}: {all:#?}"
        );
    }
    // Where the gateway has to be made, the subnets of the studio file say in which.
    let unmade = |t: &mut Truth, c: &mut StudioConfig| {
        twin(t, c);
        t.lattice.configurations.clear();
        t.lattice.gateways.clear();
        t.lattice.shares.clear();
        for fleet in t.fleets.values_mut() {
            fleet.configurations.clear();
        }
        c.lattice.target = Some(TARGET.parse().unwrap());
        c.lattice.security_groups = vec!["sg-gateway".to_owned()];
    };
    let (why, _) = refused(lattice, unmade).await;
    assert!(why.iter().any(|r| r.contains("vpc-twin")), "{why:#?}");
    let (why, changes) = refused(lattice, |t, c| {
        unmade(t, c);
        c.lattice.subnets = vec!["subnet-0a1b2c3d4e5f60711".to_owned()];
    })
    .await;
    assert!(
        why.is_empty() && changes.iter().any(|c| c.starts_with("lattice")),
        "{why:?} {changes:?}"
    );
}

#[tokio::test]
async fn a_gateway_that_failed_is_to_be_deleted_and_not_waited_for() {
    let (why, _) = refused(lattice, |t, c| {
        t.lattice.configurations.clear();
        for fleet in t.fleets.values_mut() {
            fleet.configurations.clear();
        }
        let gateway = t.lattice.gateways.values_mut().next().unwrap();
        gateway.name = text("ayon-00000001");
        gateway.status = LatticeStatus::CreateFailed;
        c.lattice.target = Some(TARGET.parse().unwrap());
        c.lattice.subnets = vec!["subnet-0a1b2c3d4e5f60711".to_owned()];
        c.lattice.security_groups = vec!["sg-gateway".to_owned()];
    })
    .await;
    assert!(
        why.iter().any(|r| r.contains("delete-resource-gateway")),
        "{why:#?}"
    );
    assert!(!why.iter().any(|r| r.contains("wait a minute")), "{why:#?}");
}

fn half_made(t: &mut Truth, c: &mut StudioConfig, change: impl Fn(&mut Share)) {
    c.lattice.configuration = Some("rcfg-0a1b2c3d4e5f60718".to_owned());
    let shares = t.lattice.shares.values_mut().next().unwrap();
    change(&mut shares[0]);
    for fleet in t.fleets.values_mut() {
        fleet.configurations.clear();
    }
}

#[tokio::test]
async fn a_share_is_completed_and_what_was_there_comes_back() {
    let lacks_principal = |share: &mut Share| {
        share
            .associations
            .retain(|a| a.kind != AssociationKind::Principal);
        share.name = text("ayon-00000001");
    };
    let suspended = |share: &mut Share| {
        for association in &mut share.associations {
            association.state = AssociationState::Suspended;
        }
    };
    let no_source_and_failed = |share: &mut Share| {
        share
            .associations
            .retain(|a| a.kind != AssociationKind::Source);
        share.associations[0].state = AssociationState::Failed;
    };
    let all: [&dyn Fn(&mut Share); 3] = [&lacks_principal, &suspended, &no_source_and_failed];
    for change in all {
        let (world, config) = studio(lattice, |t, c| half_made(t, c, change));
        let shares = || {
            let truth = world.truth();
            truth.lattice.shares.values().next().unwrap().clone()
        };
        let before = shares();
        let changes = common::changes(&world, &config).await;
        let calls: Vec<&str> = changes.iter().map(Change::operation).collect();
        assert!(
            calls.contains(&"AssociateResourceShare") && !calls.contains(&"CreateResourceShare"),
            "{calls:?}"
        );
        let applied = apply_all(&world, &config, &changes, None).await;
        assert!(applied.stop.is_none(), "{:?}", applied.stop);
        let now = shares();
        assert_eq!(now.len(), 1, "nothing is doubled");
        let arn = now[0].associations.iter();
        let arn = arn.clone().find(|a| a.kind == AssociationKind::Resource);
        let arn = arn.unwrap().entity.raw();
        assert!(now[0].open(arn).is_none() && now[0].has_source() && now[0].has_deadline_now());
        let mut back: Vec<Change> = applied.done.iter().map(Change::reverse).collect();
        back.reverse();
        let undone = apply_all(&world, &config, &back, applied.run.as_deref()).await;
        assert!(undone.stop.is_none(), "{:?}", undone.stop);
        let in_force = |all: &[Share]| -> Vec<String> {
            let each = all[0].associations.iter().filter(|a| a.is_in_force());
            let mut each: Vec<String> = each.map(|a| a.entity.raw().to_owned()).collect();
            each.sort();
            each
        };
        assert_eq!(in_force(&shares()), in_force(&before));
    }
}

#[tokio::test]
async fn a_share_that_can_not_be_completed_is_refused_with_the_reason() {
    for (change, said) in [
        (
            (|s: &mut Share| s.status = text("PENDING")) as fn(&mut Share),
            "is PENDING, and setup makes no second one",
        ),
        (
            |s| {
                s.external = false;
                s.associations[0].state = AssociationState::Suspended;
            },
            "--allow-external-principals",
        ),
        (
            |s| s.associations[0].state = AssociationState::Associating,
            "wait a minute",
        ),
    ] {
        let (why, changes) = refused(lattice, |t, c| half_made(t, c, change)).await;
        assert!(why.iter().any(|r| r.contains(said)), "{said}: {why:#?}");
        assert!(
            !changes
                .iter()
                .any(|c| c.contains("share") || c.starts_with("fleet")),
            "{changes:?}"
        );
    }
}

/// The step for the workers that run now is of a change that was made: it is still to be done then.
#[tokio::test]
async fn what_people_do_after_a_change_is_said_after_it() {
    let (world, config) = open("lattice");
    let mut work = look(&world, &config).await;
    let for_running = |work: &Workflow| {
        let steps = work.manual_steps();
        steps.iter().any(|s| s.for_whom == "workers that run now")
    };
    assert!(for_running(&work));
    let context = common::context(&world, "test", &config).await;
    let plan = work.plan().clone();
    let stop = AtomicBool::new(false);
    let applied = apply_and_verify(&world, &mut work, &plan, &context, &stop, &unheard).await;
    assert_eq!(applied.unwrap().stop, None);
    assert!(work.plan().changes.is_empty(), "nothing is left to be made");
    assert!(for_running(&work));
}

/// Behind VPC Lattice this machine need not reach the server: the key is given untried where somebody says so, and never silently.
#[tokio::test]
async fn a_key_that_can_not_be_tried_from_here_is_given_only_on_purpose() {
    let unreached = |t: &mut Truth, c: &mut StudioConfig| {
        t.ayon.host = "elsewhere.example.com".to_owned();
        c.secret = Some(SecretPlace {
            id: "ayon/workers".to_owned(),
            key: None,
        });
    };
    let (world, config) = studio(lattice, unreached);
    let mut work = look(&world, &config).await;
    let key = |work: &Workflow| {
        let all = work.plan().changes.iter();
        let own = all.filter(|c| c.id.starts_with("secret-value/"));
        own.map(|c| (c.risk, c.warning.is_some()))
            .collect::<Vec<_>>()
    };
    assert!(key(&work).is_empty());
    let refused: Vec<String> = work
        .plan()
        .refused
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        refused.iter().any(|r| r.contains("--unproven-key")),
        "{refused:#?}"
    );
    work.wish(Wishes {
        unproven_key: true,
        ..Wishes::default()
    });
    assert_eq!(key(&work), [(Some(RiskKind::UnprovenKey), true)]);
    // On the direct path the server is simply not reached: nothing is given.
    let (world, mut config) = studio(lattice, unreached);
    config.server.path = PathId::Direct;
    let mut work = look(&world, &config).await;
    work.wish(Wishes {
        unproven_key: true,
        ..Wishes::default()
    });
    assert!(key(&work).is_empty());
}

/// The studio's own workers in a VPC: no call tells where they stand, but that no subnet has a route is seen.
#[tokio::test]
async fn workers_in_a_vpc_without_any_route_are_cut_off_and_with_one_are_asked() {
    let own = |t: &mut Truth, c: &mut StudioConfig| {
        over_vpn(t, c);
        c.server.path = PathId::Vpn;
        for fleet in t.fleets.values_mut() {
            fleet.management = Management::Customer;
            fleet.configurations.clear();
        }
        c.connections = t
            .fleets
            .keys()
            .map(|k| FleetConnection {
                fleet: k.fleet.clone(),
                path: Some(PathId::Vpn),
                at: Some(MachinePlace::Vpc),
            })
            .collect();
    };
    let all = said(own, |_, _| {}, "vpn-route").await;
    assert!(
        !all.is_empty()
            && all.iter().all(|f| f.verdict == Verdict::WorkerOnly
                && f.message.as_str().contains("2 of 2 subnets")),
        "{all:#?}"
    );
    let all = said(
        own,
        |t, _| network_with(t, |n| n.tables[0].routes.truncate(1)),
        "vpn-route",
    )
    .await;
    assert!(
        !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::Fail),
        "{all:#?}"
    );
    // Another VPN, by a transit gateway, may be the workers' way: then it is no more than one of two VPCs.
    let all = said(
        own,
        |t, _| {
            network_with(t, |n| n.tables[0].routes.truncate(1));
            let mut other = t.network.vpns[0].clone();
            other.id = text("vpn-other");
            other.gateway = text("tgw-other");
            other.vpc = None;
            t.network.vpns.push(other);
        },
        "vpn-route",
    )
    .await;
    assert!(
        !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::WorkerOnly),
        "{all:#?}"
    );
}

#[tokio::test]
async fn a_gateway_in_another_zone_than_its_target_does_not_reach_it() {
    for (zone, wanted) in [
        (Some("us-west-2b"), Verdict::Fail),
        (Some("us-west-2a"), Verdict::Ok),
        (None, Verdict::Ok),
    ] {
        let all = said(
            lattice,
            |t, _| {
                network_with(t, |n| {
                    n.subnets[0].zone = zone.map(text);
                    n.subnets[1].zone = Some(text("us-west-2a"));
                });
            },
            "lattice-target",
        )
        .await;
        assert!(
            !all.is_empty() && all.iter().all(|f| f.verdict == wanted),
            "{zone:?}: {all:#?}"
        );
    }
}
