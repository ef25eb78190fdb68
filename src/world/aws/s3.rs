//! S3: is a channel's index there, for the caller and for the queue role.

use futures_util::future::join;

use super::Aws;
use super::caller::What;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::domain::ids::QueueKey;
use crate::domain::probe::Seen;
use crate::domain::problem::{Problem, ProblemKind};
use crate::world::Record;

const SERVICE: &str = "s3";

fn key(prefix: &str, file: &str) -> String {
    if prefix.is_empty() {
        file.to_owned()
    } else {
        format!("{prefix}/{file}")
    }
}

impl Aws {
    pub async fn try_channel_here(
        &self,
        record: &Record,
        channel: &Channel,
    ) -> Result<Seen, Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        self.index(record, &self.s3, Vantage::Here, bucket, prefix, channel)
            .await?;
        Ok(Seen::Index { lists: None })
    }

    /// The index, and beside it a key that can't exist: 404 proves that absent is told from forbidden.
    pub async fn try_channel_as_queue_role(
        &self,
        record: &Record,
        queue: &QueueKey,
        channel: &Channel,
    ) -> Result<Seen, Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        let client = self.queue_role_s3(record, queue).await?;
        let absent = key(
            prefix,
            &format!("noarch/studiolink-{}.absent", uuid::Uuid::new_v4().simple()),
        );
        let what = What::new(
            SERVICE,
            "GetObject",
            &absent,
            format!("Could not ask for an absent file of {channel}"),
        )
        .seen_from(Vantage::QueueRole);
        let asked = self.call(
            record,
            what,
            client.get_object().bucket(bucket).key(&absent).send(),
        );
        let (index, asked) = join(
            self.index(record, &client, Vantage::QueueRole, bucket, prefix, channel),
            asked,
        )
        .await;
        index.map_err(|mut p| {
            if p.kind == ProblemKind::Denied {
                // The lack is the queue role's, not the caller's: no permission of ours is named.
                p.permission = None;
                "S3 answered 403 to the queue role: its own policies, the bucket's policy (always, where the bucket is another account's), a KMS key policy or an organisation's policy refuse".clone_into(&mut p.because);
                "setup gives the role what it lacks (check queue-role-channels); where the bucket is another account's, its owner must allow the role too".clone_into(&mut p.fix);
            }
            p
        })?;
        let lists = match asked.map_err(|p| p.kind) {
            Err(ProblemKind::Missing) => Some(true),
            Err(ProblemKind::Denied) => Some(false),
            _ => None,
        };
        Ok(Seen::Index { lists })
    }

    async fn index(
        &self,
        record: &Record,
        client: &aws_sdk_s3::Client,
        vantage: Vantage,
        bucket: &str,
        prefix: &str,
        channel: &Channel,
    ) -> Result<(), Problem> {
        let index = key(prefix, "noarch/repodata.json");
        let about = format!("{bucket}/{index}");
        let what = What::new(
            SERVICE,
            "GetObject",
            &about,
            format!("Could not read the index of {channel}"),
        )
        .seen_from(vantage);
        // The body is not read: an index may be hundreds of megabytes, and its being there is what was asked.
        self.call(
            record,
            what,
            client.get_object().bucket(bucket).key(&index).send(),
        )
        .await
        .map(|_| ())
    }
}

fn not_s3(channel: &Channel) -> Problem {
    Problem::new(
        ProblemKind::Local,
        format!("Could not read {channel}"),
        "it is no s3:// channel",
        "report this: it is a fault of studiolink",
    )
}
