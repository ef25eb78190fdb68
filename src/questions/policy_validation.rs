//! What Access Analyzer says of a policy's text, and whether it grants any of these requests. It is charged for.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lint::Lint;
use crate::domain::permission::Requests;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyValidation(pub String, pub Requests);

impl Question for PolicyValidation {
    type Answer = Lint;

    fn words(&self) -> String {
        "Access Analyzer on the new policy".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "access-analyzer:ValidatePolicy",
            "access-analyzer:CheckAccessNotGranted",
        ]
    }
}
