//! The resource configuration by which a fleet reaches the AYON server.

use crate::domain::fact::Fact;
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{ResourceConfiguration, Target, configuration_id};
use crate::domain::text::Printable;
use crate::questions::{FleetDetails, LatticeConfiguration, Part, View};

use super::connections::chosen;
use crate::domain::config::PathId;

/// Which one it is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its id; attached to the fleet or not.
    One { id: String, attached: bool },
    /// The fleet has none that carries the server's port, and the studio file names none.
    None,
    /// The fleet has several that could be it, and nothing tells which is AYON's.
    Several(Vec<String>),
}

/// The configuration of that fleet's connection; `None` where it does not go by VPC Lattice, or is not known yet.
pub fn which(view: &View, key: &FleetKey) -> Option<Which> {
    let chosen = chosen(view, key).filter(|c| c.path == PathId::Lattice)?;
    if chosen.reach.fit == crate::domain::reach::Fit::Impossible {
        return None; // connection-path says so
    }
    let attached = attached(view, key)?;
    if let Some(named) = &view.config(Part::Server).lattice.configuration {
        let id = configuration_id(named).to_owned();
        let attached = attached.contains(&id);
        return Some(Which::One { id, attached });
    }
    // One that carries another port leads to something else, as to a file server; so does one to another address than the
    // studio file's own.
    let config = view.config(Part::Server);
    let port = config.lattice_port();
    let elsewhere = |it: &ResourceConfiguration| match (&it.target, config.lattice.target) {
        (Target::Address(a), Some(target)) => a.raw().parse() != Ok(target),
        _ => false,
    };
    let mut ours = Vec::new();
    for id in attached {
        let fact = view.fact(&LatticeConfiguration(id.clone()));
        if fact.is_pending() {
            return None;
        }
        let leads = |c: &ResourceConfiguration| c.carries(port) && !elsewhere(c);
        if fact.known().is_none_or(leads) {
            ours.push(id);
        }
    }
    Some(match ours.as_slice() {
        [] => Which::None,
        [one] => Which::One {
            id: one.clone(),
            attached: true,
        },
        _ => Which::Several(ours),
    })
}

/// The ids of the configurations that the fleet uses.
pub fn attached(view: &View, key: &FleetKey) -> Option<Vec<String>> {
    let fleet = view.fact(&FleetDetails(key.clone())).known()?;
    let ids = fleet.configurations.iter();
    Some(
        ids.map(|arn| configuration_id(arn.raw()).to_owned())
            .collect(),
    )
}

/// The configuration itself, once it is known which one it is.
pub fn configuration<'a>(
    view: &View<'a>,
    key: &FleetKey,
) -> Option<(String, &'a Fact<ResourceConfiguration>)> {
    let Which::One { id, .. } = which(view, key)? else {
        return None;
    };
    let fact = view.fact(&LatticeConfiguration(id.clone()));
    Some((id, fact))
}

/// A configuration as people call it.
pub fn name(view: &View, id: &str) -> Printable {
    let known = view.peek(&LatticeConfiguration(id.to_owned())).known();
    known.map_or_else(|| id.into(), |c| format!("{} ({id})", c.name.show()).into())
}
