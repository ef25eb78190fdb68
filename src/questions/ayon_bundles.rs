//! AYON's production and staging bundle.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::Bundles;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonBundles(pub Url);

impl Question for AyonBundles {
    type Answer = Bundles;

    fn words(&self) -> String {
        "AYON's bundles".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
