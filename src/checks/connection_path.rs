//! The path that the studio file chooses for a fleet leads from its workers to the server.

use super::prelude::*;
use crate::derived::connections::{chosen, that_work};
use crate::domain::ids::FleetKey;
use crate::domain::reach::{Fit, MachinePlace};
use crate::questions::{FleetDetails, Part};

pub(super) const CHECK: Check = Check {
    id: "connection-path",
    title: "The connection path leads from the fleet's workers to the server",
    why: "a path that does not start where the workers are, or does not end where the server is, never works",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let Some(chosen) = chosen(view, key) else {
        return Vec::new(); // fleet-status says why
    };
    let location = view.config(Part::Server).server.location;
    let path = chosen.path.word();
    let workers = chosen.place.words();
    let there = format!("a server whose location is \"{}\"", location.word());
    let finding = match chosen.reach.fit {
        Fit::Impossible => {
            let better = that_work(view, chosen.place);
            let better = better.iter().map(|(path, reach)| match reach.fit {
                Fit::Recommended => format!("path = \"{}\" (recommended)", path.word()),
                _ => format!("path = \"{}\"", path.word()),
            });
            let better: Vec<String> = better.collect();
            let line = format!("Path \"{path}\" does not lead from {workers} to {there}");
            let fix = format!(
                "choose {} in [server], or for this fleet alone in a [[connection]]",
                better.join(" or ")
            );
            Finding::fail("impossible", line).fix(fix)
        }
        Fit::Unknown => {
            let line = format!("Path \"{path}\" can't be judged for {workers}");
            Finding::unknown("unknown-fleet", line)
                .fix("use the newest studiolink, or ask a real worker")
        }
        Fit::Recommended | Fit::Possible => {
            let assumed = match chosen.reach.stands {
                Some(MachinePlace::Vpc) => ", if they stand in the VPC",
                Some(MachinePlace::Lan) => ", if they stand on the studio LAN",
                None => "",
            };
            let fit = chosen.reach.fit.word();
            let line = format!("Path \"{path}\" is {fit} from {workers} to {there}{assumed}");
            Finding::ok(line)
        }
    };
    vec![
        finding
            .why(chosen.reach.why)
            .from(view.evidence(&FleetDetails(key.clone()))),
    ]
}
