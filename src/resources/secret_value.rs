//! Which version of a secret is handed out. A new value is put under a version id that was worked out before, so that it
//! can be read afterwards whether a call was carried out, without reading the value; undoing moves the label back.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{AsCode, Change, Found, Resource, Step, Touched, changed, needed, other_answer};
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::domain::worker_secret::SecretPlace;
use crate::probes::{AnyProbe, ReadSecret};
use crate::questions::{AnyAnswer, AnyQuestion, Key, SecretDetails, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretValue {
    pub place: SecretPlace,
    /// The AYON server whose key it is: what this machine holds for that server is put.
    pub server: Url,
    /// Is an earlier version handed out again?
    #[serde(default)]
    pub back: bool,
}

/// One run at a time changes a secret.
pub(super) fn secret_lock(account: &AccountId, region: &Region, place: &SecretPlace) -> String {
    let name = place.name().replace('/', "-");
    format!("{account}-{}-secret-{name}", place.region(region.as_str()))
}

/// What was told of the secret, and what was read of it as a queue role.
pub(super) fn touched(snapshot: &Snapshot, place: &SecretPlace) -> Vec<Touched> {
    let mut touched = changed([SecretDetails(place.clone()).into()]);
    let all = snapshot.observations.all().into_iter();
    let own = all.filter(
        |(probe, _)| matches!(probe, AnyProbe::ReadSecret(ReadSecret(other)) if other == place),
    );
    touched.extend(own.map(|(probe, from)| Touched::Stale(Key::Observation(probe, from))));
    touched
}

impl Resource for SecretValue {
    fn words(&self) -> Printable {
        let version = if self.back {
            "earlier key in"
        } else {
            "key in"
        };
        format!("{version} secret {}", self.place.name()).into()
    }

    fn question(&self) -> AnyQuestion {
        SecretDetails(self.place.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::SecretDetails(fact) = answer else {
            return Err(other_answer());
        };
        Ok(Found::text(needed(fact)?.and_then(|s| s.current)))
    }

    fn service(&self) -> &'static str {
        "secretsmanager"
    }

    fn operation(&self, _: Step) -> &'static str {
        if self.back {
            "UpdateSecretVersionStage"
        } else {
            "PutSecretValue"
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create => "no undo: a first value stays as long as the secret",
            Step::Update | Step::Delete => "undo: hands out the version before again",
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        (step == Step::Create)
            .then_some("a secret's first value can't be taken away from it, only the whole secret")
    }

    fn is_final(&self, step: Step) -> bool {
        step == Step::Create
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        secret_lock(account, region, &self.place)
    }

    fn readable(&self, text: &str) -> String {
        format!(
            "version {text} (an id, which says nothing of the key)\nvalue   hidden: read by nobody but the workers\n"
        )
    }

    fn as_code(&self, _: &Change, _: &Snapshot) -> AsCode {
        let id = &self.place.id;
        let region = if self.place.is_arn() {
            format!(" --region {}", self.place.region(""))
        } else {
            String::new()
        };
        AsCode::by_hand(format!(
            "put the workers' AYON key into the secret yourself, by typing it: `aws secretsmanager put-secret-value{region} \
            --secret-id {id} --secret-string file:///dev/stdin`, then the key, Enter is no part of it, Ctrl-D; or let `studiolink apply` do it"
        ))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let question = SecretDetails(self.place.clone());
        if let Some(secret) = snapshot.facts.known_mut(&question) {
            secret.current = text.map(str::to_owned);
            if let Some(version) = text
                && !secret.versions.iter().any(|v| v == version)
            {
                secret.versions.push(version.to_owned());
            }
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        touched(snapshot, &self.place)
    }

    fn turn_back(&mut self) {
        self.back = !self.back;
    }
}
