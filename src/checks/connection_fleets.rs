//! Each `[[connection]]` of the studio file names a fleet that publishes: one that matches nothing decides nothing.

use super::prelude::*;
use crate::derived::connections::connections;
use crate::derived::solve_questions::active_fleets;
use crate::domain::config::FleetConnection;
use crate::domain::ids::FleetId;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "connection-fleets",
    title: "Each [[connection]] names a fleet that publishes",
    why: "an entry for another fleet decides nothing, and the fleet that was meant has the path of [server]",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Account(check),
};

fn check(view: &View) -> Vec<Finding> {
    let config = view.config(Part::Server);
    let queues = view.config(Part::Queues);
    if config.connections.is_empty() || queues.only_some_queues {
        return Vec::new();
    }
    let unread = |queue| match active_fleets(view, queue) {
        Ok(all) => all.iter().any(|(_, f)| f.known().is_none()),
        Err(_) => true,
    };
    if queues.queues.iter().any(unread) {
        return Vec::new(); // queue-fleets and fleet-status say why
    }
    let named: Vec<FleetId> = connections(view).into_iter().map(|c| c.key.fleet).collect();
    let others = config
        .connections
        .iter()
        .filter(|c| !named.contains(&c.fleet));
    let finding = |c: &FleetConnection| {
        let line = format!(
            "[[connection]] names {}, which takes no publish step of these queues",
            c.fleet
        );
        Finding::warn("no-such-fleet", line)
            .why(CHECK.why)
            .fix("correct the fleet's id, or take the entry out")
            .about(c.fleet.as_str())
    };
    others.map(finding).collect()
}
