//! A queue environment's template. AWS assigns its id when it is created.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::raw;
use super::{
    AsCode, Call, Change, Found, Node, Outputs, Resource, Step, Touched, changed, merged, needed,
    other_answer,
};
use crate::domain::fact::Fact;
use crate::domain::farm::{QueueEnvironment, TemplateText};
use crate::domain::ids::{AccountId, QueueEnvironmentId, QueueKey, Region};
use crate::domain::problem::Problem;
use crate::domain::secrets::without_log_secrets;
use crate::domain::template::TemplateType;
use crate::domain::text::{Printable, Untrusted};
use crate::domain::worker_environment;
use crate::questions::{AnyAnswer, AnyQuestion, EnvironmentText, QueueEnvironments, Snapshot};

/// The output that is the environment's id.
const ID: &str = "id";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EnvironmentTemplate {
    pub queue: QueueKey,
    /// `None` until the service has created it.
    pub id: Option<QueueEnvironmentId>,
    pub name: Untrusted,
    pub priority: i32,
    pub template_type: TemplateType,
}

/// One lock per queue, whatever of it is changed.
pub(super) fn queue_lock(account: &AccountId, region: &Region, queue: &QueueKey) -> String {
    format!("{account}-{region}-{}", queue.queue)
}

impl EnvironmentTemplate {
    /// What AWS assigned, as outputs of the change.
    pub fn outputs(id: &QueueEnvironmentId) -> Outputs {
        Outputs::from([(ID.to_owned(), id.to_string())])
    }

    /// The service has refused the extensions of OpenJD, and got the text without them: the journal says so.
    pub fn without_extensions() -> Outputs {
        let note = "the service refused `extensions`, and got the template without that line";
        Outputs::from([("sent".to_owned(), note.to_owned())])
    }

    /// An id that no environment of the queue has yet, for a preview; the service assigns its own.
    fn free_id(list: &[Fact<QueueEnvironment>]) -> QueueEnvironmentId {
        let taken =
            |id: &QueueEnvironmentId| list.iter().any(|e| e.known().is_some_and(|e| e.id == *id));
        (0..=u32::try_from(list.len()).unwrap_or(u32::MAX))
            .filter_map(|n| {
                format!("queueenv-{:032x}", 0xf000_0000_u64 + u64::from(n))
                    .parse()
                    .ok()
            })
            .find(|id| !taken(id))
            .unwrap_or_else(|| unreachable!("there is one more id than environments"))
    }
}

/// Does a line of a studio's own text look as if it named a secret's value? Our own text only names the secret.
fn names_a_secret(text: &str) -> bool {
    let ours = text.contains("Made by studiolink");
    !ours && text.lines().any(|line| without_log_secrets(line) != line)
}

impl Resource for EnvironmentTemplate {
    fn words(&self) -> Printable {
        let queue = self.queue.queue.brief();
        format!("environment \"{}\" of {queue}", self.name.show()).into()
    }

    fn question(&self) -> AnyQuestion {
        match &self.id {
            Some(id) => EnvironmentText(self.queue.clone(), id.clone()).into(),
            None => QueueEnvironments(self.queue.clone()).into(),
        }
    }

    fn found(&self, answer: AnyAnswer, change: &Change) -> Result<Found, Problem> {
        match answer {
            AnyAnswer::EnvironmentText(fact) => {
                Ok(Found::text(needed(fact)?.map(|e| e.template.text)))
            }
            AnyAnswer::QueueEnvironments(fact) => {
                for environment in needed(fact)?.unwrap_or_default() {
                    if let Some(e) = needed(environment)?
                        && change.is_after(Some(&e.template.text))
                    {
                        return Ok(Found {
                            outputs: Self::outputs(&e.id),
                            ..Found::text(Some(e.template.text))
                        });
                    }
                }
                Ok(Found::default())
            }
            _ => Err(other_answer()),
        }
    }

    fn service(&self) -> &'static str {
        "deadline"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create => "CreateQueueEnvironment",
            Step::Update => "UpdateQueueEnvironment",
            Step::Delete => "DeleteQueueEnvironment",
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create => "undo: deletes it; jobs submitted meanwhile keep their copy",
            Step::Update | Step::Delete => {
                "undo: restores the old text; jobs submitted meanwhile keep the new one"
            }
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        Some(match step {
            Step::Delete => {
                "a deleted queue environment comes back with a new id, and behind others of its priority"
            }
            Step::Create | Step::Update => {
                "a job submitted in between keeps the environment that it was submitted with"
            }
        })
    }

    fn otherwise(&self, after: &str) -> Option<Printable> {
        let line = worker_environment::extension_of(after)?;
        Some(format!("where Deadline Cloud refuses `extensions`, this text is sent without its line `{line}`, and the run's journal says so").into())
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        queue_lock(account, region, &self.queue)
    }

    /// A service that takes no extensions keeps our text without that line.
    fn is_same(&self, one: &str, other: &str) -> bool {
        worker_environment::is_same(one, other)
    }

    fn now(&self, snapshot: &Snapshot) -> Option<String> {
        let question = QueueEnvironments(self.queue.clone());
        let list = snapshot.facts.get(&question)?.known()?;
        let mut read = list.iter().filter_map(Fact::known);
        let own = read.find(|e| Some(&e.id) == self.id.as_ref())?;
        Some(own.template.text.clone())
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let queue = json!({ "farmId": self.queue.farm, "queueId": self.queue.queue });
        let of = |more: serde_json::Value| merged(&queue, more);
        let now = |own| Call::new("deadline", "GetQueueEnvironment", own);
        let before = change.before.clone().unwrap_or_default();
        let Some(template) = &change.after else {
            let own = of(json!({ "queueEnvironmentId": self.id }));
            let call = Call::new("deadline", change.operation(), own.clone());
            return AsCode::from(call).guard(now(own), "template", before);
        };
        if names_a_secret(template) || names_a_secret(&before) {
            return AsCode::by_hand(format!(
                "the {}: its text looks as if it held a password, token or key, and no code keeps one; `studiolink apply` makes this change",
                self.words()
            ));
        }
        let kind = match self.template_type {
            TemplateType::Yaml => "YAML",
            TemplateType::Json => "JSON",
        };
        let text = json!({ "template": template, "templateType": kind });
        let properties = json!({
            "FarmId": self.queue.farm, "QueueId": self.queue.queue, "Priority": self.priority,
            "TemplateType": kind, "Template": template,
        });
        let node = Node::new("AWS::Deadline::QueueEnvironment", properties);
        if let Some(id) = &self.id {
            let own = of(json!({ "queueEnvironmentId": id }));
            let call = Call::new("deadline", change.operation(), merged(&own, text));
            let now = now(own);
            let import = format!("{}|{}|{id}", self.queue.farm, self.queue.queue);
            return AsCode::from(call)
                .guard(now, "template", before)
                .node(node.import(import));
        }
        let call = merged(&of(json!({ "priority": self.priority })), text);
        let list = Call::new("deadline", "ListQueueEnvironments", queue.clone());
        // Made twice, it would be entered twice.
        let same = format!(
            "length(environments[?name=={}]) == `0`",
            raw(self.name.raw())
        );
        AsCode::from(Call::new("deadline", change.operation(), call))
            .guard(list, same, true)
            .learns(&[("id", "queueEnvironmentId")])
            .node(node)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let question = QueueEnvironments(self.queue.clone());
        let Some(list) = snapshot.facts.known_mut(&question) else {
            return;
        };
        let id = self.id.clone().unwrap_or_else(|| Self::free_id(list));
        let at = list
            .iter()
            .position(|e| e.known().is_some_and(|e| e.id == id));
        let made = text.map(|text| QueueEnvironment {
            id,
            name: self.name.clone(),
            priority: self.priority,
            template: TemplateText::new(text, self.template_type),
        });
        match (at, made) {
            (Some(at), Some(made)) => list[at] = Fact::Known(made),
            (Some(at), None) => {
                list.remove(at);
            }
            (None, Some(made)) => {
                let later = |e: &Fact<QueueEnvironment>| {
                    e.known().is_some_and(|e| e.priority > made.priority)
                };
                let at = list.iter().position(later).unwrap_or(list.len());
                list.insert(at, Fact::Known(made));
            }
            (None, None) => {}
        }
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([QueueEnvironments(self.queue.clone()).into()])
    }

    fn learn(&mut self, outputs: &Outputs) {
        if let Some(id) = outputs.get(ID).and_then(|id| id.parse().ok()) {
            self.id = Some(id);
        }
    }
}
