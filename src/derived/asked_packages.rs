//! Which packages AYON's jobs on a queue ask for: by the addon's settings where they name any, else by the queue's default
//! (field facts A2). The one is not added to the other.

use rattler_conda_types::{MatchSpec, ParseStrictness, Version};

use super::addon_places::{AddonPlace, addon_places};
use super::ayon_workers::queue_of;
use super::conda_environment::conda_environments;
use super::job_packages::{job_packages_of, server};
use super::solve_questions::active_fleets;
use crate::domain::addon::AddonField;
use crate::domain::ayon::Variant;
use crate::domain::farm::{Fleet, Management};
use crate::domain::ids::QueueKey;
use crate::domain::text::{Printable, without_url_secrets};
use crate::questions::{Part, View};

/// What the jobs of one place of the addon ask for.
pub struct Asked<'a> {
    pub place: AddonPlace<'a>,
    pub environment: Printable,
    /// The setting of the addon that names packages, and its value; `None`: it leaves them to the queue's default.
    pub by: Option<(AddonField, String)>,
    /// What publish jobs need.
    pub wanted: Vec<String>,
    /// Of that, what is asked for, as it is written.
    pub found: Vec<String>,
    /// Of that, what nothing asks for.
    pub missing: Vec<String>,
    /// What is asked for at another version: as it is written, and as it should be.
    pub other: Vec<(String, String)>,
}

impl Asked<'_> {
    pub fn is_right(&self) -> bool {
        self.missing.is_empty() && self.other.is_empty()
    }

    /// The addon's value with what is missing and in the right versions; the rest stays, a channel before a package too.
    pub fn corrected(&self, value: &str) -> String {
        let right = |word: &str| {
            let own = self.other.iter().find(|(as_written, _)| as_written == word);
            own.map_or_else(
                || word.to_owned(),
                |(_, wanted)| match word.trim_start_matches(QUOTES).split_once("::") {
                    Some((channel, _)) => format!("{channel}::{wanted}"),
                    None => wanted.clone(),
                },
            )
        };
        let words = value.split_whitespace().map(right);
        let all: Vec<String> = words.chain(self.missing.iter().cloned()).collect();
        all.join(" ")
    }
}

/// For each place of the addon that sends jobs to this queue. Empty: it could not be read, or it is not known what is wanted.
pub fn asked<'a>(view: &View<'a>, key: &QueueKey) -> Vec<Asked<'a>> {
    let found = conda_environments(view, key);
    let [(environment, template)] = found.as_slice() else {
        return Vec::new();
    };
    let Some(url) = server(view) else {
        return Vec::new();
    };
    let default = template.packages.clone().flatten().unwrap_or_default();
    let places = addon_places(view, &url);
    let of = |place: &AddonPlace<'a>| {
        let names_none = place.settings.queue.raw().trim().is_empty();
        if !names_none && queue_of(view, place.settings) != Some(key) {
            return None;
        }
        let wanted = job_packages_of(view, place.at.variant).ok()?;
        let by = place.settings.packages_in_jobs();
        let value = by.as_ref().map_or(default.as_str(), |(_, value)| value);
        let named: Vec<(&str, MatchSpec)> = specs(value).collect();
        let (mut missing, mut other, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for want in &wanted {
            let (name, version) = split(want);
            let own = named.iter().find(|(_, spec)| is_of(spec, name));
            match own {
                None => missing.push(want.clone()),
                Some((word, spec)) if !takes(spec, version) => {
                    other.push(((*word).to_owned(), want.clone()));
                }
                Some((word, _)) => found.push((*word).to_owned()),
            }
        }
        Some(Asked {
            place: place.clone(),
            environment: environment.name.show(),
            by,
            wanted,
            found,
            missing,
            other,
        })
    };
    let telling = places.telling(|s| (s.packages_in_jobs(), s.queue.clone()));
    telling.filter_map(of).collect()
}

/// The addon's jobs of production, which are those that count where one answer is asked for.
pub fn asked_in_production<'a>(view: &View<'a>, key: &QueueKey) -> Option<Asked<'a>> {
    let own = |a: &Asked| a.place.is_studio() && a.place.at.variant == Variant::Production;
    asked(view, key).into_iter().find(own)
}

/// The package's name, and its version where exactly one is meant.
fn split(spec: &str) -> (&str, Option<&str>) {
    spec.split_once("==")
        .map_or((spec, None), |(name, version)| (name, Some(version)))
}

fn is_of(spec: &MatchSpec, name: &str) -> bool {
    let own = spec.name.as_exact();
    own.is_some_and(|n| n.as_normalized() == name)
}

/// Does it name the version, and would no other be taken for want of one?
fn takes(spec: &MatchSpec, version: Option<&str>) -> bool {
    let Some(version) = version.and_then(|v| v.parse::<Version>().ok()) else {
        return true;
    };
    let own = spec.version.as_ref();
    own.is_some_and(|own| own.matches(&version))
}

/// Somebody may have put a word in quotes, or commas between words.
const QUOTES: [char; 3] = ['"', '\'', ','];

/// The specs in a text, each with its word, as conda's environments split it.
fn specs(text: &str) -> impl Iterator<Item = (&str, MatchSpec)> {
    let spec =
        |word: &str| MatchSpec::from_str(word.trim_matches(QUOTES), ParseStrictness::Lenient);
    text.split_whitespace()
        .filter_map(move |word| Some((word, spec(word).ok()?)))
}

/// The studio's own machines may have the launcher installed, and alone publish here.
pub fn brings_its_own(view: &View, key: &QueueKey) -> bool {
    let publish = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    let Ok(fleets) = active_fleets(view, key) else {
        return false;
    };
    let known: Vec<&Fleet> = fleets.iter().filter_map(|(_, f)| f.known()).collect();
    let publishing = known.iter().copied().filter(|f| f.publishes(publish));
    let mut publishing: Vec<&Fleet> = publishing.collect();
    if publishing.is_empty() {
        // That none offers the attribute, fleet-attributes says; then any of them may be meant.
        publishing = known;
    }
    !publishing.is_empty()
        && publishing
            .iter()
            .all(|f| f.management == Management::Customer)
}

/// A word of a list for people.
pub fn shown(value: &str) -> Printable {
    Printable::short(&without_url_secrets(value), 120)
}
