//! `studiolink diagnose` on the sandbox: the broken hop, what it says, and how it ends.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn command(folder: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studiolink"));
    command.args(args).current_dir(folder).env_clear();
    command.env("HOME", folder).stdin(Stdio::null());
    command
}

fn run(folder: &std::path::Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_whole_connection_is_told_hop_by_hop_and_what_no_worker_told_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["diagnose", "--sandbox"]);
    let said = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{said}{}", text(&done.stderr));
    assert!(said.contains("Direct HTTPS, from Publish, Linux"), "{said}");
    assert!(said.contains("No worker has confirmed it"), "{said}");
    assert!(!said.lines().any(|l| l.starts_with('>')), "{said}");
    let here = run(
        folder.path(),
        &[
            "diagnose",
            "--sandbox",
            "--from",
            "here",
            "--format",
            "json",
        ],
    );
    let whole: Value = serde_json::from_slice(&here.stdout).unwrap();
    let hops = whole["connections"][0]["hops"].as_array().unwrap();
    assert!(
        hops.len() >= 4
            && hops
                .iter()
                .all(|h| h["vantage"] == "here" || h["vantage"]["here"].is_null()),
        "{whole}"
    );
    assert_eq!(whole["connections"][0]["broken"], Value::Null);
}

#[test]
fn a_broken_hop_is_marked_once_and_ends_with_1_and_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let made = run(
        place,
        &[
            "setup",
            "--yes",
            "--sandbox",
            "--sandbox-state",
            "s.json",
            "--studio",
            "f.toml",
        ],
    );
    assert!(made.status.code().unwrap() <= 1, "{}", text(&made.stderr));
    let file = place.join("f.toml");
    let studio = fs::read_to_string(&file).unwrap();
    let elsewhere = studio.replace("https://ayon.example.com", "https://nowhere.example.com");
    assert_ne!(elsewhere, studio);
    fs::write(&file, elsewhere).unwrap();
    let args = [
        "diagnose",
        "--sandbox",
        "--sandbox-state",
        "s.json",
        "--studio",
        "f.toml",
    ];
    let done = run(place, &args);
    let said = text(&done.stdout);
    assert!(matches!(done.status.code(), Some(1 | 3)), "{said}");
    let marked: Vec<&str> = said.lines().filter(|l| l.starts_with('>')).collect();
    assert_eq!(marked.len(), 1, "{said}");
    assert!(
        said.contains("nowhere.example.com") && said.contains("  fix   "),
        "{said}"
    );
    assert!(said.contains("NOT REACHED"), "what lies behind it: {said}");
}

#[test]
fn what_can_not_be_seen_is_said_with_its_reason_and_is_not_called_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let state = ["--sandbox", "--sandbox-state", "s.json"];
    let probed = run(place, &[&["probe", "--yes"][..], &state].concat());
    assert!(
        probed.status.code().unwrap() <= 1,
        "{}",
        text(&probed.stderr)
    );
    let whole = run(place, &[&["diagnose"][..], &state].concat());
    let said = text(&whole.stdout);
    // The sandbox's worker tells some of the hops, and all that it tells is well.
    assert!(
        said.contains("and a worker has told so") || said.contains("No worker has confirmed it"),
        "{said}"
    );
    // Another server than the one that the worker has seen.
    let made = run(
        place,
        &[&["setup", "--yes", "--studio", "f.toml"][..], &state].concat(),
    );
    assert!(made.status.code().unwrap() <= 1);
    let file = place.join("f.toml");
    let studio = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        studio.replace("https://ayon.example.com", "https://nowhere.example.com"),
    )
    .unwrap();
    let stale = run(
        place,
        &[
            &["diagnose", "--from", "worker", "--studio", "f.toml"][..],
            &state,
        ]
        .concat(),
    );
    assert_eq!(stale.status.code(), Some(1), "{}", text(&stale.stdout));
    assert!(
        !text(&stale.stdout).contains("Whole"),
        "{}",
        text(&stale.stdout)
    );

    let kept = fs::read_to_string(place.join("s.json")).unwrap();
    let mut truth: Value = serde_json::from_str(&kept).unwrap();
    truth["denies"] = serde_json::json!(["deadline:ListQueueFleetAssociations"]);
    fs::write(place.join("s.json"), truth.to_string()).unwrap();
    let denied = run(place, &[&["diagnose"][..], &state].concat());
    let said = text(&denied.stdout);
    assert_eq!(denied.status.code(), Some(3), "{said}");
    assert!(
        said.contains("UNKNOWN")
            && said.contains("deadline:ListQueueFleetAssociations")
            && said.contains("fix"),
        "{said}"
    );
}

#[test]
fn it_watches_until_it_is_stopped_and_says_what_becomes_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let refused = run(
        place,
        &["diagnose", "--sandbox", "--watch", "--format", "json"],
    );
    assert_eq!(refused.status.code(), Some(2));
    let mut child = command(place, &["diagnose", "--sandbox", "--watch", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut rounds = out
        .lines()
        .map_while(Result::ok)
        .filter(|l| l.contains("hops OK"));
    assert!(rounds.next().unwrap().contains(" of "), "a round");
    assert!(rounds.next().is_some(), "and another");
    let pid = i32::try_from(child.id()).unwrap().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
