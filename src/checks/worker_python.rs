//! A worker has a Python, which the rest of the probe needs.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-python",
    title: "A worker has Python",
    why: "the probe reads the rest with it, and AYON's publish step is Python too",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "worker")
}
