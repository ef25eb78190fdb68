//! An inline policy of a role.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::raw;
use super::{
    AsCode, Call, Change, Found, Node, Propagation, Resource, Step, Touched, changed, merged,
    needed, other_answer, parsed,
};
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region, RoleArn};
use crate::domain::problem::Problem;
use crate::domain::role::PolicyText;
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::questions::{AnyAnswer, AnyQuestion, Key, RoleDocuments, RolePolicy, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InlinePolicy {
    pub role: RoleArn,
    pub policy: String,
}

/// One lock per role, whatever of it is changed.
pub(super) fn role_lock(account: &AccountId, role: &RoleArn) -> String {
    format!("{account}-role-{}", role.name())
}

/// A role's documents, and everything that was seen of what it can do.
pub(super) fn touched_by_role(snapshot: &Snapshot, role: &RoleArn) -> Vec<Touched> {
    let mut touched = changed([RoleDocuments(role.clone()).into()]);
    let asked = snapshot.facts.asked().into_iter().map(|(q, _)| q);
    let simulated = asked.filter(|q| matches!(q, AnyQuestion::RoleSimulation(q) if q.0 == *role));
    touched.extend(simulated.map(|q| Touched::Stale(Key::Question(q))));
    let subject = Subject::Role(role.clone());
    for parent in snapshot.roster.parents(&subject) {
        if let Subject::Queue(key) = parent {
            touched.extend(seen_as_role(snapshot, &Vantage::QueueRole(key.clone())));
        }
    }
    touched
}

/// Everything that was tried with a queue role's credentials.
pub(super) fn seen_as_role(snapshot: &Snapshot, from: &Vantage) -> Vec<Touched> {
    let all = snapshot.observations.all().into_iter();
    let own = all.filter(|(_, vantage)| vantage == from);
    own.map(|(probe, from)| Touched::Stale(Key::Observation(probe, from)))
        .collect()
}

impl Resource for InlinePolicy {
    fn words(&self) -> Printable {
        format!("{} / {}", self.role.name(), self.policy).into()
    }

    fn question(&self) -> AnyQuestion {
        RolePolicy(self.role.clone(), self.policy.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::RolePolicy(fact) = answer else {
            return Err(other_answer());
        };
        Ok(Found::text(needed(fact)?.map(|t| t.text().to_owned())))
    }

    fn service(&self) -> &'static str {
        "iam"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "PutRolePolicy",
            Step::Delete => "DeleteRolePolicy",
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create => "undo: deletes the policy",
            Step::Update | Step::Delete => "undo: restores the old document as served",
        }
    }

    fn lock(&self, account: &AccountId, _: &Region) -> String {
        role_lock(account, &self.role)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let own = json!({ "RoleName": self.role.name(), "PolicyName": self.policy });
        let now = || Call::new("iam", "GetRolePolicy", own.clone());
        let guard = |code: AsCode| match &change.before {
            Some(before) => code.guard(now(), "PolicyDocument", parsed(Some(before))),
            None => {
                let list = json!({ "RoleName": self.role.name() });
                let list = Call::new("iam", "ListRolePolicies", list);
                let none = format!("length(PolicyNames[?@=={}]) == `0`", raw(&self.policy));
                code.guard(list, none, true)
            }
        };
        let Some(document) = &change.after else {
            return guard(Call::new("iam", change.operation(), own.clone()).into());
        };
        let call = merged(&own, json!({ "PolicyDocument": document }));
        let policy = parsed(Some(document));
        let properties = merged(&own, json!({ "PolicyDocument": policy }));
        let attributes = json!({ "name": self.policy, "role": self.role.name(), "policy": policy });
        let mut node = Node::new("AWS::IAM::RolePolicy", properties)
            .hashicorp("aws_iam_role_policy", attributes);
        if let (Some(_), Some(terraform)) = (&change.before, &mut node.hashicorp) {
            terraform.import = Some(format!("{}:{}", self.role.name(), self.policy));
        }
        guard(AsCode::from(Call::new("iam", change.operation(), call))).node(node)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        if let Some(role) = snapshot.facts.known_mut(&RoleDocuments(self.role.clone())) {
            match text {
                Some(text) => {
                    let policy = Fact::Known(PolicyText::new(text));
                    role.inline.insert(self.policy.clone(), policy);
                }
                None => {
                    role.inline.remove(&self.policy);
                }
            }
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        touched_by_role(snapshot, &self.role)
    }

    fn propagation(&self) -> Propagation {
        Propagation::Permissions
    }
}
