//! For programs: one document, versioned, with the evidence of each finding. What is printed and what the schemas in
//! `docs/schema` say come from the same types.

use serde::Serialize;
use serde_json::{Value, json};

use super::baseline::{Gone, Row};
use super::diff::{DiffLine, diff};
use super::{Audit, by_subject};
use crate::domain::call::{Call, Vantage};
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Grade, Severity, Since, Topic, Verdict};
use crate::domain::ids::{AccountId, QueueKey, Region};
use crate::domain::risk::RiskKind;
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::goals::ManualStep;
use crate::resources::{AnyResource, Change, Plan};

/// Of all documents. A member may come to be in a version; none goes, and none changes its meaning.
pub const SCHEMA: u32 = 2;

/// What every document says.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Document<'a, T> {
    /// The version of this format.
    pub schema: u32,
    /// Which document it is.
    pub kind: &'a str,
    /// The version of studiolink that wrote it.
    pub studiolink: &'static str,
    /// The AWS account; of several, their numbers with commas. Null: it is not known who is signed in.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub account: Option<Printable>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub region: Option<Printable>,
    /// The exit code of the command.
    pub exit: u8,
    pub exit_means: String,
    #[serde(flatten)]
    pub parts: T,
}

impl<'a, T: Serialize> Document<'a, T> {
    pub fn new(
        kind: &'a str,
        account: Option<&AccountId>,
        region: Option<&Region>,
        exit: Exit,
        parts: T,
    ) -> Self {
        Self {
            schema: SCHEMA,
            kind,
            studiolink: env!("CARGO_PKG_VERSION"),
            account: account.map(|a| Printable::new(a.as_str())),
            region: region.map(|r| Printable::new(r.as_str())),
            exit: exit.code(),
            exit_means: exit.words().to_owned(),
            parts,
        }
    }

    /// Written as it is: of thousands of findings a tree of values would be many times the text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("names are texts: {e}"))
    }
}

/// A document of that kind, with what every document says.
pub fn document(
    kind: &str,
    account: Option<&AccountId>,
    region: Option<&Region>,
    exit: Exit,
    parts: Value,
) -> Value {
    json!(Document::new(kind, account, region, exit, parts))
}

/// What a check has found.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Finding"))]
pub struct FindingJson<'a> {
    /// The check's permanent id; `studiolink checks ID` tells of it.
    check: &'static str,
    #[cfg_attr(test, schemars(schema_with = "schema::topic"))]
    topic: Topic,
    /// The worst that the check says.
    #[cfg_attr(test, schemars(schema_with = "schema::severity"))]
    severity: Severity,
    #[cfg_attr(test, schemars(with = "schema::Subject"))]
    subject: &'a Subject,
    /// The subject as people call it.
    #[cfg_attr(test, schemars(with = "String"))]
    name: &'a Printable,
    /// Which of several things of the subject, where there are several: a channel of a queue, a variant of a server.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    item: &'a Option<Printable>,
    #[cfg_attr(test, schemars(schema_with = "schema::verdict"))]
    verdict: &'static str,
    /// What is the case, permanent: what a program compares.
    code: &'static str,
    /// What kind of evidence it rests on.
    #[cfg_attr(test, schemars(schema_with = "schema::grade"))]
    grade: Grade,
    /// From where it was seen: `here`, `aws`, `anonymous`, `queue-role:FARM/QUEUE`, `worker:FARM/FLEET`.
    #[cfg_attr(test, schemars(with = "String"))]
    vantage: &'a Vantage,
    #[cfg_attr(test, schemars(with = "String"))]
    message: &'a Printable,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    why: &'a Option<Printable>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    fix: &'a Option<Printable>,
    /// The long form, line by line.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    details: &'a [Printable],
    /// Of TO DO: the id of the first change without which it stays.
    cured_by: Option<&'a str>,
    /// Of CONFIRMED and IGNORED: what the check itself says.
    #[cfg_attr(test, schemars(schema_with = "schema::verdict_or_null"))]
    was: Option<&'static str>,
    /// With a baseline: what has become of it.
    #[cfg_attr(test, schemars(schema_with = "schema::since_or_null"))]
    since: Option<Since>,
    evidence: Vec<EvidenceJson<'a>>,
}

/// A question or a live test that a finding rests on.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Evidence"))]
pub struct EvidenceJson<'a> {
    #[cfg_attr(test, schemars(with = "String"))]
    what: &'a Printable,
    #[cfg_attr(test, schemars(with = "Vec<schema::Call>"))]
    calls: &'a [Call],
}

impl<'a> From<&'a Finding> for FindingJson<'a> {
    fn from(finding: &'a Finding) -> Self {
        let evidence = finding.evidence.iter().map(|e| EvidenceJson {
            what: &e.what,
            calls: e.calls.as_ref(),
        });
        Self {
            check: finding.check,
            topic: finding.topic,
            severity: finding.severity,
            subject: &finding.subject,
            name: &finding.name,
            item: &finding.item,
            verdict: finding.verdict.id(),
            code: finding.code,
            grade: finding.grade,
            vantage: &finding.vantage,
            message: &finding.message,
            why: &finding.why,
            fix: &finding.fix,
            details: &finding.details,
            cured_by: finding.cured_by.as_deref(),
            was: finding.was.map(Verdict::id),
            since: finding.since,
            evidence: evidence.collect(),
        }
    }
}

pub fn finding(finding: &Finding) -> Value {
    json!(FindingJson::from(finding))
}

/// Subject by subject, and in each the worst first.
pub fn findings<'a>(list: impl IntoIterator<Item = &'a Finding>) -> Vec<FindingJson<'a>> {
    let groups = by_subject(list).into_iter();
    groups.flatten().map(FindingJson::from).collect()
}

/// `studiolink audit --format json`
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct AuditJson<'a> {
    /// When it was made.
    at: String,
    /// Subject by subject, and in each the worst first.
    findings: Vec<FindingJson<'a>>,
    /// With --baseline: what is not wrong any more.
    baseline: Option<BaselineJson<'a>>,
    /// Of an audit of everything that was interrupted: the places that it did not come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    not_reached: Option<&'a [Printable]>,
    /// Of an audit of everything: where it looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    places: Option<Vec<PlaceJson<'a>>>,
}

/// An account and a region.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Place"))]
pub struct PlaceJson<'a> {
    /// Of the AWS configuration.
    profile: Option<&'a str>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    account: &'a Option<AccountId>,
    #[cfg_attr(test, schemars(with = "String"))]
    region: &'a Region,
    /// How many there are.
    queues: usize,
    /// Those that were not checked, because it was interrupted.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    not_checked: &'a [QueueKey],
}

/// What an earlier report found, and this one does not.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Baseline"))]
pub struct BaselineJson<'a> {
    fixed: Vec<FormerJson<'a>>,
    /// This time it could not be seen.
    not_seen: Vec<FormerJson<'a>>,
}

/// A finding of the earlier report.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Former"))]
pub struct FormerJson<'a> {
    check: &'a str,
    subject: FormerSubject<'a>,
    name: &'a str,
    item: Option<&'a str>,
    #[cfg_attr(test, schemars(schema_with = "schema::verdict"))]
    verdict: &'static str,
    code: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FormerSubject<'a> {
    kind: &'a str,
    id: &'a str,
}

fn former(row: &Row) -> FormerJson<'_> {
    let (check, kind, subject, item) = &row.about;
    FormerJson {
        check,
        subject: FormerSubject {
            kind,
            id: if kind == "account" { kind } else { subject },
        },
        name: row.name.as_str(),
        item: Some(item.as_str()).filter(|i| !i.is_empty()),
        verdict: row.verdict.id(),
        code: &row.code,
        message: row.message.as_str(),
    }
}

fn place(place: &super::Place) -> PlaceJson<'_> {
    PlaceJson {
        profile: place.profile.as_deref(),
        account: &place.account,
        region: &place.region,
        queues: place.queues,
        not_checked: &place.unchecked,
    }
}

/// An audit as a document.
pub fn audit(audit: &Audit, gone: Option<&Gone>) -> String {
    let parts = AuditJson {
        at: audit.at.to_string(),
        findings: findings(audit.findings.iter().copied()),
        baseline: gone.map(|gone| BaselineJson {
            fixed: gone.fixed.iter().map(former).collect(),
            not_seen: gone.unseen.iter().map(former).collect(),
        }),
        not_reached: Some(audit.unreached).filter(|all| !all.is_empty()),
        places: (!audit.places.is_empty()).then(|| audit.places.iter().map(place).collect()),
    };
    let mut whole = Document::new("audit", audit.account, audit.region, audit.exit, parts);
    whole.exit_means = audit.ended();
    if !audit.places.is_empty() {
        whole.account = Some(audit.account().into());
        whole.region = Some(audit.region().into());
    }
    whole.text()
}

/// `studiolink diagnose --format json`
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct DiagnoseJson<'a> {
    /// When it was made.
    pub at: String,
    pub connections: Vec<ConnectionJson<'a>>,
    /// What is wrong besides the hops, or could not be seen.
    pub besides: Vec<FindingJson<'a>>,
    /// Without a studio file: from what the way to the server follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub inferred: Option<Vec<Printable>>,
}

/// The way of some fleets to the server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Connection"))]
pub struct ConnectionJson<'a> {
    pub path: &'static str,
    /// By name.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub fleets: &'a [Printable],
    /// Why it can't work, whatever is set up.
    pub impossible: Option<&'static str>,
    /// Which of the hops is the first that is broken, counted from 0.
    pub broken: Option<usize>,
    /// In the order in which a request passes them.
    pub hops: Vec<FindingJson<'a>>,
}

/// `studiolink plan --format json`
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PlanJson<'a> {
    /// In the order in which they are made.
    pub changes: Vec<ChangeJson<'a>>,
    /// What could not be read, so that the plan may lack a change.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub unread: &'a [Printable],
    /// What is wrong and is not changed, with the reason.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub refused: &'a [Printable],
    pub manual: Vec<ManualJson<'a>>,
}

/// A change, as it is shown before it is made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Change"))]
pub struct ChangeJson<'a> {
    /// Permanent within a studio.
    id: &'a str,
    /// `environment-template`, `inline-policy`, …
    kind: String,
    /// The call, as its service names it.
    operation: &'static str,
    #[cfg_attr(test, schemars(with = "String"))]
    resource: Printable,
    /// Its ids and ARNs, whole: one member, named as `kind`.
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, Value>"))]
    target: &'a AnyResource,
    #[cfg_attr(test, schemars(with = "String"))]
    because: &'a Printable,
    /// What to know before saying yes.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    warning: &'a Option<Printable>,
    risk: Option<RiskJson>,
    /// Channels that the queue role has to read before it is made.
    reads_first: Vec<&'a str>,
    /// The ids of the changes without which it can't be made.
    needs: &'a [String],
    /// What is sent in its place where the service refuses the text.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    otherwise: Option<Printable>,
    undo: &'static str,
    /// Line by line.
    diff: Vec<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Risk"))]
pub struct RiskJson {
    #[cfg_attr(test, schemars(schema_with = "schema::risk"))]
    kind: RiskKind,
    /// An unattended run holds it back, unless somebody insists.
    stops_jobs: bool,
}

/// What stays with people.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Manual"))]
pub struct ManualJson<'a> {
    #[serde(rename = "for")]
    for_whom: &'static str,
    #[cfg_attr(test, schemars(with = "String"))]
    what: &'a Printable,
    /// Texts to paste.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    paste: &'a [Printable],
}

fn change(c: &Change) -> ChangeJson<'_> {
    let risk = |kind: RiskKind| RiskJson {
        kind,
        stops_jobs: kind.breaks_jobs(),
    };
    ChangeJson {
        id: &c.id,
        kind: c.resource.kind(),
        operation: c.operation(),
        resource: c.words(),
        target: &c.resource,
        because: &c.because,
        warning: &c.warning,
        risk: c.risk.map(risk),
        reads_first: c.reads.iter().map(|(_, c)| c.as_str()).collect(),
        needs: &c.needs,
        otherwise: c.otherwise(),
        undo: c.undo(),
        diff: diff(c).iter().map(DiffLine::whole).collect(),
    }
}

pub fn changes(plan: &Plan) -> Vec<ChangeJson<'_>> {
    plan.changes.iter().map(change).collect()
}

pub fn manual_steps(list: &[ManualStep]) -> Vec<ManualJson<'_>> {
    list.iter().map(manual_step).collect()
}

fn manual_step(step: &ManualStep) -> ManualJson<'_> {
    ManualJson {
        for_whom: step.for_whom,
        what: &step.what,
        paste: &step.paste,
    }
}

/// `studiolink setup --format json`, and `apply`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SetupJson<'a> {
    pub plan: Vec<ChangeJson<'a>>,
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub unread: &'a [Printable],
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub refused: &'a [Printable],
    /// The run's id, for `studiolink runs` and `rollback`; null where nothing was changed.
    pub run: Option<&'a str>,
    /// The ids of the changes that were made, or were found made.
    pub done: Vec<&'a str>,
    pub held_back: Vec<HeldJson<'a>>,
    /// Why it ended before its end.
    pub stopped: Option<String>,
    /// Where the studio file was written.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub saved: Option<Printable>,
    /// After it.
    pub findings: Vec<FindingJson<'a>>,
    pub manual: Vec<ManualJson<'a>>,
}

/// A change that was not made, because it would stop jobs as far as can be seen.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Held"))]
pub struct HeldJson<'a> {
    pub id: &'a str,
    #[cfg_attr(test, schemars(schema_with = "schema::risk_or_null"))]
    pub risk: Option<RiskKind>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub why: &'a Printable,
}

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
use schema_tests as schema;
#[cfg(test)]
use schemars::JsonSchema;
