//! Who makes the calls.

use super::prelude::*;
use crate::domain::text::Printable;
use crate::questions::CallerIdentity;

pub(super) const CHECK: Check = Check {
    id: "caller-identity",
    title: "The identity that is signed in is known",
    why: "every other answer depends on the identity that asks",
    topic: Topic::Identity,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Account(check),
};

fn check(view: &View) -> Vec<Finding> {
    let fact = view.fact(&CallerIdentity);
    let finding = match fact.known() {
        Some(caller) => Some(Finding::ok(format!(
            "Signed in to account {} as {}",
            caller.account,
            Printable::short(caller.arn.raw(), 160)
        ))),
        None => Finding::unread("who is signed in", fact),
    };
    with_evidence(finding, view.evidence(&CallerIdentity))
}
