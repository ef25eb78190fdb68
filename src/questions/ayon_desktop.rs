//! What AYON hands out to launchers: installers and dependency packages.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::Desktop;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonDesktop(pub Url);

impl Question for AyonDesktop {
    type Answer = Desktop;

    fn words(&self) -> String {
        "AYON's installers and dependency packages".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
