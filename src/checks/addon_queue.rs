//! The AYON addon submits to a queue of the studio file, in every variant and project.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::{AddonPlace, Target, addon_places, target, unread_projects};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueKey, with_brief_ids};
use crate::questions::{AddonTarget, AyonProjects, Part};

pub(super) const CHECK: Check = Check {
    id: "addon-queue",
    title: "The AYON addon submits to this queue",
    why: "settings are kept per variant and version, and a project's own override wins: one that names another queue, or none, sends its jobs elsewhere or nowhere",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let places = addon_places(view, url);
    let queues = &view.config(Part::Queues).queues;
    let mut findings: Vec<Finding> = places
        .iter()
        .filter(|p| p.project.is_none() || is_wrong(p, queues))
        .map(|p| of_place(view, url, p, &places))
        .collect();
    let question = AyonProjects(url.clone());
    let projects = view.fact(&question);
    let unread = Finding::unread(
        "which projects have settings of the addon of their own",
        projects,
    );
    findings.extend(unread.map(|f| f.about("projects").from(view.evidence(&question))));
    if let Some((count, why)) = unread_projects(view, url) {
        let line = format!("The addon's settings of single projects could not be read: {count}");
        let finding = Finding::unknown("project-unread", line)
            .why(why)
            .fix("give the service user of the workers' key access to the projects");
        findings.push(
            finding
                .about("unread projects")
                .from(view.evidence(&question)),
        );
    }
    if let Some(more) = projects.known().map(|p| p.more).filter(|n| *n > 0) {
        let finding = Finding::unknown(
            "more-projects",
            format!("{more} more projects were not looked at"),
        )
        .why("50 of them are read, in the order of their names");
        findings.push(finding.about("projects").from(view.evidence(&question)));
    }
    findings
}

fn is_wrong(place: &AddonPlace, queues: &[QueueKey]) -> bool {
    let (farm, queue) = (place.settings.farm.raw(), place.settings.queue.raw());
    !queues
        .iter()
        .any(|q| q.farm.as_str() == farm && q.queue.as_str() == queue)
}

/// setup sets what is empty or gone, with an administrator's own login; the rest is for people.
fn by_whom(view: &View, url: &Url, place: &AddonPlace, by_hand: String) -> Fix {
    if place.project.is_some() {
        return format!("{by_hand}; or take the project's override away").into();
    }
    match target(view, place.settings) {
        Target::Set(_) => {}
        Target::Ask(why) => return format!("{by_hand}; setup leaves it: {why}").into(),
        Target::Right => return by_hand.into(),
    }
    let version = place.settings.version.raw().to_owned();
    match view.fact(&AddonTarget(url.clone(), place.variant, version)) {
        Fact::Known(_) => Fix::setup(
            "writes farm and queue into the addon's settings; `studiolink plan` shows it",
        ),
        fact => match fact.problem() {
            Some(problem) => format!(
                "this AYON login can't change it ({}); {by_hand}",
                problem.because
            )
            .into(),
            None => format!(
                "{by_hand}; or set AYON_ADMIN_KEY to your own AYON login and run studiolink setup"
            )
            .into(),
        },
    }
}

fn of_place(view: &View, url: &Url, place: &AddonPlace, all: &[AddonPlace]) -> Finding {
    let queues = &view.config(Part::Queues).queues;
    let (farm, queue) = (&place.settings.farm, &place.settings.queue);
    let (words, version) = (place.words(), place.settings.version.show());
    let here = |q: &&QueueKey| q.farm.as_str() == farm.raw() && q.queue.as_str() == queue.raw();
    let finding = if let Some(key) = queues.iter().find(here) {
        let name = view.queue_name(key);
        Finding::ok(format!(
            "The AYON addon {version} ({words}) submits to queue {name}"
        ))
    } else {
        let fix = queues.first().map(|q| {
            format!(
                "in AYON, settings of deadline_cloud {version} ({words}): farm_id = {}, queue_id = {}",
                q.farm, q.queue
            )
        });
        let production = all.iter().find(|p| p.project.is_none());
        let finding = match (farm.raw(), queue.raw()) {
            ("", _) | (_, "") => {
                let which = match (farm.raw(), queue.raw()) {
                    ("", "") => "farm_id and queue_id are empty",
                    ("", _) => "farm_id is empty",
                    _ => "queue_id is empty",
                };
                let differs = production.is_some_and(|p| p.settings.queue.raw() != queue.raw());
                let differs = if differs && place.variant.word() != "production" {
                    format!(
                        "{} differs from production: ",
                        capitalized(place.variant.word())
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
            Some(fix) => finding.fix(by_whom(view, url, place, fix)),
            None => finding,
        }
    };
    finding.about(words).from(place.evidence.clone())
}
