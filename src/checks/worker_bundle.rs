//! A worker sees the bundle that it is to run.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-bundle",
    title: "A worker sees its bundle on the server",
    why: "without one the launcher ends",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "bundle")
}
