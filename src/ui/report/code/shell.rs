//! A plan as a script of the aws CLI.

use std::fmt::Write as _;

use serde::Serialize as _;
use serde_json::{Value, json};

use super::{Coded, Export, about, comment, words_of};
use crate::resources::{AsCode, Call, Calls, Guard, Piece, Step, pieces};

/// The whole script.
pub fn commands(export: &Export<'_>) -> String {
    let mut out = "#!/bin/sh\n".to_owned();
    out.push_str(&export.preface("A plan as commands of the aws CLI"));
    out.push('\n');
    out.push_str(&head(export));
    let all = export.coded();
    out.push_str(&body(&all.iter().collect::<Vec<_>>()));
    out
}

/// What the commands rest on: the region, and that they go to the account that was planned for.
pub(super) fn head(export: &Export<'_>) -> String {
    let region = export.region;
    let mut out = format!(
        "set -eu\nexport AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_PAGER=\n\
         stop() {{ printf '%s\\n' \"$1\" >&2; exit 1; }}\n"
    );
    if let Some(account) = export.account {
        let call = Call::new("sts", "GetCallerIdentity", json!({}));
        let _ = writeln!(
            out,
            "now=$({})\n[ \"$now\" = '{account}' ] || stop 'signed in to another account than {account}: nothing was changed'",
            told(&call, None, "Account", "text")
        );
    }
    out
}

pub(super) fn body(all: &[&Coded<'_>]) -> String {
    let mut out = String::new();
    let mut iam_changed = false;
    for it in all {
        out.push('\n');
        out.push_str(&about(it.change));
        match &it.code {
            AsCode::ByHand(words) => comment(&mut out, &format!("By hand: {words}")),
            AsCode::Calls(calls) => {
                let is_iam = calls.call.service == "iam";
                if iam_changed && !is_iam {
                    out.push_str(
                        "sleep 20 # what was changed in IAM is not true everywhere at once\n",
                    );
                    iam_changed = false;
                }
                change(&mut out, it, calls);
                iam_changed |= is_iam;
            }
        }
    }
    out
}

fn change(out: &mut String, it: &Coded<'_>, calls: &Calls) {
    let region = calls.region.as_deref();
    if let Some(guard) = &calls.guard {
        let words = quoted(&format!(
            "{}: it is not what it was when the plan was made; make a new plan",
            it.change.words()
        ));
        // What can't be read has not changed: there the script ends with the CLI's own words.
        let (now, is) = compared(guard, region);
        let _ = writeln!(out, "now=$({now})\n[ \"$now\" = {is} ] || stop {words}");
    }
    let is_new = it.change.step() == Step::Create;
    match calls.learns {
        [] => {
            let _ = writeln!(out, "{} > /dev/null", sent(&calls.call, region));
        }
        [(output, query)] if is_new => {
            let name = variable(&it.change.id, output);
            let _ = writeln!(
                out,
                "{name}=$({})",
                told(&calls.call, region, query, "text")
            );
        }
        several => {
            // One call, whose columns are what it tells.
            let query: Vec<&str> = several.iter().map(|(_, q)| *q).collect();
            let query = format!("[{}]", query.join(","));
            let _ = writeln!(out, "made=$({})", told(&calls.call, region, &query, "text"));
            for (at, (output, _)) in several.iter().enumerate() {
                let name = variable(&it.change.id, output);
                let column = at + 1;
                let _ = writeln!(out, "{name}=$(printf '%s\\n' \"$made\" | cut -f{column})");
            }
        }
    }
    if let Some(wait) = &calls.wait {
        let (call, is) = (told(&wait.call, region, wait.query, "text"), wait.is);
        let words = quoted(&it.change.words().to_string());
        let _ = writeln!(
            out,
            "while state=$({call}); do\n  case $state in\n    {is}) break;;\n    *FAILED) stop {words}\": $state\";;\n  esac\n  sleep 5\ndone\n\
             [ \"$state\" = {is} ] || stop {words}': its state was not read'"
        );
    }
}

/// What tells how it is now, and what that has to say.
fn compared(guard: &Guard, region: Option<&str>) -> (String, String) {
    let (format, is) = match &guard.is {
        Value::String(text) => ("text", text.trim_end_matches('\n').to_owned()),
        Value::Null => ("text", "None".to_owned()),
        other => ("json", laid_out(other)),
    };
    let call = told(&guard.call, region, &guard.query, format);
    (call, quoted(&is))
}

/// JSON as the aws CLI prints it: four spaces.
fn laid_out(value: &Value) -> String {
    let mut out = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut to = serde_json::Serializer::with_formatter(&mut out, format);
    let done = value.serialize(&mut to);
    debug_assert!(done.is_ok(), "a value can be written");
    String::from_utf8(out).unwrap_or_default()
}

fn told(call: &Call, region: Option<&str>, query: &str, format: &str) -> String {
    format!(
        "{} --query {} --output {format}",
        sent(call, region),
        quoted(query)
    )
}

fn sent(call: &Call, region: Option<&str>) -> String {
    let mut out = format!("aws {} {}", call.service, kebab(call.operation));
    if let Some(region) = region {
        let _ = write!(out, " --region {}", quoted(region));
    }
    let empty = call
        .input
        .as_object()
        .is_some_and(serde_json::Map::is_empty);
    if !empty {
        let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
        let _ = write!(out, " --cli-input-json {}", quoted(&input));
    }
    out
}

/// `UpdateQueueEnvironment` is `update-queue-environment`.
fn kebab(operation: &str) -> String {
    let mut out = String::new();
    for c in operation.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The variable that keeps what a change put out.
pub(super) fn variable(change: &str, output: &str) -> String {
    let mut words = words_of(change);
    words.extend(words_of(output));
    let name = words.join("_").to_ascii_uppercase();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

/// A text as one word of a shell; what other changes put out, from their variables.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => {
                let _ = write!(out, "'{}'", text.replace('\'', r"'\''"));
            }
            Piece::Output { change, output } => {
                let _ = write!(out, "\"${{{}}}\"", variable(change, output));
            }
        }
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_shell_holds_anything() {
        assert_eq!(quoted("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
        assert_eq!(quoted(""), "''");
        let with = quoted("a ${change:lattice-gateway/ayon.id} ${aws:userid}");
        assert_eq!(with, "'a '\"${LATTICE_GATEWAY_AYON_ID}\"' ${aws:userid}'");
        assert_eq!(kebab("UpdateQueueEnvironment"), "update-queue-environment");
    }
}
