//! How an outbound endpoint of Route 53 Resolver is.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::vpc_dns::OutboundEndpoint;

/// By its id, `rslvr-out-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResolverEndpoint(pub String);

impl Question for ResolverEndpoint {
    type Answer = OutboundEndpoint;

    fn words(&self) -> String {
        format!("Resolver endpoint {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["route53resolver:GetResolverEndpoint"]
    }
}
