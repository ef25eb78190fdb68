//! The Site-to-Site VPN: from a VPC of the studio's to its network. Two hops: the tunnels, and the routes that use them.

use super::{Leg, Stop};
use crate::checks::vpn_hops::{ROUTE, TUNNELS};
use crate::derived::lattice_network::of_connection;
use crate::domain::ids::FleetKey;
use crate::domain::text::Printable;
use crate::questions::View;

pub(super) const LEG: Leg = Leg {
    id: "vpn",
    stops: &[Stop {
        name: "Site-to-Site VPN",
        which: the_vpns,
        hops: &[&TUNNELS, &ROUTE],
    }],
    goals: &[],
};

fn the_vpns(view: &View, key: &FleetKey) -> Printable {
    let all = of_connection(view, key).into_iter().flatten();
    let named = all.map(|v| match &v.name {
        Some(name) => format!("{} ({})", name.show(), v.id.show()),
        None => v.id.show().to_string(),
    });
    named.collect::<Vec<_>>().join(", ").into()
}
