//! The queue has a role, and the role is there.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::studio::Role;

pub struct QueueRole;

/// Judges each queue's role that could be read; one that could not is UNKNOWN, and one that is not there is this
/// check's own to say.
pub fn each_role(
    check: &dyn Check,
    view: &View,
    what: &str,
    judge: impl Fn(&QueueKey, &Role) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in &view.wanted.queues {
        let Some(arn) = view.studio.queue(key).known().and_then(|q| q.role_arn()) else {
            continue;
        };
        let fact = view.studio.role(&arn);
        let ask = Ask::Role(arn.clone());
        if let Some(role) = fact.known() {
            findings.extend(judge(key, role).map(|f| f.from(Source::Fact(ask))));
        } else if fact.problem().is_some() {
            findings.push(unseen(check, &format!("{what} {}", arn.name()), fact, ask));
        }
    }
    findings
}

impl Check for QueueRole {
    fn id(&self) -> &'static str {
        "queue-role"
    }
    fn title(&self) -> &'static str {
        "The queue has a role that exists"
    }
    fn why(&self) -> &'static str {
        "without a queue role a worker's session has no AWS credentials, and S3 channels and job attachments fail"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let roles = view
            .wanted
            .queues
            .iter()
            .filter_map(|q| view.studio.queue(q).known()?.role_arn());
        view.wanted
            .queues
            .iter()
            .cloned()
            .map(Ask::Queue)
            .chain(roles.map(Ask::Role))
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let needs_role = view.wanted.s3_channels().next().is_some();
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let Some(queue) = view.studio.queue(key).known() else {
                continue;
            };
            let ask = Ask::Queue(key.clone());
            let Some(role) = &queue.role else {
                let verdict = if needs_role {
                    Verdict::Fail
                } else {
                    Verdict::Warn
                };
                let finding = says(self, verdict, format!("Queue {} has no role", queue.name.show()))
                    .why(self.why())
                    .fix("give the queue a service role in the console (this version does not create one)");
                findings.push(finding.from(Source::Fact(ask)));
                continue;
            };
            let Some(arn) = queue.role_arn() else {
                let finding = says(
                    self,
                    Verdict::Fail,
                    format!(
                        "The role of queue {} is no role's ARN: {}",
                        queue.name.show(),
                        role.show()
                    ),
                )
                .fix("set the queue's role again in the console");
                findings.push(finding.from(Source::Fact(ask)));
                continue;
            };
            let ask = Ask::Role(arn.clone());
            findings.push(match view.studio.role(&arn) {
                Fact::Known(_) => says(self, Verdict::Ok, format!("Role {} is there", arn.name())).from(Source::Fact(ask)),
                Fact::Absent => says(self, Verdict::Fail, format!("The role {arn} does not exist"))
                    .why("IAM answered that there is no such role; workers of this queue get no credentials")
                    .fix("recreate the role or give the queue another one in the console")
                    .from(Source::Fact(ask)),
                fact => unseen(self, &format!("role {}", arn.name()), fact, ask),
            });
        }
        findings
    }
}
