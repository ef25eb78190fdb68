//! One change as data: the thing, its text before and after, the changes that it needs.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{AnyResource, AsCode, Outputs};
use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::risk::RiskKind;
use crate::domain::secrets::{has_secret, masked, unmasked};
use crate::domain::text::Printable;
use crate::domain::worker_secret::SecretPlace;
use crate::questions::Snapshot;

/// What a change does to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Create,
    Update,
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Change {
    /// Permanent within a studio: what leaving out and resuming go by.
    pub id: String,
    pub resource: AnyResource,
    /// As served. `None`: it does not exist. In a file it must be written: a line that is missing is not a deletion.
    #[serde(deserialize_with = "Option::deserialize")]
    pub before: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub after: Option<String>,
    pub because: Printable,
    /// What people call the queue that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Printable>,
    /// What the administrator should know before saying yes.
    pub warning: Option<Printable>,
    /// Which kind of risk that is. A journal of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskKind>,
    /// The channels that the role of these queues has to read before this is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<(QueueKey, Channel)>,
    /// The secrets that the role of these queues has to read before this is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<(QueueKey, SecretPlace)>,
    /// The changes without which this one can't be made, or would do harm.
    pub needs: Vec<String>,
}

impl Change {
    pub fn new(
        id: impl Into<String>,
        resource: impl Into<AnyResource>,
        before: Option<String>,
        after: Option<String>,
        because: impl Into<Printable>,
    ) -> Self {
        Self {
            id: id.into(),
            resource: resource.into(),
            // What is planned is kept in files: the secrets of addresses are put back just before the call.
            before: before.map(|t| masked(&t)),
            after: after.map(|t| masked(&t)),
            because: because.into(),
            named: None,
            warning: None,
            risk: None,
            reads: Vec::new(),
            secrets: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// What it may do besides, in words and as a kind that a program decides by.
    #[must_use]
    pub fn risk(mut self, kind: RiskKind, words: Option<impl Into<Printable>>) -> Self {
        if let Some(words) = words {
            self.warning = Some(words.into());
            self.risk = Some(kind);
        }
        self
    }

    #[must_use]
    pub fn reads(mut self, channels: impl IntoIterator<Item = (QueueKey, Channel)>) -> Self {
        self.reads.extend(channels);
        self
    }

    #[must_use]
    pub fn reads_secret(mut self, queue: QueueKey, secret: SecretPlace) -> Self {
        self.secrets.push((queue, secret));
        self
    }

    /// Is something to be seen before it is made?
    pub fn is_gated(&self) -> bool {
        !self.reads.is_empty() || !self.secrets.is_empty()
    }

    #[must_use]
    pub fn needs(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.needs.extend(ids);
        self
    }

    pub fn step(&self) -> Step {
        match (&self.before, &self.after) {
            (None, _) => Step::Create,
            (_, Some(_)) => Step::Update,
            (_, None) => Step::Delete,
        }
    }

    /// The thing, with the name that people know after its id.
    pub fn words(&self) -> Printable {
        let words = self.resource.words();
        match &self.named {
            Some(name) => format!("{words} ({name})").into(),
            None => words,
        }
    }

    #[must_use]
    pub fn named(mut self, name: Printable) -> Self {
        self.named = Some(name);
        self
    }

    /// The API call, as the service names it.
    pub fn operation(&self) -> &'static str {
        self.resource.inner().operation(self.step())
    }

    pub fn permission(&self) -> String {
        let service = self.resource.inner().service();
        format!("{service}:{}", self.operation())
    }

    /// The change that restores what was there.
    #[must_use]
    pub fn reverse(&self) -> Self {
        let mut resource = self.resource.clone();
        resource.turn_back();
        Self {
            id: self.id.clone(),
            resource,
            before: self.after.clone(),
            after: self.before.clone(),
            because: "undoes what the run did".into(),
            named: self.named.clone(),
            warning: None,
            risk: None,
            reads: Vec::new(),
            secrets: Vec::new(),
            needs: Vec::new(),
        }
    }

    pub fn undo(&self) -> &'static str {
        self.resource.inner().undo(self.step())
    }

    pub fn cannot_undo(&self) -> Option<&'static str> {
        self.resource.inner().cannot_undo(self.step())
    }

    /// What is sent in its place where the service refuses the text.
    pub fn otherwise(&self) -> Option<Printable> {
        self.resource.inner().otherwise(self.after.as_deref()?)
    }

    /// The same as code. What holds a secret is no code: it would lie in a repository.
    /// `made`: is it a change of the same plan, before this one?
    pub fn as_code(&self, snapshot: &Snapshot, made: &dyn Fn(&str) -> bool) -> AsCode {
        let code = self.resource.inner().as_code(self, snapshot);
        let AsCode::Calls(calls) = &code else {
            return code;
        };
        let mut texts: Vec<&str> = Vec::new();
        texts_of(&calls.call.input, &mut texts);
        if let Some(guard) = &calls.guard {
            texts_of(&guard.is, &mut texts);
        }
        if texts.iter().any(|t| has_secret(t)) {
            return AsCode::by_hand(format!(
                "the {} holds an address with a user, token, query or fragment, which may be a secret, and no code keeps one: `studiolink apply` makes this change",
                self.words()
            ));
        }
        // What looks like a placeholder and is none of this plan's would be evaluated by whoever runs the code.
        let is_ours = |piece: Piece<'_>| match piece {
            Piece::Text(_) => true,
            Piece::Output { change, output } => {
                (made(change) || change == self.id) && ["id", "arn"].contains(&output)
            }
        };
        if !texts.iter().all(|t| pieces(t).into_iter().all(is_ours)) {
            return AsCode::by_hand(format!(
                "the {} holds a text with \"{OPEN}\", which code would take for something else: `studiolink apply` makes this change",
                self.words()
            ));
        }
        code
    }

    pub fn is_final(&self) -> bool {
        self.resource.inner().is_final(self.step())
    }

    /// Is this text what the change leaves behind?
    pub fn is_after(&self, now: Option<&str>) -> bool {
        self.is_same(now, self.after.as_deref())
    }

    pub fn is_before(&self, now: Option<&str>) -> bool {
        self.is_same(now, self.before.as_deref())
    }

    fn is_same(&self, now: Option<&str>, then: Option<&str>) -> bool {
        match (now, then) {
            (None, None) => true,
            (Some(now), Some(then)) => self.resource.inner().is_same(&masked(now), then),
            _ => false,
        }
    }

    /// Does another change make the same of the same thing?
    pub fn makes_the_same(&self, other: &Self) -> bool {
        self.resource == other.resource && self.before == other.before && self.after == other.after
    }

    /// Before and after as people read them.
    pub fn readable(&self) -> (String, String) {
        let lay_out = |text: &Option<String>| {
            let text = text.as_deref();
            text.map_or_else(String::new, |t| {
                known_after_apply(&self.resource.inner().readable(t))
            })
        };
        (lay_out(&self.before), lay_out(&self.after))
    }

    /// The studio after it. One function for the preview and for TO DO.
    pub fn apply_to(&self, snapshot: &mut Snapshot) {
        let now = self.resource.inner().now(snapshot);
        let after = self.after.as_ref();
        let after = after.map(|t| unmasked(t, now.as_deref().unwrap_or_default()));
        let after = after.map(|t| t.unwrap_or_else(|_| self.after.clone().unwrap_or_default()));
        self.resource.inner().apply_to(snapshot, after.as_deref());
    }

    /// The thing's text and outputs, out of the answer to its question.
    pub fn found(&self, answer: crate::questions::AnyAnswer) -> Result<super::Found, Problem> {
        self.resource.inner().found(answer, self)
    }
}

/// Every text of a value.
fn texts_of<'a>(value: &'a serde_json::Value, all: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => all.push(text),
        serde_json::Value::Array(list) => list.iter().for_each(|v| texts_of(v, all)),
        serde_json::Value::Object(members) => members.values().for_each(|v| texts_of(v, all)),
        _ => {}
    }
}

const OPEN: &str = "${change:";

/// What another change puts out, as the text of a later one names it before it is known.
pub fn placeholder(change: &str, output: &str) -> String {
    format!("{OPEN}{change}.{output}}}")
}

/// A text as it is, and what other changes put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Output { change: &'a str, output: &'a str },
}

/// A text taken apart at its placeholders.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        all.extend((!before.is_empty()).then_some(Piece::Text(before)));
        let end = from.find('}').map_or(from.len(), |i| i + 1);
        let inner = from.get(OPEN.len()..end - 1).unwrap_or_default();
        let (change, output) = inner.rsplit_once('.').unwrap_or((inner, "value"));
        all.push(Piece::Output { change, output });
        rest = &from[end..];
    }
    all.extend((!rest.is_empty()).then_some(Piece::Text(rest)));
    all
}

/// A placeholder as people read it.
fn known_after_apply(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Output { change, output } => {
                let _ = write!(out, "(known after apply: {output} of {change})");
            }
        }
    }
    out
}

/// The text with what earlier changes have put out: `${change-id.name}`. A placeholder that nothing fills is refused,
/// because the service would take it literally.
pub fn fill(text: &str, outputs: &dyn Fn(&str) -> Option<Outputs>) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find('}').unwrap_or(from.len());
        let name = from.get(OPEN.len()..end).unwrap_or_default();
        let value = name
            .rsplit_once('.')
            .and_then(|(id, output)| outputs(id)?.remove(output));
        let Some(value) = value else {
            return Err(Problem::new(
                ProblemKind::Local,
                "Nothing was sent",
                format!("the change needs {name}, which no earlier change has put out"),
                "this is a bug in studiolink; please report it",
            ));
        };
        out.push_str(&value);
        rest = from.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_or_refused() {
        let outputs = |id: &str| {
            let arn = [("arn".to_owned(), "arn:x".to_owned())];
            (id == "gateway/a").then(|| Outputs::from(arn))
        };
        let text = r#"{"arn":"${change:gateway/a.arn}","p":"${aws:userid}"}"#;
        assert!(text.contains(&placeholder("gateway/a", "arn")));
        assert_eq!(
            fill(text, &outputs).unwrap(),
            r#"{"arn":"arn:x","p":"${aws:userid}"}"#,
            "a policy variable is not ours"
        );
        for bad in [
            "${change:gateway/b.arn}",
            "${change:gateway/a.id}",
            "x${change:",
        ] {
            assert!(fill(bad, &outputs).is_err(), "{bad}");
        }
    }
}
