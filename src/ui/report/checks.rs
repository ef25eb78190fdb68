//! The catalogue of the checks, and a page for each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::markdown::plain;
use crate::domain::finding::{Grade, Severity};
use crate::domain::subject::SubjectKind;
use crate::questions::Check;

/// What kind of evidence it rests on, in words.
fn rests_on(grade: Grade) -> &'static str {
    match grade {
        Grade::Documents => "what documents and settings say should be",
        Grade::Simulated => "what IAM's simulation says would be",
        Grade::Tried => "what was tried and happened",
    }
}

fn about(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Account => "the identity that is signed in, and the studio file",
        SubjectKind::Farm => "each farm",
        SubjectKind::Queue => "each queue",
        SubjectKind::Fleet => "each fleet",
        SubjectKind::Role => "each role",
        SubjectKind::Channel => "each conda channel",
        SubjectKind::Server => "the AYON server",
        SubjectKind::Connection => "each fleet's connection to the server",
    }
}

fn worst(severity: Severity) -> &'static str {
    match severity {
        Severity::Fail => "FAIL",
        Severity::Warn => "WARN",
    }
}

/// What was written down of a check while studios with one fault each were checked (`tests/studios.rs`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Known {
    /// Of the caller, for its questions and live tests; what a path that is not chosen would take is not asked.
    pub permissions: Vec<String>,
    /// The changes of setup that cure it.
    pub changes: Vec<String>,
    pub says: Vec<Says>,
}

/// One of the things that it says, as an example.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Says {
    pub code: String,
    pub verdict: String,
    pub message: String,
    pub fix: Option<String>,
}

/// Without consent an audit does not ask for it.
const LENDS: &str = "deadline:AssumeQueueRoleForUser";

/// By the check's id.
pub fn known() -> &'static BTreeMap<String, Known> {
    static KNOWN: LazyLock<BTreeMap<String, Known>> = LazyLock::new(|| {
        let text = include_str!("../../../assets/checks.json");
        serde_json::from_str(text).unwrap_or_default()
    });
    &KNOWN
}

fn what_is_known(out: &mut String, known: &Known) {
    if !known.permissions.is_empty() {
        let each = known.permissions.iter().map(|p| match p.as_str() {
            LENDS => format!("`{p}` (setup, and an audit with --as-queue-role or --open-session)"),
            _ => format!("`{p}`"),
        });
        let each: Vec<String> = each.collect();
        let _ = writeln!(out, "- asks with: {}", each.join(", "));
    }
    if !known.changes.is_empty() {
        let _ = writeln!(
            out,
            "- `studiolink setup` fixes it where it can: {}",
            known.changes.join(", ")
        );
    }
    if known.says.is_empty() {
        return;
    }
    out.push_str("\nWhat it says, for example:\n");
    for says in &known.says {
        let _ = writeln!(
            out,
            "\n- {} `{}`: {}",
            says.verdict,
            says.code,
            plain(&says.message)
        );
        if let Some(fix) = &says.fix {
            let _ = writeln!(out, "  - fix: {}", plain(fix));
        }
    }
}

/// A page in Markdown.
pub fn page(check: &Check) -> String {
    written(check, true)
}

/// The same without examples, for a report on a studio: there they would be taken for its own.
pub fn help(check: &Check) -> String {
    written(check, false)
}

fn written(check: &Check, with_examples: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {}\n\n{}.\n",
        check.id,
        check.title.trim_end_matches('.')
    );
    let _ = writeln!(
        out,
        "Why it matters: {}.\n",
        check.why.trim_end_matches('.')
    );
    let _ = writeln!(out, "- about: {}", about(check.kind()));
    let _ = writeln!(out, "- the worst that it says: {}", worst(check.severity));
    let _ = writeln!(out, "- rests on: {}", rests_on(check.grade));
    let _ = writeln!(out, "- part of the studio: {}", check.topic.word());
    if !check.in_audit {
        let _ = writeln!(out, "- runs in `studiolink setup` alone");
    }
    if let Some(known) = known().get(check.id).filter(|_| with_examples) {
        what_is_known(&mut out, known);
    }
    if !check.in_audit || check.id == crate::domain::mark::CHECK_ID {
        return out;
    }
    let _ = writeln!(
        out,
        "\nTo leave a finding of it aside, in the studio file:\n\n```toml\n[[ignore]]\ncheck = \"{}\"\nsubject = \"…\"\nreason = \"…\"\nexpires = 2027-01-31\n```",
        check.id
    );
    out
}

/// One line each, for a terminal.
pub fn list(checks: &[&Check]) -> String {
    let width = checks.iter().map(|c| c.id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for check in checks {
        let _ = writeln!(
            out,
            "{:width$}  {}  {}",
            check.id,
            worst(check.severity),
            check.title
        );
    }
    out
}

pub fn json_of(check: &Check) -> Value {
    let known = known().get(check.id).cloned().unwrap_or_default();
    json!({
        "id": check.id,
        "title": check.title,
        "why": check.why,
        "topic": check.topic,
        "subject": check.kind(),
        "severity": check.severity,
        "grade": check.grade,
        "in_audit": check.in_audit,
        "permissions": known.permissions,
        "changes": known.changes,
        "says": known.says,
    })
}
