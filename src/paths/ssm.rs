//! SSM port forwarding: listed and explained; setting it up comes with a later version.

use super::{ConnectionPath, Finding, PathId, Studio, Wanted, not_built};

pub struct Ssm;

impl ConnectionPath for Ssm {
    fn id(&self) -> PathId {
        PathId::Ssm
    }
    fn title(&self) -> &'static str {
        "SSM port forwarding"
    }
    fn purpose(&self) -> &'static str {
        "for a server on EC2 or a hybrid node and a handful of workers, without any network set-up"
    }
    fn is_built(&self) -> bool {
        false
    }
    fn check(&self, _: &Studio, _: &Wanted) -> Vec<Finding> {
        not_built(self)
    }
}
