//! A session has what AYON's launcher reads from its environment.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-variables",
    title: "A session has the server's address, the key and writable folders",
    why: "AYON's launcher reads them from the environment, and ends where one is missing",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "variables")
}
