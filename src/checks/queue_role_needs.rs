//! The queue role's documents allow what the studio's other choices need: attachments, logs, the secret, the tunnel.

use super::prelude::*;
use crate::derived::role_access::access;
use crate::derived::role_findings::{ON_A_CONDITION, Words, of_access, of_role};
use crate::derived::role_use::needs;
use crate::domain::choices::RoleUse;
use crate::domain::finding::Verdict;
use crate::domain::ids::RoleArn;
use crate::domain::needs::{Need, Serves};
use crate::domain::text::Printable;

pub(super) const CHECK: Check = Check {
    id: "queue-role-needs",
    title: "The queue role's policies allow what a session needs, channels aside",
    why: "job attachments, the sessions' logs and the secret with the AYON key are all reached as the queue role",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    of_role(view, arn, RoleUse::Queue, |used, role| {
        let mut needs = needs(view, used);
        // AWS's own software and the tunnel have checks of their own: losing the one breaks every job, the other is a hop.
        let has_own = |n: &Need| matches!(n.serves, Serves::AwsSoftware | Serves::Tunnel);
        needs.retain(|n| !n.is_of_channels() && !has_own(n));
        let reason = |n: &Need| Printable::from(format!("{}: {}", n.actions.join(", "), n.because));
        let reasons: Vec<Printable> = needs.iter().map(reason).collect();
        let all = access(role, &needs);
        // No session stops for want of its log's reader.
        let logs: Vec<Need> = needs
            .into_iter()
            .filter(|n| n.serves == Serves::Logs)
            .collect();
        let only_logs = access(role, &logs).wrong().count() == all.wrong().count();
        let words = Words {
            missing: if only_logs {
                Verdict::Warn
            } else {
                Verdict::Fail
            },
            why: CHECK.why,
            fix: Fix::setup("adds it to the inline policy studiolink-queue"),
            depends: ON_A_CONDITION,
            ok: "Can do what a session needs, channels aside",
        };
        vec![of_access(role, &all, &words).details(reasons)]
    })
}
