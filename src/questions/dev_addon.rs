//! The settings of the `deadline_cloud` addon in a dev bundle, which AYON keeps by the bundle's name.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::addon::AddonSettings as Settings;
use crate::domain::text::Printable;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DevAddon {
    pub server: Url,
    pub bundle: String,
    /// Of the addon in it.
    pub version: String,
}

impl Question for DevAddon {
    type Answer = Settings;

    fn words(&self) -> String {
        let bundle = Printable::short(&self.bundle, 40);
        format!("the AYON addon's settings in dev bundle {bundle}")
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.server)
    }
}
