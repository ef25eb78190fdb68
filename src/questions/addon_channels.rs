//! The addon's setting `conda_channels` as an administrator sees it, which tells a value of the studio from a default.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::{AddonChannels as Channels, Variant};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonChannels(pub Url, pub Variant, pub String);

impl Question for AddonChannels {
    type Answer = Channels;

    fn words(&self) -> String {
        format!("the AYON addon's conda_channels ({})", self.1.word())
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
