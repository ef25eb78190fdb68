//! The settings of the `deadline_cloud` addon as a project has them: its own overrides on top of the studio's.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::{AddonSettings as Settings, Variant};
use crate::domain::text::Printable;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProjectAddon(pub Url, pub Variant, pub String, pub String);

impl Question for ProjectAddon {
    type Answer = Settings;

    fn words(&self) -> String {
        format!(
            "the AYON addon's settings ({}) of project {}",
            self.1.word(),
            Printable::short(&self.3, 40)
        )
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
