//! The studio LAN: workers and server share a network, and nothing is set up. The same five hops as on the internet, tested
//! from this machine: what a worker sees, only a worker can tell.

use super::{Leg, SERVER, Stop, the_server};
use crate::checks::server_hops::{CERTIFICATE, INFO, KEY, NAME, PORT};
use crate::goals::of_legs::{FLEET_ROLES, WORKER_ENVIRONMENT};

pub(super) const LEG: Leg = Leg {
    id: "lan",
    stops: &[Stop {
        name: SERVER,
        which: the_server,
        hops: &[&NAME, &PORT, &CERTIFICATE, &INFO, &KEY],
    }],
    goals: &[&FLEET_ROLES, &WORKER_ENVIRONMENT],
};
