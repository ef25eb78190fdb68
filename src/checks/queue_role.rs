//! The queue has a role, and the role is there.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::choices::{self, RoleUse, UsedRole, needs_role, roles_to_make, used_roles};
use crate::domain::fact::Fact;
use crate::domain::needs::Need;
use crate::domain::studio::Role;

pub struct QueueRole;

/// Judges each role of that use that could be read; one that could not is UNKNOWN, and one that is not there is for
/// `queue-role` and `fleet-role` to say.
pub fn each_role(
    check: &dyn Check,
    view: &View,
    of: RoleUse,
    what: &str,
    judge: impl Fn(&UsedRole, &Role) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for used in roles_for(view, of) {
        let fact = view.studio.role(&used.arn);
        let ask = Ask::Role(used.arn.clone());
        if let Some(role) = fact.known() {
            findings.extend(judge(&used, role).map(|f| f.from(Source::Fact(ask))));
        } else if fact.problem().is_some() {
            findings.push(unseen(
                check,
                &format!("{what} {}", used.arn.name()),
                fact,
                ask,
            ));
        }
    }
    findings
}

pub fn roles_for(view: &View, of: RoleUse) -> Vec<UsedRole> {
    let all = used_roles(view.studio, view.wanted).into_iter();
    all.filter(|r| r.of == of).collect()
}

/// What tells which roles there are and what they need, and those roles.
pub fn asks_for(view: &View, of: RoleUse) -> Vec<Ask> {
    let queues = view.wanted.queues.iter().cloned();
    let first: Vec<Ask> = match of {
        RoleUse::Queue => queues.map(Ask::Queue).collect(),
        RoleUse::Fleet => queues.map(Ask::Fleets).collect(),
        RoleUse::WorkerHost => Vec::new(),
    };
    let roles = roles_for(view, of).into_iter().map(|r| r.arn);
    // The farm's own key is a need of its workers.
    let farm = view.wanted.queues.first();
    let farm = farm.map(|key| Ask::Farm(key.farm.clone()));
    let all = first.into_iter().chain(roles.map(Ask::Role)).chain(farm);
    let mut all: Vec<Ask> = all.collect();
    if of == RoleUse::Queue {
        all.push(Ask::Caller);
        let new = roles_to_make(view.studio, view.wanted);
        // What fences a new role in is read before it is made; and a role of that name may be there already.
        let fence = view.wanted.roles.new.boundary.clone();
        all.extend(fence.filter(|_| !new.is_empty()).map(Ask::Boundary));
        all.extend(new.into_iter().map(|r| Ask::Role(r.arn)));
    }
    all
}

pub fn needs_of(view: &View, used: &UsedRole) -> Vec<Need> {
    choices::needs_of(view.studio, view.wanted, used)
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
        asks_for(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let needs_role = needs_role(view.wanted);
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
                let fix = if needs_role {
                    "setup makes one, with [roles.new] of the studio file; a queue keeps its role, for UpdateQueue can't take it away again"
                } else {
                    "give the queue a service role in the console, if its jobs have attachments or read anything of yours in AWS"
                };
                let finding = says(
                    self,
                    verdict,
                    format!("Queue {} has no role", queue.name.show()),
                )
                .why(self.why())
                .fix(fix);
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
                    .fix("setup makes a role of that name and path again; a bucket policy of another account that named the old one must be written anew, for it holds the old role's id")
                    .from(Source::Fact(ask)),
                fact => unseen(self, &format!("role {}", arn.name()), fact, ask),
            });
        }
        findings
    }
}
