//! The queue role can open the tunnel of path `ssm` and close it again, tried with its own credentials.

use super::prelude::*;
use crate::derived::channel_refusal::why_no_credentials;
use crate::domain::call::Vantage;
use crate::domain::config::PathId;
use crate::domain::ids::QueueKey;
use crate::probes::OpenSession;
use crate::questions::{Part, QueueDetails};

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
    let server = &view.config(Part::Server).server;
    if server.path != PathId::Ssm {
        return Vec::new();
    }
    let queue = view.fact(&QueueDetails(key.clone())).known();
    let Some(tunnel) = &view.config(Part::Tunnel).tunnel else {
        let line = "No session was tried and no permission for one is set: the studio file names no instance";
        let fix = "add [ssm] with instance = \"i-…\" or \"mi-…\" to the studio file";
        return vec![Finding::skipped("no-instance", line).fix(fix)];
    };
    if queue.is_none_or(|q| q.role.is_none()) {
        return Vec::new(); // queue-status and queue-role say why
    }
    let port = server.url.port_or_known_default().unwrap_or(443);
    let from = Vantage::QueueRole(key.clone());
    let mut findings = assessed(view, &OpenSession(tunnel.clone(), port), &from);
    for finding in &mut findings {
        if finding.code == "no-credentials"
            && let Some((why, fix)) = why_no_credentials(view, key)
        {
            finding.why = Some(why.into());
            finding.fix = Some(fix.into());
        }
    }
    findings
}
