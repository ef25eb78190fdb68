//! Changes of the AYON addon's settings while a plan is made: what several goals propose in one place, what a project takes from
//! the studio, and who would follow a change of the studio's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Draft;
use crate::derived::addon_places::{AddonPlace, addon_places};
use crate::derived::ayon_workers::queue_of;
use crate::domain::addon::{AddonAt, AddonField, AddonFields};
use crate::domain::secrets::masked;
use crate::domain::text::Printable;
use crate::questions::{AddonOwn, AddonSettings, Part, View};
use crate::resources::{AddonSetting, AnyResource, Change};

/// The id of a change of the AYON addon's settings.
pub(super) fn addon_change_id(at: &AddonAt, name: &str) -> String {
    let variant = at.variant.word();
    at.project.as_ref().map_or_else(
        || format!("ayon/{variant}/{name}"),
        |project| format!("ayon/{variant}/{}/{name}", Printable::short(project, 60)),
    )
}

impl Draft {
    /// Changes settings of the AYON addon in one place. What a project is to have and the studio has, or will have, it takes from
    /// there again. `None`: it is left out, refused, or what stands there could not be read.
    pub(super) fn set_addon(
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
                "{name} of {at} is not changed: {elsewhere} would follow, and its jobs go to another queue; set {name} in that project first"
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
            "its jobs go to none of the studio file's queues, and this plan does not change that";
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
pub(super) const QUEUE: &str = "queue";

/// The projects on top of the studio's settings that say the same of these, as set by themselves or by the studio.
fn as_studio<'a>(
    view: &View<'a>,
    studio: &AddonPlace,
    fields: &[AddonField],
) -> Vec<AddonPlace<'a>> {
    let places = addon_places(view, &studio.at.server);
    let projects = places.read.iter();
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
