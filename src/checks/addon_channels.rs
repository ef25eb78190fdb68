//! The AYON addon does not override the queue's channels, or names the same: in each variant, and in the projects that name others.

use url::Url;

use super::prelude::*;
use crate::derived::addon_places::{AddonPlace, addon_places, by_hand, channels_wanted, fix};
use crate::domain::addon::AddonSettings;
use crate::domain::ayon::Variant;
use crate::domain::channel::split;
use crate::domain::text::{Printable, without_url_secrets};
use crate::questions::{AddonOwn, AddonSettings as StudioSettings, AyonBundles, Part};

pub(super) const CHECK: Check = Check {
    id: "addon-channels",
    title: "The AYON addon does not override the queue's channels",
    why: "the addon's conda_channels beats the queue's default in every job that AYON submits",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let question = AyonBundles(url.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(bundles) = fact.known() else {
        return with_evidence(Finding::unread("the AYON addon's settings", fact), evidence);
    };
    let mut findings = Vec::new();
    let production = bundles.production.as_ref();
    // That there is no production bundle at all, bundle-launcher says where it matters; submitting needs one.
    if production.is_none() {
        let finding = Finding::warn("no-bundle", "AYON has no production bundle")
            .why("AYON submits nothing to Deadline Cloud without one that holds the deadline_cloud addon")
            .fix("set a bundle to production in AYON");
        findings.push(finding.from(evidence));
    } else if production.is_some_and(|b| b.addon.is_none()) {
        let finding = Finding::warn(
            "no-addon",
            "The production bundle lacks the deadline_cloud addon",
        )
        .why("AYON submits nothing to Deadline Cloud without it")
        .fix("add the deadline_cloud addon to the production bundle");
        findings.push(finding.from(evidence));
    }
    for variant in Variant::ALL {
        let version = bundles.of(*variant).and_then(|b| b.addon.as_ref());
        if let Some(version) = version {
            let unread = of_unread(view, url, *variant, version.raw());
            findings.extend(unread.map(|f| f.about(variant.word())));
        }
    }
    let places = addon_places(view, url);
    let told = places.telling(AddonSettings::channels_in_jobs);
    findings.extend(told.map(|place| of_place(view, place)));
    findings
}

/// What keeps the studio's own settings from being read.
fn of_unread(view: &View, url: &Url, variant: Variant, version: &str) -> Option<Finding> {
    let word = variant.word();
    let question = StudioSettings(url.clone(), variant, version.to_owned());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    if fact.is_absent() {
        let line = format!("AYON lacks the version of deadline_cloud that the {word} bundle names");
        let finding = Finding::warn("no-version", line)
            .why("AYON submits nothing to Deadline Cloud without it")
            .fix("install that version of the addon on the AYON server");
        return Some(finding.from(evidence));
    }
    let finding = Finding::unread("the AYON addon's settings", fact)?;
    Some(finding.from(evidence))
}

fn of_place(view: &View, place: &AddonPlace) -> Finding {
    let (settings, words) = (place.settings, place.words());
    let channels = &view.config(Part::Channels).channels;
    let shown = Printable::short(&place.at.version, 30);
    let told = settings.channels_in_jobs();
    let wanted = channels_wanted(view, settings, |_| false);
    let Some((field, desired)) = wanted else {
        let says = match &told {
            None => "leaves the channels to the queue, whose default wins in AYON's jobs",
            Some((_, list)) if split(list).len() == channels.len() => {
                "sets the same channels as the queue"
            }
            Some(_) => "sets the studio file's channels in their order, and others",
        };
        let line = format!("The AYON addon {shown} ({words}) {says}");
        return Finding::ok(line).about(words).from(place.evidence.clone());
    };
    let own_question = AddonOwn(place.at.clone());
    let own = view.fact(&own_question);
    let origin = match (own.known(), place.is_studio()) {
        (Some(own), true) if own.own.contains(&field) => "set by the studio",
        (Some(_), true) => "the addon's own default",
        (None, true) => {
            "a default or set by the studio, which only an administrator's login can tell"
        }
        // It differs from the studio's.
        (_, false) if place.frozen.is_none() => "set by the project",
        (_, false) => "frozen with the project's own bundle",
    };
    let list = told.as_ref().map_or("", |(_, list)| list.as_str());
    let value = Printable::short(&without_url_secrets(list), 120);
    let name = field.row().unwrap_or(field.word());
    let line = format!(
        "The AYON addon sets {name} = \"{value}\" ({words}), which wins over the queue's default in AYON's jobs"
    );
    let why = format!(
        "{}; the value is {origin}. A job template or submitter that names CondaChannels wins over both",
        CHECK.why
    );
    let by_hand = by_hand(place, field, &desired);
    let fix = fix(view, place, "gives the addon the same list", &by_hand);
    let finding = Finding::warn("overrides", line).why(why).fix(fix);
    let finding = finding.about(words).from(place.evidence.clone());
    finding.from(view.evidence(&own_question))
}
