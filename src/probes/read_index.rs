//! The channel's `noarch/repodata.json`: with the caller's own credentials, with the queue role's, or without any.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::{Assessment, Fix, Verdict};
use crate::domain::problem::{Problem, ProblemKind};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReadIndex(pub Channel);

/// The index exists. `lists`: are missing files told from forbidden ones? Only asked as the queue role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSeen {
    pub lists: Option<bool>,
}

impl Probe for ReadIndex {
    type Observed = IndexSeen;

    fn words(&self, from: &Vantage) -> String {
        let channel = self.0.show();
        match from {
            Vantage::QueueRole(_) => format!("read {channel} as the queue role"),
            Vantage::Anonymous => format!("read {channel} without credentials"),
            _ => format!("read {channel}"),
        }
    }

    fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
        match from {
            Vantage::QueueRole(_) => &["deadline:AssumeQueueRoleForUser"],
            Vantage::Anonymous => &[],
            _ => &["s3:GetObject"],
        }
    }

    fn assess(&self, from: &Vantage, seen: &Observation<IndexSeen>) -> Assessment {
        match (from, &seen.seen) {
            (Vantage::QueueRole(_), Ok(index)) => self.as_queue_role(index, seen.millis),
            (Vantage::QueueRole(_), Err(problem)) => self.refused_to_queue_role(problem),
            (Vantage::Anonymous, Ok(_)) => Assessment::ok("Public: readable without credentials"),
            // That a bucket is not public is as it should be.
            (Vantage::Anonymous, Err(problem)) if problem.kind == ProblemKind::Denied => {
                Assessment::skipped("not-public", "Not readable without credentials")
                    .why(problem.because.as_str())
            }
            (Vantage::Anonymous, Err(problem)) => Assessment::unknown(
                "no-answer",
                "Whether it is readable without credentials is unknown",
            )
            .for_problem(problem),
            (_, Ok(_)) if self.0.is_loopback() => {
                Assessment::warn("loopback", "The address means the machine itself")
                    .why("on a worker it means the worker, where no such server runs")
                    .fix("write the name under which workers find the channel")
            }
            (_, Ok(_)) => {
                Assessment::ok(format!("noarch/repodata.json exists, {} ms", seen.millis))
            }
            (_, Err(problem)) => self.failed_here(problem),
        }
    }
}

impl ReadIndex {
    fn as_queue_role(&self, index: &IndexSeen, millis: u64) -> Assessment {
        let channel = self.0.show();
        match index.lists {
            Some(true) => Assessment::ok(format!(
                "Verified: the queue role reads {channel}, {millis} ms"
            )),
            Some(false) => Assessment::fail(
                "cannot-list",
                format!("The queue role reads {channel}, but S3 refuses it files that are missing"),
            )
            .why(
                "s3:ListBucket on the bucket is missing, or s3:GetObject on the rest of the \
                channel. S3 then answers 403 for missing files, and conda on the worker treats 403 \
                as fatal",
            )
            .fix(Fix::setup("adds the permission to the inline policy studiolink-queue; the owner of another account's bucket must also grant it")),
            None => Assessment::unknown(
                "list-unknown",
                format!(
                    "The queue role reads {channel}; whether it may list the bucket is unknown"
                ),
            )
            .why("the request for a missing file got no answer that tells 404 from 403")
            .fix("check again"),
        }
    }

    fn refused_to_queue_role(&self, problem: &Problem) -> Assessment {
        let channel = self.0.show();
        match problem.kind {
            _ if has_no_credentials(problem) => Assessment::unknown(
                "no-credentials",
                format!("{channel} was not read as the queue role: no credentials"),
            ),
            ProblemKind::Denied => {
                Assessment::fail("denied", format!("The queue role can't read {channel}"))
            }
            ProblemKind::Missing => Assessment::fail(
                "missing",
                format!("As the queue role: {channel} has no noarch/repodata.json"),
            ),
            ProblemKind::Invalid => Assessment::fail(
                "invalid",
                format!("As the queue role: {channel} could not be read"),
            ),
            _ => Assessment::unknown(
                "no-answer",
                format!("No answer from {channel} as the queue role"),
            ),
        }
        .for_problem(problem)
    }

    fn failed_here(&self, problem: &Problem) -> Assessment {
        const WHY: &str = "conda treats a missing noarch index as an error, not as an empty \
            channel: every job of the queue would fail at its start";
        let (is_s3, on_disk) = (self.0.is_s3(), self.0.is_on_disk());
        match problem.kind {
            ProblemKind::Missing if problem.because.contains("no such bucket") => {
                Assessment::fail("no-such-bucket", "The bucket does not exist")
                    .why("S3 answered that no account has a bucket of that name")
                    .fix("compare the name with what the channel's owner says")
            }
            ProblemKind::Missing => {
                Assessment::fail("no-index", "noarch/repodata.json is missing")
                    .why(WHY)
                    .fix(if is_s3 {
                        "compare the prefix with what its owner says, or have the channel indexed \
                            (rattler-index s3, or an empty noarch/repodata.json)"
                    } else {
                        "compare the address with what its owner says"
                    })
            }
            ProblemKind::Denied if is_s3 => {
                Assessment::unknown("denied-here", "This identity can't read it")
                    .why(format!(
                        "{}. Forbidden is not missing, and the queue role may have permissions that this identity lacks",
                        problem.because
                    ))
                    .fix(problem.fix.as_str())
            }
            ProblemKind::Denied => Assessment::fail("denied", "Forbidden")
                .why(format!("{}. conda treats 401 and 403 as fatal", problem.because))
                .fix("workers ask without credentials: make it public, or use its s3:// form with permissions for the queue role"),
            ProblemKind::Invalid => Assessment::fail("invalid", problem.because.as_str())
                .why(WHY)
                .fix(problem.fix.as_str()),
            _ if is_s3 => Assessment::unknown("no-answer", "No answer").for_problem(problem),
            _ if on_disk => Assessment::new(
                Verdict::WorkerOnly,
                "on-disk",
                "A path on the workers' own disks",
            )
            .why("what this machine has under that path says little about theirs"),
            _ if self.0.is_oci() => Assessment::new(
                Verdict::WorkerOnly,
                "oci",
                "In a registry of container images, which is not read from here",
            )
            .why("rattler and mamba read such registries, conda does not"),
            // Public names resolve everywhere alike; most often the address has a typo.
            _ if ["lookup", "not known", "resolve"]
                .iter()
                .any(|w| problem.because.contains(w)) =>
            {
                Assessment::warn("unresolved", "Its name does not resolve from here")
                    .why(problem.because.as_str())
                    .fix("look for a typo in the address; a name that only the workers' network knows is fine")
            }
            _ => Assessment::new(
                Verdict::WorkerOnly,
                "not-reached-here",
                "Could not be reached from this machine",
            )
            .why(format!(
                "{}. Whether a worker reaches it, only a worker can say",
                problem.because
            )),
        }
    }
}
