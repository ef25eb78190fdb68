//! The Site-to-Site VPN to the studio: are its tunnels up, and since when not?

use super::prelude::*;
use crate::derived::lattice_network::of_connection;
use crate::domain::finding::Verdict;
use crate::domain::ids::FleetKey;
use crate::domain::network::{TunnelStatus, VpnConnection};
use crate::questions::{Part, VpnConnections};

pub const CHECK: Check = Check {
    id: "vpn-tunnels",
    title: "The VPN to the studio is up",
    why: "BAD_STATE_VPN: with no tunnel up nothing in AWS reaches the studio",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some(ours) = of_connection(view, key) else {
        return Vec::new(); // it goes by no VPN
    };
    let fact = view.fact(&VpnConnections);
    let evidence = view.evidence(&VpnConnections);
    if fact.known().is_none() {
        return with_evidence(Finding::unread("the VPN connections", fact), evidence);
    }
    let named = &view.config(Part::Server).vpn.connection;
    if let (Some(id), true) = (named, ours.is_empty()) {
        let here = fact.known().into_iter().flatten();
        let here = here.into_iter().any(|v| v.id.raw() == id);
        let line = if here {
            format!("{id} of [vpn] ends at no gateway of the target's VPC")
        } else {
            format!("There is no Site-to-Site VPN connection {id} in this account and region")
        };
        let finding = Finding::fail("not-the-one", line)
            .why("the studio file says that the studio is reached by it")
            .fix("compare [vpn] connection of the studio file with the VPC console; another account's connection can't be looked at: then leave the line out");
        return vec![finding.from(evidence)];
    }
    if ours.is_empty() {
        let line = "Whether the studio is reached can't be told: no Site-to-Site VPN connection was found for it in this account and region";
        let finding = Finding::unknown("no-vpn", line)
            .why("where a Direct Connect or another account's transit gateway leads to the studio, this is as it should be: neither is looked at")
            .fix("make a VPN connection, or ask a worker whether it reaches the server");
        return vec![finding.from(evidence)];
    }
    let mut findings: Vec<Finding> = ours.into_iter().map(judge).collect();
    // Which of several leads to the server, no call tells: as long as one is whole, the others are no more than a warning.
    if findings.iter().any(|f| f.verdict == Verdict::Ok) {
        for finding in &mut findings {
            if finding.verdict == Verdict::Fail {
                finding.verdict = Verdict::Warn;
            }
        }
    }
    findings
        .into_iter()
        .map(|f| f.from(evidence.clone()))
        .collect()
}

fn judge(vpn: &VpnConnection) -> Finding {
    let name = vpn
        .name
        .as_ref()
        .map(|n| format!("{} ", n.show()))
        .unwrap_or_default();
    let named = format!("VPN {name}({})", vpn.id.show());
    let about = vpn.id.show();
    let device = match &vpn.device_address {
        Some(address) => format!(
            "the studio's customer gateway {} ({})",
            address.show(),
            vpn.device.show()
        ),
        None => format!("the studio's customer gateway {}", vpn.device.show()),
    };
    if vpn.state.raw() != "available" {
        let line = format!("{named} is {}", vpn.state.show());
        return Finding::fail("not-available", line)
            .why(CHECK.why)
            .fix("wait until it is available, or make it again")
            .about(about);
    }
    let of = |status: TunnelStatus| vpn.tunnels.iter().filter(move |t| t.status == status);
    let (up, down) = (of(TunnelStatus::Up).count(), of(TunnelStatus::Down));
    let down: Vec<_> = down.collect();
    if up + down.len() < vpn.tunnels.len() || vpn.tunnels.is_empty() {
        return Finding::unknown(
            "no-tunnels",
            format!("Whether the tunnels of {named} are up can't be told"),
        )
        .why("AWS gives no status of them that this version knows")
        .fix("look at the VPN in the VPC console")
        .about(about);
    }
    let since = down.iter().filter_map(|t| t.since).max();
    let since = since
        .map(|at| format!(" since {}", crate::domain::time::day_and_clock(at)))
        .unwrap_or_default();
    let said = down.iter().find_map(|t| t.message.as_ref());
    let said = said
        .map(|m| format!("AWS says \"{}\"; ", m.show()))
        .unwrap_or_default();
    let fix = format!(
        "at the studio: look at {device}, its line, UDP 500 and 4500 (IKE) through the firewall, and the pre-shared keys"
    );
    match (up, down.len()) {
        (up, 0) => Finding::ok(format!("{named}: {up} tunnels are UP")).about(about),
        (0, n) => {
            let which = if n == 2 {
                "both tunnels are DOWN".to_owned()
            } else {
                format!("{n} tunnels are DOWN")
            };
            Finding::fail("down", format!("{named}: {which}{since}"))
                .why(format!(
                    "{said}no tunnel to {device} works, so what is behind it is not reached"
                ))
                .fix(fix)
                .about(about)
        }
        (_, _) => Finding::warn(
            "degraded",
            format!("{named}: one of its tunnels is DOWN{since}"),
        )
        .why(format!(
            "{said}AWS takes one tunnel down for maintenance at times, and then nothing is left"
        ))
        .fix(fix)
        .about(about),
    }
}
