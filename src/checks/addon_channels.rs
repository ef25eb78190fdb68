//! The AYON addon's own channel list beats the queue's default in every job it submits (field facts A2).

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::ask::Variant;
use crate::domain::channel::{join, split};
use crate::domain::fact::Fact;
use crate::domain::text::{Printable, without_url_secrets};

pub struct AddonChannels;

impl Check for AddonChannels {
    fn id(&self) -> &'static str {
        "addon-channels"
    }
    fn title(&self) -> &'static str {
        "The AYON addon does not override the queue's channels"
    }
    fn why(&self) -> &'static str {
        "the addon's conda_channels beats the queue's default in every job that AYON submits"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let url = &view.wanted.server.url;
        let of = |(variant, version): (Variant, String)| {
            [
                Ask::Addon(url.clone(), variant, version.clone()),
                Ask::AddonChannels(url.clone(), variant, version),
            ]
        };
        let settings = versions(view).into_iter().flat_map(of);
        std::iter::once(Ask::Bundles(url.clone()))
            .chain(settings)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let ask = Ask::Bundles(view.wanted.server.url.clone());
        let Some(bundles) = view.studio.bundles.known() else {
            return vec![no_key_or(
                view,
                self,
                "the AYON addon's settings",
                &view.studio.bundles,
                ask,
            )];
        };
        let mut findings = Vec::new();
        if bundles
            .production
            .as_ref()
            .is_none_or(|b| b.addon.is_none())
        {
            let finding = says(
                self,
                Verdict::Warn,
                "The production bundle holds no addon deadline_cloud",
            )
            .why("AYON submits nothing to Deadline Cloud without it")
            .fix("add the addon deadline_cloud to the production bundle");
            findings.push(finding.from(Source::Fact(ask)));
        }
        findings.extend(
            versions(view)
                .into_iter()
                .map(|(variant, version)| self.of_variant(view, variant, version)),
        );
        findings
    }
}

/// The addon's version in each variant's bundle: its settings are kept per version and variant.
fn versions(view: &View) -> Vec<(Variant, String)> {
    let Some(bundles) = view.studio.bundles.known() else {
        return Vec::new();
    };
    [
        (Variant::Production, &bundles.production),
        (Variant::Staging, &bundles.staging),
    ]
    .into_iter()
    .filter_map(|(variant, bundle)| {
        let version = bundle.as_ref()?.addon.as_ref()?;
        Some((variant, version.raw().to_owned()))
    })
    .collect()
}

impl AddonChannels {
    fn of_variant(&self, view: &View, variant: Variant, version: String) -> Finding {
        let word = variant.word();
        let url = view.wanted.server.url.clone();
        let ask = Ask::Addon(url.clone(), variant, version.clone());
        let nothing = Fact::NotAsked;
        let fact = view.studio.addon.get(&variant).unwrap_or(&nothing);
        if *fact == Fact::Absent {
            let finding = says(
                self,
                Verdict::Warn,
                format!("AYON has not the version of deadline_cloud that the {word} bundle names"),
            )
            .why("AYON submits nothing to Deadline Cloud without it")
            .fix("install that version of the addon on the AYON server");
            return finding.from(Source::Fact(ask));
        }
        let Some(settings) = fact.known() else {
            return unseen(self, "the AYON addon's settings", fact, ask);
        };
        let (own, wanted) = (
            split(settings.channels.raw()).join(" "),
            join(&view.wanted.channels),
        );
        let shown = settings.version.show();
        if own.is_empty() || own == wanted {
            let words = if own.is_empty() {
                "leaves the channels to the queue, whose default wins in AYON's jobs"
            } else {
                "sets the same channels as the queue"
            };
            let line = format!("The AYON addon {shown} ({word}) {words}");
            return says(self, Verdict::Ok, line).from(Source::Fact(ask));
        }
        let held = view.studio.addon_channels.get(&variant);
        let origin = match held.and_then(|f| f.known()) {
            Some(c) if c.overridden => "set by the studio",
            Some(_) => "the addon's own default",
            None => "a default or set by the studio, which only an administrator's login can tell",
        };
        let finding = says(
            self,
            Verdict::Warn,
            format!(
                "The AYON addon sets conda_channels = \"{}\" ({word}): that wins in AYON's jobs, not the queue's default",
                Printable::short(&without_url_secrets(settings.channels.raw()), 120)
            ),
        )
        .why(format!("{}; the value is {origin}. A job template or submitter that names CondaChannels wins over both", self.why()));
        let finding = match held {
            Some(Fact::Known(_)) => {
                finding.fix("setup gives the addon the same list; the review page and `studiolink plan` show it")
            }
            Some(fact) if fact.problem().is_some() => {
                let because = fact.problem().map_or("", |p| &p.because);
                finding.fix(format!("this AYON login may not change it ({because}); in AYON, settings of deadline_cloud {shown}, paste into conda_channels: {wanted}"))
            }
            _ => finding.fix(format!("in AYON, settings of deadline_cloud {shown} ({word}), paste into conda_channels: {wanted}; or give your own AYON login (AYON_ADMIN_KEY), and setup does it")),
        };
        finding
            .from(Source::Fact(ask))
            .from(Source::Fact(Ask::AddonChannels(url, variant, version)))
    }
}

/// Without a key nothing was asked of AYON, and that is said; otherwise why it is not known.
pub fn no_key_or<T>(
    view: &View,
    check: &dyn Check,
    what: &str,
    fact: &Fact<T>,
    ask: Ask,
) -> Finding {
    let probe = crate::domain::probe::Probe::AyonKey(view.wanted.server.url.clone());
    let no_key = view
        .studio
        .readings
        .get(&probe)
        .is_some_and(|r| matches!(r.seen, Ok(crate::domain::probe::Seen::NoKey { .. })));
    if fact.problem().is_none() && no_key {
        return says(check, Verdict::Skipped, format!("Not looked at: {what}"))
            .why("no AYON API key was given")
            .from(Source::Fact(ask));
    }
    unseen(check, what, fact, ask)
}
