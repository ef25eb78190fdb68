//! The queue role can open the tunnel of path `ssm` and close it again, tried with its own credentials.

use super::prelude::*;
use crate::domain::config::PathId;
use crate::domain::ids::QueueKey;
use crate::probes::OpenSession;
use crate::questions::Part;

pub const CHECK: Check = Check {
    id: "tunnel-as-queue-role",
    title: "The queue role opens and closes a Systems Manager session",
    why: "on the path ssm a worker reaches the server through such a session; one that it can't close stays open for the idle time",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let config = view.config(Part::Server);
    let server = &config.server;
    if !config.chooses(PathId::Ssm) {
        return Vec::new();
    }
    let Some(tunnel) = &view.config(Part::Tunnel).tunnel else {
        let line = "No session was tried and no permission for one is set: the studio file names no instance";
        let fix = "add [ssm] with instance = \"i-…\" or \"mi-…\" to the studio file";
        return vec![
            Finding::fail("no-instance", line)
                .why("the path has no end, so that no worker reaches the server by it")
                .fix(fix),
        ];
    };
    as_queue_role(
        view,
        key,
        &OpenSession(tunnel.clone(), tunnel.behind(&server.url)),
    )
}
