//! AYON itself answers a worker.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub const CHECK: Check = Check {
    id: "worker-info",
    title: "AYON answers a worker",
    why: "a proxy or another server may answer in its place",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "info")
}
