//! Is it AYON? `/api/info`, which takes no key.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::finding::Assessment;
use crate::domain::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonInfo(pub Url);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    pub version: Untrusted,
    /// So many seconds the server's clock is ahead of this machine's, by the date of its answer.
    pub ahead: Option<i64>,
}

impl Probe for AyonInfo {
    type Observed = Info;

    fn words(&self, _: &Vantage) -> String {
        "AYON answers /api/info".to_owned()
    }

    fn assess(&self, _: &Vantage, seen: &Observation<Info>) -> Assessment {
        match &seen.seen {
            Ok(info) => Assessment::ok(format!(
                "AYON {} answers /api/info, {} ms",
                info.version.show(),
                seen.millis
            )),
            Err(problem) => super::hop_problem(problem),
        }
    }
}
