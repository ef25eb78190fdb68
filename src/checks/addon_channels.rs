//! The AYON addon's own channel list beats the queue's default in every job it submits (field facts A2).

use super::prelude::*;
use url::Url;

use crate::domain::ayon::Variant;
use crate::domain::channel::{Channel, join, merged, split};
use crate::domain::fact::Fact;
use crate::domain::text::{Printable, without_url_secrets};
use crate::questions::{AddonChannels, AddonSettings, AyonBundles, Part};

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
            let found = of_variant(view, url, *variant, version.raw());
            findings.extend(found.map(|f| f.about(variant.word())));
        }
    }
    findings
}

fn of_variant(view: &View, url: &Url, variant: Variant, version: &str) -> Option<Finding> {
    let word = variant.word();
    let question = AddonSettings(url.clone(), variant, version.to_owned());
    let own_question = AddonChannels(url.clone(), variant, version.to_owned());
    let (fact, own) = (view.fact(&question), view.fact(&own_question));
    let evidence = view.evidence(&question);
    if fact.is_absent() {
        let line = format!("AYON lacks the version of deadline_cloud that the {word} bundle names");
        let finding = Finding::warn("no-version", line)
            .why("AYON submits nothing to Deadline Cloud without it")
            .fix("install that version of the addon on the AYON server");
        return Some(finding.from(evidence));
    }
    let Some(settings) = fact.known() else {
        let finding = Finding::unread("the AYON addon's settings", fact)?;
        return Some(finding.from(evidence));
    };
    let set = split(settings.channels.raw());
    let channels = &view.config(Part::Channels).channels;
    let wanted: Vec<&str> = channels.iter().map(Channel::as_str).collect();
    let desired = join(channels);
    let shown = settings.version.show();
    if set.is_empty() || merged(&set, &wanted) == set {
        let words = if set.is_empty() {
            "leaves the channels to the queue, whose default wins in AYON's jobs"
        } else if set.len() == wanted.len() {
            "sets the same channels as the queue"
        } else {
            "sets the studio file's channels in their order, and others"
        };
        let line = format!("The AYON addon {shown} ({word}) {words}");
        return Some(Finding::ok(line).from(evidence));
    }
    let origin = match own.known() {
        Some(c) if c.overridden => "set by the studio",
        Some(_) => "the addon's own default",
        None => "a default or set by the studio, which only an administrator's login can tell",
    };
    let value = Printable::short(&without_url_secrets(settings.channels.raw()), 120);
    let line = format!(
        "The AYON addon sets conda_channels = \"{value}\" ({word}), which wins over the queue's default in AYON's jobs"
    );
    let why = format!(
        "{}; the value is {origin}. A job template or submitter that names CondaChannels wins over both",
        CHECK.why
    );
    let place = format!(
        "in AYON, settings of deadline_cloud {shown} ({word}), paste into conda_channels: {desired}"
    );
    let fix = match own {
        Fact::Known(_) => Fix::setup("gives the addon the same list; `studiolink plan` shows it"),
        fact => match fact.problem() {
            Some(problem) => format!(
                "this AYON login can't change it ({}); {place}",
                problem.because
            )
            .into(),
            None => format!(
                "{place}; or set AYON_ADMIN_KEY to your own AYON login and run studiolink setup"
            )
            .into(),
        },
    };
    let finding = Finding::warn("overrides", line).why(why).fix(fix);
    Some(finding.from(evidence).from(view.evidence(&own_question)))
}
