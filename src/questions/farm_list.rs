//! The farms of the account and region.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::farm::Listed;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FarmList;

impl Question for FarmList {
    type Answer = Vec<Listed>;

    fn words(&self) -> String {
        "the farms".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["deadline:ListFarms"]
    }
}
