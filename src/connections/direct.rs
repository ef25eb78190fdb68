//! Direct HTTPS: the server has a public name, and workers reach it over the internet. Nothing is set up; five hops are
//! tested: name, port, certificate, AYON itself, the key.

use super::{Leg, SERVER, Stop, the_server};
use crate::checks::server_hops::{CERTIFICATE, INFO, KEY, NAME, PORT};
use crate::goals::of_legs::WORKER_ENVIRONMENT;

pub(super) const LEG: Leg = Leg {
    id: "direct",
    stops: &[Stop {
        name: SERVER,
        which: the_server,
        hops: &[&NAME, &PORT, &CERTIFICATE, &INFO, &KEY],
    }],
    goals: &[&WORKER_ENVIRONMENT],
};
