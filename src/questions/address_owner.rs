//! Who holds a private address: the network interfaces, in this account and region. Two VPCs may have the same addresses.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::domain::network::Interface;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressOwner(pub String);

impl Question for AddressOwner {
    type Answer = Vec<Interface>;

    fn words(&self) -> String {
        format!("interfaces that hold {}", self.0)
    }

    fn permissions(&self) -> &'static [&'static str] {
        &["ec2:DescribeNetworkInterfaces"]
    }
}
