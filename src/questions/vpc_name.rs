//! Who answers for a name in a VPC: Route 53's rules and private zones that belong to the VPC and cover the name.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::vpc_dns::NameInVpc;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VpcName {
    /// Its id, `vpc-…`.
    pub vpc: String,
    pub name: String,
}

impl Question for VpcName {
    type Answer = NameInVpc;

    fn words(&self) -> String {
        format!("DNS of {} for {}", self.vpc, self.name)
    }

    /// Route 53 looks the VPC up for the caller, who needs that as well.
    fn permissions(&self) -> &'static [&'static str] {
        &[
            "route53resolver:ListResolverRuleAssociations",
            "route53resolver:ListResolverRules",
            "route53:ListHostedZonesByVPC",
            "ec2:DescribeVpcs",
        ]
    }
}
