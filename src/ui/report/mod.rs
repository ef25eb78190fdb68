//! Reports, one small file each. They take values and give text; nothing here looks anything up.

pub mod diff;
pub mod ending;
pub mod explain;
pub mod json;
pub mod markdown;
pub mod probe;
pub mod text;

use crate::domain::finding::Finding;

/// Worst first, otherwise as the checks gave them.
pub fn in_order<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut list: Vec<&Finding> = findings.into_iter().collect();
    list.sort_by_key(|f| f.verdict);
    list
}

/// Subject by subject, in the order in which they come, and in each the worst first.
pub fn by_subject<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Vec<&'a Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for finding in findings {
        let next = groups.len();
        let at = *places.entry(&finding.subject).or_insert(next);
        if at == next {
            groups.push(Vec::new());
        }
        groups[at].push(finding);
    }
    for group in &mut groups {
        group.sort_by_key(|f| f.verdict);
    }
    groups
}
