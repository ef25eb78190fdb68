//! Every resource configuration of the account in this region, for finding what exists before another one is made.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::ResourceConfiguration;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeConfigurations;

impl Question for LatticeConfigurations {
    /// By id.
    type Answer = Vec<(String, ResourceConfiguration)>;

    fn words(&self) -> String {
        "the resource configurations of VPC Lattice".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "vpc-lattice:ListResourceConfigurations",
            "vpc-lattice:GetResourceConfiguration",
        ]
    }
}
