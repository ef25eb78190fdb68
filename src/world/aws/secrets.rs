//! Secrets Manager: the secret with the workers' AYON key. Its value is put here and read by nobody: what the queue role
//! is handed out in a live test is dropped unread.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::{Body, Request, Signer, unreadable};
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::domain::worker_secret::{SecretPlace, WorkerSecret};
use crate::resources::{Change, DESCRIPTION, RECOVERY_DAYS, Secret, SecretValue};
use crate::world::Record;

const SERVICE: &str = "secretsmanager";
/// The label of the version that is handed out.
const CURRENT: &str = "AWSCURRENT";

fn described(out: &Value) -> Option<WorkerSecret> {
    let text = |name: &str| out[name].as_str().map(Untrusted::new);
    #[allow(clippy::cast_possible_truncation)] // whole seconds are enough
    let deleted = out["DeletedDate"].as_f64().map(|s| s as i64);
    let labels: BTreeMap<String, Vec<String>> = match &out["VersionIdsToStages"] {
        Value::Null => BTreeMap::new(),
        stages => serde_json::from_value(stages.clone()).ok()?,
    };
    let is_current = |(_, labels): &(&String, &Vec<String>)| labels.iter().any(|l| l == CURRENT);
    let current = labels.iter().find(is_current).map(|(id, _)| id.clone());
    Some(WorkerSecret {
        arn: text("ARN")?,
        name: text("Name")?,
        key: text("KmsKeyId"),
        deleted: deleted.and_then(|s| jiff::Timestamp::from_second(s).ok()),
        current,
        versions: labels.into_keys().collect(),
    })
}

fn request(operation: &str, body: &Value) -> Request {
    Request::json(SERVICE, &format!("secretsmanager.{operation}"), body)
}

impl Aws {
    /// As the caller, where the secret is. A repeated call means the same: what is made carries a token of ours.
    async fn send_secret(
        &self,
        record: &Record,
        what: What<'_>,
        place: &SecretPlace,
        body: &Value,
    ) -> Result<Body, Problem> {
        let request = request(what.operation, body);
        let signer = async {
            let own = self.own_signer().await?;
            Ok(self.where_it_is(own, place))
        };
        self.read_as(record, what, &request, signer).await
    }

    fn where_it_is(&self, signer: Signer, place: &SecretPlace) -> Signer {
        let region = place.region(self.region.as_str()).to_owned();
        Signer { region, ..signer }
    }

    pub async fn look_secret(&self, record: &Record, place: &SecretPlace) -> Fact<WorkerSecret> {
        let doing = format!("Could not read the secret {}", place.name());
        let what = What::new(SERVICE, "DescribeSecret", place.name(), doing.clone());
        let body = json!({ "SecretId": place.id });
        let sent = self.send_secret(record, what, place, &body).await;
        sent.and_then(|out| described(&out.json()).ok_or_else(|| unreadable(&doing)))
            .into()
    }

    pub async fn change_secret(
        &self,
        record: &Record,
        resource: &Secret,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let place = &resource.place;
        let doing = format!("Could not change the {}", change.words());
        let what = What::new(SERVICE, change.operation(), place.name(), doing);
        if change.after.is_none() {
            let body = json!({ "SecretId": place.id, "RecoveryWindowInDays": RECOVERY_DAYS });
            self.send_secret(record, what, place, &body).await?;
            return Ok(());
        }
        let tags = resource.tags.iter();
        let tags: Vec<Value> = tags.map(|(k, v)| json!({ "Key": k, "Value": v })).collect();
        let mut body = json!({
            "Name": place.name(), "Description": DESCRIPTION, "ClientRequestToken": token,
        });
        if let Some(key) = &place.key {
            body["KmsKeyId"] = json!(key);
        }
        if !tags.is_empty() {
            body["Tags"] = json!(tags);
        }
        self.send_secret(record, what, place, &body).await?;
        Ok(())
    }

    /// Puts the key as the version whose id the plan has worked out: a call that is repeated means the same version.
    pub async fn put_secret(
        &self,
        record: &Record,
        resource: &SecretValue,
        change: &Change,
        key: &SecretString,
    ) -> Result<(), Problem> {
        let place = &resource.place;
        let doing = format!("Could not change the {}", change.words());
        let what = What::new(SERVICE, "PutSecretValue", place.name(), doing);
        let body = json!({
            "SecretId": place.id, "ClientRequestToken": change.after,
            "SecretString": key.expose_secret(),
        });
        self.send_secret(record, what, place, &body).await?;
        Ok(())
    }

    /// Moves the label back to the version that was there before.
    pub async fn hand_out_again(
        &self,
        record: &Record,
        resource: &SecretValue,
        change: &Change,
    ) -> Result<(), Problem> {
        let place = &resource.place;
        let doing = format!("Could not hand out the {}", change.words());
        let what = What::new(SERVICE, "UpdateSecretVersionStage", place.name(), doing);
        let mut body = json!({ "SecretId": place.id, "VersionStage": CURRENT });
        let moved = [
            ("MoveToVersionId", &change.after),
            ("RemoveFromVersionId", &change.before),
        ];
        for (member, version) in moved {
            if let Some(version) = version {
                body[member] = json!(version);
            }
        }
        self.send_secret(record, what, place, &body).await?;
        Ok(())
    }

    pub async fn try_secret(
        &self,
        record: &Record,
        queue: &QueueKey,
        place: &SecretPlace,
    ) -> Result<String, Problem> {
        let credentials = self.queue_role(record, queue).await?.credentials;
        let doing = "Could not read the secret with the AYON key as the queue role";
        // The name alone is evidence; a whole ARN is too long for a line.
        let what = What::new(SERVICE, "GetSecretValue", place.name(), doing);
        let what = what.seen_from(Vantage::QueueRole(queue.clone()));
        // A secret is asked for where it is, which need not be the farm's region.
        let signer = self.where_it_is(self.signer_with(credentials), place);
        let signer = std::future::ready(Ok(signer));
        let request = request(what.operation, &json!({ "SecretId": place.id }));
        match self.read_as(record, what, &request, signer).await {
            Ok(out) => {
                let version = out.json()["VersionId"].as_str().map(str::to_owned);
                version.ok_or_else(|| unreadable(doing))
            }
            Err(mut p) => {
                if p.kind == ProblemKind::Denied {
                    // The lack is the queue role's, not the caller's: no permission of ours is named.
                    p.permission = None;
                    "Secrets Manager refused the queue role: its own policies, the secret's \
                        resource policy, the KMS key's policy or an organization's \
                        policy"
                        .clone_into(&mut p.because);
                    "setup gives the role what it lacks (check queue-role-needs); name [server] \
                        secret_key where the secret has a key of your own"
                        .clone_into(&mut p.fix);
                }
                Err(p)
            }
        }
    }
}
