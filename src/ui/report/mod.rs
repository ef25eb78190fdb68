//! Reports, one small file each. They take values and give text; nothing here looks anything up.

pub mod diff;
pub mod json;
pub mod markdown;
pub mod text;

use crate::domain::finding::Finding;

/// Worst first, otherwise as the checks gave them.
pub fn in_order(findings: &[Finding]) -> Vec<&Finding> {
    let mut list: Vec<&Finding> = findings.iter().collect();
    list.sort_by_key(|f| f.verdict);
    list
}
