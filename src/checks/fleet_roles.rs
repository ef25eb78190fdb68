//! Publish steps ask for `attr.role`; a fleet must declare it, or they are NOT_COMPATIBLE (field facts G).

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};

pub struct FleetRoles;

impl Check for FleetRoles {
    fn id(&self) -> &'static str {
        "fleet-roles"
    }
    fn title(&self) -> &'static str {
        "Some fleet offers each attr.role that steps ask for"
    }
    fn why(&self) -> &'static str {
        "a step whose attr.role no fleet of the queue declares never runs: Deadline Cloud matches fleets, not worker.toml"
    }
    fn topic(&self) -> Topic {
        Topic::Queue
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .cloned()
            .map(Ask::Fleets)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let wanted = view.wanted;
        let fleets: Vec<_> = wanted
            .queues
            .iter()
            .filter_map(|q| view.studio.fleets(q).known())
            .flatten()
            .collect();
        if fleets.is_empty() || fleets.iter().any(|f| f.fleet.known().is_none()) {
            return Vec::new(); // queue-fleets says why
        }
        let offered: Vec<&str> = fleets
            .iter()
            .filter(|f| f.association == "ACTIVE")
            .filter_map(|f| f.fleet.known())
            .flat_map(|f| &f.roles)
            .map(crate::domain::text::Untrusted::raw)
            .collect();
        let asked = wanted.render_roles.iter().chain(&wanted.publish_roles);
        let missing: Vec<&str> = asked
            .map(String::as_str)
            .filter(|r| !offered.contains(r))
            .collect();
        let finding = if missing.is_empty() {
            says(self, Verdict::Ok, "Fleets offer every attr.role of [roles]")
        } else {
            says(self, Verdict::Warn, format!("No fleet of the queue offers attr.role = {}", missing.join(", ")))
                .why(self.why())
                .fix("add the value to a fleet's custom attribute attr.role, or correct [roles] in the studio file")
        };
        vec![
            wanted
                .queues
                .iter()
                .cloned()
                .fold(finding, |f, q| f.from(Source::Fact(Ask::Fleets(q)))),
        ]
    }
}
