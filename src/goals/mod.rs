//! One file per goal: one thing that the studio file asks for. It reads through the same view as the checks, and says which
//! things should exist and how, what it refuses and why, and which steps stay with people. Nothing here does IO.
//!
//! To add one, copy `addon_channels.rs`; then a `mod` line and an entry in `ALL` here.

mod addon_channels;
mod addon_draft;
mod addon_packages;
mod addon_queue;
mod addon_roles;
mod fleet_roles;
mod lattice_path;
mod lattice_share;
mod new_queue_role;
mod queue_channels;
mod role_permissions;
mod role_trust;
mod tunnel_environment;
mod unused_permissions;
mod worker_environment;
mod worker_key;

use std::collections::BTreeSet;

use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::questions::View;
use crate::resources::{Change, Plan};

pub struct Goal {
    /// Kebab-case and permanent: the file's name with dashes.
    pub id: &'static str,
    pub title: &'static str,
    /// Adds its changes to the draft, and what it refuses or could not read.
    pub propose: fn(&View, &mut Draft),
    /// What stays with people, given the whole plan.
    pub manual: fn(&View, &Plan) -> Vec<ManualStep>,
}

/// What sets a connection up: the legs name these, and with each its changes and the steps that stay with people.
pub mod of_legs {
    pub use super::fleet_roles::GOAL as FLEET_ROLES;
    pub use super::lattice_path::GOAL as LATTICE;
    pub use super::tunnel_environment::GOAL as TUNNEL;
    pub use super::worker_environment::GOAL as WORKER_ENVIRONMENT;
}

/// Later goals see what earlier ones have proposed.
pub const ALL: &[&Goal] = &[
    &new_queue_role::GOAL,
    &role_permissions::GOAL,
    &role_trust::GOAL,
    &queue_channels::GOAL,
    &addon_queue::GOAL,
    &addon_channels::GOAL,
    &addon_packages::GOAL,
    &addon_roles::GOAL,
    &unused_permissions::GOAL,
    &worker_key::GOAL,
    &fleet_roles::GOAL,
    &lattice_path::GOAL,
    &worker_environment::GOAL,
    &tunnel_environment::GOAL,
];

/// What somebody said of the plan, besides the studio file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The ids of changes that somebody left out.
    pub left_out: BTreeSet<String>,
    /// A queue's list is changed also where some of its channels are held back.
    pub partial: bool,
    /// A queue without a conda environment gets one: it may have none on purpose, as one that builds packages.
    pub creates: bool,
    /// Workers get a key that was not tried, where this machine does not reach the server as they do.
    pub unproven_key: bool,
    pub removals: Removals,
}

/// Which channels may leave a queue. That a studio file does not list one says nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Removals {
    #[default]
    None,
    Named(BTreeSet<String>),
    /// Whatever the studio file does not list.
    All,
}

impl Removals {
    pub fn names(&self, channel: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.contains(channel),
            Self::All => true,
        }
    }
}

/// A plan while the goals are adding to it.
#[derive(Debug, Default)]
pub struct Draft {
    pub plan: Plan,
    ids: BTreeSet<String>,
    /// How often something was refused; equal sentences are kept once.
    pub refusals: usize,
    pub wishes: Wishes,
    /// Queues of which nothing can be changed.
    pub stuck: BTreeSet<QueueKey>,
    /// The channels that leave a queue.
    pub leaving: BTreeSet<(QueueKey, Channel)>,
}

impl Draft {
    pub fn new(wishes: Wishes) -> Self {
        Self {
            wishes,
            ..Self::default()
        }
    }

    pub fn add(&mut self, change: Change) {
        self.ids.insert(change.id.clone());
        self.plan.changes.push(change);
    }

    /// Takes changes out again.
    pub fn retain(&mut self, keep: impl Fn(&Change) -> bool) {
        self.plan.changes.retain(keep);
        self.ids = self.plan.changes.iter().map(|c| c.id.clone()).collect();
    }

    pub fn refuse(&mut self, words: impl Into<Printable>) {
        self.refusals += 1;
        let words = words.into();
        if !self.plan.refused.contains(&words) {
            self.plan.refused.push(words);
        }
    }

    pub fn could_not_read(&mut self, words: impl Into<Printable>) {
        let words = words.into();
        if !self.plan.unread.contains(&words) {
            self.plan.unread.push(words);
        }
    }

    pub fn problem(&mut self, problem: Option<&Problem>) {
        if let Some(problem) = problem {
            self.could_not_read(format!("{}: {}", problem.doing, problem.because));
        }
    }

    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// What could not be read of a role, and what is refused to it.
    pub fn hold(&mut self, unread: Vec<Printable>, refused: Vec<Printable>) {
        for words in unread {
            self.could_not_read(words);
        }
        for words in refused {
            self.refuse(words);
        }
    }
}

/// One thing to do by hand: for whom, what, and the lines to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualStep {
    pub for_whom: &'static str,
    pub what: Printable,
    pub paste: Vec<Printable>,
}

/// A goal that leaves nothing to people.
fn nothing_manual(_: &View, _: &Plan) -> Vec<ManualStep> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/goals")).unwrap();
        let mut files: Vec<String> = folder
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| !["mod.rs", "addon_draft.rs", "lattice_share.rs"].contains(&f.as_str()))
            .map(|f| f.replace(".rs", "").replace('_', "-"))
            .collect();
        files.sort();
        let mut ids: Vec<&str> = ALL.iter().map(|g| g.id).collect();
        ids.sort_unstable();
        assert_eq!(
            files, ids,
            "a goal's file, its id and its entry in ALL go together"
        );
    }
}
