//! What the addon's publish steps ask of a worker, a fleet of the queue offers.

use url::Url;

use super::prelude::*;
use crate::derived::ayon_workers::{AddonPlace, addon_places};
use crate::derived::solve_questions::active_fleets;
use crate::domain::farm::Fleet;
use crate::domain::text::Untrusted;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "addon-roles",
    title: "A fleet offers the attr.role that AYON's publish steps ask for",
    why: "a step whose attr.role no fleet of the queue declares is NOT_COMPATIBLE, and never runs",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let places = addon_places(view, url);
    let of = |p: &AddonPlace| (p.settings.publish_roles.clone(), p.settings.queue.clone());
    // A project that says the same as the studio in its variant needs no line of its own.
    let same = |p: &AddonPlace| {
        let mut studio = places.of_studio();
        studio.any(|s| s.variant == p.variant && of(s) == of(p))
    };
    let tells = |p: &&AddonPlace| p.project.is_none() || !same(p);
    let told = places.read.iter().filter(tells);
    told.filter_map(|p| of_place(view, p)).collect()
}

fn of_place(view: &View, place: &AddonPlace) -> Option<Finding> {
    let roles = place.settings.publish_roles.as_ref()?;
    let asked: Vec<&str> = roles.iter().map(Untrusted::raw).collect();
    let words = place.words();
    // Of another queue than the studio file's the fleets are not known; addon-queue says so.
    let queues = &view.config(Part::Queues).queues;
    let queue = place.settings.submits_to(queues)?;
    let active = active_fleets(view, queue).ok()?;
    if active.iter().any(|(_, f)| f.known().is_none()) {
        return None; // the fleet's own checks say why
    }
    let fleets: Vec<&Fleet> = active.iter().filter_map(|(_, f)| f.known()).collect();
    let shown = roles
        .iter()
        .map(|r| r.show().to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let own = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    let offers = |f: &&&Fleet| f.roles.iter().any(|r| asked.contains(&r.raw()));
    let finding = if asked.is_empty() {
        Finding::ok(format!(
            "AYON's publish steps ask for no attr.role ({words})"
        ))
        .why("any fleet of the queue may take them, render fleets too")
    } else if fleets.iter().any(|f| offers(&f)) {
        Finding::ok(format!(
            "A fleet offers attr.role = {shown}, which AYON's publish steps ask for ({words})"
        ))
    } else if asked == *own {
        return None; // fleet-attributes says of the same roles that they are not offered
    } else {
        let line = format!(
            "AYON's publish steps ask for attr.role = {shown} ({words}), and no fleet of the queue offers it"
        );
        Finding::fail("not-offered", line).why(CHECK.why).fix(
            "declare it on the fleet that publishes (setup does, with [worker_attributes] publish), \
            or write the fleet's own into publish_host_requirement_roles of the addon",
        )
    };
    Some(finding.about(words).from(place.evidence.clone()))
}
