//! For programs: one document, versioned, with the evidence of each finding.

use serde_json::{Value, json};

use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::{AccountId, Region};
use crate::goals::ManualStep;
use crate::resources::Plan;

pub const SCHEMA: u32 = 2;

pub fn finding(finding: &Finding) -> Value {
    let evidence: Vec<Value> = finding
        .evidence
        .iter()
        .map(|e| json!({ "what": e.what, "calls": e.calls.as_ref() }))
        .collect();
    json!({
        "check": finding.check,
        "topic": finding.topic,
        "severity": finding.severity,
        "subject": finding.subject,
        "name": finding.name,
        "item": finding.item,
        "verdict": finding.verdict.id(),
        "code": finding.code,
        "grade": finding.grade,
        "vantage": finding.vantage,
        "message": finding.message,
        "why": finding.why,
        "fix": finding.fix,
        "details": finding.details,
        "cured_by": finding.cured_by,
        "was": finding.was.map(Verdict::id),
        "since": finding.since,
        "evidence": evidence,
    })
}

/// Subject by subject, and in each the worst first.
pub fn findings<'a>(list: impl IntoIterator<Item = &'a Finding>) -> Value {
    let groups = super::by_subject(list).into_iter();
    groups.flatten().map(finding).collect()
}

pub fn place(place: &super::Place) -> Value {
    json!({
        "profile": place.profile,
        "account": place.account,
        "region": place.region,
        "queues": place.queues,
        "not_checked": place.unchecked,
    })
}

pub fn changes(plan: &Plan) -> Value {
    let change = |c: &crate::resources::Change| {
        let lines = super::diff::diff(c);
        let lines: Vec<String> = lines.iter().map(super::diff::DiffLine::whole).collect();
        let channels: Vec<&str> = c.reads.iter().map(|(_, c)| c.as_str()).collect();
        json!({
            "id": c.id,
            "kind": c.resource.kind(),
            "operation": c.operation(),
            "resource": c.words(),
            // Its ids and ARNs, whole.
            "target": c.resource,
            "because": c.because,
            "warning": c.warning,
            "risk": c.risk.map(|r| json!({ "kind": r, "stops_jobs": r.breaks_jobs() })),
            "reads_first": channels,
            "needs": c.needs,
            "otherwise": c.otherwise(),
            "undo": c.undo(),
            "diff": lines,
        })
    };
    plan.changes.iter().map(change).collect()
}

pub fn manual_steps(list: &[ManualStep]) -> Value {
    list.iter()
        .map(|l| json!({ "for": l.for_whom, "what": l.what, "paste": l.paste }))
        .collect()
}

/// A document of that kind, with what every document says.
pub fn document(
    kind: &str,
    account: Option<&AccountId>,
    region: Option<&Region>,
    exit: Exit,
    mut parts: Value,
) -> Value {
    let head = json!({
        "schema": SCHEMA,
        "kind": kind,
        "studiolink": env!("CARGO_PKG_VERSION"),
        "account": account,
        "region": region,
        "exit": exit.code(),
        "exit_means": exit.words(),
    });
    let mut whole = head;
    if let (Some(whole), Some(parts)) = (whole.as_object_mut(), parts.as_object_mut()) {
        whole.append(parts);
    }
    whole
}
