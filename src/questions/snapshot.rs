//! The studio as it was observed: facts, observations, and which subjects there are.

use std::collections::{BTreeMap, BTreeSet};

use super::Facts;
use crate::domain::ids::Region;
use crate::domain::subject::Subject;
use crate::probes::Observations;

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub region: Region,
    pub facts: Facts,
    pub observations: Observations,
    pub roster: Roster,
}

impl Snapshot {
    pub fn new(region: Region) -> Self {
        Self {
            region,
            facts: Facts::default(),
            observations: Observations::default(),
            roster: Roster::default(),
        }
    }
}

/// Which subjects there are, and which lead to which: a queue to its role and its fleets, a fleet to its role.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roster {
    children: BTreeMap<Subject, Vec<Subject>>,
    /// Sorted; most have one, so that a list is smaller than a set.
    parents: BTreeMap<Subject, Vec<Subject>>,
}

impl Roster {
    /// What a subject leads to, as it is known now. The subjects whose parents have changed.
    pub fn set(&mut self, subject: &Subject, leads_to: Vec<Subject>) -> Vec<Subject> {
        let old = self.children.insert(subject.clone(), leads_to.clone());
        let old = old.unwrap_or_default();
        let mut changed = Vec::new();
        for gone in old.iter().filter(|s| !leads_to.contains(s)) {
            if let Some(parents) = self.parents.get_mut(gone) {
                parents.retain(|p| p != subject);
                if parents.is_empty() {
                    self.parents.remove(gone);
                }
            }
            changed.push(gone.clone());
        }
        for new in leads_to.into_iter().filter(|s| !old.contains(s)) {
            let parents = self.parents.entry(new.clone()).or_default();
            if let Err(at) = parents.binary_search(subject) {
                parents.reserve_exact(1);
                parents.insert(at, subject.clone());
            }
            changed.push(new);
        }
        changed
    }

    /// Forgets a subject that nothing leads to any more; those that it led to have lost a parent.
    pub fn remove(&mut self, subject: &Subject) -> Vec<Subject> {
        let changed = self.set(subject, Vec::new());
        self.children.remove(subject);
        changed
    }

    pub fn leads_to(&self, subject: &Subject) -> &[Subject] {
        self.children.get(subject).map_or(&[], Vec::as_slice)
    }

    pub fn parents(&self, subject: &Subject) -> impl Iterator<Item = &Subject> {
        self.parents.get(subject).into_iter().flatten()
    }

    pub fn is_reached(&self, subject: &Subject) -> bool {
        *subject == Subject::Account || self.parents.contains_key(subject)
    }

    /// Every subject, as reports list them: by kind, and in each as they were found.
    pub fn all(&self) -> Vec<Subject> {
        let mut found = vec![Subject::Account];
        let mut seen = BTreeSet::from([Subject::Account]);
        let mut at = 0;
        while at < found.len() {
            for next in self.leads_to(&found[at].clone()) {
                if seen.insert(next.clone()) {
                    found.push(next.clone());
                }
            }
            at += 1;
        }
        found.sort_by_key(Subject::kind);
        found
    }
}
