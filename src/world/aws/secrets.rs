//! Secrets Manager: the secret with the workers' AYON key. Its value is put here and read by nobody: what the queue role
//! is handed out in a live test is dropped unread.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::config::{Builder, Region};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;
use secrecy::{ExposeSecret as _, SecretString};

use super::Aws;
use super::caller::What;
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

fn described(out: DescribeSecretOutput) -> Option<WorkerSecret> {
    let deleted = out.deleted_date.map(|d| d.secs());
    let stages: BTreeMap<String, Vec<String>> = out
        .version_ids_to_stages
        .unwrap_or_default()
        .into_iter()
        .collect();
    let is_current = |(_, labels): &(&String, &Vec<String>)| labels.iter().any(|l| l == CURRENT);
    let current = stages.iter().find(is_current).map(|(id, _)| id.clone());
    Some(WorkerSecret {
        arn: Untrusted::new(out.arn?),
        name: Untrusted::new(out.name?),
        key: out.kms_key_id.map(Untrusted::new),
        deleted: deleted.and_then(|s| jiff::Timestamp::from_second(s).ok()),
        current,
        versions: stages.into_keys().collect(),
    })
}

impl Aws {
    /// The caller's own client, where the secret is.
    fn secrets(&self, place: &SecretPlace) -> aws_sdk_secretsmanager::Client {
        let region = place.region(self.region.as_str()).to_owned();
        let config = Builder::from(&self.config).region(Region::new(region));
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    pub async fn look_secret(&self, record: &Record, place: &SecretPlace) -> Fact<WorkerSecret> {
        let doing = format!("Could not read the secret {}", place.name());
        let what = What::new(SERVICE, "DescribeSecret", place.name(), doing.clone());
        let request = self.secrets(place).describe_secret().secret_id(&place.id);
        match self.call(record, what, request.send()).await {
            Ok(out) => match described(out) {
                Some(secret) => Fact::Known(secret),
                None => Fact::from(Err(super::signed::unreadable(&doing))),
            },
            Err(problem) => Fact::from(Err(problem)),
        }
    }

    pub async fn change_secret(
        &self,
        record: &Record,
        resource: &Secret,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let (place, client) = (&resource.place, self.secrets(&resource.place));
        let doing = format!("Could not change the {}", change.words());
        let what = What::new(SERVICE, change.operation(), place.name(), doing);
        if change.after.is_none() {
            let request = client.delete_secret().secret_id(&place.id);
            let request = request.recovery_window_in_days(RECOVERY_DAYS);
            self.call(record, what, request.send()).await?;
            return Ok(());
        }
        let tags = resource.tags.iter();
        let tags: Vec<Tag> = tags
            .map(|(k, v)| Tag::builder().key(k).value(v).build())
            .collect();
        let request = client
            .create_secret()
            .name(place.name())
            .description(DESCRIPTION)
            .client_request_token(token)
            .set_kms_key_id(place.key.clone())
            .set_tags(Some(tags).filter(|t| !t.is_empty()));
        self.call(record, what, request.send()).await?;
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
        let client = self.secrets(place);
        let request = client
            .put_secret_value()
            .secret_id(&place.id)
            .set_client_request_token(change.after.clone())
            .secret_string(key.expose_secret());
        self.call(record, what, request.send()).await?;
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
        let client = self.secrets(place);
        let request = client
            .update_secret_version_stage()
            .secret_id(&place.id)
            .version_stage(CURRENT)
            .set_move_to_version_id(change.after.clone())
            .set_remove_from_version_id(change.before.clone());
        self.call(record, what, request.send()).await?;
        Ok(())
    }

    pub async fn try_secret(
        &self,
        record: &Record,
        queue: &QueueKey,
        place: &SecretPlace,
    ) -> Result<String, Problem> {
        let clients = self.queue_role(record, queue).await?;
        let doing = "Could not read the secret with the AYON key as the queue role";
        // The name alone is evidence; a whole ARN is too long for a line.
        let what = What::new(SERVICE, "GetSecretValue", place.name(), doing);
        let what = what.seen_from(Vantage::QueueRole(queue.clone()));
        // A secret is asked for where it is, which need not be the farm's region.
        let region = place.region(self.region.as_str()).to_owned();
        let there = aws_sdk_secretsmanager::Config::builder().region(Region::new(region));
        let request = clients.secrets.get_secret_value().secret_id(&place.id);
        let request = request.customize().config_override(there).send();
        match self.call(record, what, request).await {
            Ok(out) => Ok(out.version_id.unwrap_or_default()),
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
