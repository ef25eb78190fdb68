//! A file that can't exist among the queue's job attachments: that it is told as missing shows that the queue role may read there.
//! Nothing is read, whatever the answer, and nothing is written.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::problem::ProblemKind;
use crate::domain::text::Printable;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReadAttachments {
    pub bucket: String,
    /// Their root in the bucket.
    pub prefix: String,
}

impl ReadAttachments {
    /// The key of the file, as there is none.
    pub fn absent(&self, name: &str) -> String {
        let root = self.prefix.trim_end_matches('/');
        if root.is_empty() {
            format!("Data/{name}")
        } else {
            format!("{root}/Data/{name}")
        }
    }
}

impl Probe for ReadAttachments {
    type Observed = ();

    fn words(&self, _: &Vantage) -> String {
        let bucket = Printable::short(&self.bucket, 63);
        format!("read job attachments in {bucket} as the queue role")
    }

    fn assess(&self, _: &Vantage, seen: &Observation<()>) -> Assessment {
        let place = Printable::short(&format!("{}/{}", self.bucket, self.prefix), 120);
        match &seen.seen {
            Ok(()) => Assessment::ok(format!(
                "Verified: the queue role may read job attachments in {place}; writing was not tried"
            )),
            Err(problem) if has_no_credentials(problem) => Assessment::unknown(
                "no-credentials",
                format!("Not tried as the queue role: the job attachments in {place}"),
            )
            .for_problem(problem),
            Err(problem) if problem.kind == ProblemKind::Denied => Assessment::fail(
                "role-refused",
                format!("S3 refuses the queue role the job attachments in {place}"),
            )
            .why("it lacks s3:GetObject or s3:ListBucket there (S3 answers 403 to both): a worker then gets neither scene nor bundle of a job")
            .fix("give the queue role what AWS's console gives it: s3:GetObject, s3:PutObject, s3:ListBucket and s3:GetBucketLocation on the bucket and its folder (check queue-role-needs)"),
            Err(problem) if problem.kind == ProblemKind::Missing => Assessment::fail(
                "missing",
                format!("There is no bucket of the job attachments: {place}"),
            )
            .fix("make the bucket again, or give the queue another one in its job attachment settings"),
            Err(problem) => Assessment::unknown(
                "role-no-answer",
                format!("Whether the queue role may read the job attachments in {place} is unknown"),
            )
            .for_problem(problem),
        }
    }
}
