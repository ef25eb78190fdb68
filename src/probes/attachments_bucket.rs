//! The bucket of a queue's job attachments: does it exist, and in the farm's region?

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::ids::Region;
use crate::domain::problem::ProblemKind;
use crate::domain::text::{Printable, Untrusted};

/// The bucket's name, and the farm's region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentsBucket(pub String, pub Region);

impl Probe for AttachmentsBucket {
    type Observed = Untrusted;

    fn words(&self, _: &Vantage) -> String {
        format!("job attachments in {}", Printable::short(&self.0, 63))
    }

    fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
        match from {
            Vantage::QueueRole(_) => &["deadline:AssumeQueueRoleForUser"],
            Vantage::Anonymous => &[],
            _ => &["s3:ListBucket"],
        }
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Untrusted>) -> Assessment {
        let (bucket, farm) = (Printable::short(&self.0, 63), &self.1);
        match &seen.seen {
            Ok(region) if region.raw() == farm.as_str() => Assessment::ok(format!(
                "Job attachments: bucket {bucket} exists in {farm}, as the farm does"
            )),
            Ok(region) => Assessment::warn(
                "other-region",
                format!(
                    "Job attachments: bucket {bucket} is in {}, the farm in {farm}",
                    region.show()
                ),
            )
            .why("every file of a job crosses regions, which costs time and is billed; whether every tool can do that, AWS does not say (inferred)")
            .fix(format!("give the queue a bucket in {farm} for its job attachments")),
            Err(problem) if problem.kind == ProblemKind::Missing => Assessment::fail(
                "missing",
                format!("Job attachments: there is no bucket {bucket}"),
            )
            .why("AYON sends scene and bundle as job attachments: each such job fails while its files are uploaded or fetched")
            .fix("make the bucket again, or give the queue another one in its job attachment settings"),
            // S3 answers 404 to everybody where there is no such bucket.
            Err(problem) if problem.kind == ProblemKind::Denied => Assessment::skipped(
                "region-unread",
                format!("Job attachments: bucket {bucket} exists; in which region, this identity is not told"),
            )
            .why("s3:ListBucket on it would tell"),
            Err(problem) => Assessment::unknown(
                "no-answer",
                format!("Whether the bucket {bucket} of the job attachments exists is unknown"),
            )
            .for_problem(problem),
        }
    }
}
