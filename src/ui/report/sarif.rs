//! SARIF 2.1.0, for code scanning. A rule is a check; a place is the line of the studio file that names the subject.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Audit;
use crate::domain::finding::{Finding, Severity, Since, Verdict};
use crate::domain::mark::CHECK_ID as OF_MARKS;
use crate::domain::subject::Subject;

/// The whole log, with one run in it.
pub fn sarif(audit: &Audit) -> Value {
    let checks = crate::checks::ALL;
    let rules: Vec<Value> = checks.iter().map(|c| rule(c)).collect();
    let place = |id: &str| checks.iter().position(|c| c.id == id);
    let results: Vec<Value> = audit
        .findings
        .iter()
        .map(|f| result(audit, f, place(f.check)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "studiolink",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "automationDetails": { "id": format!("studiolink/{}/{}", audit.account(), audit.region()) },
            "invocations": [{
                "executionSuccessful": audit.exit.code() != 130 && audit.exit.code() != 4,
                "exitCode": audit.exit.code(),
                "exitCodeDescription": audit.ended(),
                "endTimeUtc": audit.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(check: &crate::questions::Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.why },
        "help": { "text": super::checks::help(check), "markdown": super::checks::help(check) },
        "defaultConfiguration": { "level": match check.severity {
            Severity::Fail => "error",
            Severity::Warn => "warning",
        } },
        "properties": { "topic": check.topic, "grade": check.grade, "subject": check.kind() },
    })
}

/// SARIF tells what kind of result it is from how bad it is; only a failure has a level.
fn kind_and_level(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Fail | Verdict::ToDo => ("fail", "error"),
        Verdict::Warn => ("fail", "warning"),
        Verdict::Unknown => ("review", "none"),
        Verdict::WorkerOnly | Verdict::NotReached => ("open", "none"),
        Verdict::Skipped => ("notApplicable", "none"),
        Verdict::Ok => ("pass", "none"),
        // What it was says it, and the suppression says the rest.
        Verdict::Confirmed | Verdict::Ignored => ("review", "none"),
    }
}

fn result(audit: &Audit, finding: &Finding, rule: Option<usize>) -> Value {
    let (kind, level) = kind_and_level(finding.was.unwrap_or(finding.verdict));
    let mut text = format!("{}: {}", finding.name, finding.message);
    for (label, more) in [("why", &finding.why), ("fix", &finding.fix)] {
        if let Some(more) = more {
            let _ = write!(text, "\n{label}: {more}");
        }
    }
    let subject = finding.subject.id();
    let item = finding.item.as_ref().map(ToString::to_string);
    let print = [
        finding.check,
        &subject,
        finding.code,
        item.as_deref().unwrap_or_default(),
    ];
    let mut result = json!({
        "ruleId": finding.check,
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": { "text": text },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(audit.file_name()) },
                "region": { "startLine": line(audit, finding) },
            },
            "logicalLocations": [{
                "name": finding.name,
                "fullyQualifiedName": subject,
                "kind": finding.subject.kind(),
            }],
        }],
        "partialFingerprints": { "studiolink/v1": print.join("|") },
        "properties": {
            "code": finding.code,
            "verdict": finding.verdict.id(),
            "grade": finding.grade,
            "vantage": finding.vantage,
            "item": item,
            "fix": finding.fix,
        },
    });
    let state = finding.since.map(|since| match since {
        Since::New => "new",
        Since::Worse | Since::Changed | Since::Better | Since::Unseen => "updated",
        Since::Same => "unchanged",
    });
    if let Some(state) = state {
        result["baselineState"] = state.into();
    }
    if finding.was.is_some() {
        let why = finding.details.last().map(ToString::to_string);
        result["suppressions"] = json!([{ "kind": "external", "justification": why }]);
    }
    result
}

/// A path as a reference: nothing of a file's name may be taken for a scheme, a query or a fragment.
fn uri(path: &str) -> String {
    const IN_URI: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_')
        .remove(b'~');
    let path = path.replace('\\', "/");
    percent_encoding::utf8_percent_encode(&path, IN_URI).to_string()
}

/// An entry of the studio file knows its own line.
fn line(audit: &Audit, finding: &Finding) -> usize {
    let own = finding
        .details
        .first()
        .filter(|_| finding.check == OF_MARKS);
    let own = own.and_then(|d| d.as_str().strip_prefix("line ")?.parse().ok());
    own.unwrap_or_else(|| audit.line_of(&finding.subject))
}

/// As the studio file writes the subject; `None`: no line of it names one of that kind.
pub(super) fn words_of(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Account | Subject::Role(_) => None,
        Subject::Farm(farm) => Some(farm.to_string()),
        Subject::Queue(key) => Some(key.queue.to_string()),
        Subject::Fleet(key) | Subject::Connection(key) => Some(key.fleet.to_string()),
        Subject::Channel(channel) => Some(channel.as_str().to_owned()),
        Subject::Server(url) => Some(url.as_str().trim_end_matches('/').to_owned()),
    }
}
