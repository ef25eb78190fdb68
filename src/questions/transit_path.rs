//! Where a transit gateway sends what comes from a VPC to an address.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::network::TransitRoute;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransitPath {
    /// `tgw-…`
    pub gateway: String,
    /// `vpc-…`
    pub vpc: String,
    pub to: String,
}

impl Question for TransitPath {
    type Answer = TransitRoute;

    fn words(&self) -> String {
        format!("route of {} to {}", self.gateway, self.to)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "ec2:DescribeTransitGatewayAttachments",
            "ec2:SearchTransitGatewayRoutes",
        ]
    }
}
