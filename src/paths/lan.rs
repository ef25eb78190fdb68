//! Studio LAN: listed and explained; setting it up comes with a later version.

use super::{ConnectionPath, Finding, PathId, Studio, StudioConfig, not_built};

pub struct Lan;

impl ConnectionPath for Lan {
    fn id(&self) -> PathId {
        PathId::Lan
    }
    fn title(&self) -> &'static str {
        "Studio LAN"
    }
    fn purpose(&self) -> &'static str {
        "for a server and publishing workers (customer-managed) on the same studio network"
    }
    fn is_built(&self) -> bool {
        false
    }
    fn check(&self, _: &Studio, _: &StudioConfig) -> Vec<Finding> {
        not_built(self)
    }
}
