//! Our inline policy as it would be written, read by Access Analyzer: no error in it, and nothing that it must not grant.

use super::prelude::*;
use crate::derived::our_policy::text_after;
use crate::derived::role_use::role_uses;
use crate::domain::choices::UsedRole;
use crate::domain::ids::RoleArn;
use crate::domain::lint::{Lint, Weight};
use crate::domain::permission::not_needed;
use crate::domain::text::Printable;
use crate::questions::PolicyValidation;

pub(super) const CHECK: Check = Check {
    id: "policy-lint",
    title: "Access Analyzer finds no fault with studiolink's policies",
    why: "IAM accepts policies that do not say what was meant; Access Analyzer reads them before they are written",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: false,
    run: Run::Role(check),
};

fn check(view: &View, arn: &RoleArn) -> Vec<Finding> {
    let uses = role_uses(view, arn);
    uses.iter().filter_map(|used| of_use(view, used)).collect()
}

fn of_use(view: &View, used: &UsedRole) -> Option<Finding> {
    let ours = used.of.policy()?;
    let (text, needs) = text_after(view, used)?;
    let (arn, region) = (&used.arn, view.region().to_string());
    let excess = not_needed(&needs, arn.partition(), arn.account(), &region);
    let asked = excess.len();
    let question = PolicyValidation(text, excess.into());
    let fact = view.fact(&question);
    let finding = match fact.known() {
        Some(lint) => of_lint(lint, ours, asked),
        None => {
            let problem = fact.problem()?;
            Finding::skipped(
                "not-validated",
                format!("{ours} was not read by Access Analyzer"),
            )
            .why(problem.because.as_str())
            .fix(format!(
                "{}, or continue without: nothing depends on it",
                problem.fix
            ))
        }
    };
    Some(finding.about(ours).from(view.evidence(&question)))
}

fn of_lint(lint: &Lint, ours: &str, asked: usize) -> Finding {
    let heavy = lint
        .flaws
        .iter()
        .filter(|f| f.weight <= Weight::SecurityWarning);
    let heavy = heavy.map(|f| format!("{}: {}", f.code.show(), f.details.show()));
    let heavy: Vec<String> = heavy.collect();
    let finding = if lint.flaws.iter().any(|f| f.weight == Weight::Error) {
        Finding::fail("errors", format!("Access Analyzer finds errors in {ours}: {}", heavy.join("; ")))
            .why(CHECK.why)
            .fix("correct the statements that are not studiolink's; it adds its own and changes no other")
    } else if lint.grants_more {
        Finding::warn(
            "grants-more",
            format!("{ours} might grant more than its needs (Access Analyzer)"),
        )
        .why("writing to a channel, other buckets, secrets or IAM are not needed for it")
        .fix("move the statements that are not studiolink's into a policy of their own")
    } else if heavy.is_empty() {
        let grants = format!("it grants none of {asked} things that it must not");
        Finding::ok(match lint.flaws.len() {
            0 => format!("Access Analyzer finds no fault with {ours}: {grants}"),
            notes => format!(
                "Access Analyzer finds no error and no security warning in {ours}: {grants}; {notes} smaller notes are in the details"
            ),
        })
    } else {
        Finding::warn(
            "warnings",
            format!("Access Analyzer on {ours}: {}", heavy.join("; ")),
        )
        .why(CHECK.why)
        .fix("correct the statements that are not studiolink's")
    };
    finding.details(lint.flaws.iter().map(|f| {
        Printable::from(format!(
            "{} {}: {}",
            f.weight.word(),
            f.code.show(),
            f.details.show()
        ))
    }))
}
