//! One file per goal: one thing that the studio file asks for. It reads through the same view as the checks, and says which
//! things should exist and how, what it refuses and why, and which steps stay with people. Nothing here does IO.
//!
//! To add one, copy `addon_channels.rs`; then a `mod` line and an entry in `ALL` here.

mod addon_channels;
mod addon_packages;
mod addon_queue;
mod addon_roles;
mod fleet_roles;
mod lattice_path;
mod new_queue_role;
mod queue_channels;
mod role_permissions;
mod role_trust;
mod tunnel_environment;
mod unused_permissions;
mod worker_environment;
mod worker_key;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::derived::addon_places::{AddonPlace, addon_places};
use crate::domain::addon::{AddonAt, AddonField, AddonFields};
use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::Problem;
use crate::domain::secrets::masked;
use crate::domain::text::Printable;
use crate::questions::{AddonOwn, AddonSettings, View};
use crate::resources::{AddonSetting, AnyResource, Change, Plan};

pub struct Goal {
    /// Kebab-case and permanent: the file's name with dashes.
    pub id: &'static str,
    pub title: &'static str,
    /// Adds its changes to the draft, and what it refuses or could not read.
    pub propose: fn(&View, &mut Draft),
    /// What stays with people, given the whole plan.
    pub manual: fn(&View, &Plan) -> Vec<ManualStep>,
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

/// The id of a change of the AYON addon's settings.
fn addon_change_id(at: &AddonAt, name: &str) -> String {
    let variant = at.variant.word();
    at.project.as_ref().map_or_else(
        || format!("ayon/{variant}/{name}"),
        |project| format!("ayon/{variant}/{}/{name}", Printable::short(project, 60)),
    )
}

impl Draft {
    /// Changes settings of the AYON addon in one place. What a project is to have and the studio has, or will have, it takes from
    /// there again. `None`: it is left out, refused, or what stands there could not be read.
    fn set_addon(
        &mut self,
        view: &View,
        place: &AddonPlace,
        name: &str,
        then: impl IntoIterator<Item = (AddonField, Value)>,
        because: &str,
    ) -> Option<&mut Change> {
        let id = addon_change_id(&place.at, name);
        if self.wishes.left_out.contains(&id) || self.has(&id) {
            return None;
        }
        let at = place.at.settings_words();
        if let Some(bundle) = &place.frozen {
            self.refuse(format!(
                "the settings of {at} are not changed: the project's own bundle {bundle} freezes them"
            ));
            return None;
        }
        let own = view.fact(&AddonOwn(place.at.clone()));
        let Some(now) = own.known() else {
            self.problem(own.problem());
            return None;
        };
        let mut then = AddonFields::of(then, true);
        let fields: Vec<AddonField> = then.values.keys().copied().collect();
        if let Some(lacking) = fields.iter().find(|f| !now.values.contains_key(f)) {
            let word = lacking.word();
            self.could_not_read(format!("{at} has no setting {word}, so it is not changed"));
            return None;
        }
        let mut needed = BTreeSet::new();
        if place.at.project.is_some() {
            let below = self.below(view, &place.at, &fields);
            then.own.retain(|f| {
                below
                    .get(f)
                    .is_none_or(|(value, _)| then.values[f] != *value)
            });
            // What the project has not set follows by itself.
            then.values
                .retain(|f, _| then.own.contains(f) || now.own.contains(f));
            needed.extend(below.into_values().filter_map(|(_, change)| change));
        }
        if then.values.is_empty() {
            return None;
        }
        let fields: Vec<AddonField> = then.values.keys().copied().collect();
        let now = now.only(&fields);
        let (before, after) = (now.text(), then.text());
        if masked(&before) != before || masked(&after) != after {
            self.refuse(format!(
                "the settings of {at} are not changed: a value of {name} holds a password or token, which a journal must not keep"
            ));
            return None;
        }
        let resource = AddonSetting::new(&place.at, fields);
        let change = Change::new(id.clone(), resource, Some(before), Some(after), because);
        self.add(change.needs(needed));
        if place.is_studio() {
            self.take_along(view, place, name, &then, because);
        }
        self.plan.changes.iter_mut().find(|c| c.id == id)
    }

    /// A project that has set the very value that the studio had would keep it.
    fn take_along(
        &mut self,
        view: &View,
        studio: &AddonPlace,
        name: &str,
        then: &AddonFields,
        because: &str,
    ) {
        let places = addon_places(view, &studio.at.server);
        let projects = places.read.iter().chain(&places.same);
        let own = projects.filter(|p| p.at.of_studio() == studio.at && !p.is_studio());
        let fields = || then.values.keys();
        let as_studio =
            |p: &&AddonPlace| fields().all(|f| p.settings.value(*f) == studio.settings.value(*f));
        for project in own.filter(as_studio) {
            let own = view.fact(&AddonOwn(project.at.clone())).known();
            if own.is_some_and(|own| fields().any(|f| own.own.contains(f))) {
                self.set_addon(view, project, name, then.values.clone(), because);
            }
        }
    }

    /// The studio's values below a project's, with the change of this plan that writes one.
    fn below(
        &self,
        view: &View,
        at: &AddonAt,
        fields: &[AddonField],
    ) -> BTreeMap<AddonField, (Value, Option<String>)> {
        let studio = at.of_studio();
        let question = AddonSettings(at.server.clone(), at.variant, at.version.clone());
        let settings = view.fact(&question).known();
        let mut below: BTreeMap<_, _> = fields
            .iter()
            .filter_map(|f| Some((*f, (settings?.value(*f)?, None))))
            .collect();
        for change in &self.plan.changes {
            let AnyResource::AddonSetting(own) = &change.resource else {
                continue;
            };
            let after = change.after.as_deref().and_then(AddonFields::of_text);
            if own.at() != studio {
                continue;
            }
            for (field, value) in after.unwrap_or_default().values {
                if fields.contains(&field) {
                    below.insert(field, (value, Some(change.id.clone())));
                }
            }
        }
        below
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
            .filter(|f| f != "mod.rs")
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
