//! Who can assume a role. A role always has a trust policy, so it is only ever replaced.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    AsCode, Call, Change, Found, Node, Propagation, Resource, Step, Touched, inline_policy, needed,
    other_answer, parsed,
};
use crate::domain::ids::{AccountId, Region, RoleArn};
use crate::domain::problem::Problem;
use crate::domain::role::PolicyText;
use crate::domain::text::Printable;
use crate::questions::{AnyAnswer, AnyQuestion, RoleDocuments, RoleTrust, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    pub role: RoleArn,
}

impl Resource for TrustPolicy {
    fn words(&self) -> Printable {
        format!("{} / trust policy", self.role.name()).into()
    }

    fn question(&self) -> AnyQuestion {
        RoleTrust(self.role.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::RoleTrust(fact) = answer else {
            return Err(other_answer());
        };
        Ok(Found::text(needed(fact)?.map(|t| t.text().to_owned())))
    }

    fn service(&self) -> &'static str {
        "iam"
    }

    fn operation(&self, _: Step) -> &'static str {
        "UpdateAssumeRolePolicy"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: restores the old trust policy as served"
    }

    fn lock(&self, account: &AccountId, _: &Region) -> String {
        inline_policy::role_lock(account, &self.role)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let (name, trust) = (self.role.name(), change.after.as_deref());
        let call = json!({ "RoleName": name, "PolicyDocument": trust });
        let now = Call::new("iam", "GetRole", json!({ "RoleName": name }));
        let properties = json!({ "RoleName": name, "AssumeRolePolicyDocument": parsed(trust) });
        let attributes =
            json!({ "name": name, "path": self.role.path(), "assume_role_policy": parsed(trust) });
        let mut node =
            Node::new("AWS::IAM::Role", properties).hashicorp("aws_iam_role", attributes);
        if let Some(terraform) = &mut node.hashicorp {
            terraform.import = Some(name.to_owned());
            // What the studio has set stays, though it is not written here.
            terraform.ignore = &[
                "description",
                "force_detach_policies",
                "max_session_duration",
                "permissions_boundary",
                "tags",
                "tags_all",
            ];
        }
        let before = parsed(change.before.as_deref());
        AsCode::from(Call::new("iam", change.operation(), call))
            .guard(now, "Role.AssumeRolePolicyDocument", before)
            .node(node)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let role = snapshot.facts.known_mut(&RoleDocuments(self.role.clone()));
        if let (Some(role), Some(text)) = (role, text) {
            role.trust = PolicyText::new(text);
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        inline_policy::touched_by_role(snapshot, &self.role)
    }

    fn propagation(&self) -> Propagation {
        Propagation::Trust
    }
}
