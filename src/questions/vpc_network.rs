//! One VPC: its subnets, routes, security groups and network ACLs.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::network::Network;

/// By its id, `vpc-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VpcNetwork(pub String);

impl Question for VpcNetwork {
    type Answer = Network;

    fn words(&self) -> String {
        format!("network of {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &[
            "ec2:DescribeSubnets",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkAcls",
        ]
    }
}
