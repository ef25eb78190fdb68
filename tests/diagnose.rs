//! `studiolink diagnose` on the sandbox: the broken hop, what it says, and how it ends.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

mod place;

use place::{KEPT, Place, code, err, json, out};

fn diagnose(place: &Place, more: &[&str]) -> Output {
    place.run(&[&["diagnose"][..], &KEPT, more].concat())
}

/// The studio file names a server that no name leads to.
fn nowhere(place: &Place) {
    let to = "https://nowhere.example.com";
    place.edit("f.toml", |text| {
        let elsewhere = text.replace("https://ayon.example.com", to);
        assert_ne!(elsewhere, text);
        elsewhere
    });
}

#[test]
fn a_whole_connection_is_told_hop_by_hop_and_what_no_worker_told_is_said() {
    let place = Place::new();
    let done = place.run(&["diagnose", "--sandbox"]);
    let said = out(&done);
    assert_eq!(code(&done), 0, "{said}{}", err(&done));
    assert!(said.contains("Direct HTTPS, from Publish, Linux"), "{said}");
    assert!(said.contains("no worker has told of it yet"), "{said}");
    assert!(!said.lines().any(|l| l.starts_with('>')), "{said}");
    let whole = json(&place.run(&["diagnose", "--sandbox", "--format", "json"]));
    let hops = whole["connections"][0]["hops"].as_array().unwrap();
    let here = hops.iter().filter(|h| h["vantage"] == "here");
    assert!(here.count() >= 4, "{whole}");
    assert_eq!(whole["connections"][0]["broken"], Value::Null);
}

#[test]
fn a_broken_hop_is_marked_once_and_ends_with_1_and_its_fix() {
    let place = Place::new();
    place.set_up("");
    nowhere(&place);
    let done = diagnose(&place, &[]);
    let said = out(&done);
    assert_eq!(code(&done), 1, "{said}");
    let marked: Vec<&str> = said.lines().filter(|l| l.starts_with('>')).collect();
    assert_eq!(marked.len(), 1, "{said}");
    let says = ["nowhere.example.com", "  fix   ", "NOT REACHED"];
    assert!(says.iter().all(|words| said.contains(words)), "{said}");
}

#[test]
fn what_a_worker_told_of_another_server_proves_nothing() {
    let place = Place::new();
    let state = ["--sandbox", "--sandbox-state", "s.json"];
    let probed = place.run(&[&["probe", "--yes"][..], &state].concat());
    assert!(code(&probed) <= 1, "{}", err(&probed));
    place.set_up("");
    nowhere(&place);
    let stale = diagnose(&place, &["--from", "worker"]);
    assert_eq!(code(&stale), 1, "{}", out(&stale));
    assert!(!out(&stale).contains("Whole"), "{}", out(&stale));
}

#[test]
fn fleets_that_can_not_be_read_are_said_with_the_reason() {
    let place = Place::new();
    place.set_up("");
    place.deny("deadline:ListQueueFleetAssociations");
    let denied = diagnose(&place, &[]);
    let said = out(&denied);
    assert_eq!(code(&denied), 3, "{said}");
    let says = ["UNKNOWN", "deadline:ListQueueFleetAssociations", "fix"];
    assert!(says.iter().all(|words| said.contains(words)), "{said}");
}

#[test]
fn it_watches_until_it_is_stopped() {
    let place = Place::new();
    let refused = place.run(&["diagnose", "--sandbox", "--watch", "--format", "json"]);
    assert_eq!(code(&refused), 2);
    let mut child = place
        .command(&["diagnose", "--sandbox", "--watch", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut rounds = lines
        .map_while(Result::ok)
        .filter(|l| l.contains("hops OK"));
    let first = rounds.next().unwrap();
    // What only a worker sees is not counted as OK.
    assert!(first.contains("5 of 5 hops OK, 1 not seen"), "{first}");
    assert!(rounds.next().is_some());
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
