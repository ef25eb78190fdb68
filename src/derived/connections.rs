//! The connections of a studio: from each fleet that publishes to the AYON server, by the path that the studio file
//! chooses for it.

use crate::domain::choices::Tunnel;
use crate::domain::config::PathId;
use crate::domain::farm::Fleet;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::reach::{self, Fit, Reach, WorkerPlace};
use crate::questions::{FleetDetails, Part, View};

use super::solve_questions::active_fleets;

/// One fleet's connection as it is chosen, and whether it can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    pub path: PathId,
    pub place: WorkerPlace,
    pub reach: Reach,
}

/// The fleets that take the queue's publish steps; those of which that is not known are left out.
pub fn publishing<'a>(view: &View<'a>, queue: &QueueKey) -> Vec<(FleetKey, &'a Fleet)> {
    let roles = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    let fleets = active_fleets(view, queue).unwrap_or_default();
    let known = fleets
        .into_iter()
        .filter_map(|(key, f)| Some((key, f.known()?)));
    known.filter(|(_, f)| f.publishes(roles)).collect()
}

/// The connection of a fleet; `None` while the fleet is not known.
pub fn chosen(view: &View, key: &FleetKey) -> Option<Chosen> {
    let config = view.config(Part::Server);
    let fleet = view.fact(&FleetDetails(key.clone())).known()?;
    let place = WorkerPlace::of(&fleet.management, config.machines_of(&key.fleet));
    let path = config.path_of(&key.fleet);
    Some(Chosen {
        path,
        place,
        reach: reach::of(config.server.location, place, path),
    })
}

/// The paths that this version checks and does not set up, of the connections that can work; of the studio file's own path
/// where no fleet is known to publish.
pub fn not_set_up(view: &View) -> Vec<PathId> {
    let mut paths = Vec::new();
    let (mut any, mut add) = (false, |path: PathId| {
        if !path.is_set_up() && !paths.contains(&path) {
            paths.push(path);
        }
    });
    for queue in &view.config(Part::Queues).queues {
        for (key, _) in publishing(view, queue) {
            any = true;
            if let Some(chosen) = chosen(view, &key).filter(|c| c.reach.fit != Fit::Impossible) {
                add(chosen.path);
            }
        }
    }
    if !any {
        add(view.config(Part::Server).server.path);
    }
    paths
}

/// Where the tunnel of Systems Manager ends, where one is chosen and named.
pub fn tunnel<'a>(view: &View<'a>) -> Option<&'a Tunnel> {
    let chosen = view.config(Part::Server).chooses(PathId::Ssm);
    view.config(Part::Tunnel).tunnel.as_ref().filter(|_| chosen)
}

/// The paths that would work for such workers, the recommended one first.
pub fn that_work(view: &View, place: WorkerPlace) -> Vec<(PathId, Reach)> {
    let location = view.config(Part::Server).server.location;
    let all = PathId::ALL
        .iter()
        .map(|p| (*p, reach::of(location, place, *p)));
    let mut fit: Vec<(PathId, Reach)> = all.filter(|(_, r)| r.fit < Fit::Impossible).collect();
    fit.sort_by_key(|(_, r)| r.fit);
    fit
}
