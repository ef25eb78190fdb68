//! The Site-to-Site VPN: from a VPC of the studio's to its network. Two hops: the tunnels, and the routes that use them.

use super::Leg;
use crate::checks::vpn_hops::{ROUTE, TUNNELS};

pub(super) const LEG: Leg = Leg {
    id: "vpn",
    title: "Site-to-Site VPN",
    hops: &[&TUNNELS, &ROUTE],
};
