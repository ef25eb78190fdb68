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
        let version = view
            .studio
            .bundles
            .known()
            .and_then(|b| b.production.as_ref()?.addon.as_ref());
        let settings =
            version.map(|v| Ask::Addon(url.clone(), Variant::Production, v.raw().to_owned()));
        std::iter::once(Ask::Bundles(url.clone()))
            .chain(settings)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let Some(ask) = self.asks(view).pop() else {
            return Vec::new();
        };
        let nothing = Fact::NotAsked;
        let fact = view
            .studio
            .addon
            .get(&Variant::Production)
            .unwrap_or(&nothing);
        let Some(bundles) = view.studio.bundles.known() else {
            return vec![no_key_or(
                view,
                self,
                "the AYON addon's settings",
                &view.studio.bundles,
                ask,
            )];
        };
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
            return vec![finding.from(Source::Fact(ask))];
        }
        if *fact == Fact::Absent {
            let finding = says(
                self,
                Verdict::Warn,
                "AYON has not the version of deadline_cloud that the production bundle names",
            )
            .why("AYON submits nothing to Deadline Cloud without it")
            .fix("install that version of the addon on the AYON server");
            return vec![finding.from(Source::Fact(ask))];
        }
        let Some(settings) = fact.known() else {
            return vec![unseen(self, "the AYON addon's settings", fact, ask)];
        };
        let (own, wanted) = (
            split(settings.channels.raw()).join(" "),
            join(&view.wanted.channels),
        );
        let finding = if own.is_empty() || own == wanted {
            let words = if own.is_empty() {
                "leaves the channels to the queue"
            } else {
                "sets the same channels as the queue"
            };
            says(
                self,
                Verdict::Ok,
                format!(
                    "The AYON addon {} (production) {words}",
                    settings.version.show()
                ),
            )
        } else {
            says(
                self,
                Verdict::Warn,
                format!(
                    "The AYON addon sets conda_channels = \"{}\" (production)",
                    Printable::short(&without_url_secrets(settings.channels.raw()), 120)
                ),
            )
            .why(self.why())
            .fix(format!(
                "in AYON, settings of deadline_cloud {}, paste into conda_channels: {wanted}",
                settings.version.show()
            ))
        };
        vec![finding.from(Source::Fact(ask))]
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
