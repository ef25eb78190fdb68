//! The settings of the `deadline_cloud` addon of that version, in that variant.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::addon::{AddonAt, AddonSettings as Settings};
use crate::domain::ayon::Variant;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonSettings(pub Url, pub Variant, pub String);

impl AddonSettings {
    pub fn at(&self) -> AddonAt {
        AddonAt {
            server: self.0.clone(),
            variant: self.1,
            version: self.2.clone(),
            project: None,
        }
    }
}

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
