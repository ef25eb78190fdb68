//! Systems Manager: from any worker to a machine that it manages. Three hops: the machine, the account's preferences, and a
//! session as the queue role, through which AYON is asked (setup opens it, an audit does not).

use super::Leg;
use crate::checks::tunnel_hops::{NODE, SESSION, SETTINGS};

pub(super) const LEG: Leg = Leg {
    id: "ssm",
    title: "Systems Manager",
    hops: &[&NODE, &SETTINGS, &SESSION],
};
