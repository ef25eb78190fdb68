//! A worker trusts the server's certificate.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub const CHECK: Check = Check {
    id: "worker-certificate",
    title: "A worker trusts the server's certificate",
    why: "a private authority that this machine knows is unknown on a worker until somebody installs it",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "tls")
}
