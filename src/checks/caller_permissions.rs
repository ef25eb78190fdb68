//! What this identity may do of what setup needs, by IAM's simulator. It blocks nothing.

use super::prelude::*;
use crate::derived::role_use::role_to_create;
use crate::domain::caller::NEW_ROLE_ACTIONS;
use crate::questions::{CallerPermissions, Part};

pub(super) const CHECK: Check = Check {
    id: "caller-permissions",
    title: "This identity may make the calls that setup makes",
    why: "a missing permission is best found before the first question, not in the middle of the changes",
    topic: Topic::Identity,
    grade: Grade::Simulated,
    severity: Severity::Warn,
    in_audit: false,
    run: Run::Account(check),
};

fn check(view: &View) -> Vec<Finding> {
    let fact = view.fact(&CallerPermissions);
    let evidence = view.evidence(&CallerPermissions);
    let Some(permissions) = fact.known() else {
        let what = "what this identity may do; that blocks nothing, each call will tell";
        return with_evidence(Finding::unread(what, fact), evidence);
    };
    // Creating a role counts only where a queue has none.
    let creates = |q| role_to_create(view, q).is_some();
    let creates = view.config(Part::Queues).queues.iter().any(creates);
    let counts = |a: &&String| creates || !NEW_ROLE_ACTIONS.contains(&a.as_str());
    let refused: Vec<&str> = permissions
        .refused
        .iter()
        .filter(counts)
        .map(String::as_str)
        .collect();
    let allowed = permissions.allowed.iter().filter(counts).count();
    let finding = match refused.as_slice() {
        [] => Finding::ok(format!(
            "All {allowed} calls that every setup makes are allowed (simulated by IAM); what a secret or a path takes besides is not asked beforehand"
        )),
        some => Finding::warn(
            "not-allowed",
            format!(
                "IAM's simulator does not allow this identity {}",
                listed(some, "calls that setup makes")
            ),
        )
        .why(
            "the simulation names no resource: permissions for just this farm or role count as \
            missing here and may still work; and it sees no policy of the organization or of the \
            session",
        )
        .fix(
            "run `studiolink policy --for setup` and have the policy added to this identity; or \
            continue: what can't be read stays UNKNOWN, what can't be written is not written",
        )
        .details(lines(some)),
    };
    vec![finding.from(evidence)]
}
