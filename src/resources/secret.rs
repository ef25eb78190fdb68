//! A secret of AWS Secrets Manager for the workers' AYON key. It is made without a value, which is a change of its own.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::{chosen, tag_map, tags};
use super::{
    AsCode, Call, Change, Found, Node, Propagation, Resource, Step, Touched, laid_out, needed,
    other_answer, secret_value,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::domain::worker_secret::{SecretPlace, WorkerSecret};
use crate::questions::{AnyAnswer, AnyQuestion, SecretDetails, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    pub place: SecretPlace,
    pub tags: Vec<(String, String)>,
}

/// Days for which a deleted secret can be restored: the least that the service has.
pub const RECOVERY_DAYS: i64 = 7;

/// What people read in the console.
pub const DESCRIPTION: &str =
    "AYON API key that Deadline Cloud workers read at the start of a session";

impl Secret {
    /// Its text: what it is, without what it holds.
    pub fn text(place: &SecretPlace) -> String {
        let key = place.key.as_deref().unwrap_or("aws/secretsmanager");
        json!({ "Name": place.name(), "KmsKeyId": key }).to_string()
    }
}

impl Resource for Secret {
    fn words(&self) -> Printable {
        format!("secret {}", self.place.name()).into()
    }

    fn question(&self) -> AnyQuestion {
        SecretDetails(self.place.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::SecretDetails(fact) = answer else {
            return Err(other_answer());
        };
        let there = needed(fact)?.filter(|s| s.deleted.is_none());
        Ok(Found::text(there.map(|secret| {
            let key = secret.key.map(|k| k.raw().to_owned());
            let own = key.filter(|k| !k.ends_with("alias/aws/secretsmanager"));
            Self::text(&SecretPlace {
                id: secret.name.raw().to_owned(),
                key: own,
            })
        })))
    }

    fn service(&self) -> &'static str {
        "secretsmanager"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateSecret",
            Step::Delete => "DeleteSecret",
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create => "undo: has the secret deleted, with what it holds, after 7 days",
            Step::Update | Step::Delete => "undo: restores the secret",
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        (step == Step::Delete).then_some(
            "the secret waits 7 days for its deletion, and its name is taken until then; `aws secretsmanager restore-secret` keeps it",
        )
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        secret_value::secret_lock(account, region, &self.place)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn readable(&self, text: &str) -> String {
        let tags = self.tags.iter().map(|(k, v)| format!("tag {k} = {v}\n"));
        laid_out(text) + &tags.collect::<Vec<_>>().concat()
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let name = self.place.name();
        let elsewhere = self
            .place
            .is_arn()
            .then(|| self.place.region("").to_owned());
        if change.after.is_none() {
            let own = json!({ "SecretId": self.place.id, "RecoveryWindowInDays": RECOVERY_DAYS });
            return AsCode::from(Call::new("secretsmanager", change.operation(), own))
                .in_region(elsewhere);
        }
        let properties = chosen(json!({
            "Name": name, "Description": DESCRIPTION, "KmsKeyId": self.place.key,
            "Tags": tags(&self.tags),
        }));
        let attributes = chosen(json!({
            "name": name, "description": DESCRIPTION, "kms_key_id": self.place.key,
            "recovery_window_in_days": RECOVERY_DAYS, "tags": tag_map(&self.tags),
        }));
        let node = Node::new("AWS::SecretsManager::Secret", properties.clone())
            .hashicorp("aws_secretsmanager_secret", attributes);
        AsCode::from(Call::new("secretsmanager", change.operation(), properties))
            .in_region(elsewhere)
            .node(node)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let fact = text.map_or(Fact::Absent, |_| {
            Fact::Known(WorkerSecret {
                arn: Untrusted::new(&self.place.id),
                name: Untrusted::new(self.place.name()),
                key: self.place.key.as_ref().map(Untrusted::new),
                deleted: None,
                current: None,
                versions: Vec::new(),
            })
        });
        snapshot.facts.set(SecretDetails(self.place.clone()), fact);
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        secret_value::touched(snapshot, &self.place)
    }

    fn propagation(&self) -> Propagation {
        Propagation::Nothing
    }
}
