//! Systems Manager: from any worker to a machine that it manages. Four hops: the account's preferences, what the queue
//! role may, the machine, and a session as the queue role through which AYON is asked (setup opens it, an audit does not).

use super::{Leg, Stop};
use crate::checks::tunnel_hops::{NODE, PERMISSIONS, SESSION, SETTINGS};
use crate::derived::connections::tunnel;
use crate::domain::ids::FleetKey;
use crate::domain::text::Printable;
use crate::goals::of_legs::{TUNNEL, WORKER_ENVIRONMENT};
use crate::questions::View;

pub(super) const LEG: Leg = Leg {
    id: "ssm",
    stops: &[
        Stop {
            name: "Systems Manager",
            which: as_whom,
            hops: &[&SETTINGS, &PERMISSIONS],
        },
        // A session is the last to be tried: it needs all of the others, and fails with each of them.
        Stop {
            name: "managed node",
            which: the_node,
            hops: &[&NODE, &SESSION],
        },
    ],
    goals: &[&TUNNEL, &WORKER_ENVIRONMENT],
};

fn as_whom(_: &View, _: &FleetKey) -> Printable {
    "as the queue role".into()
}

fn the_node(view: &View, _: &FleetKey) -> Printable {
    tunnel(view)
        .map(|t| t.instance.as_str().into())
        .unwrap_or_default()
}
