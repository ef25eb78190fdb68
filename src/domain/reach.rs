//! What can work from where to where: from the place of a fleet's workers, by a path, to the place of the server (field
//! facts C to E). A table, and nothing else; what each path costs and takes is `connections/chooser.rs`.

use serde::{Deserialize, Serialize};

use super::config::{Location, PathId};
use super::farm::Management;

words!(
    /// Where a customer-managed fleet's machines stand; no call of AWS tells it.
    MachinePlace { Vpc = "vpc", Lan = "lan" }
);

/// Where the workers of a fleet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerPlace {
    /// In a VPC of Deadline Cloud's own.
    Service,
    /// The studio's own machines, in its VPC.
    Vpc,
    /// The studio's own machines, in its network.
    Lan,
    /// The studio's own machines, and nobody has said where they stand.
    Unsaid,
    /// A kind of fleet that this version does not know.
    Unknown,
}

impl WorkerPlace {
    pub fn of(management: &Management, said: Option<MachinePlace>) -> Self {
        match (management, said) {
            (Management::Service, _) => Self::Service,
            (Management::Customer, Some(MachinePlace::Vpc)) => Self::Vpc,
            (Management::Customer, Some(MachinePlace::Lan)) => Self::Lan,
            (Management::Customer, None) => Self::Unsaid,
            (Management::Unknown(_), _) => Self::Unknown,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Service => "service-managed workers",
            Self::Vpc => "customer-managed workers in the VPC",
            Self::Lan => "customer-managed workers on the studio LAN",
            Self::Unsaid => "customer-managed workers",
            Self::Unknown => "workers of an unknown kind",
        }
    }
}

/// Whether a path leads from the workers to the server. The best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    Recommended,
    Possible,
    Impossible,
    /// The table has no row for it.
    Unknown,
}

impl Fit {
    pub fn word(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Possible => "possible",
            Self::Impossible => "impossible",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub fit: Fit,
    pub why: &'static str,
    /// Where the machines must stand for it, where nobody has said it.
    pub stands: Option<MachinePlace>,
}

fn recommended(why: &'static str) -> Reach {
    reach(Fit::Recommended, why)
}

fn possible(why: &'static str) -> Reach {
    reach(Fit::Possible, why)
}

fn impossible(why: &'static str) -> Reach {
    reach(Fit::Impossible, why)
}

fn reach(fit: Fit, why: &'static str) -> Reach {
    Reach {
        fit,
        why,
        stands: None,
    }
}

const CLOUD: &str = "AYON cloud is reached over public HTTPS; no other path leads there";
const NO_VPN: &str = "service-managed workers run in a VPC of Deadline Cloud's own: a VPN ends in your VPC and does not touch them";
const NO_LAN: &str = "the workers are not on the studio's network";
const NOT_ON_LAN: &str = "the server is not on the studio's network";
const SMF_ALONE: &str =
    "Deadline Cloud attaches VPC Lattice configurations to service-managed fleets only";
const OUTBOUND: &str = "service-managed workers reach public addresses (seen in AWS's own examples; that they always may is inferred)";
const TUNNEL: &str = "one tunnel per worker session at about 0.7 MB/s: for a handful of workers";
const HYBRID: &str = "the server must be a hybrid node of Systems Manager, in the advanced-instances tier; one tunnel per worker session at about 0.7 MB/s: for a handful of workers";
const PUBLISHED: &str = "only where the server has a public name and the studio's firewall admits the workers, whose addresses change";

/// Does this path lead from there to the server?
pub fn of(location: Location, place: WorkerPlace, path: PathId) -> Reach {
    match place {
        WorkerPlace::Unsaid => unsaid(location, path),
        WorkerPlace::Unknown => reach(
            Fit::Unknown,
            "this version does not know the kind of fleet, so it can't say where its workers are",
        ),
        WorkerPlace::Service => from_service(location, path),
        WorkerPlace::Vpc => from_vpc(location, path),
        WorkerPlace::Lan => from_lan(location, path),
    }
}

/// The better of both places: the choice of a path says where the machines stand.
fn unsaid(location: Location, path: PathId) -> Reach {
    let (vpc, lan) = (from_vpc(location, path), from_lan(location, path));
    let neither = lan.fit == Fit::Impossible && vpc.fit == Fit::Impossible;
    let (better, stands, other) = if lan.fit < vpc.fit || neither {
        (lan, MachinePlace::Lan, vpc)
    } else {
        (vpc, MachinePlace::Vpc, lan)
    };
    let matters = better.fit != Fit::Impossible && other.fit == Fit::Impossible;
    Reach {
        stands: matters.then_some(stands),
        ..better
    }
}

fn from_service(location: Location, path: PathId) -> Reach {
    match (location, path) {
        (Location::AyonCloud | Location::Public, PathId::Direct) => recommended(OUTBOUND),
        (Location::AyonCloud, _) => impossible(CLOUD),
        (_, PathId::Vpn) => impossible(NO_VPN),
        (_, PathId::Lan) => impossible(NO_LAN),
        (Location::Public, PathId::Lattice) => possible(
            "only through a proxy in your VPC that goes on to the server; direct is simpler",
        ),
        (Location::Public, PathId::Ssm) => impossible(
            "a tunnel ends at a machine that Systems Manager manages, and a server elsewhere is not one",
        ),
        (Location::Ec2, PathId::Lattice) => {
            recommended("private, and as fast as the network; the target is an address in your VPC")
        }
        (Location::Lan, PathId::Lattice) => recommended(
            "VPC Lattice leads into your VPC, and a VPN from there to the studio: both are needed",
        ),
        (Location::Ec2, PathId::Ssm) => possible(TUNNEL),
        (Location::Lan, PathId::Ssm) => possible(HYBRID),
        (Location::Ec2 | Location::Lan, PathId::Direct) => possible(PUBLISHED),
    }
}

fn from_vpc(location: Location, path: PathId) -> Reach {
    match (location, path) {
        (Location::AyonCloud | Location::Public, PathId::Direct) => {
            recommended("where the subnets have a way out, by an internet or NAT gateway")
        }
        (Location::AyonCloud, _) => impossible(CLOUD),
        (_, PathId::Lattice) => impossible(SMF_ALONE),
        (_, PathId::Lan) => impossible(NO_LAN),
        (Location::Ec2, PathId::Direct) => {
            recommended("by the routes of the VPC, or of a peered one")
        }
        (Location::Ec2, PathId::Vpn) => {
            impossible("a VPN leads from the VPC to the studio, and the server is not there")
        }
        (Location::Public, PathId::Vpn) => {
            possible("only where the VPN's other end leads on to the server; direct is simpler")
        }
        (Location::Public, PathId::Ssm) => impossible(
            "a tunnel ends at a machine that Systems Manager manages, and a server elsewhere is not one",
        ),
        (Location::Lan, PathId::Vpn) => recommended("by the VPC's routes and the VPN"),
        (Location::Lan, PathId::Direct) => possible(PUBLISHED),
        (Location::Ec2, PathId::Ssm) => possible(TUNNEL),
        (Location::Lan, PathId::Ssm) => possible(HYBRID),
    }
}

fn from_lan(location: Location, path: PathId) -> Reach {
    match (location, path) {
        (Location::AyonCloud | Location::Public, PathId::Direct) => {
            recommended("as from any machine of the studio")
        }
        (Location::AyonCloud, _) => impossible(CLOUD),
        (_, PathId::Lattice) => impossible(SMF_ALONE),
        (Location::Lan, PathId::Lan) => recommended("workers and server share the network"),
        (_, PathId::Lan) => impossible(NOT_ON_LAN),
        (Location::Lan, PathId::Direct) => {
            possible("the same network, by the server's public name")
        }
        (Location::Lan, PathId::Vpn) => {
            possible("only where workers and server are at two sites that a VPN connects")
        }
        (Location::Lan, PathId::Ssm) => {
            possible("a detour through AWS to a machine on the same network")
        }
        (Location::Ec2, PathId::Vpn) => {
            recommended("by the VPN from the studio to the server's VPC")
        }
        (Location::Ec2, PathId::Direct) => {
            possible("only where the server has a public name, or a private line leads to it")
        }
        (Location::Ec2, PathId::Ssm) => possible(TUNNEL),
        (Location::Public, PathId::Vpn) => {
            possible("only where a VPN leads to the server; direct is simpler")
        }
        (Location::Public, PathId::Ssm) => impossible(
            "a tunnel ends at a machine that Systems Manager manages, and a server elsewhere is not one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [WorkerPlace; 3] = [WorkerPlace::Service, WorkerPlace::Vpc, WorkerPlace::Lan];

    /// As the table in field facts C to E reads: one letter per path, in the order direct, vpn, lattice, ssm, lan.
    const TABLE: &[(Location, [&str; 3])] = &[
        (Location::AyonCloud, ["R----", "R----", "R----"]),
        (Location::Public, ["R-p--", "Rp---", "Rp---"]),
        (Location::Ec2, ["p-Rp-", "R--p-", "pR-p-"]),
        (Location::Lan, ["p-Rp-", "pR-p-", "pp-pR"]),
    ];

    #[test]
    fn the_table_is_this_one() {
        for (location, rows) in TABLE {
            for (place, row) in PLACES.into_iter().zip(rows) {
                let letters: String = PathId::ALL
                    .iter()
                    .map(|path| match of(*location, place, *path).fit {
                        Fit::Recommended => 'R',
                        Fit::Possible => 'p',
                        Fit::Impossible => '-',
                        Fit::Unknown => '?',
                    })
                    .collect();
                assert_eq!(letters, *row, "{location:?} from {place:?}");
            }
        }
    }

    #[test]
    fn from_everywhere_one_path_is_recommended_and_each_has_its_reason() {
        for location in Location::ALL {
            for place in PLACES {
                let all = PathId::ALL.iter().map(|p| of(*location, place, *p));
                let all: Vec<Reach> = all.collect();
                let best = all.iter().filter(|r| r.fit == Fit::Recommended).count();
                assert_eq!(best, 1, "{location:?} from {place:?}");
                assert!(all.iter().all(|r| !r.why.is_empty()));
            }
        }
    }

    #[test]
    fn a_path_says_where_machines_stand_of_which_nobody_said_it() {
        let of = |location, path| of(location, WorkerPlace::Unsaid, path);
        let lan = of(Location::Lan, PathId::Lan);
        assert_eq!(
            (lan.fit, lan.stands),
            (Fit::Recommended, Some(MachinePlace::Lan))
        );
        let vpn = of(Location::Ec2, PathId::Vpn);
        assert_eq!(
            (vpn.fit, vpn.stands),
            (Fit::Recommended, Some(MachinePlace::Lan))
        );
        // Both places will do.
        assert_eq!(of(Location::Public, PathId::Direct).stands, None);
        assert_eq!(of(Location::Lan, PathId::Lattice).fit, Fit::Impossible);
    }
}
