//! A plan as a script of the aws CLI.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Coded, Coding, Export, about, comment, seen_first, words_of};
use crate::resources::{AsCode, Call, Calls, Guard, Piece, Step, pieces};

/// The whole script.
pub fn commands(export: &Export<'_>) -> String {
    let mut out = "#!/bin/sh\n".to_owned();
    out.push_str(&export.preface("A plan as commands of the aws CLI"));
    out.push('\n');
    out.push_str(&head(export));
    let coding = Coding::new(export, |_| false);
    out.push_str(&body(&coding, &coding.open(), false));
    out
}

/// What the commands rest on: the region, and that they go to the account that was planned for.
pub(super) fn head(export: &Export<'_>) -> String {
    let region = export.region;
    let mut out = format!(
        "set -eu\nexport AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_PAGER=\n\
         stop() {{ printf '%s\\n' \"$1\" >&2; exit 1; }}\n\
         # What only a person can see is asked for; SEEN=yes says it beforehand.\n\
         seen() {{\n  [ \"${{SEEN-}}\" = yes ] && return\n  printf '%s: is it so? yes goes on: ' \"$1\" >&2\n  \
         read -r answer < /dev/tty && [ \"$answer\" = yes ] || stop \"stopped before: $1\"\n}}\n"
    );
    if let Some(account) = export.account {
        let call = Call::new("sts", "GetCallerIdentity", json!({}));
        let none = BTreeMap::new();
        let _ = writeln!(
            out,
            "now=$({})\n[ \"$now\" = '{account}' ] || stop 'signed in to another account than {account}: nothing was changed'",
            told(&Names(&none), &call, None, "Account", "text")
        );
    }
    out
}

/// `after_iam`: something of IAM was made just before.
pub(super) fn body(coding: &Coding<'_>, all: &[&Coded<'_>], after_iam: bool) -> String {
    let mut out = String::new();
    let mut iam_changed = after_iam;
    for it in all {
        out.push('\n');
        out.push_str(&about(it.change));
        match &it.code {
            AsCode::ByHand(words) => {
                comment(&mut out, &format!("By hand: {words}"));
                // What needs it is not made on the ruins of it.
                if all.iter().any(|o| o.change.needs.contains(&it.change.id)) {
                    let words = format!(
                        "{} {} was done by hand",
                        it.change.operation(),
                        it.change.words()
                    );
                    let _ = writeln!(out, "seen {}", literal(&words));
                }
            }
            AsCode::Calls(calls) => {
                let is_iam = calls.call.service == "iam";
                if iam_changed && !is_iam {
                    out.push_str(
                        "sleep 20 # what was changed in IAM is not true everywhere at once\n",
                    );
                    iam_changed = false;
                }
                for words in seen_first(it.change) {
                    let _ = writeln!(out, "seen {}", literal(&words));
                }
                change(&mut out, coding, it, calls);
                iam_changed |= is_iam;
            }
        }
    }
    out
}

fn change(out: &mut String, coding: &Coding<'_>, it: &Coded<'_>, calls: &Calls) {
    let region = calls.region.as_deref();
    let names = Names(&coding.names);
    if let Some(guard) = &calls.guard {
        let words = literal(&format!(
            "{}: it is not what it was when the plan was made, or this aws CLI does not know all of it; make a new plan",
            it.change.words()
        ));
        // What can't be read has not changed: there the script ends with the CLI's own words.
        let now = told(&names, &guard.call, region, &guarded(guard), "json");
        let _ = writeln!(out, "now=$({now})\n[ \"$now\" = true ] || stop {words}");
    }
    let is_new = it.change.step() == Step::Create;
    match calls.learns {
        [(output, query)] if is_new => {
            let name = names.variable(&it.change.id, output);
            let _ = writeln!(
                out,
                "{name}=$({})",
                told(&names, &calls.call, region, query, "text")
            );
        }
        several if is_new && !several.is_empty() => {
            // One call, whose columns are what it tells.
            let query: Vec<&str> = several.iter().map(|(_, q)| *q).collect();
            let query = format!("[{}]", query.join(","));
            let _ = writeln!(
                out,
                "made=$({})",
                told(&names, &calls.call, region, &query, "text")
            );
            for (at, (output, _)) in several.iter().enumerate() {
                let name = names.variable(&it.change.id, output);
                let column = at + 1;
                let _ = writeln!(out, "{name}=$(printf '%s\\n' \"$made\" | cut -f{column})");
            }
        }
        _ => {
            let _ = writeln!(out, "{} > /dev/null", sent(&names, &calls.call, region));
        }
    }
    for wait in &calls.waits {
        let call = told(&names, &wait.call, region, &wait.query, "text");
        let words = literal(it.change.words().as_str());
        let (ready, coming) = (wait.ready.join("|"), wait.coming.join("|"));
        let _ = writeln!(
            out,
            "tries=0\nwhile state=$({call}); do\n  case $state in\n    {ready}) break;;\n    {coming}) ;;\n    \
             *) stop {words}\": it is $state\";;\n  esac\n  tries=$((tries + 1))\n  \
             [ $tries -lt {TRIES} ] || stop {words}\": it is still $state\"\n  sleep 5\ndone\n\
             [ -n \"$state\" ] || stop {words}': its state was not read'"
        );
    }
}

/// Ten minutes, at five seconds each.
const TRIES: usize = 120;

/// Whether it is as it was, as JMESPath: objects are the same whatever the order of their members.
fn guarded(guard: &Guard) -> String {
    if guard.is == Value::Bool(true) {
        return guard.query.clone();
    }
    let value = serde_json::to_string(&guard.is).unwrap_or_default();
    format!(
        "{} == `{}`",
        guard.query,
        on_one_line(&value).replace('`', r"\`")
    )
}

/// JSON without what ends a line for somebody: in a comment of another language it would end the comment.
fn on_one_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn told(names: &Names<'_>, call: &Call, region: Option<&str>, query: &str, format: &str) -> String {
    let sent = sent(names, call, region);
    format!("{sent} --query {} --output {format}", names.quoted(query))
}

fn sent(names: &Names<'_>, call: &Call, region: Option<&str>) -> String {
    let mut out = format!("aws {} {}", call.service, kebab(call.operation));
    if let Some(region) = region {
        let _ = write!(out, " --region {}", literal(region));
    }
    let empty = call
        .input
        .as_object()
        .is_some_and(serde_json::Map::is_empty);
    if !empty {
        let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
        let _ = write!(
            out,
            " --cli-input-json {}",
            names.quoted(&on_one_line(&input))
        );
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
pub(super) fn variable(coding: &Coding<'_>, change: &str, output: &str) -> String {
    Names(&coding.names).variable(change, output)
}

/// The changes' names, for variables.
struct Names<'a>(&'a BTreeMap<&'a str, String>);

impl Names<'_> {
    fn variable(&self, change: &str, output: &str) -> String {
        let known = self.0.get(change).cloned();
        let name = known.unwrap_or_else(|| words_of(change).join("_"));
        let output = words_of(output).join("_");
        let name = format!("{name}_{output}").to_ascii_uppercase();
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            format!("_{name}")
        } else {
            name
        }
    }

    /// A text as one word of a shell; what other changes put out, from their variables.
    fn quoted(&self, text: &str) -> String {
        let mut out = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(&literal(text)),
                Piece::Output { change, output } => {
                    let _ = write!(out, "\"${{{}}}\"", self.variable(change, output));
                }
            }
        }
        if out.is_empty() { literal("") } else { out }
    }
}

/// A text as one word of a shell, as it stands.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_shell_holds_anything() {
        let none = BTreeMap::new();
        let names = Names(&none);
        assert_eq!(names.quoted("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
        assert_eq!(names.quoted(""), "''");
        let with = names.quoted("a ${change:lattice-gateway/ayon.id} ${aws:userid}");
        assert_eq!(with, "'a '\"${LATTICE_GATEWAY_AYON_ID}\"' ${aws:userid}'");
        assert_eq!(kebab("UpdateQueueEnvironment"), "update-queue-environment");
        assert_eq!(on_one_line("\"a\u{2028}b\u{85}\""), r#""a\u2028b\u0085""#);
    }
}
