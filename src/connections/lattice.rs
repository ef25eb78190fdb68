//! VPC Lattice: from the service-managed workers into the studio's VPC, by a resource configuration that their fleet uses.
//! Five hops, read from what AWS tells: attachment, configuration, share, gateway, target.

use super::Leg;
use crate::checks::lattice_hops::{ATTACHMENT, CONFIGURATION, GATEWAY, SHARE, TARGET};

pub(super) const LEG: Leg = Leg {
    id: "lattice",
    title: "VPC Lattice",
    hops: &[&ATTACHMENT, &CONFIGURATION, &SHARE, &GATEWAY, &TARGET],
};
