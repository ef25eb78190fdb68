//! VPC Lattice: from the service-managed workers into the studio's VPC, by a resource configuration that their fleet uses.
//! Seven hops, read from what AWS tells: attachment, hosts entry, configuration, share, gateway, the target's name, target.

use super::{Leg, Stop};
use crate::checks::lattice_hops::{ATTACHMENT, CONFIGURATION, GATEWAY, HOSTS, NAME, SHARE, TARGET};
use crate::derived::lattice::{configuration, name};
use crate::derived::lattice_network::ends;
use crate::domain::ids::FleetKey;
use crate::domain::text::Printable;
use crate::goals::of_legs::{LATTICE, WORKER_ENVIRONMENT};
use crate::questions::View;

pub(super) const LEG: Leg = Leg {
    id: "lattice",
    stops: &[
        Stop {
            name: "resource configuration",
            which: the_configuration,
            hops: &[&ATTACHMENT, &HOSTS, &CONFIGURATION, &SHARE],
        },
        Stop {
            name: "resource gateway",
            which: the_gateway,
            hops: &[&GATEWAY, &NAME],
        },
        Stop {
            name: "target in the VPC",
            which: the_target,
            hops: &[&TARGET],
        },
    ],
    goals: &[&LATTICE, &WORKER_ENVIRONMENT],
};

fn the_configuration(view: &View, key: &FleetKey) -> Printable {
    configuration(view, key)
        .map(|(id, _)| name(view, &id))
        .unwrap_or_default()
}

fn the_gateway(view: &View, key: &FleetKey) -> Printable {
    let ends = ends(view, key);
    let words = ends.map(|e| format!("{} ({})", e.gateway.name.show(), e.gateway_id).into());
    words.unwrap_or_default()
}

fn the_target(view: &View, key: &FleetKey) -> Printable {
    ends(view, key)
        .map(|e| e.target.to_string().into())
        .unwrap_or_default()
}
