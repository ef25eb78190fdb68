//! A fleet whose path is SSM gets its tunnel on the worker: one queue environment opens it before anything needs the
//! server, keeps it open, and closes it at the end of the session.

use crate::derived::conda_environment::environments;
use crate::derived::connections::{connections, tunnel};
use crate::derived::job_packages::is_named;
use crate::derived::role_use::role_of;
use crate::derived::solve_questions::active_fleets;
use crate::domain::config::PathId;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::{FleetId, QueueKey};
use crate::domain::template::{SERVER_URL, Template};
use crate::domain::text::Untrusted;
use crate::domain::worker_environment::{self, KIND, TUNNEL_NAME, TunnelEnvironment};
use crate::questions::{Part, View};
use crate::resources::{Change, EnvironmentTemplate};

use super::queue_channels::{MOST_ENVIRONMENTS, role_changes};
use super::worker_environment::{environment_change_id, place, planned, read_all};
use super::{Draft, Goal, nothing_manual};

pub const GOAL: Goal = Goal {
    id: "tunnel-environment",
    title: "Each fleet with the path \"ssm\" has its tunnel on the worker",
    propose,
    manual: nothing_manual,
};

fn propose(view: &View, draft: &mut Draft) {
    let url = &view.config(Part::Server).server.url;
    if !is_named(url) {
        return;
    }
    let all = connections(view);
    let by_tunnel: Vec<_> = all
        .iter()
        .filter(|c| c.chosen.path == PathId::Ssm && c.can_work())
        .collect();
    let queues = &view.config(Part::Queues).queues;
    let own = |key: &QueueKey| -> Vec<FleetId> {
        let own = by_tunnel.iter().filter(|c| c.queues.contains(key));
        let mut fleets: Vec<FleetId> = own.map(|c| c.key.fleet.clone()).collect();
        fleets.sort_unstable();
        fleets
    };
    for key in queues.iter().filter(|key| own(key).is_empty()) {
        take_away(view, draft, key);
    }
    if by_tunnel.is_empty() {
        return;
    }
    let Some(end) = tunnel(view) else {
        draft
            .refuse("the path \"ssm\" has no end: write instance = \"i-…\" or \"mi-…\" into [ssm]");
        return;
    };
    let behind = end.behind(url);
    if behind.scheme() != "http" {
        draft.refuse("no tunnel is made: the server's certificate does not fit 127.0.0.1, where a worker finds the tunnel; write port = 5000 into [ssm], AYON's own plain listener (the tunnel itself is encrypted)");
        return;
    }
    for key in queues {
        let fleets = own(key);
        if fleets.is_empty() {
            continue;
        }
        let environment = TunnelEnvironment {
            tunnel: end,
            port: behind.port_or_known_default().unwrap_or(80),
            region: view.region().as_str(),
            fleets,
        };
        of_queue(view, draft, key, &environment);
    }
}

fn change_id(key: &QueueKey) -> String {
    format!("tunnel-environment/{}", key.queue)
}

/// A tunnel that setup made, where no fleet of the queue has that path any more: left there, its address would win over the one
/// that is right now. Only where every fleet of the queue is known.
fn take_away(view: &View, draft: &mut Draft, key: &QueueKey) {
    let known =
        active_fleets(view, key).is_ok_and(|all| all.iter().all(|(_, f)| f.known().is_some()));
    if !known || draft.wishes.left_out.contains(&change_id(key)) {
        return;
    }
    let parsed = environments(view, key).into_iter();
    let own = |e: &&QueueEnvironment| {
        let parsed = e.template.parsed.as_ref();
        parsed.is_ok_and(|t| t.is_made_here && t.opens_tunnel)
    };
    let Some(environment) = parsed.into_iter().find(own) else {
        return;
    };
    let resource = EnvironmentTemplate {
        queue: key.clone(),
        id: Some(environment.id.clone()),
        name: environment.name.clone(),
        priority: environment.priority,
        template_type: environment.template.kind,
    };
    let before = Some(environment.template.text.clone());
    let because = "no fleet of the queue that publishes has the path \"ssm\" any more, and a tunnel's address would win over the one that is right now";
    let change = Change::new(change_id(key), resource, before, None, because);
    draft.add(change.named(view.queue_name(key).to_width(40)));
}

fn of_queue(view: &View, draft: &mut Draft, key: &QueueKey, wanted: &TunnelEnvironment) {
    let id = change_id(key);
    if draft.wishes.left_out.contains(&id) {
        return;
    }
    let Some(all) = read_all(view, draft, key) else {
        return;
    };
    let name = view.queue_name(key);
    let found = all.iter().find(|(_, t)| t.is_made_here && t.opens_tunnel);
    // A tunnel to AYON that the studio opens itself stays; one to something else, as to a licence server, is none.
    let foreign = |t: &Template| !t.is_made_here && t.opens_tunnel && t.gives(SERVER_URL);
    if found.is_none() && all.iter().any(|(_, t)| foreign(t)) {
        return;
    }
    let Some(role) = role_of(view, key) else {
        draft.refuse(format!(
            "queue {name} gets no tunnel: it has no role that could open a session"
        ));
        return;
    };
    let text = wanted.template();
    let mut resource = EnvironmentTemplate {
        queue: key.clone(),
        id: None,
        name: Untrusted::new(TUNNEL_NAME),
        priority: 0,
        template_type: KIND,
    };
    let change = if let Some((environment, _)) = found {
        let before = &environment.template.text;
        if worker_environment::is_same(before, &text) {
            return;
        }
        resource.id = Some(environment.id.clone());
        resource.priority = environment.priority;
        let because = "the studio file says something else of the tunnel than the environment that setup made";
        Change::new(id, resource, Some(before.clone()), Some(text), because)
    } else {
        if all.len() + planned(draft, key) >= MOST_ENVIRONMENTS {
            draft.refuse(format!("queue {name} has {} environments already, and the service accepts {MOST_ENVIRONMENTS}: none for the tunnel is added", all.len()));
            return;
        }
        // Where the environment with the server stands, so that both come before what makes conda environments.
        let given = all
            .iter()
            .find(|(_, t)| t.gives(SERVER_URL) && !t.opens_tunnel);
        let priority = given.map_or_else(|| place(draft, key, &all).0, |(e, _)| e.priority);
        resource.priority = priority;
        let because = format!(
            "workers reach the server by {} alone, through a session that each opens for itself (0.6 to 0.8 MB/s, whatever the machine: a bundle of 300 MB takes about 7 minutes on a fresh worker)",
            wanted.tunnel.instance
        );
        Change::new(id, resource, None, Some(text), because)
    };
    let own = [environment_change_id(key)];
    let mut needs = role_changes(draft, key, &role);
    needs.extend(own.into_iter().filter(|id| draft.has(id)));
    needs.sort_unstable();
    draft.add(change.named(name.to_width(40)).needs(needs));
}
