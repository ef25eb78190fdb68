//! A worker finds the command `ayon`.

use super::prelude::*;
use crate::domain::ids::FleetKey;

pub(super) const CHECK: Check = Check {
    id: "worker-command",
    title: "A worker finds the command ayon",
    why: "a publish step that does not find it ends with \"ayon: command not found\"",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Connection(check),
};

fn check(view: &View, fleet: &FleetKey) -> Vec<Finding> {
    from_worker(view, fleet, "launcher")
}
