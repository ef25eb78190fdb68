//! Who is signed in.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::caller::Caller;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallerIdentity;

impl Question for CallerIdentity {
    type Answer = Caller;

    fn words(&self) -> String {
        "who is signed in".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[] // GetCallerIdentity can't be denied.
    }
}
