//! Where the `deadline_cloud` addon submits to, as an administrator sees it, which tells a value of the studio from a default.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::{AddonTarget as Target, Variant};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonTarget(pub Url, pub Variant, pub String);

impl Question for AddonTarget {
    type Answer = Target;

    fn words(&self) -> String {
        format!("the AYON addon's farm_id and queue_id ({})", self.1.word())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
