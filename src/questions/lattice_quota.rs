//! How many resource configurations a fleet may use: a quota of the account, in this region.

use serde::{Deserialize, Serialize};

use super::Question;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeQuota;

impl Question for LatticeQuota {
    type Answer = u32;

    fn words(&self) -> String {
        "the quota of resource configurations per fleet".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["servicequotas:GetServiceQuota"]
    }
}
