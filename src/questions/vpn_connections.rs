//! The Site-to-Site VPN connections of this account and region. The keys that AWS's answer holds are not kept.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::network::VpnConnection;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VpnConnections;

impl Question for VpnConnections {
    type Answer = Vec<VpnConnection>;

    fn words(&self) -> String {
        "VPN connections".to_owned()
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "ec2:DescribeVpnConnections",
            "ec2:DescribeCustomerGateways",
            "ec2:DescribeVpnGateways",
        ]
    }
}
