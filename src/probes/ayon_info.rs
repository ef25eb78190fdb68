//! Is it AYON? `/api/info`, which takes no key.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonInfo(pub Url);

impl Probe for AyonInfo {
    /// The server's version.
    type Observed = Untrusted;

    fn words(&self, _: &Vantage) -> String {
        "AYON answers /api/info".to_owned()
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Untrusted>) -> Assessment {
        match &seen.seen {
            Ok(version) => Assessment::ok(format!(
                "AYON {} answers /api/info, {} ms",
                version.show(),
                seen.millis
            )),
            Err(problem) => super::hop_problem(problem),
        }
    }
}
