//! The changes of a run, in the order in which they are made, and what could not be decided.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Change;
use crate::domain::text::Printable;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// What could not be read, so that the plan may lack a change.
    pub unread: Vec<Printable>,
    /// What is wrong and is not changed here, with the reason.
    pub refused: Vec<Printable>,
    /// Changes that were left out because they need one that was left out.
    #[serde(default)]
    pub left_along: Vec<LeftAlong>,
}

/// A change that was left out, and the one that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LeftAlong {
    pub id: String,
    pub words: Printable,
    pub needs: Printable,
}

impl Plan {
    /// Is there a change of that id?
    pub fn has(&self, id: &str) -> bool {
        self.changes.iter().any(|c| c.id == id)
    }

    /// In an order that depends on what the changes need and on nothing else: what is needed comes first, otherwise they
    /// stay as they were proposed.
    pub fn put_in_order(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let places = changes
            .iter()
            .enumerate()
            .map(|(at, c)| (c.id.as_str(), at));
        let places: BTreeMap<&str, usize> = places.collect();
        let mut open = vec![0_usize; changes.len()];
        let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); changes.len()];
        for (at, change) in changes.iter().enumerate() {
            for need in change.needs.iter().filter_map(|n| places.get(n.as_str())) {
                open[at] += 1;
                needed_by[*need].push(at);
            }
        }
        let mut free: BTreeSet<usize> = (0..changes.len()).filter(|at| open[*at] == 0).collect();
        let mut rest: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
        let mut first_left = 0;
        while self.changes.len() < rest.len() {
            // A circle would be a bug of a goal; its first change is taken, and Apply re-reads what it changes anyway.
            let at = free.pop_first().unwrap_or_else(|| {
                while rest[first_left].is_none() {
                    first_left += 1;
                }
                first_left
            });
            let Some(change) = rest[at].take() else {
                continue;
            };
            self.changes.push(change);
            for next in &needed_by[at] {
                open[*next] = open[*next].saturating_sub(1);
                if open[*next] == 0 && rest[*next].is_some() {
                    free.insert(*next);
                }
            }
        }
    }

    /// Takes out the changes that were left out, and with them those that need one.
    pub fn leave_out(&mut self, left_out: &BTreeSet<String>) {
        let words: BTreeMap<String, Printable> = self
            .changes
            .iter()
            .map(|c| {
                (
                    c.id.clone(),
                    format!("{} {}", c.operation(), c.words()).into(),
                )
            })
            .collect();
        let mut out = left_out.clone();
        let mut along = Vec::new();
        // Each comes after what it needs.
        self.changes.retain(|change| {
            if left_out.contains(&change.id) {
                return false;
            }
            let Some(needs) = change.needs.iter().find(|n| out.contains(*n)) else {
                return true;
            };
            let needs = words.get(needs).cloned();
            along.push(LeftAlong {
                id: change.id.clone(),
                words: format!("{} {}", change.operation(), change.words()).into(),
                needs: needs.unwrap_or_else(|| "a change that was left out".into()),
            });
            out.insert(change.id.clone());
            false
        });
        self.left_along.extend(along);
    }
}
