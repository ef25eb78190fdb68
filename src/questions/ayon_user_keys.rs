//! An AYON user and the API keys that they have, as an administrator sees them: labels and dates, no key and no hash.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Question;
use crate::domain::ayon::AyonUser;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonUserKeys(pub Url, pub String);

impl Question for AyonUserKeys {
    type Answer = AyonUser;

    fn words(&self) -> String {
        "the API keys of an AYON user".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
