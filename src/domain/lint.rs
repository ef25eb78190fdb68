//! What Access Analyzer says of a policy before it is written.

use serde::{Deserialize, Serialize};

use super::text::Untrusted;

words!(
    /// How heavy a finding of Access Analyzer is, the heaviest first.
    Weight {
        Error = "error",
        SecurityWarning = "security-warning",
        Warning = "warning",
        Suggestion = "suggestion",
    }
);

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
