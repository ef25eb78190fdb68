//! AYON accepts the key that a worker has.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub const CHECK: Check = Check {
    id: "worker-key",
    title: "AYON accepts the worker's key",
    why: "the key in the secret may be another one than the key that this machine holds",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "key")
}
