//! A worker got its conda environment.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-conda",
    title: "A worker gets its conda environment",
    why: "what a channel has does not prove what a session gets: priorities, guards and the job user decide on the worker",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "conda")
}
