//! A worker has disk space.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-disk",
    title: "A worker has disk space",
    why: "conda packages and AYON's addons take some gigabytes",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "disk")
}
