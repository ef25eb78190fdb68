//! A storage profile: where hosts of one kind see the studio's storage.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ids::FarmId;
use crate::domain::storage::StorageProfile as Profile;
use crate::domain::text::Printable;

/// The farm, and the profile's id as a fleet or a queue names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StorageProfile(pub FarmId, pub String);

impl Question for StorageProfile {
    type Answer = Profile;

    fn words(&self) -> String {
        format!("storage profile {}", Printable::short(&self.1, 40))
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:GetStorageProfile"]
    }
}
