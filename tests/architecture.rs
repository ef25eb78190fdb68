//! The import table of the house (ARCHITECTURE.md): which room may know which. A bent arrow is named, with the place
//! where the thing could live instead. And what an addition costs.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import beside itself.
const MAY: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("probes", &["domain"]),
    ("questions", &["domain", "probes"]),
    ("derived", &["domain", "probes", "questions"]),
    ("resources", &["domain", "questions", "probes"]),
    ("checks", &["domain", "probes", "questions", "derived"]),
    (
        "goals",
        &["domain", "probes", "questions", "derived", "resources"],
    ),
    (
        "connections",
        &[
            "domain",
            "probes",
            "questions",
            "derived",
            "checks",
            "goals",
            "resources",
        ],
    ),
    ("world", &["domain", "probes", "questions", "resources"]),
    (
        "engine",
        &[
            "domain",
            "probes",
            "questions",
            "resources",
            "goals",
            "world",
        ],
    ),
    (
        "ui",
        &[
            "domain",
            "probes",
            "questions",
            "derived",
            "checks",
            "goals",
            "resources",
            "connections",
            "engine",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "probes",
            "questions",
            "derived",
            "checks",
            "goals",
            "resources",
            "connections",
            "world",
            "engine",
            "ui",
        ],
    ),
];

/// The only file of `ui` that drives the world's doors.
const DRIVER: &str = "ui/driver.rs";

/// Of a room, the engine knows the trait and the lists that its `mod.rs` names; never one of its files.
const ENGINE_KNOWS: &[(&str, &[&str])] = &[("goals", &["Goal", "Draft", "ManualStep", "Wishes"])];

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Source files with their path below `src/` and their code without comments and tests.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    let read = |p: PathBuf| {
        let name = p
            .strip_prefix(&src)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let text = fs::read_to_string(&p).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    let is_test = |name: &str| {
        let stem = name.trim_end_matches(".rs");
        stem.ends_with("tests")
    };
    paths
        .into_iter()
        .map(read)
        .filter(|(n, _)| !is_test(n))
        .collect()
}

fn room(file: &str) -> &str {
    file.split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs")
}

/// Every path below the crate that a file names, in whichever form: `crate::a::b`, a group `crate::{a, b::c}`, and
/// `super::super` out of the room.
fn paths_named(file: &str, code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let flat: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    for (at, _) in flat.match_indices("crate::") {
        named.extend(paths_after(&flat[at + "crate::".len()..]));
    }
    // A file at depth n leaves its room with n supers.
    let depth = file.matches('/').count() + usize::from(!file.ends_with("/mod.rs"));
    let out = "super::".repeat(depth);
    for (at, _) in flat.match_indices(&out) {
        if !flat[..at].ends_with("super::") {
            named.extend(paths_after(&flat[at + out.len()..]));
        }
    }
    named
}

/// The paths at the beginning of this text; those of a group one by one.
fn paths_after(text: &str) -> Vec<String> {
    if let Some(group) = text.strip_prefix('{') {
        let mut depth = 0;
        let (mut parts, mut part) = (Vec::new(), String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
            part.push(c);
        }
        parts.push(part);
        return parts.iter().flat_map(|p| paths_after(p.trim())).collect();
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_path(c)).unwrap_or(text.len());
    let path = &text[..end];
    if let Some(prefix) = path.strip_suffix("::")
        && text[end..].starts_with('{')
    {
        let inner = paths_after(&text[end..]);
        return inner.iter().map(|i| format!("{prefix}::{i}")).collect();
    }
    vec![path.to_owned()]
}

#[test]
fn every_form_of_an_import_is_seen() {
    let named = |file, code| paths_named(file, code).into_iter().collect::<Vec<_>>();
    assert_eq!(named("a/b.rs", "use crate::x::Y;"), ["x::Y"]);
    assert_eq!(
        named("a/b.rs", "use crate::{x::{Y, Z}, w};"),
        ["w", "x::Y", "x::Z"]
    );
    assert_eq!(named("a/b.rs", "use super::super::x::Y;"), ["x::Y"]);
    assert_eq!(named("a/mod.rs", "fn f(_: super::x::Y) {}"), ["x::Y"]);
    assert_eq!(named("a/b.rs", "use super::c::D;"), [""; 0]);
    assert_eq!(
        named("a/c/d.rs", "use super::super::super::x::Y;"),
        ["x::Y"]
    );
}

#[test]
fn arrows_point_up_the_table_only() {
    let mut bent = Vec::new();
    for (file, code) in sources() {
        let from = room(&file);
        let Some((_, may)) = MAY.iter().find(|(r, _)| *r == from) else {
            continue;
        };
        for path in paths_named(&file, &code) {
            let to = path.split("::").next().unwrap_or_default();
            let is_room = MAY.iter().any(|(r, _)| *r == to);
            let allowed = to == from || may.contains(&to) || (file == DRIVER && to == "world");
            if is_room && !allowed {
                bent.push(format!("{file} imports {path}: a value that both need lives in domain, a reading that both need in derived; what does IO is asked for through engine or passed in by cli"));
            }
        }
    }
    assert!(bent.is_empty(), "{}", bent.join("\n"));
}

#[test]
fn no_check_imports_another_and_the_engine_knows_none_of_them_by_name() {
    let mut bent = Vec::new();
    for (file, code) in sources() {
        if room(&file) == "checks" && !file.ends_with("mod.rs") {
            let shared = code.replace("super::prelude", "");
            if shared.contains("super::") || shared.contains("crate::checks") {
                bent.push(format!(
                    "{file} knows another check; what they share is derived"
                ));
            }
        }
        if room(&file) == "engine" {
            for path in paths_named(&file, &code) {
                let (of, name) = path.split_once("::").unwrap_or((&path, ""));
                let known = ENGINE_KNOWS.iter().find(|(r, _)| *r == of);
                if known.is_some_and(|(_, names)| !names.contains(&name)) {
                    bent.push(format!("{file} names {path}; its list is handed in"));
                }
            }
        }
    }
    assert!(bent.is_empty(), "{}", bent.join("\n"));
}

/// How many files name a thing: each place that has to change when one like it is added.
fn files_that_name(word: &str) -> Vec<String> {
    let is_word = |code: &str| {
        code.match_indices(word).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + word.len()..].chars().next();
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !part(before) && !part(after)
        })
    };
    let named = sources().into_iter().filter(|(_, code)| is_word(code));
    named.map(|(file, _)| file).collect()
}

#[test]
fn an_addition_costs_what_the_house_says() {
    // A check, and a goal: one new file and one line in its list.
    assert_eq!(
        files_that_name("fleet_status"),
        ["checks/mod.rs"],
        "a check is named in its list alone"
    );
    assert_eq!(files_that_name("unused_permissions"), ["goals/mod.rs"]);
    // A leg: one new file, which names existing parts, and one line.
    let names_leg = |(file, code): (String, String)| code.contains("direct::LEG").then_some(file);
    let of_leg: Vec<String> = sources().into_iter().filter_map(names_leg).collect();
    assert_eq!(of_leg, ["connections/mod.rs"]);
    // A question and a live test: also one function in the world and one in the sandbox; and whoever reads it.
    let outside = |files: Vec<String>, readers: &[&str]| -> Vec<String> {
        let rest = files.into_iter();
        rest.filter(|f| !readers.contains(&room(f))).collect()
    };
    let mut worlds = ["probes/mod.rs", "probes/connect.rs"].to_vec();
    worlds.extend(["world/real.rs", "world/sandbox/mod.rs"]);
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let of_probe = outside(files_that_name("Connect"), &["checks", "derived"]);
    let expected: BTreeSet<&str> = worlds.into_iter().collect();
    // The wizard's server page lists its tests, to run them again.
    let of_probe: BTreeSet<&str> = of_probe
        .iter()
        .map(String::as_str)
        .filter(|f| *f != "ui/model.rs")
        .collect();
    assert_eq!(of_probe, expected);
    let of_question = outside(
        files_that_name("QueueFleets"),
        &["checks", "derived", "goals", "cli"],
    );
    assert_eq!(
        sorted(of_question),
        [
            "questions/mod.rs",
            "questions/queue_fleets.rs",
            "world/real.rs",
            "world/sandbox/answers.rs"
        ]
    );
    // A resource kind: the same, beside the goal that proposes it.
    let of_resource = outside(files_that_name("TrustPolicy"), &["goals", "ui"]);
    assert_eq!(
        sorted(of_resource),
        [
            "resources/mod.rs",
            "resources/trust_policy.rs",
            "world/aws/iam.rs",
            "world/real.rs",
            "world/sandbox/writes.rs"
        ]
    );
}

#[test]
fn each_outside_crate_has_one_door() {
    for (word, homes) in [
        ("aws_sdk", &["world/aws/"][..]),
        ("aws_config::", &["world/aws/"]),
        ("aws_smithy", &["world/aws/"]),
        ("aws_types::", &["world/aws/"]),
        ("reqwest::", &["world/"]),
        ("tokio::net", &["world/net/"]),
        ("std::net::Tcp", &["world/net/"]),
        ("tokio_rustls", &["world/net/"]),
        ("keyring::", &["world/local/"]),
        ("fs::write", &["world/local/"]),
        ("File::create", &["world/local/"]),
        ("OpenOptions", &["world/local/"]),
        ("ratatui::", &["ui/tui/"]),
        ("crossterm::", &["ui/tui/"]),
        ("inquire::", &["ui/plain/"]),
        ("clap::", &["cli/"]),
    ] {
        let strangers: Vec<String> = sources()
            .into_iter()
            .filter(|(file, code)| {
                code.contains(word) && !homes.iter().any(|h| file.starts_with(h))
            })
            .map(|(file, _)| file)
            .collect();
        assert!(
            strangers.is_empty(),
            "{word} belongs in {homes:?}, and is named in {strangers:?}"
        );
    }
}

#[test]
fn the_pure_rooms_are_pure() {
    let rooms = [
        "domain",
        "probes",
        "questions",
        "derived",
        "resources",
        "checks",
        "goals",
        "connections",
    ];
    let others = [
        "ui/wizard.rs",
        "ui/screen.rs",
        "engine/inquiry.rs",
        "engine/plan.rs",
        "engine/todo.rs",
        "engine/workflow.rs",
    ];
    for (file, code) in sources() {
        let pure = rooms.contains(&room(&file))
            || file.starts_with("ui/steps/")
            || others.contains(&file.as_str());
        for word in [
            "std::fs",
            "std::env",
            "Instant::now",
            "Timestamp::now",
            "SystemTime",
            "async fn",
            ".await;",
            ".await?",
            "tokio::",
        ] {
            assert!(
                !pure || !code.contains(word),
                "{file} is in a pure room and names {word}"
            );
        }
    }
}

#[test]
fn the_map_names_every_room_and_nothing_that_is_gone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for (room, may) in MAY {
        let row = map
            .lines()
            .find(|l| l.starts_with(&format!("| `{room}`")))
            .unwrap_or_else(|| panic!("no row for {room}"));
        for other in *may {
            assert!(
                *room == "cli" || row.contains(other),
                "the row of {room} lacks {other}"
            );
        }
    }
    for path in
        map.split('`').skip(1).step_by(2).filter(|w| {
            w.starts_with("src/") || w.starts_with("tests/") || w.starts_with("assets/")
        })
    {
        assert!(
            root.join(path).exists(),
            "ARCHITECTURE.md names {path}, which does not exist"
        );
    }
    assert!(map.lines().count() < 90, "the map is one page");
}
