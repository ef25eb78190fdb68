//! What the addon's steps ask of a worker as `attr.role`, and which fleets of its queue offer that.

use super::addon_places::{AddonPlace, addon_places};
use super::ayon_workers::queue_of;
use super::job_packages::server;
use super::solve_questions::active_fleets;
use crate::domain::addon::{AddonField, AddonSettings};
use crate::domain::farm::Fleet;
use crate::domain::text::Untrusted;
use crate::questions::{Part, View};

pub struct Asks<'a> {
    pub place: AddonPlace<'a>,
    /// Of publish or of render steps.
    pub field: AddonField,
    pub roles: Vec<String>,
    pub offer: Offer,
    /// Its jobs go to a queue of the studio file today; else they may go to another, with fleets of its own.
    pub is_here: bool,
}

/// Who takes such steps.
pub enum Offer {
    /// A fleet of the queue.
    Taken,
    /// No fleet; one takes those that ask for these, which the studio file names.
    Studio(Vec<String>),
    /// No fleet, and none takes what the studio file names.
    Nobody,
    /// The fleets are not known: of another queue than the studio file's, or they could not be read.
    Unknown,
}

fn roles(settings: &AddonSettings, field: AddonField) -> Option<&Vec<Untrusted>> {
    match field {
        AddonField::RenderRoles => settings.render_roles.as_ref(),
        _ => settings.publish_roles.as_ref(),
    }
}

/// What each place of the addon says, of publish steps and of render steps.
pub fn asks<'a>(view: &View<'a>) -> Vec<Asks<'a>> {
    let Some(url) = server(view) else {
        return Vec::new();
    };
    let places = addon_places(view, &url);
    let queues = &view.config(Part::Queues).queues;
    let mut all = Vec::new();
    for field in [AddonField::PublishRoles, AddonField::RenderRoles] {
        // A project that says the same as the studio in its variant needs no line of its own.
        let telling =
            places.telling(|s| (roles(s, field).cloned(), s.farm.clone(), s.queue.clone()));
        for place in telling {
            let Some(asked) = roles(place.settings, field) else {
                continue; // this version of the addon has no such setting
            };
            let asked: Vec<String> = asked.iter().map(|r| r.raw().to_owned()).collect();
            all.push(Asks {
                place: place.clone(),
                field,
                offer: offer(view, place.settings, field, &asked),
                is_here: place.settings.submits_to(queues).is_some(),
                roles: asked,
            });
        }
    }
    all
}

fn offer(view: &View, settings: &AddonSettings, field: AddonField, asked: &[String]) -> Offer {
    // Of another queue than the studio file's the fleets are not known; addon-queue says so.
    let Some(queue) = queue_of(view, settings) else {
        return Offer::Unknown;
    };
    let Ok(active) = active_fleets(view, queue) else {
        return Offer::Unknown;
    };
    let fleets: Vec<&Fleet> = active.iter().filter_map(|(_, f)| f.known()).collect();
    if fleets.len() < active.len() || fleets.is_empty() {
        return Offer::Unknown; // the fleets' own checks say why
    }
    let offers = |roles: &[String]| {
        let one = |f: &&Fleet| f.roles.iter().any(|r| roles.iter().any(|a| a == r.raw()));
        fleets.iter().any(one)
    };
    let own = &view.config(Part::WorkerAttributes).worker_attributes;
    let own = match field {
        AddonField::RenderRoles => &own.render,
        _ => &own.publish,
    };
    if offers(asked) {
        Offer::Taken
    } else if offers(own) {
        Offer::Studio(own.clone())
    } else {
        Offer::Nobody
    }
}

/// As AYON's settings list them.
pub fn shown(roles: &[String]) -> String {
    let shown = roles
        .iter()
        .map(|r| Untrusted::new(r.clone()).show().to_string());
    shown.collect::<Vec<_>>().join(", ")
}
