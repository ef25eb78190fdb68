//! Queue environments of every kind that AWS's samples have, written for this test in their structure: recognised by
//! it, and edited in one line. The file's name says what it is.

#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::fmt::Write as _;
use std::path::PathBuf;

use studiolink::domain::conda_solve::Priority;
use studiolink::domain::template::{GuardSet, Kind, Template, TemplateError, TemplateType};
use studiolink::domain::template_edit::with_channels;

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
            (
                template.has_guard,
                template.sets_guard == Some(GuardSet::Set)
            ),
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

/// An environment of our own: parameters, command with arguments, and one file that it carries.
fn environment(parameters: &[&str], command: &str, args: &str, file: &str, script: &str) -> String {
    let mut text = "specificationVersion: environment-2023-09\n".to_owned();
    if !parameters.is_empty() {
        text += "parameterDefinitions:\n";
    }
    for name in parameters {
        write!(text, "- name: {name}\n  type: STRING\n  default: \"\"\n").unwrap();
    }
    write!(
            text,
        "environment:\n  name: Ours\n  script:\n    actions:\n      onEnter:\n        command: {command}\n        args: [{args}]\n"
    ).unwrap();
    if !file.is_empty() {
        write!(
            text,
            "    embeddedFiles:\n    - name: Enter\n      filename: {file}\n      type: TEXT\n      data: |\n"
    ).unwrap();
        for line in script.lines() {
            writeln!(text, "        {line}").unwrap();
        }
    }
    text
}

#[test]
fn an_environment_is_known_by_what_it_runs_and_not_by_names_or_comments() {
    let both = &["CondaPackages", "CondaChannels"][..];
    let run = "\"{{Env.File.Enter}}\"";
    for (parameters, command, args, file, script, kind) in [
        // A file may be called like the console's command.
        (
            both,
            "bash",
            run,
            "conda-queue-env-enter.sh",
            "conda create -p x {{Param.CondaPackages}} -c {{Param.CondaChannels}}",
            Kind::Inline,
        ),
        (
            both,
            "bash",
            run,
            "enter.sh",
            "# like conda-queue-env-enter\nmicromamba create -y -c {{Param.CondaChannels}}",
            Kind::Inline,
        ),
        (
            both,
            "bash",
            run,
            "enter.sh",
            "exec conda-queue-env-enter .env --channels '{{Param.CondaChannels}}'",
            Kind::Console,
        ),
        (
            both,
            "/opt/aws/bin/conda-queue-env-enter",
            "\".env\"",
            "",
            "",
            Kind::Console,
        ),
        (
            both,
            "bash",
            "\"-c\", \"conda-queue-env-enter x --persist-envs-hashed y\"",
            "",
            "",
            Kind::ConsoleCaching,
        ),
        // Others read the packages: a licence server, a cache, a report.
        (
            &["CondaPackages"],
            "bash",
            run,
            "licence.sh",
            "case '{{Param.CondaPackages}}' in *nuke*) forward ;; esac",
            Kind::Other,
        ),
        (
            &["CondaPackages", "CondaChannels"],
            "python",
            run,
            "report.py",
            "print('no conda here')",
            Kind::Other,
        ),
        (
            both,
            "studio-env",
            "\"{{Param.CondaChannels}}\"",
            "",
            "",
            Kind::UnknownConda,
        ),
        (
            &[],
            "bash",
            run,
            "e.sh",
            "conda create -y -p /tmp/x -c conda-forge python",
            Kind::Inline,
        ),
        (
            &[],
            "bash",
            run,
            "e.sh",
            "conda clean --all # create nothing",
            Kind::Other,
        ),
        (&["RezPackages"], "bash", run, "e.sh", "rez env", Kind::Rez),
    ] {
        let text = environment(parameters, command, args, file, script);
        let read =
            Template::read(&text, TemplateType::Yaml).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(read.kind, kind, "{text}");
    }
}

#[test]
fn the_guard_is_seen_in_every_spelling_that_openjd_takes() {
    use GuardSet::{Set, Unset};
    let run = "\"{{Env.File.Enter}}\"";
    for (script, asks, sets) in [
        (
            "echo 'openjd_env: DISABLE_CONDA_ENV=true'",
            false,
            Some(Set),
        ),
        (
            "echo \"openjd_env:   DISABLE_CONDA_ENV=1\"",
            false,
            Some(Set),
        ),
        (
            "echo 'openjd_env: \"DISABLE_CONDA_ENV=true\"'",
            false,
            Some(Set),
        ),
        (
            "print('openjd_env: ' + json.dumps('DISABLE_CONDA_ENV=true'))",
            false,
            Some(Set),
        ),
        (
            "printf 'openjd_redacted_env: DISABLE_CONDA_ENV=1\\n'",
            false,
            Some(Set),
        ),
        (
            "echo 'openjd_unset_env: DISABLE_CONDA_ENV'",
            false,
            Some(Unset),
        ),
        (
            "echo 'openjd_env: DISABLE_CONDA_ENV=1'\necho 'openjd_unset_env: DISABLE_CONDA_ENV'",
            false,
            Some(Unset),
        ),
        ("if [ -v DISABLE_CONDA_ENV ]; then exit 0; fi", true, None),
        ("# openjd_env: DISABLE_CONDA_ENV=true", false, None),
        ("echo 'openjd_env: OTHER=1'", false, None),
        (
            "name = 'DISABLE_CONDA_ENV'\nprint(f'openjd_env: {name}=1')",
            true,
            Some(Set),
        ),
    ] {
        let text = environment(&[], "bash", run, "enter", script);
        let read = Template::read(&text, TemplateType::Yaml).unwrap();
        assert_eq!((read.has_guard, read.sets_guard), (asks, sets), "{script}");
    }
}

#[test]
fn every_legal_form_of_yaml_is_edited_at_one_value() {
    let body = "specificationVersion: environment-2023-09\nparameterDefinitions:\n- name: CondaChannels\n  type: STRING\n  default: DEFAULT\nenvironment:\n  name: E\n  script:\n    actions:\n      onEnter:\n        command: conda-queue-env-enter\n";
    for (before, default, after, wanted) in [
        ("", "deadline-cloud", "", NEW.to_owned()),
        ("---\n", "'deadline-cloud'", "...\n", format!("'{NEW}'")),
        (
            "%YAML 1.2\n---\n",
            "\"deadline-cloud\"",
            "",
            format!("\"{NEW}\""),
        ),
        (
            "%YAML 1.2\n# ours\n--- # the environment\n",
            "deadline-cloud",
            "...\n# nothing more\n",
            NEW.to_owned(),
        ),
        ("\u{feff}---\n", "deadline-cloud", "", NEW.to_owned()),
        (
            "# a comment\n\n---\n",
            "deadline-cloud",
            "\n...\n",
            NEW.to_owned(),
        ),
        (
            "",
            ">-  # ask Mia\n    deadline-cloud\n    conda-forge\n  # next",
            "",
            format!("\"{NEW}\"  # ask Mia\n  # next"),
        ),
        (
            "",
            "|- # one line\n    deadline-cloud",
            "",
            format!("\"{NEW}\"  # one line"),
        ),
        (
            "",
            "&anchored deadline-cloud",
            "",
            format!("&anchored {NEW}"),
        ),
    ] {
        for newline in ["\n", "\r\n"] {
            let whole = |value: &str| {
                let text = format!("{before}{}{after}", body.replace("DEFAULT", value));
                text.replace('\n', newline)
            };
            let edited = with_channels(&whole(default), TemplateType::Yaml, NEW);
            assert_eq!(edited.as_ref(), Ok(&whole(&wanted)), "{}", whole(default));
        }
    }
}

#[test]
fn what_is_newer_than_this_program_is_edited_and_not_judged() {
    let text = environment(
        &["CondaPackages", "CondaChannels"],
        "bash",
        "\"-c\", \"conda create -c {{Param.CondaChannels}}\"",
        "",
        "",
    );
    let text = text.replace(
        "environment:\n",
        "extensions: [WRAP_ACTIONS, TIME_TRAVEL]\nenvironment:\n",
    );
    let edited = with_channels(&text, TemplateType::Yaml, NEW).unwrap();
    assert!(edited.contains(NEW) && edited.contains("TIME_TRAVEL"));
    // What its own constraint forbids stays refused, whatever else it holds.
    let narrow = text.replace(
        "name: CondaChannels\n  type: STRING\n",
        "name: CondaChannels\n  type: STRING\n  maxLength: 10\n",
    );
    assert!(with_channels(&narrow, TemplateType::Yaml, NEW).is_err());
}
