//! The addon's settings in one place as an administrator or manager sees them, which tells what the place itself has set from
//! what it takes from the studio or from the addon.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::addon::{AddonAt, AddonFields};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonOwn(pub AddonAt);

impl Question for AddonOwn {
    type Answer = AddonFields;

    fn words(&self) -> String {
        format!("which settings of {} are its own", self.0.settings_words())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0.server)
    }
}
