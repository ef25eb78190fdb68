//! A fleet that the studio file connects declares the `attr.role` that publish steps ask for. Deadline Cloud matches fleets:
//! what only a host's worker.toml says makes its fleet no match.

use crate::domain::config::FleetConnection;
use crate::domain::fleet_settings::with_role;
use crate::domain::ids::FleetKey;
use crate::questions::{FleetDetails, FleetSettings, Part, QueueFleets, View};
use crate::resources::AnyResource;

use super::lattice_path::edit;
use super::{Draft, Goal, nothing_manual};

pub const GOAL: Goal = Goal {
    id: "fleet-roles",
    title: "Each fleet with a [[connection]] takes publish steps",
    propose,
    manual: nothing_manual,
};

/// The id of the change of a fleet's configuration.
pub(super) fn fleet_change_id(key: &FleetKey) -> String {
    format!("fleet/{}", key.fleet)
}

/// The configuration as the service has it, and as the plan has left it so far.
pub(super) fn current(view: &View, draft: &mut Draft, key: &FleetKey) -> Option<(String, String)> {
    let settings = view.fact(&FleetSettings(key.clone()));
    draft.problem(settings.problem());
    let before = settings.known()?.configuration.clone();
    let own = |r: &AnyResource| matches!(r, AnyResource::FleetConfiguration(f) if f.fleet == *key);
    let planned = draft.plan.changes.iter().find(|c| own(&c.resource));
    let now = planned.and_then(|c| c.after.clone());
    Some((before.clone(), now.unwrap_or(before)))
}

fn propose(view: &View, draft: &mut Draft) {
    let publish = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    let Some(role) = publish.first() else {
        return; // any fleet takes them
    };
    let queues = &view.config(Part::Queues).queues;
    let connections: &[FleetConnection] = &view.config(Part::Server).connections;
    for connection in connections {
        // Which of the studio's farms it is in, its queues tell.
        let of_queue = |key: &&crate::domain::ids::QueueKey| {
            let list = view.fact(&QueueFleets((*key).clone())).known();
            list.is_some_and(|all| all.iter().any(|row| row.fleet == connection.fleet))
        };
        let Some(queue) = queues.iter().find(of_queue) else {
            continue; // connection-fleets says so
        };
        let key = queue.fleet(&connection.fleet);
        let fact = view.fact(&FleetDetails(key.clone()));
        draft.problem(fact.problem());
        let Some(fleet) = fact.known().filter(|f| !f.publishes(publish)) else {
            continue;
        };
        let declares = if fleet.roles.is_empty() {
            "declares none"
        } else {
            "declares others"
        };
        let because = format!(
            "publish steps ask for attr.role = {role}, and the fleet {declares}, so that it takes none of them, whatever worker.toml says on its hosts"
        );
        edit(view, draft, &key, (&because, &[]), &|text| {
            with_role(text, role)
        });
    }
}
