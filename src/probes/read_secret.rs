//! Is the secret with the AYON key handed out? Its value is dropped unread.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::problem::ProblemKind;
use crate::domain::worker_secret::SecretPlace;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReadSecret(pub SecretPlace);

impl Probe for ReadSecret {
    /// The version that was handed out.
    type Observed = String;

    fn words(&self, _: &Vantage) -> String {
        "read the secret as the queue role".to_owned()
    }

    fn assess(&self, _: &Vantage, seen: &Observation<String>) -> Assessment {
        match &seen.seen {
            Ok(_) => Assessment::ok(format!(
                "Verified: the queue role reads the secret, {} ms",
                seen.millis
            )),
            Err(p) if has_no_credentials(p) => Assessment::unknown(
                "no-credentials",
                "The secret was not read as the queue role: no credentials",
            )
            .for_problem(p),
            Err(p) if p.kind == ProblemKind::Denied => {
                Assessment::fail("denied", "The queue role can't read the secret").for_problem(p)
            }
            Err(p) if p.kind == ProblemKind::Missing => {
                Assessment::fail("missing", "The secret of [server] secret does not exist")
                    .why(p.because.as_str())
                    .fix("see what is said of the secret itself (worker-secret)")
            }
            Err(p) if p.kind == ProblemKind::Invalid => {
                Assessment::fail("invalid", "The secret could not be read as the queue role")
                    .for_problem(p)
            }
            Err(p) => {
                Assessment::unknown("no-answer", "No answer about the secret as the queue role")
                    .for_problem(p)
            }
        }
    }
}
