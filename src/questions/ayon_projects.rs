//! AYON's active projects with the roots of their anatomies.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::ayon::Projects;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AyonProjects(pub Url);

impl Question for AyonProjects {
    type Answer = Projects;

    fn words(&self) -> String {
        "AYON's projects".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[]
    }

    fn server(&self) -> Option<&Url> {
        Some(&self.0)
    }
}
