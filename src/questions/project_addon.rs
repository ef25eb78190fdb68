//! The settings of the `deadline_cloud` addon as a project has them: its own overrides on top of the studio's.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::addon::{AddonAt, AddonSettings as Settings};
use crate::domain::ayon::Variant;
use crate::domain::text::Printable;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProjectAddon(pub Url, pub Variant, pub String, pub String);

impl ProjectAddon {
    pub fn at(&self) -> AddonAt {
        AddonAt {
            server: self.0.clone(),
            variant: self.1,
            version: self.2.clone(),
            project: Some(self.3.clone()),
        }
    }
}

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
