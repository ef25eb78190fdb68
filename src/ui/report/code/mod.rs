//! A plan as code: a script of the aws CLI, Terraform, or a template of CloudFormation. What the two cannot express follows
//! as commands, in comments.

mod cloudformation;
mod hcl;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::ids::{AccountId, Region};
use crate::domain::text::Printable;
use crate::questions::Snapshot;
use crate::resources::{AsCode, Change, Node, Piece, Plan, pieces};
use crate::ui::screen::fold;

pub use cloudformation::cloudformation;
pub use hcl::terraform;
pub use shell::commands;

/// A plan, and where it was made.
pub struct Export<'a> {
    pub plan: &'a Plan,
    pub snapshot: &'a Snapshot,
    pub account: Option<&'a AccountId>,
    pub region: &'a Region,
    /// What stays with people in any case.
    pub manual: Vec<Printable>,
    /// Made of the sandbox, where nothing is real.
    pub is_sandbox: bool,
}

/// Width of comments.
const WIDTH: usize = 100;

/// A change with its code.
struct Coded<'a> {
    change: &'a Change,
    code: AsCode,
}

impl Coded<'_> {
    fn node(&self) -> Option<&Node> {
        match &self.code {
            AsCode::Calls(calls) => calls.node.as_ref(),
            AsCode::ByHand(_) => None,
        }
    }
}

impl Export<'_> {
    fn coded(&self) -> Vec<Coded<'_>> {
        let code = |change| Coded {
            change,
            code: Change::as_code(change, self.snapshot),
        };
        self.plan.changes.iter().map(code).collect()
    }

    /// What of the plan is declared: things that `can` be, and that need nothing which is not.
    fn declared<'a>(
        &self,
        all: &'a [Coded<'a>],
        can: impl Fn(&Node) -> bool,
    ) -> BTreeMap<&'a str, &'a Coded<'a>> {
        let planned: BTreeSet<&str> = all.iter().map(|c| c.change.id.as_str()).collect();
        let mut declared = BTreeMap::new();
        for it in all {
            let AsCode::Calls(calls) = &it.code else {
                continue;
            };
            let elsewhere = calls.region.as_ref();
            let elsewhere = elsewhere.is_some_and(|r| r != self.region.as_str());
            let mut needs = it.change.needs.iter().map(String::as_str);
            let free = needs.all(|n| !planned.contains(n) || declared.contains_key(n));
            if !elsewhere && free && calls.node.as_ref().is_some_and(&can) {
                declared.insert(it.change.id.as_str(), it);
            }
        }
        declared
    }

    /// What everybody should know who uses the code.
    fn preface(&self, what: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let account = self
            .account
            .map_or("an account that is not known", |a| a.as_str());
        let mut out = String::new();
        comment(
            &mut out,
            &format!(
                "{what}, by studiolink {version}, for account {account}, region {}.",
                self.region
            ),
        );
        comment(
            &mut out,
            "`studiolink apply` looks again before each change, waits for IAM, tries what a change rests on as the queue role, and can \
             undo all of it. This does less: where it says \"first see\", see it yourself, and run `studiolink audit` afterwards.",
        );
        if self.is_sandbox {
            comment(
                &mut out,
                "Made of the sandbox, a studio in memory: an example, and nothing in it was seen on AWS.",
            );
        }
        for (head, list) in [
            (
                "Not decided, because it could not be read: ",
                &self.plan.unread,
            ),
            ("Not changed: ", &self.plan.refused),
            ("Left to you: ", &self.manual),
        ] {
            for line in list {
                comment(&mut out, &format!("{head}{line}"));
            }
        }
        out
    }
}

/// Lines of a comment; text of a service is printable by then, and stays on its lines.
fn comment(out: &mut String, text: &str) {
    for line in fold(text, WIDTH) {
        let _ = writeln!(out, "# {}", line.trim_end());
    }
}

/// What is to be known of a change, above its code.
fn about(change: &Change) -> String {
    let mut out = String::new();
    comment(
        &mut out,
        &format!("{} {}", change.operation(), change.words()),
    );
    comment(&mut out, change.because.as_str());
    if let Some(warning) = &change.warning {
        comment(&mut out, &format!("WARN {warning}"));
    }
    for (queue, channel) in &change.reads {
        let queue = queue.queue.brief();
        comment(
            &mut out,
            &format!(
                "first see that the role of {queue} can read {}",
                channel.show()
            ),
        );
    }
    for (queue, secret) in &change.secrets {
        let (queue, name) = (queue.queue.brief(), secret.name());
        comment(
            &mut out,
            &format!("first see that the role of {queue} can read the secret {name}"),
        );
    }
    if let Some(otherwise) = change.otherwise() {
        let words = format!(
            "`studiolink apply`: {otherwise}. This code does not: take the line out yourself"
        );
        comment(&mut out, &words);
    }
    comment(&mut out, change.undo());
    out
}

/// Outputs of other changes that a value takes.
fn taken(value: &Value, all: &mut BTreeSet<(String, String)>) {
    match value {
        Value::String(text) => {
            for piece in pieces(text) {
                if let Piece::Output { change, output } = piece {
                    all.insert((change.to_owned(), output.to_owned()));
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| taken(v, all)),
        Value::Object(members) => members.values().for_each(|v| taken(v, all)),
        _ => {}
    }
}

/// What the commands that follow take from what is declared.
fn taken_after(
    all: &[Coded<'_>],
    declared: &BTreeMap<&str, &Coded<'_>>,
) -> BTreeSet<(String, String)> {
    let mut outputs = BTreeSet::new();
    for it in all {
        if let (AsCode::Calls(calls), false) =
            (&it.code, declared.contains_key(it.change.id.as_str()))
        {
            taken(&calls.call.input, &mut outputs);
        }
    }
    outputs.retain(|(change, _)| declared.contains_key(change.as_str()));
    outputs
}

/// The commands for what is not declared, in comments; nothing where all is.
fn rest(
    export: &Export<'_>,
    all: &[Coded<'_>],
    declared: &BTreeMap<&str, &Coded<'_>>,
    place: &str,
    reference: &dyn Fn(&str, &str) -> String,
) -> String {
    let open: Vec<&Coded<'_>> = all
        .iter()
        .filter(|c| !declared.contains_key(c.change.id.as_str()))
        .collect();
    if open.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let last = "end of the commands";
    comment(
        &mut out,
        &format!(
            "{place} cannot express the rest. Afterwards, in a shell, each line without its \"# \", up to \"{last}\":"
        ),
    );
    let known: BTreeSet<(String, String)> = taken_after(all, declared);
    let mut script = shell::head(export);
    for (change, output) in &known {
        let name = shell::variable(change, output);
        let _ = writeln!(script, "{name}={}", reference(change, output));
    }
    script.push_str(&shell::body(&open));
    for line in script.lines() {
        let _ = writeln!(out, "{}", format!("# {line}").trim_end());
    }
    let _ = writeln!(out, "# {last}");
    out
}

/// A name made of letters, digits and what joins them, for languages that take no others.
fn words_of(id: &str) -> Vec<String> {
    let parts = id.split(|c: char| !c.is_ascii_alphanumeric());
    parts
        .filter(|p| !p.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}
