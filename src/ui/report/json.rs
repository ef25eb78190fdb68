//! For programs: one document, versioned, with the evidence beside each finding.

use serde_json::{Value, json};

use crate::domain::change::Plan;
use crate::domain::finding::Finding;
use crate::domain::studio::Studio;
use crate::engine::left::Left;

pub const SCHEMA: u32 = 1;

pub fn finding(finding: &Finding, studio: &Studio) -> Value {
    let evidence: Vec<Value> = finding
        .sources
        .iter()
        .flat_map(|s| studio.calls(s))
        .map(|c| json!(c))
        .collect();
    json!({
        "check": finding.check,
        "topic": finding.topic,
        "verdict": finding.verdict,
        "could_fail": finding.could_fail,
        "says": finding.says,
        "why": finding.why,
        "fix": finding.fix,
        "details": finding.details,
        "evidence": evidence,
    })
}

pub fn findings(list: &[Finding], studio: &Studio) -> Value {
    super::in_order(list)
        .into_iter()
        .map(|f| finding(f, studio))
        .collect()
}

pub fn changes(plan: &Plan) -> Value {
    plan.changes
        .iter()
        .map(|c| {
            let lines: Vec<String> = super::diff::diff(c).iter().map(super::diff::DiffLine::whole).collect();
            json!({ "key": c.key, "operation": c.operation(), "thing": c.thing.words(), "because": c.because, "warning": c.warning, "undo": c.undo(), "diff": lines })
        })
        .collect()
}

pub fn left(list: &[Left]) -> Value {
    list.iter()
        .map(|l| json!({ "for": l.for_whom, "what": l.what, "paste": l.paste }))
        .collect()
}

/// A document of that kind, with what every document says.
pub fn document(kind: &str, studio: &Studio, exit: u8, mut parts: Value) -> Value {
    let head = json!({
        "schema": SCHEMA,
        "kind": kind,
        "studiolink": env!("CARGO_PKG_VERSION"),
        "account": studio.caller.known().map(|c| c.account.clone()),
        "region": studio.region,
        "exit": exit,
    });
    let mut whole = head;
    if let (Some(whole), Some(parts)) = (whole.as_object_mut(), parts.as_object_mut()) {
        whole.append(parts);
    }
    whole
}
