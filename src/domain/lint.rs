//! What Access Analyzer says of a policy before it is written.

use serde::{Deserialize, Serialize};

use super::text::Untrusted;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    Error,
    SecurityWarning,
    Warning,
    Suggestion,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Flaw {
    pub weight: Weight,
    pub code: Untrusted,
    pub details: Untrusted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lint {
    /// Worst first.
    pub flaws: Vec<Flaw>,
    /// Does it grant any of what it must not? By CheckAccessNotGranted, which says PASS or that it might.
    pub grants_more: bool,
}
