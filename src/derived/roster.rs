//! Which subjects there are: what each leads to, as it is known so far.

use crate::domain::subject::Subject;
use crate::questions::{FleetDetails, Part, QueueDetails, QueueFleets, View};

use super::connections::publishing;
use super::job_packages::server;
use super::role_use::role_of;

pub fn expand(view: &View, subject: &Subject) -> Vec<Subject> {
    match subject {
        Subject::Account => of_account(view),
        Subject::Queue(key) => {
            view.fact(&QueueDetails(key.clone()));
            let fleets = view.fact(&QueueFleets(key.clone())).known();
            let fleets = fleets
                .into_iter()
                .flatten()
                .map(|row| Subject::Fleet(key.fleet(&row.fleet)));
            let role = role_of(view, key).map(Subject::Role);
            let connections = server(view).map(|_| publishing(view, key));
            let connections = connections.into_iter().flatten();
            let connections = connections.map(|(fleet, _)| Subject::Connection(fleet));
            role.into_iter().chain(fleets).chain(connections).collect()
        }
        Subject::Fleet(key) => {
            let fleet = view.fact(&FleetDetails(key.clone())).known();
            let role = fleet.and_then(crate::domain::farm::Fleet::role_arn);
            role.map(Subject::Role).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What the studio file names: its queues and their farms, its channels, its server, the roles of its machines.
fn of_account(view: &View) -> Vec<Subject> {
    let mut list: Vec<Subject> = Vec::new();
    for key in &view.config(Part::Queues).queues {
        let farm = Subject::Farm(key.farm.clone());
        if !list.contains(&farm) {
            list.push(farm);
        }
    }
    let queues = view.config(Part::Queues).queues.iter();
    list.extend(queues.cloned().map(Subject::Queue));
    let channels = view.config(Part::Channels).channels.iter();
    list.extend(channels.cloned().map(Subject::Channel));
    list.extend(server(view).map(Subject::Server));
    let hosts = view.config(Part::Iam).iam.worker_hosts.iter();
    list.extend(hosts.cloned().map(Subject::Role));
    list
}
