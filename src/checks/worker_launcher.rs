//! AYON's launcher starts on a worker, without windows.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-launcher",
    title: "AYON starts on a worker without windows",
    why: "it is the last thing before a publish, and everything before may be right while it fails",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "ayon")
}
