//! Does the channel's bucket belong to one of these accounts? S3 tells nobody whose a bucket is; it refuses a request
//! that expects another owner.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::Assessment;
use crate::domain::ids::AccountId;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketOwner {
    pub channel: Channel,
    /// The owner that the studio file names.
    pub stated: Option<AccountId>,
    /// The accounts that are asked about, one after the other.
    pub accounts: Vec<AccountId>,
}

impl Probe for BucketOwner {
    /// `None`: it belongs to none of the accounts.
    type Observed = Option<AccountId>;

    fn words(&self, _: &Vantage) -> String {
        format!("owner of {}", self.channel.show())
    }

    fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
        match from {
            Vantage::QueueRole(_) => &["deadline:AssumeQueueRoleForUser"],
            Vantage::Anonymous => &[],
            _ => &["s3:ListBucket"],
        }
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Option<AccountId>>) -> Assessment {
        const UNNAMED: &str = "only a condition on the bucket's owner keeps a role from a bucket \
            that somebody else creates under the same name";
        let bucket = self.channel.bucket().unwrap_or_default();
        match (&self.stated, &seen.seen) {
            (Some(stated), Ok(Some(owner))) if stated == owner => Assessment::ok(format!(
                "The bucket {bucket} belongs to account {owner}: S3 accepts it as the expected owner"
            )),
            (Some(stated), Ok(_)) => Assessment::fail(
                "wrong-owner",
                format!("The bucket {bucket} does not belong to account {stated}"),
            )
            .why("S3 answers without an expected owner and refuses this one; a condition on \
                aws:ResourceAccount with it denies every worker, without a message"),
            (Some(stated), Err(problem)) => Assessment::unknown(
                "owner-unknown",
                format!("Whether the bucket {bucket} belongs to account {stated} could not be seen from here"),
            )
            .why(problem.because.as_str())
            .fix("nothing to do where channel-as-queue-role is OK: the role's policy carries the same condition"),
            (None, Ok(Some(own))) => Assessment::warn(
                "no-owner-named",
                format!("No condition on the owner of the bucket {bucket}: the studio file names none"),
            )
            .why(format!("{UNNAMED}. This one belongs to account {own}: S3 accepts it as the expected owner")),
            (None, _) => Assessment::warn(
                "no-owner-named",
                format!("No condition on the owner of the bucket {bucket}: the studio file names none"),
            )
            .why(UNNAMED),
        }
    }
}
