//! Who holds a private address: a network interface, in this account and region.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::network::Interface;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressOwner(pub String);

impl Question for AddressOwner {
    type Answer = Interface;

    fn words(&self) -> String {
        format!("interface that holds {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ec2:DescribeNetworkInterfaces"]
    }
}
