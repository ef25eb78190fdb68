//! The JSON Schemas of the documents, made of the types that are printed. `STUDIOLINK_SCHEMAS=1 cargo test --locked --lib schemas`
//! writes them into `docs/schema`; without that the test says where one is no longer true.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{AuditJson, DiagnoseJson, Document, PlanJson, SCHEMA, SetupJson};
use crate::domain::finding as domain;
use crate::domain::risk::RiskKind;
use crate::domain::subject::SubjectKind;

/// What a finding is about.
#[derive(JsonSchema)]
#[allow(dead_code)] // its shape is all that is wanted
pub(super) struct Subject {
    #[schemars(schema_with = "subject_kind")]
    kind: String,
    /// Whole, as a program compares it: ids joined by `/`, an ARN, a channel, an address.
    id: String,
}

/// A call to AWS, AYON, a name server, a host or a channel.
#[derive(JsonSchema)]
#[allow(dead_code)] // its shape is all that is wanted
pub(super) struct Call {
    vantage: String,
    service: String,
    operation: String,
    /// What it was asked about, shortened.
    about: String,
    millis: u64,
    /// `OK`, or the error's code.
    outcome: String,
    /// AWS's id of the request, for its support.
    request_id: Option<String>,
    at: String,
}

fn one_of(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

fn one_of_or_null(words: &[&str]) -> Schema {
    let mut all: Vec<Value> = words.iter().map(|w| Value::from(*w)).collect();
    all.push(Value::Null);
    json_schema!({ "type": ["string", "null"], "enum": all })
}

fn verdicts() -> Vec<&'static str> {
    let all = domain::Verdict::ALL.iter();
    all.map(|v| v.id()).collect()
}

pub(super) fn topic(_: &mut SchemaGenerator) -> Schema {
    one_of(domain::Topic::WORDS)
}

pub(super) fn severity(_: &mut SchemaGenerator) -> Schema {
    one_of(domain::Severity::WORDS)
}

pub(super) fn grade(_: &mut SchemaGenerator) -> Schema {
    one_of(domain::Grade::WORDS)
}

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(&verdicts())
}

pub(super) fn verdict_or_null(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(&verdicts())
}

pub(super) fn since_or_null(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(domain::Since::WORDS)
}

pub(super) fn risk(_: &mut SchemaGenerator) -> Schema {
    one_of(RiskKind::WORDS)
}

pub(super) fn risk_or_null(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(RiskKind::WORDS)
}

fn subject_kind(_: &mut SchemaGenerator) -> Schema {
    one_of(SubjectKind::WORDS)
}

fn of<T: JsonSchema>(kinds: &[&str], title: &str) -> String {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<Document<'static, T>>();
    schema.insert("title".to_owned(), title.into());
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties["schema"] = serde_json::json!({
            "description": "The version of this format.", "const": SCHEMA,
        });
        properties["kind"] = serde_json::json!({
            "description": "Which document it is.", "enum": kinds,
        });
    }
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_schemas_are_those_of_the_documents() {
    let all = [
        (
            "audit",
            of::<AuditJson<'static>>(&["audit"], "studiolink audit --format json"),
        ),
        (
            "diagnose",
            of::<DiagnoseJson<'static>>(&["diagnose"], "studiolink diagnose --format json"),
        ),
        (
            "plan",
            of::<PlanJson<'static>>(&["plan"], "studiolink plan --format json"),
        ),
        (
            "setup",
            of::<SetupJson<'static>>(
                &["setup", "apply"],
                "studiolink setup --format json, and apply",
            ),
        ),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let writes = std::env::var_os("STUDIOLINK_SCHEMAS").is_some();
    let mut other = Vec::new();
    for (name, schema) in &all {
        let path = folder.join(format!("{name}.json"));
        if writes {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, schema).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(schema) {
            other.push(*name);
        }
    }
    assert!(
        other.is_empty(),
        "not true any more: {other:?}; STUDIOLINK_SCHEMAS=1 cargo test --locked --lib schemas writes them again"
    );
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, all.len(), "a schema of no document in docs/schema");
}
