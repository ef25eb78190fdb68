//! The queue role's documents allow the tunnel: opening a session, its data channel, resuming and closing it.

use super::prelude::*;
use crate::derived::role_access::access;
use crate::derived::role_findings::{ON_A_CONDITION, Words, of_access, of_role};
use crate::derived::role_use::{needs, role_of};
use crate::domain::choices::RoleUse;
use crate::domain::config::PathId;
use crate::domain::finding::Verdict;
use crate::domain::ids::QueueKey;
use crate::domain::needs::Serves;
use crate::questions::Part;

pub const CHECK: Check = Check {
    id: "tunnel-permissions",
    title: "The queue role's policies allow the tunnel",
    why: "on the path ssm a worker opens, resumes and closes a Systems Manager session as the queue role",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    if !view.config(Part::Server).chooses(PathId::Ssm) {
        return Vec::new();
    }
    let Some(arn) = role_of(view, key) else {
        return Vec::new(); // queue-role says so
    };
    of_role(view, &arn, RoleUse::Queue, |used, role| {
        let mut needs = needs(view, used);
        needs.retain(|n| n.serves == Serves::Tunnel);
        if needs.is_empty() {
            return Vec::new(); // tunnel-as-queue-role says that no machine is named
        }
        let words = Words {
            missing: Verdict::Fail,
            why: CHECK.why,
            fix: Fix::setup("adds it to the inline policy studiolink-queue"),
            depends: ON_A_CONDITION,
            ok: "Can open, resume and close the tunnel's session, by its documents",
        };
        vec![of_access(role, &access(role, &needs), &words)]
    })
}
