//! One resource gateway of VPC Lattice.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::ResourceGateway;

/// By its id, `rgw-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeGateway(pub String);

impl Question for LatticeGateway {
    type Answer = ResourceGateway;

    fn words(&self) -> String {
        format!("resource gateway {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["vpc-lattice:GetResourceGateway"]
    }
}
