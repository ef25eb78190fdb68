//! An IAM role with its documents as they are served, each read once.

use std::collections::BTreeMap;

use super::fact::Fact;
use super::ids::RoleArn;
use super::policy::{NotAPolicy, Policy};
use super::text::Untrusted;

/// A policy document: the served text, byte for byte, and what it says.
#[derive(Debug, Clone)]
pub struct PolicyText {
    text: String,
    policy: Result<Policy, NotAPolicy>,
}

impl PolicyText {
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let policy = Policy::parse(&text);
        Self { text, policy }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn policy(&self) -> Result<&Policy, &NotAPolicy> {
        self.policy.as_ref()
    }
}

/// The same text says the same.
impl PartialEq for PolicyText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PolicyText {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub arn: RoleArn,
    pub trust: PolicyText,
    /// The ARN of its permissions boundary.
    pub boundary: Option<Untrusted>,
    /// The boundary's own text. A boundary gives nothing, and excludes what it does not allow.
    pub boundary_policy: Fact<PolicyText>,
    pub inline: BTreeMap<String, Fact<PolicyText>>,
    pub attached: BTreeMap<String, Fact<PolicyText>>,
    /// Listing the policies may fail on its own, while the role itself was read.
    pub lists: Fact<()>,
}

impl Role {
    /// The identity policies that could be read, by name, and why some could not.
    pub fn policies(&self) -> (Vec<(&str, &Policy)>, Vec<String>) {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        if let Some(problem) = self.lists.problem() {
            unread.push(problem.because.clone());
        }
        for (name, fact) in self.inline.iter().chain(&self.attached) {
            match fact.known().map(PolicyText::policy) {
                Some(Ok(policy)) => read.push((name.as_str(), policy)),
                Some(Err(e)) => unread.push(format!("policy {name}: {e}")),
                None => unread.push(format!("policy {name}: {}", why(fact))),
            }
        }
        (read, unread)
    }

    /// The permissions boundary, where the role has one; `Err`: it has one that could not be read.
    pub fn boundary_document(&self) -> Result<Option<&Policy>, String> {
        let Some(arn) = &self.boundary else {
            return Ok(None);
        };
        let unread = |why: String| format!("its permissions boundary {}: {why}", arn.show());
        match self.boundary_policy.known().map(PolicyText::policy) {
            Some(Ok(policy)) => Ok(Some(policy)),
            Some(Err(e)) => Err(unread(e.to_string())),
            None => Err(unread(why(&self.boundary_policy))),
        }
    }
}

fn why<T>(fact: &Fact<T>) -> String {
    fact.problem()
        .map_or_else(|| "not read".to_owned(), |p| p.because.clone())
}
