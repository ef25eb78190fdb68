//! S3: is a channel's index there, for the caller, for the queue role and for anybody; where its bucket is; and
//! addresses signed for those who read whole indexes.

use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use futures_util::future::{BoxFuture, FutureExt as _, join, join3};
use url::Url;

use super::Aws;
use super::caller::What;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::domain::ids::{AccountId, QueueKey};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::probes::{IndexSeen, OutsideSeen, ReadAttachments};
use crate::world::Record;
use crate::world::conda::Sign;

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
    ) -> Result<(), Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        self.index(record, &self.s3, Vantage::Here, bucket, prefix, channel)
            .await
    }

    /// The address of a channel's index without anything that signs it: what anybody may ask for.
    pub async fn open_address(&self, channel: &Channel) -> Result<Url, Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        let index = key(prefix, "noarch/repodata.json");
        let mut url = signed(&self.s3, bucket, &index, false).await?;
        url.set_query(None);
        Ok(url)
    }

    /// In which region a bucket is.
    pub async fn try_bucket(&self, record: &Record, bucket: &str) -> Result<Untrusted, Problem> {
        self.bucket_region(record, bucket).await
    }

    pub async fn try_bucket_region(
        &self,
        record: &Record,
        channel: &Channel,
    ) -> Result<Untrusted, Problem> {
        let Place::S3 { bucket, .. } = channel.place() else {
            return Err(not_s3(channel));
        };
        self.bucket_region(record, bucket).await
    }

    /// S3 tells no one whose a bucket is; it refuses who expects another owner. Only where the same request without an
    /// expectation is answered does a refusal say something.
    pub async fn try_channel_owner(
        &self,
        record: &Record,
        channel: &Channel,
        accounts: &[AccountId],
    ) -> Result<Option<AccountId>, Problem> {
        let Some(bucket) = channel.bucket() else {
            return Err(not_s3(channel));
        };
        let doing = format!("Could not ask whose the bucket {bucket} is");
        let what =
            || What::new(SERVICE, "HeadBucket", bucket, doing.clone()).seen_from(Vantage::Here);
        let head = || self.s3.head_bucket().bucket(bucket);
        self.call(record, what(), head().send()).await?;
        for account in accounts {
            let expecting = head().expected_bucket_owner(account.as_str()).send();
            match self.call(record, what(), expecting).await {
                Ok(_) => return Ok(Some(account.clone())),
                Err(p) if p.kind == ProblemKind::Denied => {}
                Err(p) => return Err(p),
            }
        }
        Ok(None)
    }

    /// A key that can't exist among the job attachments: nothing is read, whatever the answer.
    pub async fn try_attachments(
        &self,
        record: &Record,
        queue: &QueueKey,
        it: &ReadAttachments,
    ) -> Result<(), Problem> {
        let client = self.queue_role_s3(record, queue).await?;
        let absent = format!("studiolink-{}.absent", uuid::Uuid::new_v4().simple());
        let file = it.absent(&absent);
        let doing = "Could not ask for a missing file among the job attachments";
        let what = What::new(SERVICE, "GetObject", &file, doing.to_owned());
        let what = what.seen_from(Vantage::QueueRole(queue.clone()));
        let request = client.get_object().bucket(&it.bucket).key(&file).send();
        match self.call(record, what, request).await {
            Ok(_) => Ok(()),
            Err(p) if p.kind == ProblemKind::Missing && !is_bucket(&p) => Ok(()),
            Err(mut p) => {
                // The lack is the queue role's, not the caller's.
                p.permission = None;
                Err(p)
            }
        }
    }

    /// Two keys that can't exist, outside the channel and in it: nothing is read, whatever the answer.
    pub async fn try_outside_channel(
        &self,
        record: &Record,
        queue: &QueueKey,
        channel: &Channel,
    ) -> Result<OutsideSeen, Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        let client = self.queue_role_s3(record, queue).await?;
        let absent = format!("studiolink-{}.absent", uuid::Uuid::new_v4().simple());
        let inside = key(prefix, &format!("noarch/{absent}"));
        let is_told = |file: String| {
            let client = &client;
            async move {
                let doing = format!("Could not ask for a missing file in the bucket of {channel}");
                let what = What::new(SERVICE, "GetObject", &file, doing);
                let what = what.seen_from(Vantage::QueueRole(queue.clone()));
                let request = client.get_object().bucket(bucket).key(&file).send();
                match self.call(record, what, request).await {
                    Ok(_) => Ok(true),
                    Err(p) if p.kind == ProblemKind::Missing => Ok(true),
                    Err(p) if p.kind == ProblemKind::Denied => Ok(false),
                    Err(p) => Err(p),
                }
            }
        };
        let (outside, inside) = join(is_told(absent.clone()), is_told(inside)).await;
        Ok(OutsideSeen {
            outside: outside?,
            inside: inside?,
        })
    }

    /// The region of a bucket. S3 names it with a refusal too, so it is known even where nothing else may be read.
    async fn bucket_region(&self, record: &Record, bucket: &str) -> Result<Untrusted, Problem> {
        let doing = format!("Could not ask where the bucket {bucket} is");
        let what = What::new(SERVICE, "HeadBucket", bucket, doing).seen_from(Vantage::Here);
        let refused: Mutex<Option<String>> = Mutex::default();
        let request = async {
            let answer = self.s3.head_bucket().bucket(bucket).send().await;
            if let Err(e) = &answer
                && let Some(raw) = e.raw_response()
                && let Some(region) = raw.headers().get("x-amz-bucket-region")
                && let Ok(mut refused) = refused.lock()
            {
                *refused = Some(region.to_owned());
            }
            answer
        };
        let answer = self.call(record, what, request).await;
        let with_refusal = refused.lock().ok().and_then(|mut r| r.take());
        let said = match &answer {
            Ok(out) => out.bucket_region().map(str::to_owned),
            Err(_) => with_refusal,
        };
        match (said, answer) {
            (Some(region), _) => Ok(Untrusted::new(region)),
            (None, Err(problem)) => Err(problem),
            (None, Ok(_)) => Err(Problem::new(
                ProblemKind::Invalid,
                format!("Could not ask where the bucket {bucket} is"),
                "the answer names no region",
                "look at the bucket in the S3 console",
            )),
        }
    }

    /// Signs addresses for `GetObject` and `HeadObject` with the credentials of that vantage point. rattler's own way would look
    /// for credentials and a region along the whole chain of the SDK, and so might wait for an EC2 host that is none.
    pub async fn signer(&self, record: &Record, from: &Vantage) -> Result<Sign, Problem> {
        let client = match from {
            Vantage::QueueRole(queue) => self.queue_role_s3(record, queue).await?,
            _ => self.s3.clone(),
        };
        Ok(std::sync::Arc::new(
            move |bucket, key, head| -> BoxFuture<'static, Result<Url, Problem>> {
                let client = client.clone();
                async move { signed(&client, &bucket, &key, head).await }.boxed()
            },
        ))
    }

    /// The index, and with it a key that can't exist: 404 proves that absent is told from forbidden.
    pub async fn try_channel_as_queue_role(
        &self,
        record: &Record,
        queue: &QueueKey,
        channel: &Channel,
    ) -> Result<IndexSeen, Problem> {
        let Place::S3 { bucket, prefix } = channel.place() else {
            return Err(not_s3(channel));
        };
        let as_role = || Vantage::QueueRole(queue.clone());
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
        .seen_from(as_role());
        let asked = self.call(
            record,
            what,
            client.get_object().bucket(bucket).key(&absent).send(),
        );
        let doing = format!("Could not look at the bucket of {channel}");
        let what = What::new(SERVICE, "HeadBucket", bucket, doing).seen_from(as_role());
        let head = self.call(record, what, client.head_bucket().bucket(bucket).send());
        let (index, asked, head) = join3(
            self.index(record, &client, as_role(), bucket, prefix, channel),
            asked,
            head,
        )
        .await;
        index.map_err(|mut p| {
            if p.kind == ProblemKind::Denied {
                // The lack is the queue role's, not the caller's: no permission of ours is named.
                p.permission = None;
                "S3 answered 403 to the queue role: its own policies, the bucket's policy (always, \
                    where the bucket is another account's), a KMS key policy or an organization's \
                    policy refuse".clone_into(&mut p.because);
                "setup adds the permission that it lacks (check queue-role-channels); where the \
                    bucket belongs to another account, its owner must allow the role \
                    too"
                .clone_into(&mut p.fix);
            }
            p
        })?;
        // What conda meets is the absent file; the bucket itself only speaks where that question stayed open.
        let lists = match (asked.map_err(|p| p.kind), head.map_err(|p| p.kind)) {
            (Err(ProblemKind::Missing), _) => Some(true),
            (Err(ProblemKind::Denied), _) | (_, Err(ProblemKind::Denied)) => Some(false),
            (_, Ok(_)) => Some(true),
            _ => None,
        };
        Ok(IndexSeen { lists })
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
        .map_err(|mut p| {
            let code = p.call.as_ref().map(|c| c.outcome.to_string());
            if code.as_deref() == Some("NoSuchBucket") {
                p.because = format!("there is no such bucket as {bucket}");
            }
            p
        })
    }
}

/// Long enough for one request, which is all that it is for.
const SIGNED_FOR: Duration = Duration::from_mins(5);

async fn signed(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    head: bool,
) -> Result<Url, Problem> {
    // The SDK's words may hold the address; none of them goes on.
    let problem = || {
        Problem::new(
            ProblemKind::Credentials,
            format!("Could not sign a request to the bucket {bucket}"),
            "the credentials can't be used, or have expired",
            "sign in again, then check again",
        )
    };
    let config = PresigningConfig::expires_in(SIGNED_FOR).map_err(|_| problem())?;
    let request = if head {
        let request = client.head_object().bucket(bucket).key(key);
        request.presigned(config).await.map_err(|_| problem())?
    } else {
        let request = client.get_object().bucket(bucket).key(key);
        request.presigned(config).await.map_err(|_| problem())?
    };
    Url::parse(request.uri()).map_err(|_| problem())
}

fn not_s3(channel: &Channel) -> Problem {
    Problem::new(
        ProblemKind::Local,
        format!("Could not read {channel}"),
        "it is not an s3:// channel",
        "this is a bug in studiolink; please report it",
    )
}

/// The bucket itself is not there, and not only the file.
fn is_bucket(problem: &Problem) -> bool {
    let outcome = problem.call.as_ref().map(|c| c.outcome.as_str());
    outcome == Some("NoSuchBucket")
}
