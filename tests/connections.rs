//! What was not seen of a connection's networks is never OK, and never FAIL.

mod common;

use common::connected::{TARGET, lattice, network_with, over_vpn};
use common::{look, open};
use studiolink::domain::config::StudioConfig;
use studiolink::domain::finding::{Finding, Verdict};
use studiolink::domain::lattice::{AssociationKind, AssociationState, LatticeStatus};
use studiolink::domain::network::{Route, RouteState, TunnelStatus};
use studiolink::domain::text::Untrusted;
use studiolink::world::sandbox::{Sandbox, Truth};

type Change = fn(&mut Truth);

async fn said(
    base: fn(&mut Truth, &mut StudioConfig),
    change: Change,
    check: &str,
) -> Vec<Finding> {
    let (world, mut config) = open("studio");
    let mut truth = Truth::clone(&world.truth());
    base(&mut truth, &mut config);
    change(&mut truth);
    let world = Sandbox::new(truth, None);
    let all = look(&world, &config).await.findings();
    all.into_iter().filter(|f| f.check == check).collect()
}

fn words(all: &[Finding]) -> Vec<(Verdict, &'static str, String)> {
    let one = |f: &Finding| (f.verdict, f.code, f.message.to_string());
    all.iter().map(one).collect()
}

fn prefix_list(by: &str) -> Route {
    Route {
        to: None,
        by: Untrusted::new(by),
        state: RouteState::Active,
    }
}

#[tokio::test]
async fn what_was_not_seen_between_gateway_and_target_is_unknown() {
    let cases: &[(&str, Change)] = &[
        ("nobody is seen to hold the address", |t| {
            t.network.addresses.clear()
        }),
        ("the target is in another VPC", |t| {
            t.network.addresses.get_mut(TARGET).unwrap()[0].vpc = Untrusted::new("vpc-other");
        }),
        ("a group of the gateway is gone", |t| {
            network_with(t, |n| drop(n.groups.remove(0)))
        }),
        ("a group of the target is gone", |t| {
            network_with(t, |n| drop(n.groups.remove(1)))
        }),
        ("the ACL is not there", |t| {
            network_with(t, |n| n.acls.clear())
        }),
        ("the ACL decides of a part", |t| {
            network_with(t, |n| {
                n.acls[0].entries[1].ports = Some((0, 5_000));
            })
        }),
        ("the subnet has no network", |t| {
            network_with(t, |n| n.subnets[0].cidr = None)
        }),
        ("the route may be a prefix list", |t| {
            network_with(t, |n| {
                n.tables[0].routes = vec![prefix_list("pcx-1")];
            })
        }),
        ("no route table is there", |t| {
            network_with(t, |n| n.tables.clear())
        }),
        ("a rule names a prefix list", |t| {
            network_with(t, |n| {
                n.groups[1].inbound[0].groups.clear();
                n.groups[1].inbound[0].lists = true;
            })
        }),
    ];
    for (name, change) in cases {
        let all = said(lattice, *change, "lattice-target").await;
        let bad = all.iter().filter(|f| f.verdict != Verdict::Unknown);
        assert!(
            !all.is_empty() && bad.count() == 0,
            "{name}: {:?}",
            words(&all)
        );
    }
    let all = said(lattice, |_| {}, "lattice-target").await;
    assert!(
        all.iter().all(|f| f.verdict == Verdict::Ok),
        "{:?}",
        words(&all)
    );
    // A rule that names groups says nothing where nobody knows whose groups they are.
    let by_group: Change = |t| {
        network_with(t, |n| {
            n.groups[0].outbound[0].networks.clear();
            n.groups[0].outbound[0]
                .groups
                .push(Untrusted::new("sg-balancer"));
        });
        t.network.addresses.clear();
    };
    let all = said(lattice, by_group, "lattice-target").await;
    assert!(
        all.iter().all(|f| f.verdict == Verdict::Unknown),
        "{:?}",
        words(&all)
    );
}

#[tokio::test]
async fn a_dead_route_of_the_gateway_is_no_route() {
    let all = said(
        lattice,
        |t| network_with(t, |n| n.tables[0].routes[0].state = RouteState::Blackhole),
        "lattice-target",
    )
    .await;
    assert!(
        all.iter()
            .all(|f| (f.verdict, f.code) == (Verdict::Fail, "blackhole")),
        "{:?}",
        words(&all)
    );
}

#[tokio::test]
async fn what_was_not_seen_of_the_way_to_the_studio_is_unknown() {
    let cases: &[(&str, &str, Change)] = &[
        ("the route goes by an appliance", "vpn-route", |t| {
            network_with(t, |n| {
                n.tables[0].routes[1].by = Untrusted::new("eni-1");
            })
        }),
        ("the route is a prefix list", "vpn-route", |t| {
            network_with(t, |n| {
                n.tables[0].routes[1] = prefix_list("vgw-1");
            })
        }),
        ("the ACL decides of a part", "vpn-route", |t| {
            network_with(t, |n| {
                n.acls[0].entries[1].ports = Some((1_024, 5_000));
            })
        }),
        ("no VPN is found", "vpn-tunnels", |t| t.network.vpns.clear()),
        ("AWS tells no status", "vpn-tunnels", |t| {
            t.network.vpns[0].tunnels[0].status = TunnelStatus::from("PENDING");
        }),
    ];
    for (name, check, change) in cases {
        let all = said(over_vpn, *change, check).await;
        let bad = all.iter().filter(|f| f.verdict != Verdict::Unknown);
        assert!(
            !all.is_empty() && bad.count() == 0,
            "{name}: {:?}",
            words(&all)
        );
    }
    for check in [
        "vpn-tunnels",
        "vpn-route",
        "lattice-target",
        "lattice-share",
        "lattice-attachment",
    ] {
        let all = said(over_vpn, |_| {}, check).await;
        assert!(
            !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::Ok),
            "{check}: {:?}",
            words(&all)
        );
    }
}

#[tokio::test]
async fn a_configuration_of_another_port_is_not_taken_for_ayons() {
    let other: Change = |t| {
        t.lattice
            .configurations
            .values_mut()
            .for_each(|c| c.ports = vec![Untrusted::new("2049")]);
    };
    let all = said(lattice, other, "lattice-attachment").await;
    assert!(
        all.iter()
            .all(|f| (f.verdict, f.code) == (Verdict::Fail, "slot-taken")),
        "{:?}",
        words(&all)
    );
    let new: Change = |t| {
        t.lattice
            .configurations
            .values_mut()
            .for_each(|c| c.status = LatticeStatus::from("PAUSED"));
        t.lattice
            .gateways
            .values_mut()
            .for_each(|g| g.status = LatticeStatus::from("PAUSED"));
    };
    for check in ["lattice-configuration", "lattice-gateway"] {
        let all = said(lattice, new, check).await;
        assert!(
            all.iter().all(|f| f.verdict == Verdict::Unknown),
            "{check}: {:?}",
            words(&all)
        );
    }
}

#[tokio::test]
async fn what_was_taken_out_of_a_share_does_not_break_it() {
    let gone: Change = |t| {
        let share = &mut t.lattice.shares.values_mut().next().unwrap()[0];
        let mut other = share.associations[1].clone();
        other.entity = Untrusted::new("999900001111");
        other.state = AssociationState::Disassociated;
        let mut again = share.associations[0].clone();
        again.state = AssociationState::Disassociated;
        share.associations.insert(0, other);
        share.associations.insert(0, again);
    };
    let all = said(lattice, gone, "lattice-share").await;
    assert!(
        !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::Ok),
        "{:?}",
        words(&all)
    );
    let out: Change = |t| {
        let share = &mut t.lattice.shares.values_mut().next().unwrap()[0];
        let of = |a: &&mut studiolink::domain::lattice::ShareAssociation| {
            a.kind == AssociationKind::Resource
        };
        share
            .associations
            .iter_mut()
            .filter(of)
            .for_each(|a| a.state = AssociationState::Disassociated);
    };
    let all = said(lattice, out, "lattice-share").await;
    assert!(
        !all.is_empty() && all.iter().all(|f| f.verdict == Verdict::ToDo),
        "{:?}",
        words(&all)
    );
}

#[tokio::test]
async fn networks_with_the_same_addresses_never_meet() {
    fn to(t: &mut Truth, to: &str) {
        let to = to.parse().unwrap();
        network_with(t, |n| n.tables[0].routes[1].to = Some(to));
    }
    // The VPC is 10.20.0.0/16.
    let inside = said(over_vpn, |t| to(t, "10.20.5.0/24"), "vpn-route").await;
    assert_eq!(words(&inside)[0].0, Verdict::Fail, "{:?}", words(&inside));
    assert_eq!(words(&inside)[0].1, "overlap");
    let around = said(over_vpn, |t| to(t, "10.0.0.0/8"), "vpn-route").await;
    assert_eq!(
        (words(&around)[0].0, words(&around)[0].1),
        (Verdict::Warn, "overlap")
    );
    let beside = said(over_vpn, |t| to(t, "10.21.0.0/16"), "vpn-route").await;
    assert!(
        beside.iter().all(|f| f.verdict == Verdict::Ok),
        "{:?}",
        words(&beside)
    );
}
