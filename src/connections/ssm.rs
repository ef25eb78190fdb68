//! Systems Manager: from any worker to a machine that it manages. Three hops: the account's preferences and a session as the
//! queue role, through which AYON is asked (setup opens it, an audit does not), and the machine.

use super::{Leg, Stop};
use crate::checks::tunnel_hops::{NODE, SESSION, SETTINGS};
use crate::derived::connections::tunnel;
use crate::domain::ids::FleetKey;
use crate::domain::text::Printable;
use crate::questions::View;

pub(super) const LEG: Leg = Leg {
    id: "ssm",
    stops: &[
        Stop {
            name: "Systems Manager session",
            which: as_whom,
            hops: &[&SETTINGS, &SESSION],
        },
        Stop {
            name: "managed node",
            which: the_node,
            hops: &[&NODE],
        },
    ],
};

fn as_whom(_: &View, _: &FleetKey) -> Printable {
    "as the queue role".into()
}

fn the_node(view: &View, _: &FleetKey) -> Printable {
    tunnel(view)
        .map(|t| t.instance.as_str().into())
        .unwrap_or_default()
}
