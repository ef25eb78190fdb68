//! The role that a queue names; its text is the ARN.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    AsCode, Call, Change, Found, Propagation, Resource, Step, Touched, changed,
    environment_template, inline_policy, merged, needed, other_answer,
};
use crate::domain::call::Vantage;
use crate::domain::ids::{AccountId, QueueKey, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, QueueDetails, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueRoleLink {
    pub queue: QueueKey,
}

impl Resource for QueueRoleLink {
    fn words(&self) -> Printable {
        format!("role of {}", self.queue.queue.brief()).into()
    }

    fn question(&self) -> AnyQuestion {
        QueueDetails(self.queue.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::QueueDetails(fact) = answer else {
            return Err(other_answer());
        };
        let role = needed(fact)?.and_then(|q| q.role);
        Ok(Found::text(role.map(|r| r.raw().to_owned())))
    }

    fn service(&self) -> &'static str {
        "deadline"
    }

    fn operation(&self, _: Step) -> &'static str {
        "UpdateQueue"
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create => {
                "no undo: UpdateQueue gives a queue a role and can't take one away again"
            }
            Step::Update | Step::Delete => "undo: restores the queue's old role",
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        (step == Step::Create).then_some(
            "the queue keeps the role that it was given; the role stays too, without studiolink's policy",
        )
    }

    fn is_final(&self, step: Step) -> bool {
        step == Step::Create
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        environment_template::queue_lock(account, region, &self.queue)
    }

    fn readable(&self, text: &str) -> String {
        format!("{text}\n")
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let queue = json!({ "farmId": self.queue.farm, "queueId": self.queue.queue });
        let role = json!({ "roleArn": change.after });
        let now = Call::new("deadline", "GetQueue", queue.clone());
        AsCode::from(Call::new(
            "deadline",
            change.operation(),
            merged(&queue, role),
        ))
        .guard(now, "roleArn", json!(change.before))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let question = QueueDetails(self.queue.clone());
        if let Some(queue) = snapshot.facts.known_mut(&question) {
            queue.role = text.map(Untrusted::new);
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        let mut touched = changed([QueueDetails(self.queue.clone()).into()]);
        let from = Vantage::QueueRole(self.queue.clone());
        touched.extend(inline_policy::seen_as_role(snapshot, &from));
        touched
    }

    fn propagation(&self) -> Propagation {
        Propagation::Trust
    }
}
