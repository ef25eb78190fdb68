//! One resource configuration of VPC Lattice.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::ResourceConfiguration;

/// By its id, `rcfg-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeConfiguration(pub String);

impl Question for LatticeConfiguration {
    type Answer = ResourceConfiguration;

    fn words(&self) -> String {
        format!("resource configuration {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["vpc-lattice:GetResourceConfiguration"]
    }
}
