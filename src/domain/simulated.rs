//! What IAM's simulator says of a role: simulated, never verified. It sees the role's own policies, its boundary and the
//! organisation's, as far as it tells; no bucket policy, no endpoint policy, no session policy.

use serde::{Deserialize, Serialize};

use super::needs::of_channels;
use super::text::Untrusted;
use super::wanted::Wanted;

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct May {
    pub action: String,
    pub resource: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Said {
    pub may: May,
    pub allowed: bool,
    /// A Deny statement says no, whatever else says yes.
    pub explicit: bool,
    /// `Some(false)`: the permissions boundary does not allow it.
    pub boundary: Option<bool>,
    /// `Some(false)`: a policy of the organisation does not allow it.
    pub organisation: Option<bool>,
    /// Condition keys whose values the simulation did not have.
    pub missing: Vec<Untrusted>,
}

/// What the role needs for the wanted channels.
pub fn needed(wanted: &Wanted, partition: &str) -> Vec<May> {
    let needs = of_channels(&wanted.channels, partition, wanted.channel_account.as_ref());
    needs
        .into_iter()
        .map(|n| May {
            action: n.action.to_owned(),
            // The simulator takes a pattern for a resource; a file that conda reads stands for all of them.
            resource: n.resource.replace("/*", "/noarch/repodata.json"),
        })
        .collect()
}

/// What the role has no need of: the proof backwards. Asked of the simulator alone, for trying it could hurt.
pub fn not_needed(wanted: &Wanted, partition: &str, account: &str, region: &str) -> Vec<May> {
    let may = |action: &str, resource: String| May {
        action: action.to_owned(),
        resource,
    };
    let mut list = Vec::new();
    let read = needed(wanted, partition).into_iter();
    for file in read.filter(|m| m.action == "s3:GetObject") {
        list.push(may("s3:PutObject", file.resource.clone()));
        list.push(may("s3:DeleteObject", file.resource));
    }
    list.push(may(
        "s3:GetObject",
        format!("arn:{partition}:s3:::studiolink-no-such-bucket/file"),
    ));
    list.push(may(
        "secretsmanager:GetSecretValue",
        format!("arn:{partition}:secretsmanager:{region}:{account}:secret:studiolink-no-such-secret-AbCdEf"),
    ));
    let everything = format!("arn:{partition}:iam::{account}:role/studiolink-no-such-role");
    for action in ["iam:PutRolePolicy", "iam:PassRole", "sts:AssumeRole"] {
        list.push(may(action, everything.clone()));
    }
    list
}
