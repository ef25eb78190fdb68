//! Site-to-site VPN: listed and explained; setting it up comes with a later version.

use super::{ConnectionPath, Finding, PathId, Studio, StudioConfig, not_built};

pub struct Vpn;

impl ConnectionPath for Vpn {
    fn id(&self) -> PathId {
        PathId::Vpn
    }
    fn title(&self) -> &'static str {
        "Site-to-site VPN"
    }
    fn purpose(&self) -> &'static str {
        "for a server on the studio LAN that workers in your own VPC reach through a VPN; service-managed workers also need the Lattice leg in front"
    }
    fn is_built(&self) -> bool {
        false
    }
    fn check(&self, _: &Studio, _: &StudioConfig) -> Vec<Finding> {
        not_built(self)
    }
}
