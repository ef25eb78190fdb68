//! One machine as Systems Manager knows it.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::node::ManagedNode;

/// By its instance id, `i-…` or `mi-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeDetails(pub String);

impl Question for NodeDetails {
    type Answer = ManagedNode;

    fn words(&self) -> String {
        format!("managed node {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ssm:DescribeInstanceInformation"]
    }
}
