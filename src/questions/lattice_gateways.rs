//! Every resource gateway of the account in this region.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::lattice::ResourceGateway;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LatticeGateways;

impl Question for LatticeGateways {
    /// By id.
    type Answer = Vec<(String, ResourceGateway)>;

    fn words(&self) -> String {
        "the resource gateways of VPC Lattice".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["vpc-lattice:ListResourceGateways"]
    }
}
