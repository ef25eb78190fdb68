//! The account's preferences for sessions of Systems Manager, in this region.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::node::SessionPreferences;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionSettings;

impl Question for SessionSettings {
    type Answer = SessionPreferences;

    fn words(&self) -> String {
        "the account's session preferences".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ssm:GetDocument"]
    }
}
