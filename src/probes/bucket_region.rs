//! Where the channel's bucket is, compared with the farm's region.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::Assessment;
use crate::domain::ids::Region;
use crate::domain::text::Untrusted;

/// The channel, and the farm's region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketRegion(pub Channel, pub Region);

impl Probe for BucketRegion {
    type Observed = Untrusted;

    fn words(&self, _: &Vantage) -> String {
        format!("region of {}", self.0.show())
    }

    fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
        match from {
            Vantage::QueueRole(_) => &["deadline:AssumeQueueRoleForUser"],
            Vantage::Anonymous => &[],
            _ => &["s3:ListBucket"],
        }
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Untrusted>) -> Assessment {
        let farm = &self.1;
        match &seen.seen {
            Ok(region) if region.raw() == farm.as_str() => {
                Assessment::ok(format!("The bucket is in {farm}, as the farm is"))
            }
            Ok(region) => Assessment::warn(
                "other-region",
                format!("The bucket is in {}, the farm in {farm}", region.show()),
            )
            .why(
                "conda takes the region from the worker, which is the farm's, never from the \
                bucket; S3 is likely to refuse (inferred, not seen on a worker)",
            )
            .fix(format!(
                "use a copy of the channel in a bucket in {farm}; a public channel works \
                through its https:// address from anywhere"
            )),
            Err(problem) => Assessment::unknown("no-answer", "The bucket's region is unknown")
                .for_problem(problem),
        }
    }
}
