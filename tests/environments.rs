//! Queue environments of every kind that AWS's samples have, written for this test in their structure: recognised by
//! it, and edited in one line. The file's name says what it is.

#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::path::PathBuf;

use studiolink::domain::conda_solve::Priority;
use studiolink::domain::template::{Kind, Template, TemplateError, TemplateType, with_channels};

const NEW: &str = "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge";

fn files() -> Vec<(String, String, TemplateType)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/environments");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let kind = if path.extension().is_some_and(|x| x == "json") {
                TemplateType::Json
            } else {
                TemplateType::Yaml
            };
            (name, std::fs::read_to_string(path).unwrap(), kind)
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

#[test]
fn each_kind_is_recognised_by_its_structure() {
    use Priority::{Disabled, Flexible, Strict};
    let expected: &[(&str, Kind, &[Priority], bool, bool)] = &[
        (
            "console-caching.yaml",
            Kind::ConsoleCaching,
            &[Strict],
            false,
            false,
        ),
        (
            "console.json",
            Kind::Console,
            &[Strict, Flexible],
            false,
            false,
        ),
        (
            "console.yaml",
            Kind::Console,
            &[Strict, Flexible],
            false,
            false,
        ),
        (
            "inline-caching-long.yaml",
            Kind::InlineCaching,
            &[Flexible],
            false,
            false,
        ),
        (
            "inline-caching.yaml",
            Kind::InlineCaching,
            &[Flexible],
            false,
            false,
        ),
        (
            "inline-guarded.yaml",
            Kind::Inline,
            &[Flexible],
            true,
            false,
        ),
        ("inline.yaml", Kind::Inline, &[Flexible], false, false),
        ("pip.yaml", Kind::Pip, &[], false, false),
        (
            "py-rattler.yaml",
            Kind::PyRattler,
            &[Disabled],
            false,
            false,
        ),
        ("rez.yaml", Kind::Rez, &[], false, false),
        ("variables-only.yaml", Kind::Other, &[], false, true),
    ];
    let files = files();
    assert_eq!(
        files.len(),
        expected.len(),
        "a file and its row go together"
    );
    for ((name, text, format), (row, kind, priorities, asks, sets)) in files.iter().zip(expected) {
        let template = Template::read(text, *format).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((name.as_str(), template.kind), (*row, *kind));
        assert_eq!(
            (template.has_guard, template.sets_guard),
            (*asks, *sets),
            "{name}"
        );
        if kind.is_conda() {
            assert_eq!(template.priorities, *priorities, "{name}");
        }
    }
}

#[test]
fn one_line_changes_and_nothing_else() {
    for (name, text, format) in files() {
        let template = Template::read(&text, format).unwrap();
        let edited = with_channels(&text, format, NEW);
        if !template.kind.is_conda() {
            assert_eq!(edited, Err(TemplateError::NoChannels), "{name}");
            continue;
        }
        let edited = edited.unwrap_or_else(|e| panic!("{name}: {e}"));
        let lines: Vec<(&str, &str)> = text
            .lines()
            .zip(edited.lines())
            .filter(|(a, b)| a != b)
            .collect();
        assert_eq!(text.lines().count(), edited.lines().count(), "{name}");
        let [(before, after)] = lines.as_slice() else {
            panic!("{name}: {lines:?}");
        };
        assert_eq!(before.replace("deadline-cloud", NEW), *after, "{name}");
        assert!(edited.contains("DISABLE_CONDA_ENV") == text.contains("DISABLE_CONDA_ENV"));
        let back = with_channels(&edited, format, "deadline-cloud").unwrap();
        assert_eq!(back, text, "{name}: and back again, byte for byte");
    }
}

#[test]
fn a_text_near_the_limit_is_not_pushed_over_it() {
    let (_, text, format) = files()
        .into_iter()
        .find(|f| f.0 == "inline-caching-long.yaml")
        .unwrap();
    let many = ["s3://a-channel-with-a-long-name/and/a/long/prefix"; 12].join(" ");
    assert!(matches!(
        with_channels(&text, format, &many),
        Err(TemplateError::TooLong(n)) if n > 15_000
    ));
}
