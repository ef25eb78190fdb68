//! The settings `farm_id` and `queue_id` of the `deadline_cloud` addon, in one variant of its settings.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Change, Found, Resource, Step, Touched, changed, other_answer, told};
use crate::domain::ayon::{AddonTarget as Target, Variant};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AddonSettings, AddonTarget as Question, AnyAnswer, AnyQuestion, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonTarget {
    pub server: Url,
    pub variant: Variant,
    pub version: Untrusted,
}

impl AddonTarget {
    fn settings(&self) -> AddonSettings {
        let version = self.version.raw().to_owned();
        AddonSettings(self.server.clone(), self.variant, version)
    }

    fn target(&self) -> Question {
        let version = self.version.raw().to_owned();
        Question(self.server.clone(), self.variant, version)
    }
}

impl Resource for AddonTarget {
    fn words(&self) -> Printable {
        let (version, variant) = (self.version.show(), self.variant.word());
        format!("deadline_cloud {version} ({variant}) / farm_id and queue_id").into()
    }

    fn question(&self) -> AnyQuestion {
        self.target().into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::AddonTarget(fact) = answer else {
            return Err(other_answer());
        };
        let target = told(fact, "Could not read the AYON addon's settings")?;
        Ok(Found::text(target.map(|t| t.text())))
    }

    fn service(&self) -> &'static str {
        "ayon"
    }

    fn operation(&self, _: Step) -> &'static str {
        "POST settings"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: restores the old values, or the addon's defaults where those were in use"
    }

    /// The same as of the addon's channels: AYON takes the whole object.
    fn lock(&self, _: &AccountId, _: &Region) -> String {
        format!("ayon-{}", self.server.host_str().unwrap_or("server"))
    }

    fn is_json(&self) -> bool {
        true
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let then = text.and_then(Target::of_text);
        if let (Some(then), Some(settings)) = (&then, snapshot.facts.known_mut(&self.settings())) {
            settings.farm = Untrusted::new(then.farm_id.clone());
            settings.queue = Untrusted::new(then.queue_id.clone());
        }
        let fact = then.map_or(Fact::Absent, Fact::Known);
        snapshot.facts.set(self.target(), fact);
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([self.settings().into(), self.target().into()])
    }
}
