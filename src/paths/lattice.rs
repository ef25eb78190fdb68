//! VPC Lattice: listed and explained; setting it up comes with a later version.

use super::{ConnectionPath, Finding, PathId, Studio, StudioConfig, not_built};

pub struct Lattice;

impl ConnectionPath for Lattice {
    fn id(&self) -> PathId {
        PathId::Lattice
    }
    fn title(&self) -> &'static str {
        "VPC Lattice"
    }
    fn purpose(&self) -> &'static str {
        "for a server behind your VPC that service-managed workers reach through a resource endpoint"
    }
    fn is_built(&self) -> bool {
        false
    }
    fn check(&self, _: &Studio, _: &StudioConfig) -> Vec<Finding> {
        not_built(self)
    }
}
