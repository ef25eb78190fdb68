//! `studiolink explain`: logs of public bug reports find their causes, and logs of jobs that went well find none.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use studiolink::domain::causes::{explain, known};

#[derive(Deserialize)]
struct Excerpts {
    log: Vec<Excerpt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Excerpt {
    source: String,
    cause: String,
    text: String,
    #[serde(default)]
    held_out: bool,
    /// What it showed to be missing, and was added afterwards.
    missed: Option<String>,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/logs"))
}

#[test]
fn each_public_log_finds_its_cause_first() {
    let text = std::fs::read_to_string(folder().join("excerpts.toml")).unwrap();
    let all: Excerpts = toml::from_str(&text).unwrap();
    let held_out = all.log.iter().filter(|l| l.held_out);
    assert!(all.log.len() >= 40 && held_out.count() * 2 >= all.log.len());
    for log in &all.log {
        let found = explain(log.text.lines());
        let ids: Vec<&str> = found.iter().map(|e| e.id).collect();
        assert_eq!(ids.first(), Some(&log.cause.as_str()), "{}", log.source);
        assert!(log.missed.is_none() || log.held_out, "{}", log.source);
    }
}

#[test]
fn logs_of_jobs_that_went_well_find_nothing() {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("healthy"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = explain(text.lines());
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}

#[test]
fn each_cause_names_checks_that_exist() {
    let checks: BTreeSet<&str> = studiolink::checks::ALL.iter().map(|c| c.id).collect();
    for cause in known().all() {
        for check in &cause.checks {
            assert!(checks.contains(check.as_str()), "{}: {check}", cause.id);
        }
    }
}
