//! What IAM's simulator says of a role: simulated, never verified. It sees the role's own policies, its boundary and the
//! organization's, as far as it tells; no bucket policy, no endpoint policy, no session policy.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::needs::{Need, Serves, plain_bucket};
use super::policy::Context;
use super::text::Untrusted;

/// One action on one resource, with what the request carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PermissionRequest {
    pub action: String,
    pub resource: String,
    #[serde(default)]
    pub context: Context,
}

impl PermissionRequest {
    pub fn words(&self) -> String {
        format!("{} on {}", self.action, self.resource)
    }
}

/// A list of requests that is asked about as a whole: a key in many places, so that it is kept once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<PermissionRequest>", into = "Vec<PermissionRequest>")]
pub struct Requests(Arc<[PermissionRequest]>);

impl std::ops::Deref for Requests {
    type Target = [PermissionRequest];
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Vec<PermissionRequest>> for Requests {
    fn from(list: Vec<PermissionRequest>) -> Self {
        Self(list.into())
    }
}

impl From<Requests> for Vec<PermissionRequest> {
    fn from(requests: Requests) -> Self {
        requests.to_vec()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SimulationResult {
    pub request: PermissionRequest,
    pub allowed: bool,
    /// A Deny statement says no, whatever else says yes.
    pub explicit: bool,
    /// `Some(false)`: the permissions boundary does not allow it.
    pub boundary: Option<bool>,
    /// `Some(false)`: a policy of the organization does not allow it.
    pub organization: Option<bool>,
    /// Condition keys whose values the simulation did not have.
    pub missing: Vec<Untrusted>,
}

/// Excess permissions: requests that the role should not be able to make. Asked of the simulator alone, because trying
/// them could do harm.
pub fn not_needed(
    needs: &[Need],
    partition: &str,
    account: &str,
    region: &str,
) -> Vec<PermissionRequest> {
    let request = |action: &str, resource: String, context: Context| PermissionRequest {
        action: action.to_owned(),
        resource,
        context,
    };
    let own = Context::from([("aws:resourceaccount".to_owned(), account.to_owned())]);
    let mut list = Vec::new();
    let channels = needs.iter().filter(|n| n.serves == Serves::ChannelFiles);
    for file in channels.flat_map(|n| &n.examples) {
        for action in ["s3:PutObject", "s3:DeleteObject"] {
            list.push(request(action, file.resource.clone(), file.context.clone()));
        }
    }
    let mut plain = plain_bucket();
    plain.extend(&own);
    list.push(request(
        "s3:GetObject",
        format!("arn:{partition}:s3:::studiolink-no-such-bucket/file"),
        plain,
    ));
    list.push(request(
        "secretsmanager:GetSecretValue",
        format!("arn:{partition}:secretsmanager:{region}:{account}:secret:studiolink-no-such-secret-AbCdEf"),
        own.clone(),
    ));
    let everything = format!("arn:{partition}:iam::{account}:role/studiolink-no-such-role");
    for action in ["iam:PutRolePolicy", "iam:PassRole", "sts:AssumeRole"] {
        list.push(request(action, everything.clone(), own.clone()));
    }
    list
}
