//! The settings of the `deadline_cloud` addon of that version, in that variant.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::{AddonSettings as Settings, Variant};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonSettings(pub Url, pub Variant, pub String);

impl Question for AddonSettings {
    type Answer = Settings;

    fn words(&self) -> String {
        format!("the AYON addon's settings ({})", self.1.word())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
