//! Policies as studios have them, in the style of the console, CDK, Terraform and people: read in full, gained from
//! without losing anything, and given back as they were.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use studiolink::domain::channel::Channel;
use studiolink::domain::choices::RoleUse;
use studiolink::domain::needs::{narrowed, of_channels, widened};
use studiolink::domain::policy::{Decision, Policy};
use studiolink::domain::trust::repaired;

fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/policies");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(p).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn channels(text: &str) -> Vec<Channel> {
    text.split(' ').map(|c| c.parse().unwrap()).collect()
}

fn statements(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).unwrap();
    match &document["Statement"] {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    }
}

#[test]
fn ten_documents_are_read_and_nothing_of_theirs_is_lost() {
    let files = files();
    assert!(files.len() >= 10);
    let wanted = channels("s3://ynput-conda-channel/ayon");
    let needs = of_channels(&wanted, "aws", &|_| None);
    for (name, text) in files {
        let policy = Policy::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let theirs = statements(&text);
        assert_eq!(policy.statements.len(), theirs.len(), "{name}");
        let Some(wider) = widened(&needs, &[], Some(&text)).unwrap() else {
            panic!("{name} grants the channel already");
        };
        let now = statements(&wider);
        assert_eq!(
            now[..theirs.len()],
            theirs[..],
            "{name}: theirs stay, in their order"
        );
        // One of them grants a part already, by NotResource; nothing is written twice.
        let more = now.len() - theirs.len();
        assert!((1..=needs.len()).contains(&more), "{name}: {more}");
        let (old, new): (Value, Value) = (
            serde_json::from_str(&text).unwrap(),
            serde_json::from_str(&wider).unwrap(),
        );
        for (key, value) in old.as_object().unwrap() {
            assert!(key == "Statement" || new[key] == *value, "{name}: {key}");
        }
        let parsed = Policy::parse(&wider).unwrap();
        for need in &needs {
            assert_eq!(need.met_by([&parsed]), Decision::Allowed, "{name}");
        }
        assert_eq!(
            widened(&needs, &[], Some(&wider)).unwrap(),
            None,
            "{name}: once is enough"
        );
        let back = narrowed(&wider, &needs, &[]).unwrap().unwrap();
        assert_eq!(statements(&back), theirs, "{name}: and gone again");
    }
}

fn statement() -> impl Strategy<Value = Value> {
    let actions = prop::sample::select(vec![
        "s3:GetObject",
        "s3:*",
        "logs:PutLogEvents",
        "iam:PassRole",
        "sts:AssumeRole",
    ]);
    let resources = prop::sample::select(vec![
        "*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::ynput-conda-channel",
        "arn:aws:s3:::ynput-conda-channel/ayon/*",
    ]);
    let effects = prop::sample::select(vec!["Allow", "Deny"]);
    (
        actions,
        resources,
        effects,
        any::<bool>(),
        "[A-Za-z0-9]{0,8}",
    )
        .prop_map(|(action, resource, effect, list, sid)| {
            let mut statement = json!({ "Effect": effect, "Action": action, "Resource": resource });
            if list {
                statement["Resource"] = json!([resource]);
            }
            if !sid.is_empty() {
                statement["Sid"] = json!(sid);
            }
            statement
        })
}

proptest! {
    #[test]
    fn applying_never_removes_or_reorders_what_is_not_ours(list in prop::collection::vec(statement(), 0..6)) {
        let text = json!({ "Version": "2012-10-17", "Statement": list }).to_string();
        let needs = of_channels(&channels("s3://ynput-conda-channel/ayon s3://own/x"), "aws", &|_| None);
        // Where a Deny among them stands in the way, nothing is written at all.
        if let Ok(Some(wider)) = widened(&needs, &[], Some(&text)) {
            prop_assert_eq!(&statements(&wider)[..list.len()], &list[..]);
        }
    }

    #[test]
    fn mending_a_trust_keeps_every_statement_of_others(services in prop::collection::vec(prop::sample::select(vec!["ec2.amazonaws.com", "deadline.amazonaws.com", "lambda.amazonaws.com"]), 0..5)) {
        let list: Vec<Value> = services
            .iter()
            .map(|s| json!({ "Effect": "Allow", "Principal": { "Service": s }, "Action": "sts:AssumeRole" }))
            .collect();
        let text = json!({ "Version": "2012-10-17", "Statement": list }).to_string();
        let farm = "arn:aws:deadline:us-west-2:111122223333:farm/farm-00000000000000000000000000000001".to_owned();
        let after = repaired(&text, RoleUse::Queue, &farm, "111122223333");
        if let Ok(Some(after)) = after {
            let now = statements(&after);
            for (at, theirs) in list.iter().enumerate() {
                if theirs["Principal"]["Service"] != "deadline.amazonaws.com" {
                    prop_assert_eq!(&now[at], theirs);
                }
            }
        }
    }
}
