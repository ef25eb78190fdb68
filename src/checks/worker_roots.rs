//! The anatomy's roots are on a worker, and can be written.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-roots",
    title: "The roots of AYON's projects are on a worker",
    why: "a publish step writes there, unless job attachments carry its files",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "roots")
}
