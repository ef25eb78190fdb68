//! The shares of a resource configuration, with what each is associated with.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::Share;

/// By the configuration's ARN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeShares(pub String);

impl Question for LatticeShares {
    type Answer = Vec<Share>;

    fn words(&self) -> String {
        let id = crate::domain::lattice::configuration_id(&self.0);
        format!("shares of resource configuration {id}")
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ram:GetResourceShareAssociations", "ram:GetResourceShares"]
    }
}
