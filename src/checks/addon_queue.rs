//! The AYON addon submits to a queue of the studio file, in every variant and project.

use url::Url;

use super::prelude::*;
use crate::derived::addon_places::{AddonPlace, AddonPlaces, addon_places, fix};
use crate::derived::ayon_workers::{Target, target};
use crate::domain::ayon::Variant;
use crate::domain::ids::with_brief_ids;
use crate::domain::text::Printable;
use crate::questions::{AyonProjects, Part};

pub(super) const CHECK: Check = Check {
    id: "addon-queue",
    title: "The AYON addon submits to this queue",
    why: "settings are kept per variant and version, and a project's own override wins: \
        one that names another queue sends its jobs elsewhere, and one that names none leaves it to each workstation's own settings",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let places = addon_places(view, url);
    let told = places.telling(|s| (s.farm.clone(), s.queue.clone()));
    let mut findings: Vec<Finding> = told.map(|p| of_place(view, p, &places)).collect();
    let question = AyonProjects(url.clone());
    let projects = view.fact(&question);
    let unread = Finding::unread("which projects override the addon's settings", projects);
    let some = places.unread.map(|(count, why)| {
        let line = format!("The addon's settings of single projects could not be read: {count}");
        Finding::unknown("project-unread", line)
            .why(why)
            .fix("give the service user of the workers' key access to the projects")
    });
    let more = projects.known().filter(|p| p.more > 0).map(|p| {
        let line = format!("{} more projects were not looked at", p.more);
        let why = format!("{} are read, in the order of their names", p.read.len());
        Finding::skipped("more-projects", line).why(why)
    });
    let of_projects = [unread, some, more].into_iter().flatten();
    findings.extend(of_projects.map(|f| f.about("projects").from(view.evidence(&question))));
    findings
}

/// setup sets what is empty, no queue, or gone, with an administrator's own login; the rest is for people.
fn by_whom(view: &View, place: &AddonPlace, by_hand: &str) -> Fix {
    match target(view, place.settings) {
        Target::Set(_) => {
            let by_setup = "writes farm and queue into the addon's settings";
            fix(view, place, by_setup, by_hand)
        }
        Target::Ask(why) if place.is_studio() => {
            format!("{by_hand}; setup leaves it: {why}").into()
        }
        Target::Ask(why) => {
            format!("{by_hand}; or take the project's override away; setup leaves it: {why}").into()
        }
        Target::Right => by_hand.into(),
    }
}

fn of_place(view: &View, place: &AddonPlace, all: &AddonPlaces) -> Finding {
    let queues = &view.config(Part::Queues).queues;
    let (farm, queue) = (&place.settings.farm, &place.settings.queue);
    let words = place.words();
    let version = Printable::short(&place.at.version, 30);
    let finding = if let Some(key) = place.settings.submits_to(queues) {
        let name = view.queue_name(key);
        Finding::ok(format!(
            "The AYON addon {version} ({words}) submits to queue {name}"
        ))
    } else {
        let fix = queues.first().map(|q| {
            format!(
                "in AYON, settings of {}: farm_id = {}, queue_id = {}",
                place.at.settings_words(),
                q.farm,
                q.queue
            )
        });
        let production = all
            .of_studio()
            .find(|p| p.at.variant == Variant::Production);
        let finding = match (farm.raw(), queue.raw()) {
            ("", _) | (_, "") => {
                let which = match (farm.raw(), queue.raw()) {
                    ("", "") => "farm_id and queue_id are empty",
                    ("", _) => "farm_id is empty",
                    _ => "queue_id is empty",
                };
                let differs = production.is_some_and(|p| p.settings.queue.raw() != queue.raw());
                let differs = if differs && place.at.variant != Variant::Production {
                    format!(
                        "{} differs from production: ",
                        capitalized(place.at.variant.word())
                    )
                } else {
                    String::new()
                };
                Finding::warn(
                    "not-set",
                    format!("{differs}the AYON addon's {which} ({words})"),
                )
            }
            (farm, queue) => {
                let line = format!(
                    "The AYON addon submits to {farm}, {queue} ({words}), which the studio file does not name"
                );
                Finding::warn("other-queue", with_brief_ids(&line))
            }
        };
        let finding = finding.why(CHECK.why);
        match fix {
            Some(fix) => finding.fix(by_whom(view, place, &fix)),
            None => finding,
        }
    };
    finding.about(words).from(place.evidence.clone())
}
