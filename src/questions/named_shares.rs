//! The shares of that name in Resource Access Manager, with what each is associated with.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::Share;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NamedShares(pub String);

impl Question for NamedShares {
    type Answer = Vec<Share>;

    fn words(&self) -> String {
        format!("shares of the name {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ram:GetResourceShares", "ram:GetResourceShareAssociations"]
    }
}
