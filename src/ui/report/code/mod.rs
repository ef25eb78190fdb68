//! A plan as code: a script of the aws CLI, Terraform, or a template of CloudFormation. What the two cannot express follows
//! as commands, in comments.

mod cloudformation;
mod hcl;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::{AccountId, QueueKey, Region};
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

/// The changes of a plan with their code and names, and which of them are declared.
struct Coding<'a> {
    all: Vec<Coded<'a>>,
    /// By the change's id: a name that no other change has, of small letters, digits and `_`.
    names: BTreeMap<&'a str, String>,
    declared: BTreeMap<&'a str, usize>,
}

impl<'a> Coding<'a> {
    /// `can`: what the language can declare. `place`: the region that it declares for.
    fn new(export: &Export<'a>, can: impl Fn(&Node) -> bool) -> Self {
        let changes = &export.plan.changes;
        let code = |(at, change): (usize, &'a Change)| {
            let made = |id: &str| changes[..at].iter().any(|c| c.id == id);
            let code = change.as_code(export.snapshot, &made);
            Coded { change, code }
        };
        let all: Vec<Coded<'a>> = changes.iter().enumerate().map(code).collect();
        let mut names: BTreeMap<&str, String> = BTreeMap::new();
        for it in &all {
            let mut name = words_of(&it.change.id).join("_");
            if name.is_empty() || names.values().any(|n| *n == name) {
                let hash = Sha256::digest(it.change.id.as_bytes());
                let _ = write!(name, "_{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2]);
            }
            names.insert(&it.change.id, name);
        }
        let mut coding = Self {
            all,
            names,
            declared: BTreeMap::new(),
        };
        for at in 0..coding.all.len() {
            if coding.is_declared(at, export.region, &can) {
                let id = coding.all[at].change.id.as_str();
                coding.declared.insert(id, at);
            }
        }
        coding
    }

    /// Things that the language can declare, that need nothing which it does not, and that nobody has to look at first after
    /// another change of the plan: a language declares all at once.
    fn is_declared(&self, at: usize, region: &Region, can: &impl Fn(&Node) -> bool) -> bool {
        let it = &self.all[at];
        let AsCode::Calls(calls) = &it.code else {
            return false;
        };
        let elsewhere = calls
            .region
            .as_deref()
            .is_some_and(|r| r != region.as_str());
        let planned = |id: &String| self.names.contains_key(id.as_str());
        let mut needs = it.change.needs.iter().filter(|n| planned(n));
        let free = needs
            .clone()
            .all(|n| self.declared.contains_key(n.as_str()));
        let looked_at = it.change.is_gated() && needs.next().is_some();
        // A thing is declared once, so that two changes of it can't be.
        let mut same = self
            .all
            .iter()
            .filter(|o| o.change.resource == it.change.resource);
        let once = same.nth(1).is_none();
        !elsewhere && free && !looked_at && once && calls.node.as_ref().is_some_and(can)
    }

    fn is(&self, id: &str) -> bool {
        self.declared.contains_key(id)
    }

    /// Those that are declared, in the plan's order.
    fn declared(&self) -> impl Iterator<Item = (&'a Change, &Node)> {
        let own = self.all.iter().filter(|c| self.is(&c.change.id));
        own.filter_map(|c| Some((c.change, c.node()?)))
    }

    fn node(&self, id: &str) -> Option<&Node> {
        self.all[*self.declared.get(id)?].node()
    }

    fn open(&self) -> Vec<&Coded<'a>> {
        let open = self.all.iter().filter(|c| !self.is(&c.change.id));
        open.collect()
    }

    fn name(&self, id: &str) -> String {
        let known = self.names.get(id).cloned();
        known.unwrap_or_else(|| words_of(id).join("_"))
    }

    /// What the commands that follow take from what is declared.
    fn taken_after(&self) -> BTreeSet<(String, String)> {
        let mut outputs = BTreeSet::new();
        for it in self.open() {
            if let AsCode::Calls(calls) = &it.code {
                taken(&calls.call.input, &mut outputs);
            }
        }
        outputs.retain(|(change, _)| self.is(change));
        outputs
    }

    /// The commands for what is not declared, in comments; nothing where all is.
    fn rest(
        &self,
        export: &Export<'_>,
        language: &str,
        first: &str,
        reference: &dyn Fn(&str, &str) -> String,
    ) -> String {
        let open = self.open();
        if open.is_empty() {
            return String::new();
        }
        let mut out = String::new();
        let last = "end of the commands";
        comment(
            &mut out,
            &format!(
                "{language} cannot express the rest. Afterwards, save the lines below up to \"{last}\" as a file, each without its \"# \", and run it with sh:"
            ),
        );
        let mut script = shell::head(export);
        script.push_str(first);
        for (change, output) in &self.taken_after() {
            let name = shell::variable(self, change, output);
            let _ = writeln!(script, "{name}={}", reference(change, output));
        }
        let has_iam = self
            .declared()
            .any(|(_, node)| node.kind.starts_with("AWS::IAM::"));
        script.push_str(&shell::body(self, &open, has_iam));
        for line in script.split('\n') {
            let _ = writeln!(out, "# {line}");
        }
        let _ = writeln!(out, "# {last}");
        out
    }
}

impl Export<'_> {
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
             undo all of it. This does less: where it says \"first see\", see it yourself, and run `studiolink audit` afterwards. What waits for that \
             can be exported again, once what it waits for is made.",
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

/// What `studiolink apply` tries before it makes the change, and code does not.
fn seen_first(change: &Change) -> Vec<String> {
    let reads = change.reads.iter();
    let reads = reads.map(|(queue, c)| (queue, c.show().to_string()));
    let secrets = change.secrets.iter();
    let secrets = secrets.map(|(queue, s)| (queue, format!("the secret {}", s.name())));
    let words = |(queue, what): (&QueueKey, String)| {
        format!("the role of {} can read {what}", queue.queue.brief())
    };
    reads.chain(secrets).map(words).collect()
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
    for words in seen_first(change) {
        comment(&mut out, &format!("first see that {words}"));
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

/// A name made of letters, digits and what joins them, for languages that take no others.
fn words_of(id: &str) -> Vec<String> {
    let parts = id.split(|c: char| !c.is_ascii_alphanumeric());
    parts
        .filter(|p| !p.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}
