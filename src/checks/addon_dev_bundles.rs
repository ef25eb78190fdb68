//! What a dev bundle's addon sends its jobs to. A dev bundle is its developer's own: what it has set is told, and changed there.

use url::Url;

use super::prelude::*;
use crate::derived::addon_places::channels_wanted;
use crate::domain::addon::AddonSettings;
use crate::domain::ids::with_brief_ids;
use crate::domain::text::{Printable, Untrusted, without_url_secrets};
use crate::questions::{AyonBundles, DevAddon, Part};

pub(super) const CHECK: Check = Check {
    id: "addon-dev-bundles",
    title: "Dev bundles of AYON submit to this queue",
    why: "AYON keeps settings per dev bundle: a developer's jobs go by them, and not by what production says",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

/// A studio's developers have one each; so many are looked at.
const MOST: usize = 20;

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let Some(bundles) = view.fact(&AyonBundles(url.clone())).known() else {
        return Vec::new(); // compatibility says why
    };
    let mut findings = Vec::new();
    let with_addon = bundles.devs.iter();
    let with_addon: Vec<_> = with_addon
        .filter_map(|(name, dev)| Some((name, dev.user.as_ref(), dev.addon.as_ref()?)))
        .collect();
    for (bundle, user, version) in with_addon.iter().take(MOST) {
        let question = DevAddon {
            server: url.clone(),
            bundle: (*bundle).clone(),
            version: version.raw().to_owned(),
        };
        let fact = view.fact(&question);
        let name = Printable::short(bundle, 60);
        let finding = match fact.known() {
            Some(settings) => Some(of_bundle(view, &name, *user, settings)),
            None => Finding::unread(&format!("the addon's settings in dev bundle {name}"), fact),
        };
        let about = |f: Finding| f.about(name.clone()).from(view.evidence(&question));
        findings.extend(finding.map(about));
    }
    if let Some(more) = with_addon.len().checked_sub(MOST).filter(|n| *n > 0) {
        let line = format!("{more} more dev bundles were not looked at");
        let why = format!("{MOST} are read, in the order of their names");
        findings.push(Finding::skipped("more-bundles", line).why(why));
    }
    findings
}

fn of_bundle(
    view: &View,
    name: &Printable,
    user: Option<&Untrusted>,
    settings: &AddonSettings,
) -> Finding {
    let whose = user.map_or_else(String::new, |u| format!(" of {}", u.show()));
    let at = format!("dev bundle {name}{whose}");
    let queues = &view.config(Part::Queues).queues;
    let (farm, queue) = (settings.farm.raw(), settings.queue.raw());
    if farm.is_empty() || queue.is_empty() {
        let line = format!("The AYON addon in {at} names no farm and queue of its own");
        return Finding::skipped("not-set", line)
            .why("its jobs go where the developer's workstation is configured to send them");
    }
    let Some(key) = settings.submits_to(queues) else {
        let line = format!(
            "The AYON addon in {at} submits to {farm}, {queue}, which the studio file does not name"
        );
        let fix = queues.first().map_or_else(String::new, |q| {
            format!(
                "in AYON, settings of that dev bundle: farm_id = {}, queue_id = {}; or leave it aside by [[ignore]] where it is meant",
                q.farm, q.queue
            )
        });
        return Finding::warn("other-queue", with_brief_ids(&line))
            .why(CHECK.why)
            .fix(fix);
    };
    if let Some((field, wanted)) = channels_wanted(view, settings, |_| false) {
        let own = settings.channels_in_jobs();
        let own = own.map_or_else(String::new, |(_, own)| without_url_secrets(&own));
        let line = format!(
            "The AYON addon in {at} sets {} = \"{own}\"",
            field.setting()
        );
        return Finding::warn("overrides", line)
            .why("it wins over the queue's channels in the developer's jobs")
            .fix(format!(
                "in AYON, settings of that dev bundle, {}: {}",
                field.word(),
                without_url_secrets(&wanted)
            ));
    }
    Finding::ok(format!(
        "The AYON addon in {at} submits to queue {}",
        view.queue_name(key)
    ))
}
