//! The connections of a studio: from each fleet that publishes to the AYON server, by the path that the studio file
//! chooses for it.

use crate::domain::call::Vantage;
use crate::domain::choices::Tunnel;
use crate::domain::config::PathId;
use crate::domain::farm::Fleet;
use crate::domain::finding::Finding;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::reach::{self, Fit, Reach, WorkerPlace};
use crate::domain::subject::Subject;
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
    // A fleet that the studio file connects is meant to publish, and gets the role for it in the same plan.
    let connects = |key: &FleetKey| {
        let mut own = view.config(Part::Server).connections.iter();
        own.any(|c| c.fleet == key.fleet)
    };
    known
        .filter(|(key, f)| f.publishes(roles) || connects(key))
        .collect()
}

/// One fleet's way to the server, and the queues whose publish steps it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub key: FleetKey,
    pub queues: Vec<QueueKey>,
    pub chosen: Chosen,
}

impl Connection {
    /// Is what is said of that subject said of this connection too?
    pub fn is_about(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Connection(fleet) => *fleet == self.key,
            Subject::Queue(queue) => self.queues.contains(queue),
            _ => true,
        }
    }

    /// Is that said of it, and not by a worker of another fleet?
    pub fn tells(&self, finding: &Finding) -> bool {
        let other = matches!(&finding.vantage, Vantage::Worker(fleet) if *fleet != self.key);
        !other && self.is_about(&finding.subject)
    }

    pub fn can_work(&self) -> bool {
        self.chosen.reach.fit != Fit::Impossible
    }
}

/// The connections of the studio's queues, as far as their fleets are known; each once.
pub fn connections(view: &View) -> Vec<Connection> {
    let mut all: Vec<Connection> = Vec::new();
    for queue in &view.config(Part::Queues).queues {
        for (key, _) in publishing(view, queue) {
            if let Some(known) = all.iter_mut().find(|c| c.key == key) {
                known.queues.push(queue.clone());
            } else if let Some(chosen) = chosen(view, &key) {
                let queues = vec![queue.clone()];
                all.push(Connection {
                    key,
                    queues,
                    chosen,
                });
            }
        }
    }
    all
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

/// Does any fleet's workers reach the server by a path that this machine need not have?
pub fn goes_another_way(view: &View) -> bool {
    let by_another = |path: PathId| matches!(path, PathId::Lattice | PathId::Ssm | PathId::Vpn);
    connections(view).iter().any(|c| by_another(c.chosen.path))
}
