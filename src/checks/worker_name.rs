//! A worker resolves the server's name.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub const CHECK: Check = Check {
    id: "worker-name",
    title: "A worker resolves the server's name",
    why: "workers ask other name servers than this machine does",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "dns")
}
