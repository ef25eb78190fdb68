//! How workers can reach the AYON server. A connection is a list of legs, and a leg names what belongs to it: its checks,
//! in the order of its hops. Nothing here does IO. To add a leg, copy `direct.rs`; then a `mod` line and an entry in `ALL`.

pub mod chooser;
mod direct;
mod lan;
mod lattice;
mod ssm;
mod vpn;

use crate::checks::worker_hops;
use crate::derived::connections::Connection;
use crate::derived::job_packages::server;
use crate::domain::config::PathId;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::FleetKey;
use crate::domain::text::Printable;
use crate::goals::Goal;
use crate::questions::{Check, View};

/// A part of a connection that is set up and tested on its own.
pub struct Leg {
    /// Kebab-case and permanent.
    pub id: &'static str,
    /// What stands on it, from the worker's end to the server's.
    pub stops: &'static [Stop],
    /// What sets it up, with the steps that each leaves to people. None: its fixes are commands to paste.
    pub goals: &'static [&'static Goal],
}

impl Leg {
    /// Its hops, as the checks that judge them, in their order.
    pub fn hops(&self) -> impl Iterator<Item = &'static Check> + Clone + use<> {
        self.stops.iter().flat_map(|s| s.hops).copied()
    }
}

/// A box of the diagram: what stands there, which one it is, and the hops that tell its state.
pub struct Stop {
    pub name: &'static str,
    pub which: fn(&View, &FleetKey) -> Printable,
    pub hops: &'static [&'static Check],
}

/// The server itself, which is the last stop of the paths that are tested from here.
pub const SERVER: &str = "AYON server";

fn the_server(view: &View, _: &FleetKey) -> Printable {
    server(view).map_or_else(Printable::default, |url| {
        url.as_str().trim_end_matches('/').into()
    })
}

/// Was a worker of the fleet asked at all?
pub const ASKED: &Check = &worker_hops::PROBE;

/// The hops as the fleet's own workers have told them, whatever the path: the only proof that counts.
pub const FROM_WORKER: &[&Check] = &[
    &worker_hops::NAME,
    &worker_hops::PORT,
    &worker_hops::CERTIFICATE,
    &worker_hops::INFO,
    &worker_hops::KEY,
];

/// The hops of a connection in their order, from the worker's end to the server's and then as its own workers have told them, with
/// the worst that is said of each. A hop that says nothing does not apply.
pub fn timeline<'a>(
    connection: &Connection,
    findings: &(impl Iterator<Item = &'a Finding> + Clone),
) -> Vec<&'a Finding> {
    let legs = path(connection.chosen.path).legs.iter();
    let hops = legs.flat_map(|leg| leg.hops()).chain(from_worker());
    let worst = |hop: &Check| {
        let own = findings
            .clone()
            .filter(|f| f.check == hop.id && connection.tells(f));
        own.min_by_key(|f| f.verdict)
    };
    hops.filter_map(worst).collect()
}

/// Whether a worker was asked, and its own hops.
pub fn from_worker() -> impl Iterator<Item = &'static Check> {
    std::iter::once(ASKED).chain(FROM_WORKER.iter().copied())
}

/// How long the longest of a finding's calls took.
pub fn millis(finding: &Finding) -> Option<u64> {
    let calls = finding.evidence.iter().flat_map(|e| e.calls.iter());
    calls.map(|c| c.millis).max()
}

/// What workers say of the server itself; `None`: none was asked, or what one said is stale.
pub fn told_by_workers<'a>(
    connection: &Connection,
    findings: impl Iterator<Item = &'a Finding>,
) -> Option<Verdict> {
    let is_hop = |f: &&Finding| FROM_WORKER.iter().any(|h| h.id == f.check);
    let own = findings.filter(is_hop).filter(|f| connection.tells(f));
    let said = own.filter(|f| f.verdict != Verdict::WorkerOnly);
    said.map(|f| f.verdict).min()
}

pub const ALL: &[&Leg] = &[&direct::LEG, &lan::LEG, &lattice::LEG, &ssm::LEG, &vpn::LEG];

/// A way to the server, as the studio file names it.
pub struct Path {
    pub id: PathId,
    pub title: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    /// In the order from the workers to the server; one that does not apply says nothing.
    pub legs: &'static [&'static Leg],
}

impl Path {
    /// What sets it up, each once.
    pub fn goals(&self) -> Vec<&'static Goal> {
        let mut all: Vec<&'static Goal> = Vec::new();
        for goal in self.legs.iter().flat_map(|l| l.goals).copied() {
            if !all.iter().any(|g| g.id == goal.id) {
                all.push(goal);
            }
        }
        all
    }
}

pub const PATHS: &[Path] = &[
    Path {
        id: PathId::Direct,
        title: "Direct HTTPS",
        purpose: "for AYON cloud, or a server with a public name",
        legs: &[&direct::LEG],
    },
    Path {
        id: PathId::Vpn,
        title: "Site-to-Site VPN",
        purpose: "for a server on the studio LAN that workers in your own VPC reach through a VPN; \
            service-managed workers also need VPC Lattice in front",
        legs: &[&vpn::LEG],
    },
    Path {
        id: PathId::Lattice,
        title: "VPC Lattice",
        purpose: "for a server behind your VPC that service-managed workers reach through a resource endpoint",
        legs: &[&lattice::LEG, &vpn::LEG],
    },
    Path {
        id: PathId::Ssm,
        title: "SSM port forwarding",
        purpose: "for a server on EC2 or a hybrid node and a handful of workers, without any network setup",
        legs: &[&ssm::LEG],
    },
    Path {
        id: PathId::Lan,
        title: "Studio LAN",
        purpose: "for a server and customer-managed publish workers on the same studio network",
        legs: &[&lan::LEG],
    },
];

pub fn path(id: PathId) -> &'static Path {
    PATHS.iter().find(|p| p.id == id).unwrap_or(&PATHS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_studio_file_is_listed_with_its_legs() {
        for id in PathId::ALL {
            assert_eq!(path(*id).id, *id);
            assert!(!path(*id).legs.is_empty(), "{id:?}");
        }
        let hops = |id| {
            path(id)
                .legs
                .iter()
                .map(|l| l.hops().count())
                .sum::<usize>()
        };
        assert!(PathId::ALL.iter().all(|id| hops(*id) > 0));
        // What a leg names is what a plan proposes.
        let goals = ALL.iter().flat_map(|l| l.goals);
        for goal in goals {
            assert!(
                crate::goals::ALL.iter().any(|g| g.id == goal.id),
                "{}",
                goal.id
            );
        }
        let lattice: Vec<&str> = path(PathId::Lattice).goals().iter().map(|g| g.id).collect();
        assert_eq!(lattice, ["lattice-path", "worker-environment"]);
        assert!(path(PathId::Vpn).goals().is_empty(), "EC2 is people's");
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/connections");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| f != "mod.rs" && f != "chooser.rs")
            .map(|f| f.replace(".rs", "").replace('_', "-"))
            .collect();
        files.sort();
        let mut ids: Vec<&str> = ALL.iter().map(|l| l.id).collect();
        ids.sort_unstable();
        assert_eq!(files, ids);
    }
}
