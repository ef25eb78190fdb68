//! IAM's answers, as XML: only the members that are read.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What the query protocol puts around each list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Members<T> {
    #[serde(default = "Vec::new")]
    pub member: Vec<T>,
}

impl<T> Members<T> {
    const NONE: Self = Self { member: Vec::new() };
}

/// Every answer has its result under a name of its own: `GetRoleResponse` holds `GetRoleResult`.
macro_rules! answers {
    ($($name:ident = $result:literal : $inner:ty),+ $(,)?) => {
        $(
            #[derive(Debug, Deserialize)]
            pub(super) struct $name {
                #[serde(rename = $result)]
                result: $inner,
            }

            impl Answer for $name {
                type Result = $inner;

                fn result(self) -> $inner {
                    self.result
                }
            }
        )+
    };
}

pub(super) trait Answer: DeserializeOwned {
    type Result;
    fn result(self) -> Self::Result;
}

answers! {
    GetRole = "GetRoleResult": RoleOf,
    ListRolePolicies = "ListRolePoliciesResult": Names,
    ListAttachedRolePolicies = "ListAttachedRolePoliciesResult": Attached,
    GetRolePolicy = "GetRolePolicyResult": InlineText,
    GetPolicy = "GetPolicyResult": PolicyOf,
    GetPolicyVersion = "GetPolicyVersionResult": VersionOf,
    SimulatePrincipalPolicy = "SimulatePrincipalPolicyResult": Simulated,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleOf {
    pub role: XmlRole,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlRole {
    pub arn: String,
    #[serde(default)]
    pub assume_role_policy_document: String,
    pub permissions_boundary: Option<XmlBoundary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlBoundary {
    pub permissions_boundary_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Names {
    #[serde(default = "none")]
    pub policy_names: Members<String>,
    pub marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attached {
    #[serde(default = "none")]
    pub attached_policies: Members<XmlAttached>,
    pub marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlAttached {
    pub policy_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InlineText {
    pub policy_document: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyOf {
    pub policy: XmlPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlPolicy {
    pub default_version_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionOf {
    pub policy_version: XmlVersion,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlVersion {
    pub document: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Simulated {
    #[serde(default = "none")]
    pub evaluation_results: Members<XmlEvaluation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlEvaluation {
    pub eval_action_name: String,
    pub eval_decision: String,
    #[serde(default = "none")]
    pub missing_context_values: Members<String>,
    #[serde(default = "none")]
    pub resource_specific_results: Members<XmlResource>,
    pub permissions_boundary_decision_detail: Option<XmlBoundaryDetail>,
    pub organizations_decision_detail: Option<XmlOrganization>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlResource {
    #[serde(default = "none")]
    pub missing_context_values: Members<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlBoundaryDetail {
    #[serde(default)]
    pub allowed_by_permissions_boundary: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct XmlOrganization {
    #[serde(default)]
    pub allowed_by_organizations: bool,
}

fn none<T>() -> Members<T> {
    Members::NONE
}
