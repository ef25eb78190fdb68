//! IAM policy documents: read in full, judged for one action on one resource, and written as ours.
//!
//! A judgement here is a reading of documents. It knows no SCP, no session policy and no bucket policy, so it is
//! never more than "the documents say so"; whether a role may really read is tried out with its own credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A document that is not a policy, with what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a policy document: {0}")]
pub struct NotAPolicy(pub String);

#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

/// Only from this version on does a policy know variables; before it `${aws:userid}` is that text and no more.
pub const VERSION: &str = "2012-10-17";

#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub sid: Option<String>,
    pub allow: bool,
    pub actions: Match,
    pub resources: Option<Match>,
    pub principals: Option<Principals>,
    /// operator, key, values
    pub conditions: Vec<(String, String, Vec<String>)>,
    /// Are policy variables filled in?
    pub variables: bool,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub not: bool,
    pub patterns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Principals {
    pub not: bool,
    /// kind (`Service`, `AWS`, `Federated`, `*`), values
    pub named: Vec<(String, Vec<String>)>,
}

/// What documents say of one action on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// A Deny statement says no, whatever else says yes.
    Denied,
    /// Nothing says yes.
    NotAllowed,
    /// It depends on a condition whose value is not known here.
    Depends,
}

impl Policy {
    pub fn parse(text: &str) -> Result<Self, NotAPolicy> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| NotAPolicy(format!("it is not JSON: {e}")))?;
        let listed = match value.get("Statement") {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(NotAPolicy("it has no Statement".to_owned())),
        };
        let variables = value.get("Version").and_then(Value::as_str) == Some(VERSION);
        let statements = listed
            .into_iter()
            .map(|s| Statement::parse(s, variables))
            .collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

fn texts(value: &Value) -> Result<Vec<String>, NotAPolicy> {
    let one = |v: &Value| match v {
        Value::String(s) => Ok(s.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(v.to_string()),
        other => Err(NotAPolicy(format!(
            "{other} stands where a text is expected"
        ))),
    };
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        v => Ok(vec![one(v)?]),
    }
}

impl Statement {
    fn parse(value: &Value, variables: bool) -> Result<Self, NotAPolicy> {
        let matched = |name: &str| -> Result<Option<Match>, NotAPolicy> {
            for (key, not) in [(name.to_owned(), false), (format!("Not{name}"), true)] {
                if let Some(v) = value.get(&key) {
                    return Ok(Some(Match {
                        not,
                        patterns: texts(v)?,
                    }));
                }
            }
            Ok(None)
        };
        let mut principals = None;
        for (key, not) in [("Principal", false), ("NotPrincipal", true)] {
            principals = match value.get(key) {
                Some(Value::Object(map)) => {
                    let named = map
                        .iter()
                        .map(|(k, v)| Ok((k.clone(), texts(v)?)))
                        .collect::<Result<_, NotAPolicy>>()?;
                    Some(Principals { not, named })
                }
                Some(Value::String(all)) => Some(Principals {
                    not,
                    named: vec![("*".to_owned(), vec![all.clone()])],
                }),
                _ => principals,
            };
        }
        let mut conditions = Vec::new();
        if let Some(Value::Object(operators)) = value.get("Condition") {
            for (operator, keys) in operators {
                let keys = keys
                    .as_object()
                    .ok_or_else(|| NotAPolicy(format!("Condition {operator} holds no keys")))?;
                for (key, values) in keys {
                    conditions.push((operator.clone(), key.clone(), texts(values)?));
                }
            }
        }
        let allow = match value.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => {
                return Err(NotAPolicy(
                    "a statement's Effect is neither Allow nor Deny".to_owned(),
                ));
            }
        };
        Ok(Self {
            sid: value.get("Sid").and_then(Value::as_str).map(str::to_owned),
            allow,
            actions: matched("Action")?
                .ok_or_else(|| NotAPolicy("a statement has no Action".to_owned()))?,
            resources: matched("Resource")?,
            principals,
            conditions,
            variables,
        })
    }
}

impl Match {
    /// Does it speak of this text, or of everything that the text, a pattern, stands for?
    pub fn takes(&self, text: &str, case: bool) -> bool {
        let fold = |s: &str| {
            if case {
                s.to_owned()
            } else {
                s.to_ascii_lowercase()
            }
        };
        self.patterns.iter().any(|p| wild(&fold(p), &fold(text))) != self.not
    }
}

/// IAM's wildcards: `*` any run, `?` one character. A `*` in the text is matched only by a `*` in the pattern,
/// so a pattern "takes" `bucket/ayon/*` only where it takes every key below it.
pub fn wild(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < t.len() {
        if i < p.len() && p[i] == '*' {
            star = Some((i, j));
            i += 1;
        } else if i < p.len() && t[j] != '*' && (p[i] == '?' || p[i] == t[j]) {
            i += 1;
            j += 1;
        } else if let Some((at, from)) = star {
            i = at + 1;
            j = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

/// Is there a text that both patterns take?
fn overlap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // `row[j]`: can what follows `a[i..]` and `b[j..]` be the same?
    let ends = |rest: &[char]| rest.iter().all(|c| *c == '*');
    let mut row: Vec<bool> = (0..=b.len()).map(|j| ends(&b[j..])).collect();
    for i in (0..a.len()).rev() {
        let mut next = vec![false; b.len() + 1];
        next[b.len()] = ends(&a[i..]);
        for j in (0..b.len()).rev() {
            next[j] = match (a[i], b[j]) {
                ('*', _) | (_, '*') => row[j] || next[j + 1],
                ('?', _) | (_, '?') => row[j + 1],
                (x, y) => x == y && row[j + 1],
            };
        }
        row = next;
    }
    row[0]
}

/// As IAM compares ARNs: each of the six parts on its own, so that no `*` reaches over a colon into the next part.
fn arn_like(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let parts = |text: &str| -> Vec<String> { text.splitn(6, ':').map(str::to_owned).collect() };
    let (pattern, arn) = (parts(pattern), parts(arn));
    pattern.len() == arn.len() && pattern.iter().zip(&arn).all(|(p, a)| wild(p, a))
}

/// What is known of a request, key (lower case) to value. A key that is missing is not known, not absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Context(Arc<Vec<(String, String)>>); // sorted; a map's node would be ten times its size

impl Context {
    pub fn new() -> Self {
        Self::default()
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(k, _)| k.as_str().cmp(key))
    }

    pub fn get(&self, key: &str) -> Option<&String> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(k, v)| (k, v))
    }

    pub fn insert(&mut self, key: String, value: String) {
        let place = self.place(&key);
        let pairs = Arc::make_mut(&mut self.0);
        match place {
            Ok(at) => pairs[at].1 = value,
            Err(at) => pairs.insert(at, (key, value)),
        }
    }

    /// With what the other carries too.
    pub fn extend(&mut self, other: &Self) {
        for (key, value) in other.iter() {
            self.insert(key.clone(), value.clone());
        }
    }
}

impl From<BTreeMap<String, String>> for Context {
    fn from(pairs: BTreeMap<String, String>) -> Self {
        Self(Arc::new(pairs.into_iter().collect()))
    }
}

impl From<Context> for BTreeMap<String, String> {
    fn from(context: Context) -> Self {
        Arc::unwrap_or_clone(context.0).into_iter().collect()
    }
}

impl<const N: usize> From<[(String, String); N]> for Context {
    fn from(pairs: [(String, String); N]) -> Self {
        BTreeMap::from(pairs).into()
    }
}

impl FromIterator<(String, String)> for Context {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        pairs.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Yes,
    No,
    Unknown,
}

fn holds(statement: &Statement, context: &Context) -> Holds {
    let mut all = Holds::Yes;
    for (operator, key, values) in &statement.conditions {
        let filled = |v: &String| {
            if statement.variables {
                filled(v, context)
            } else {
                Some(v.clone())
            }
        };
        let Some(values) = values.iter().map(filled).collect::<Option<Vec<_>>>() else {
            all = Holds::Unknown;
            continue;
        };
        match one_holds(operator, key, &values, context) {
            Holds::No => return Holds::No,
            Holds::Unknown => all = Holds::Unknown,
            Holds::Yes => {}
        }
    }
    all
}

fn one_holds(operator: &str, key: &str, values: &[String], context: &Context) -> Holds {
    let key = key.to_ascii_lowercase();
    let operator = operator.to_ascii_lowercase();
    let (set, operator) = match operator.split_once(':') {
        Some((set, rest)) => (set.to_owned(), rest.to_owned()),
        None => (String::new(), operator),
    };
    let (bare, if_exists) = operator
        .strip_suffix("ifexists")
        .map_or((operator.as_str(), false), |o| (o, true));
    let Some(have) = context.get(&key) else {
        return Holds::Unknown;
    };
    let yes = |b: bool| if b { Holds::Yes } else { Holds::No };
    // An empty value in the context says: this request carries no such key.
    let absent = have.is_empty();
    if bare == "null" {
        return yes(values
            .iter()
            .any(|v| v.eq_ignore_ascii_case("true") == absent));
    }
    if absent {
        return match set.as_str() {
            "forallvalues" => Holds::Yes,
            "foranyvalue" => Holds::No,
            _ => yes(if_exists || bare.contains("not")),
        };
    }
    let any = |f: &dyn Fn(&str) -> bool| values.iter().any(|v| f(v));
    match bare {
        "stringequals" => yes(any(&|v| v == have)),
        "stringnotequals" => yes(!any(&|v| v == have)),
        "stringequalsignorecase" => yes(any(&|v| v.eq_ignore_ascii_case(have))),
        "stringnotequalsignorecase" => yes(!any(&|v| v.eq_ignore_ascii_case(have))),
        "stringlike" => yes(any(&|v| wild(v, have))),
        "stringnotlike" => yes(!any(&|v| wild(v, have))),
        "arnlike" | "arnequals" => yes(any(&|v| arn_like(v, have))),
        "arnnotlike" | "arnnotequals" => yes(!any(&|v| arn_like(v, have))),
        "bool" => yes(any(&|v| v.eq_ignore_ascii_case(have))),
        _ => Holds::Unknown,
    }
}

/// A text with its policy variables replaced by what the request carries: `${aws:userid}`, `${aws:userid, 'nobody'}`,
/// `${$}`. `None`: a value is not known here, or stands for a literal wildcard.
fn filled(text: &str, context: &Context) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, further) = after.split_once('}')?;
        let (name, default) = name.split_once(',').map_or((name, None), |(n, d)| {
            (n, Some(d.trim().trim_matches('\'')))
        });
        match name.trim() {
            "$" => out.push('$'),
            "*" | "?" => return None,
            key => match context.get(&key.to_ascii_lowercase()).map(String::as_str) {
                Some("") => out.push_str(default?),
                Some(value) => out.push_str(value),
                None => return None,
            },
        }
        rest = further;
    }
    out.push_str(rest);
    Some(out)
}

/// A pattern with a star for each of its variables.
fn with_any_value(pattern: &str) -> String {
    let mut parts = pattern.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('*');
        out.push_str(part.split_once('}').map_or("*", |(_, after)| after));
    }
    out
}

impl Match {
    /// The same with its variables replaced; a pattern whose value is not known here is left out, and counted where it could
    /// fit with some value.
    fn filled(&self, context: &Context, asked: &str) -> (Self, bool) {
        let mut patterns = Vec::new();
        let mut unknown = false;
        for pattern in &self.patterns {
            match filled(pattern, context) {
                Some(text) => patterns.push(text),
                None => unknown |= overlap(asked, &with_any_value(pattern)),
            }
        }
        let not = self.not;
        (Self { not, patterns }, unknown)
    }
}

/// Does a statement's Resource speak of what is asked about?
fn speaks_of(statement: &Statement, resource: &str, context: &Context) -> Holds {
    let Some(stated) = &statement.resources else {
        return Holds::Yes;
    };
    // A need is written with the same variable as the statement that meets it.
    let same = stated.patterns.iter().any(|p| p == resource);
    let (known, unknown) = if statement.variables {
        stated.filled(context, resource)
    } else {
        (stated.clone(), false)
    };
    // Only where a part counts: a single text has no parts, and most statements are plain Allows.
    let part = || {
        let pattern = resource.contains(['*', '?']);
        known.patterns.iter().any(|p| {
            if pattern {
                overlap(resource, p)
            } else {
                wild(p, resource)
            }
        })
    };
    let yes = match (statement.allow, stated.not) {
        // An Allow must take all of what is asked about; one that excludes a part of it does not.
        (true, true) => known.takes(resource, true) && !same && !part(),
        (true | false, false) => known.takes(resource, true) || same,
        // A Deny of all but a part is a Deny of the rest.
        (false, true) if part() && !same => return Holds::Unknown,
        (false, true) => known.takes(resource, true) && !same,
    };
    // What a Deny forbids a part of, it depends on the request whether it is forbidden.
    if !statement.allow && !stated.not && !yes && part() {
        return Holds::Unknown;
    }
    match (yes, unknown, stated.not) {
        (true, true, true) | (false, true, false) => Holds::Unknown,
        (true, ..) => Holds::Yes,
        (false, ..) => Holds::No,
    }
}

/// What a role may do by its own policies and, where it has one, its permissions boundary: both must say yes.
pub fn decide_within<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    boundary: Option<&Policy>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    let own = decide(policies, action, resource, context);
    let boundary = boundary.map_or(Decision::Allowed, |b| {
        decide([b], action, resource, context)
    });
    match (own, boundary) {
        (Decision::Denied, _) | (_, Decision::Denied) => Decision::Denied,
        (Decision::NotAllowed, _) | (_, Decision::NotAllowed) => Decision::NotAllowed,
        (Decision::Depends, _) | (_, Decision::Depends) => Decision::Depends,
        (Decision::Allowed, Decision::Allowed) => Decision::Allowed,
    }
}

/// What these identity policies say together.
pub fn decide<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    let (mut allowed, mut depends, mut may_deny) = (false, false, false);
    for statement in policies.into_iter().flat_map(|p| &p.statements) {
        let on_resource = speaks_of(statement, resource, context);
        if !statement.actions.takes(action, false) || on_resource == Holds::No {
            continue;
        }
        let conditions = holds(statement, context);
        let both = if conditions == Holds::Yes {
            on_resource
        } else {
            conditions
        };
        match (statement.allow, both) {
            (_, Holds::No) => {}
            (false, Holds::Yes) => return Decision::Denied,
            (true, Holds::Yes) => allowed = true,
            (true, Holds::Unknown) => depends = true,
            (false, Holds::Unknown) => may_deny = true,
        }
    }
    match (allowed, depends) {
        (true, _) if may_deny => Decision::Depends,
        (true, _) => Decision::Allowed,
        (false, true) => Decision::Depends,
        (false, false) => Decision::NotAllowed,
    }
}

/// A condition that decides and whose value is not known from here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenCondition {
    /// As the document spells it.
    pub key: String,
    /// It stands in a Deny statement: no Allow can help.
    pub denies: bool,
    pub sid: Option<String>,
}

/// The conditions on which it depends whether a request is allowed.
pub fn open_conditions<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Vec<OpenCondition> {
    let mut open = Vec::new();
    for statement in policies.into_iter().flat_map(|p| &p.statements) {
        let speaks = speaks_of(statement, resource, context) != Holds::No;
        if !speaks
            || !statement.actions.takes(action, false)
            || holds(statement, context) == Holds::No
        {
            continue;
        }
        let partly = !statement.allow && speaks_of(statement, resource, context) == Holds::Unknown;
        if let (true, Some(stated)) = (partly, &statement.resources) {
            let only = if stated.not { "all but " } else { "" };
            open.push(OpenCondition {
                key: format!(
                    "which object is asked for (a Deny forbids {only}{})",
                    stated.patterns.join(", ")
                ),
                denies: true,
                sid: statement.sid.clone(),
            });
        }
        for (operator, key, values) in &statement.conditions {
            if one_holds(operator, key, values, context) == Holds::Unknown {
                let one = OpenCondition {
                    key: key.clone(),
                    denies: !statement.allow,
                    sid: statement.sid.clone(),
                };
                if !open.contains(&one) {
                    open.push(one);
                }
            }
        }
    }
    open
}

impl Policy {
    /// Its Allow statements alone: what a further Allow could add to.
    #[must_use]
    pub fn without_denies(&self) -> Self {
        let mut allows = self.clone();
        allows.statements.retain(|s| s.allow);
        allows
    }
}

/// Can this service do that with the role, for this context, by the trust policy's own words?
pub fn trusts(policy: &Policy, service: &str, action: &str, context: &Context) -> Decision {
    let (mut allowed, mut depends, mut may_deny) = (false, false, false);
    for statement in &policy.statements {
        let named = statement.principals.as_ref().is_some_and(|p| {
            let hit = p.named.iter().any(|(kind, values)| {
                values
                    .iter()
                    .any(|v| v == "*" || (kind.eq_ignore_ascii_case("service") && v == service))
            });
            hit != p.not
        });
        if !named || !statement.actions.takes(action, false) {
            continue;
        }
        match (statement.allow, holds(statement, context)) {
            (_, Holds::No) => {}
            (false, Holds::Yes) => return Decision::Denied,
            (true, Holds::Yes) => allowed = true,
            (true, Holds::Unknown) => depends = true,
            (false, Holds::Unknown) => may_deny = true,
        }
    }
    match (allowed, depends) {
        (true, _) if may_deny => Decision::Depends,
        (true, _) => Decision::Allowed,
        (false, true) => Decision::Depends,
        // What nothing allows, nothing needs to deny.
        (false, false) => Decision::NotAllowed,
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
