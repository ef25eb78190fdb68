//! A missing key outside the channel, in its bucket: a refusal shows that the queue role reads the channel alone. Nothing
//! is read, whatever the answer.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::Assessment;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReadOutside(pub Channel);

/// Is a missing key outside the channel told as missing, and one inside it? An identity that may not list gets 403 for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideSeen {
    pub outside: bool,
    pub inside: bool,
}

impl Probe for ReadOutside {
    type Observed = OutsideSeen;

    fn words(&self, _: &Vantage) -> String {
        format!("read outside {} as the queue role", self.0.show())
    }

    fn assess(&self, _: &Vantage, seen: &Observation<OutsideSeen>) -> Assessment {
        let channel = self.0.show();
        match &seen.seen {
            Ok(OutsideSeen { outside: true, .. }) => Assessment::warn(
                "reads-outside",
                format!("The queue role can read other objects in the bucket of {channel}"),
            )
            .why("every user who submits a job runs as the queue role, and so can read what it can")
            .fix("narrow the policy that grants it to the channel's own folder; studiolink changes no policy but its own"),
            Ok(OutsideSeen { inside: true, .. }) => Assessment::ok(format!(
                "Verified: the queue role can't read other objects in the bucket of {channel}"
            )),
            Ok(_) => Assessment::unknown(
                "channel-refused",
                format!("Whether the queue role can read other objects in the bucket of {channel} is unknown"),
            )
            .why("it is refused in the channel itself, so a refusal outside it says nothing"),
            Err(problem) if has_no_credentials(problem) => Assessment::unknown(
                "no-credentials",
                format!("Not tried as the queue role: objects outside {channel}"),
            )
            .for_problem(problem),
            Err(problem) => Assessment::unknown(
                "no-answer",
                format!("No answer about objects outside {channel}"),
            )
            .for_problem(problem),
        }
    }
}
