//! A worker reaches the server's port.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub const CHECK: Check = Check {
    id: "worker-port",
    title: "A worker reaches the server's port",
    why: "routes and firewalls of workers are not those of this machine",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "tcp")
}
