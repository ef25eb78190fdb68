//! A role that is created; its text is whom it trusts, and its path is in its ARN.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::{chosen, tag_map, tags};
use super::{
    AsCode, Call, Change, Found, Node, Propagation, Resource, Step, Touched, inline_policy, needed,
    other_answer, parsed,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region, RoleArn};
use crate::domain::problem::Problem;
use crate::domain::role::{PolicyText, Role};
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, ManagedPolicy, RoleDocuments, RoleTrust, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IamRole {
    pub role: RoleArn,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    pub tags: Vec<(String, String)>,
}

impl IamRole {
    /// What people read in the console.
    pub const DESCRIPTION: &str = "Queue role for AWS Deadline Cloud, made by studiolink";
}

impl Resource for IamRole {
    fn words(&self) -> Printable {
        let boundary = self.boundary.iter();
        let boundary = boundary.map(|b| format!(", permissions boundary {b}"));
        let tags = self.tags.iter().map(|(k, v)| format!(", tag {k} = {v}"));
        let more: String = boundary.chain(tags).collect();
        format!("role {}{more}", self.role).into()
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

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateRole",
            Step::Delete => "DeleteRole",
        }
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: deletes the role, unless a queue keeps it"
    }

    fn lock(&self, account: &AccountId, _: &Region) -> String {
        inline_policy::role_lock(account, &self.role)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let name = self.role.name();
        let Some(trust) = &change.after else {
            let own = json!({ "RoleName": name });
            return Call::new("iam", change.operation(), own).into();
        };
        let description = Self::DESCRIPTION;
        let call = chosen(json!({
            "RoleName": name, "Path": self.role.path(), "AssumeRolePolicyDocument": trust,
            "Description": description, "PermissionsBoundary": self.boundary,
            "Tags": tags(&self.tags),
        }));
        let properties = chosen(json!({
            "RoleName": name, "Path": self.role.path(), "AssumeRolePolicyDocument": parsed(Some(trust)),
            "Description": description, "PermissionsBoundary": self.boundary,
            "Tags": tags(&self.tags),
        }));
        let attributes = chosen(json!({
            "name": name, "path": self.role.path(), "assume_role_policy": parsed(Some(trust)),
            "description": description, "permissions_boundary": self.boundary,
            "tags": tag_map(&self.tags),
        }));
        let node = Node::new("AWS::IAM::Role", properties).hashicorp("aws_iam_role", attributes);
        AsCode::from(Call::new("iam", change.operation(), call)).node(node)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let read = |arn: &String| snapshot.facts.get(&ManagedPolicy(arn.clone())).cloned();
        let boundary_policy = match &self.boundary {
            Some(arn) => read(arn).unwrap_or(Fact::PENDING),
            None => Fact::Absent,
        };
        let role = text.map(|trust| Role {
            arn: self.role.clone(),
            trust: PolicyText::new(trust),
            boundary: self.boundary.as_ref().map(Untrusted::new),
            boundary_policy,
            inline: BTreeMap::new(),
            attached: BTreeMap::new(),
            lists: Fact::Known(()),
        });
        let question = RoleDocuments(self.role.clone());
        let fact = role.map_or(Fact::Absent, Fact::Known);
        snapshot.facts.set(question, fact);
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        inline_policy::touched_by_role(snapshot, &self.role)
    }

    fn propagation(&self) -> Propagation {
        Propagation::Trust
    }
}
