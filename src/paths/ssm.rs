//! SSM port forwarding: listed and explained; setting it up comes with a later version.

use super::{ConnectionPath, Finding, PathId, Studio, StudioConfig, not_built};

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
    fn check(&self, _: &Studio, _: &StudioConfig) -> Vec<Finding> {
        let why = "of it only the queue role's rights are set, and a session is started and ended as that role; nothing opens the tunnel on a worker";
        let mut findings = not_built(self);
        for finding in &mut findings {
            finding.why = Some(format!("{}; {why}", self.purpose()).into());
        }
        findings
    }
}
