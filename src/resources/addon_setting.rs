//! The setting `conda_channels` of the `deadline_cloud` addon, in one variant of its settings.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Change, Found, Resource, Step, Touched, changed, other_answer, told};
use crate::domain::ayon::{AddonChannels as Channels, Variant};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AddonChannels, AddonSettings, AnyAnswer, AnyQuestion, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonSetting {
    pub server: Url,
    pub variant: Variant,
    pub version: Untrusted,
}

impl AddonSetting {
    fn settings(&self) -> AddonSettings {
        let version = self.version.raw().to_owned();
        AddonSettings(self.server.clone(), self.variant, version)
    }

    fn channels(&self) -> AddonChannels {
        let version = self.version.raw().to_owned();
        AddonChannels(self.server.clone(), self.variant, version)
    }
}

impl Resource for AddonSetting {
    fn words(&self) -> Printable {
        let (version, variant) = (self.version.show(), self.variant.word());
        format!("deadline_cloud {version} ({variant}) / conda_channels").into()
    }

    fn question(&self) -> AnyQuestion {
        self.channels().into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::AddonChannels(fact) = answer else {
            return Err(other_answer());
        };
        let channels = told(fact, "Could not read the AYON addon's settings")?;
        Ok(Found::text(channels.map(|c| c.text())))
    }

    fn service(&self) -> &'static str {
        "ayon"
    }

    fn operation(&self, _: Step) -> &'static str {
        "POST settings"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: restores the old value, or the addon's default where that was in use"
    }

    fn lock(&self, _: &AccountId, _: &Region) -> String {
        format!("ayon-{}", self.server.host_str().unwrap_or("server"))
    }

    fn is_json(&self) -> bool {
        true
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let then = text.and_then(Channels::of_text);
        if let (Some(then), Some(settings)) = (&then, snapshot.facts.known_mut(&self.settings())) {
            settings.channels = Untrusted::new(then.conda_channels.clone());
        }
        let fact = then.map_or(Fact::Absent, Fact::Known);
        snapshot.facts.set(self.channels(), fact);
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([self.settings().into(), self.channels().into()])
    }
}
