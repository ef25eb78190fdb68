use super::*;
use crate::domain::template_edit::with_channels;

const NEW: &str = "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge";

fn template(parameter: &str) -> String {
    format!(
        "specificationVersion: environment-2023-09\nparameterDefinitions:\n  # the one above\n  - name: CondaPackages\n    type: STRING\n    default: \"\"\n{parameter}environment:\n  name: Conda\n  script:\n    actions:\n      onEnter:\n        command: conda-queue-env-enter\n        args: [\"--channels\", \"{{{{Param.CondaChannels}}}}\"]\n"
    )
}

fn changed_lines(before: &str, after: &str) -> (usize, usize) {
    let diff = similar::TextDiff::from_lines(before, after);
    let count = |tag| diff.iter_all_changes().filter(|c| c.tag() == tag).count();
    (
        count(similar::ChangeTag::Delete),
        count(similar::ChangeTag::Insert),
    )
}

#[test]
fn one_line_changes_and_the_quotes_stay() {
    for (old, new) in [
        (
            "    default: \"deadline-cloud\"   # ours\n",
            format!("    default: \"{NEW}\"   # ours\n"),
        ),
        (
            "    default: 'deadline-cloud' # it''s\n",
            format!("    default: '{NEW}' # it''s\n"),
        ),
        (
            "    default: deadline-cloud conda-forge\n",
            format!("    default: {NEW}\n"),
        ),
        (
            "    default:   deadline-cloud   # why\n",
            format!("    default:   {NEW}   # why\n"),
        ),
        ("    default: \"\"\n", format!("    default: \"{NEW}\"\n")),
    ] {
        for end in ["\n", "\r\n"] {
            let text = template(&format!(
                "  - name: CondaChannels\n    type: STRING\n{old}    description: x\n"
            ))
            .replace('\n', end);
            let edited = with_channels(&text, TemplateType::Yaml, NEW)
                .unwrap_or_else(|e| panic!("{old}: {e}"));
            assert_eq!(changed_lines(&text, &edited), (1, 1), "{old}\n{edited}");
            assert!(edited.contains(&new.replace('\n', end)), "{edited}");
            assert_eq!(
                Template::read(&edited, TemplateType::Yaml)
                    .unwrap()
                    .channels,
                Some(Some(NEW.to_owned()))
            );
        }
    }
}

#[test]
fn flow_style_and_a_list_at_column_zero() {
    let flow = template(
        "  - {name: CondaChannels, type: STRING, default: deadline-cloud, description: x}\n",
    );
    let edited = with_channels(&flow, TemplateType::Yaml, NEW).unwrap();
    assert!(
        edited.contains(&format!("type: STRING, default: {NEW}, description: x}}")),
        "{edited}"
    );
    let (top, environment) = flow.split_once("  - {").unwrap();
    let environment = environment.split_once('\n').unwrap().1;
    let zero = format!(
        "{}- name: CondaChannels\n  type: STRING\n  default: deadline-cloud\n{environment}",
        top.replace("\n  - ", "\n- ")
            .replace("\n    ", "\n  ")
            .replace("\n  # ", "\n# ")
    );
    assert_eq!(
        changed_lines(
            &zero,
            &with_channels(&zero, TemplateType::Yaml, NEW).unwrap()
        ),
        (1, 1),
        "{zero}"
    );
}

#[test]
fn a_folded_default_becomes_one_line() {
    for block in [
        "    default: >-\n      deadline-cloud\n      conda-forge\n",
        "    default: |\n      deadline-cloud\n",
        "    default: \"deadline-cloud\n      conda-forge\"\n",
    ] {
        let text = template(&format!(
            "  - name: CondaChannels\n    type: STRING\n{block}    description: x\n"
        ));
        let edited = with_channels(&text, TemplateType::Yaml, NEW)
            .unwrap_or_else(|e| panic!("{block}: {e}"));
        assert!(
            edited.contains(&format!("    default: \"{NEW}\"\n    description: x\n")),
            "{edited}"
        );
    }
}

#[test]
fn a_missing_default_is_added_beside_the_name() {
    let block = template("  - name: CondaChannels # first\n    type: STRING\n");
    let edited = with_channels(&block, TemplateType::Yaml, NEW).unwrap();
    assert!(
        edited.contains(&format!(
            "  - name: CondaChannels # first\n    default: \"{NEW}\"\n    type: STRING\n"
        )),
        "{edited}"
    );
    let flow = template("  - {name: CondaChannels, type: STRING}\n");
    let edited = with_channels(&flow, TemplateType::Yaml, NEW).unwrap();
    assert!(
        edited.contains(&format!(
            "{{name: CondaChannels, default: \"{NEW}\", type: STRING}}"
        )),
        "{edited}"
    );
}

#[test]
fn json_templates_keep_their_layout() {
    for indent in ["  ", "\t", "    "] {
        let text = format!(
            "{{\n{indent}\"specificationVersion\": \"environment-2023-09\",\n{indent}\"parameterDefinitions\": [\n{indent}{indent}{{\"name\": \"CondaChannels\", \"type\": \"STRING\", \"default\": \"deadline-cloud\"}}\n{indent}],\n{indent}\"environment\": {{\"name\": \"C\", \"variables\": {{\"A\": \"1\"}}}}\n}}\n"
        );
        let edited = with_channels(&text, TemplateType::Json, NEW)
            .unwrap_or_else(|e| panic!("{indent:?}: {e}"));
        assert_eq!(changed_lines(&text, &edited), (1, 1), "{edited}");
        let none = text.replace(", \"default\": \"deadline-cloud\"", "");
        assert!(
            with_channels(&none, TemplateType::Json, NEW)
                .unwrap()
                .contains("\"CondaChannels\", \"default\": "),
            "{indent:?}"
        );
    }
}

#[test]
fn what_is_not_ours_to_edit_is_refused() {
    let alias = template("  - name: CondaChannels\n    type: STRING\n    default: *c\n")
        .replace("default: \"\"", "default: &c \"\"");
    for (text, part) in [
        (alias, "alias"),
        (
            template(
                "  - name: CondaChannels\n    type: STRING\n    default: &c deadline-cloud\n    description: *c\n",
            ),
            "touching more than its value",
        ),
        (
            template(
                "  - name: CondaChannels\n    type: STRING\n    default: deadline-cloud\n    allowedValues: [deadline-cloud]\n",
            ),
            "would not be valid",
        ),
        (template(""), "no parameter CondaChannels"),
        ("a: [".to_owned(), "can't be parsed"),
        (
            template(&format!(
                "  - name: CondaChannels\n    type: STRING\n    default: x\n{}",
                "#\n".repeat(7_400)
            )),
            "15,000",
        ),
    ] {
        let refused = with_channels(&text, TemplateType::Yaml, NEW)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[test]
fn kinds_are_told_apart_by_structure() {
    let inline = |data: &str, more: &str| {
        format!(
            "specificationVersion: environment-2023-09\nparameterDefinitions:\n  - {{name: CondaPackages, type: STRING, default: ''}}\n  - {{name: CondaChannels, type: STRING, default: x}}\n{more}environment:\n  name: C\n  script:\n    actions:\n      onEnter: {{command: bash, args: [\"{{{{Env.File.E}}}}\"]}}\n    embeddedFiles:\n    - name: E\n      type: TEXT\n      data: |\n        {data}\n"
        )
    };
    let rez = "specificationVersion: environment-2023-09\nparameterDefinitions:\n  - {name: RezPackages, type: STRING, default: ''}\nenvironment:\n  name: Rez\n  variables: {A: b}\n";
    let caching = template("  - {name: CondaChannels, type: STRING, default: x}\n").replace(
        "[\"--channels\"",
        "[\"--persist-envs-hashed\", \"/e\", \"--channels\"",
    );
    for (text, kind) in [
        (
            template("  - {name: CondaChannels, type: STRING, default: x}\n"),
            Kind::Console,
        ),
        (caching, Kind::ConsoleCaching),
        (inline("conda create -p x", ""), Kind::Inline),
        (
            inline(
                "conda create {{Param.NamedCondaEnv}}",
                "  - {name: NamedCondaEnv, type: STRING, default: ''}\n",
            ),
            Kind::InlineCaching,
        ),
        (inline("pip install py-rattler", ""), Kind::PyRattler),
        (inline("echo hello", ""), Kind::Other),
        (
            inline("studio-env {{Param.CondaChannels}}", ""),
            Kind::UnknownConda,
        ),
        (rez.to_owned(), Kind::Rez),
        (rez.replace("RezPackages", "PipPackages"), Kind::Pip),
        (rez.replace("RezPackages", "Other"), Kind::Other),
    ] {
        assert_eq!(
            Template::read(&text, TemplateType::Yaml).unwrap().kind,
            kind,
            "{text}"
        );
    }
    assert!(
        Template::read(
            &inline("[[ \"$DISABLE_CONDA_ENV\" == 1 ]]", ""),
            TemplateType::Yaml
        )
        .unwrap()
        .has_guard
    );
}

#[test]
fn the_console_template_is_valid_and_editable() {
    validate(CONSOLE_TEMPLATE, TemplateType::Yaml).unwrap();
    let edited = with_channels(CONSOLE_TEMPLATE, TemplateType::Yaml, NEW).unwrap();
    assert_eq!(changed_lines(CONSOLE_TEMPLATE, &edited), (1, 1));
    assert_eq!(
        Template::read(&edited, TemplateType::Yaml).unwrap().kind,
        Kind::Console
    );
}
