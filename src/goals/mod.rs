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
use crate::derived::ayon_workers::queue_of;
use crate::domain::addon::{AddonAt, AddonField, AddonFields};
use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;
use crate::domain::problem::Problem;
use crate::domain::secrets::masked;
use crate::domain::text::Printable;
use crate::questions::{AddonOwn, AddonSettings, Part, View};
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
        let mut needed = match self.queue_first(view, place, name) {
            Ok(needed) => needed,
            Err(why) => {
                self.refuse(format!("{name} of {at} is not changed: {why}"));
                return None;
            }
        };
        if let Some(elsewhere) = elsewhere(view, place, &fields).filter(|_| name != QUEUE) {
            self.refuse(format!(
                "{name} of {at} is not changed: {elsewhere}, whose jobs go to another queue, would get it too; give it a value of its own first"
            ));
            return None;
        }
        if place.at.project.is_some() {
            let below = self.below(view, &place.at, &fields);
            // A row of a list goes with its list, which may hold others of the project's own.
            then.own.retain(|f| {
                f.row().is_some()
                    || below
                        .get(f)
                        .is_none_or(|(value, _)| then.values[f] != *value)
            });
            // What the project has not set follows by itself.
            then.values
                .retain(|f, _| then.own.contains(f) || now.own.contains(f));
            needed.extend(below.into_values().filter_map(|(_, change)| change));
        }
        let fields: Vec<AddonField> = then.values.keys().copied().collect();
        let now = now.only(&fields);
        if now == then {
            return None;
        }
        let (before, after) = (now.text(), then.text());
        if masked(&before) != before || masked(&after) != after {
            self.refuse(format!(
                "{name} of {at} is not changed: it holds a password or token, which a journal must not keep"
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

    /// What is set for the jobs of a queue waits until they go there. The change that sets that right; why it can't be waited for.
    fn queue_first(
        &self,
        view: &View,
        place: &AddonPlace,
        name: &str,
    ) -> Result<BTreeSet<String>, &'static str> {
        let queues = &view.config(Part::Queues).queues;
        if name == QUEUE || place.settings.submits_to(queues).is_some() {
            return Ok(BTreeSet::new());
        }
        let own = [place.at.clone(), place.at.of_studio()];
        let mut ids = own.iter().map(|at| addon_change_id(at, QUEUE));
        let planned = ids.find(|id| self.has(id));
        let none =
            "its jobs go to no queue of the studio file, and this plan does not set that right";
        planned.map(|id| BTreeSet::from([id])).ok_or(none)
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
        let fields: Vec<AddonField> = then.values.keys().copied().collect();
        for project in as_studio(view, studio, &fields) {
            if name != QUEUE && queue_of(view, project.settings) != queue_of(view, studio.settings)
            {
                continue;
            }
            let own = view.fact(&AddonOwn(project.at.clone()));
            match own.known() {
                Some(own) if fields.iter().any(|f| own.own.contains(f)) => {
                    self.set_addon(view, &project, name, then.values.clone(), because);
                }
                Some(_) => {}
                None => {
                    if let Some(why) = own.why_unread() {
                        let at = project.at.settings_words();
                        self.could_not_read(format!("whether {at} has set {name} itself: {why}"));
                    }
                }
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

/// What the change of farm and queue is called.
const QUEUE: &str = "queue";

/// The projects on top of the studio's settings that say the same of these, as set by themselves or by the studio.
fn as_studio<'a>(
    view: &View<'a>,
    studio: &AddonPlace,
    fields: &[AddonField],
) -> Vec<AddonPlace<'a>> {
    let places = addon_places(view, &studio.at.server);
    let projects = places.read.iter().chain(&places.same);
    let own =
        projects.filter(|p| !p.is_studio() && p.frozen.is_none() && p.at.of_studio() == studio.at);
    let same = |p: &&AddonPlace| {
        let mut fields = fields.iter();
        fields.all(|f| p.settings.value(*f) == studio.settings.value(*f))
    };
    own.filter(same).cloned().collect()
}

/// A project that would follow a change of the studio's settings, and whose jobs go to another queue.
fn elsewhere(view: &View, studio: &AddonPlace, fields: &[AddonField]) -> Option<String> {
    if !studio.is_studio() {
        return None;
    }
    let follows = |p: &AddonPlace| {
        let own = view.fact(&AddonOwn(p.at.clone())).known();
        own.is_none_or(|own| fields.iter().any(|f| !own.own.contains(f)))
    };
    let queue = queue_of(view, studio.settings);
    let projects = as_studio(view, studio, fields).into_iter();
    let mut elsewhere = projects.filter(|p| queue_of(view, p.settings) != queue && follows(p));
    let first = elsewhere.next()?;
    let name = Printable::short(first.at.project.as_deref().unwrap_or_default(), 60);
    Some(match elsewhere.count() {
        0 => format!("project {name}"),
        more => format!("project {name} (and {more} more)"),
    })
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
