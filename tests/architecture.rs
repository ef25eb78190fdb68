//! The import table of the house (ARCHITECTURE.md): which room may know which. A bent arrow is named, with the place
//! where the thing could live instead.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::fs;
use std::path::{Path, PathBuf};

const ROOMS: &[&str] = &["domain", "checks", "paths", "world", "engine", "ui", "cli"];

/// Room, and the rooms it may import beside itself.
const MAY: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("checks", &["domain"]),
    ("paths", &["domain"]),
    ("world", &["domain"]),
    ("engine", &["domain", "checks", "paths", "world"]),
    ("ui", &["domain", "checks", "paths", "engine"]),
    ("cli", ROOMS),
];

/// The only file of `ui` that drives the world's doors.
const DRIVER: &str = "ui/driver.rs";

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
    paths
        .into_iter()
        .map(read)
        .filter(|(n, _)| !n.ends_with("tests.rs"))
        .collect()
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default()
}

#[test]
fn arrows_point_up_the_table_only() {
    let mut bent = Vec::new();
    for (file, code) in sources() {
        let from = room(&file);
        let Some((_, may)) = MAY.iter().find(|(r, _)| *r == from) else {
            continue;
        };
        for to in ROOMS {
            let knows =
                code.contains(&format!("crate::{to}::")) || code.contains(&format!("crate::{to};"));
            let allowed = *to == from || may.contains(to) || (file == DRIVER && *to == "world");
            if knows && !allowed {
                bent.push(format!("{file} imports {to}: a value that both need lives in domain; what does IO is asked for through engine or passed in by cli"));
            }
        }
    }
    assert!(bent.is_empty(), "{}", bent.join("\n"));
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
    for (file, code) in sources() {
        let pure = ["domain", "checks", "paths"].contains(&room(&file))
            || file.starts_with("ui/steps/")
            || [
                "ui/wizard.rs",
                "ui/model.rs",
                "ui/screen.rs",
                "engine/plan.rs",
                "engine/check.rs",
                "engine/left.rs",
            ]
            .contains(&file.as_str());
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
                "{file} is a pure room and names {word}"
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
            "ARCHITECTURE.md names {path}, which is not there"
        );
    }
    assert!(map.lines().count() < 90, "the map is one page");
}
