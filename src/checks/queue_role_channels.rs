//! The queue role's documents allow what the S3 channels need. Read from the documents, not tried.

use super::queue_role::each_role;
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::fact::Fact;
use crate::domain::needs::{QUEUE_POLICY, of_channels};
use crate::domain::policy::{Decision, Policy};
use crate::domain::studio::Role;

pub struct QueueRoleChannels;

/// A role's identity policies that could be read and parsed, and why some could not.
pub fn policies_of(role: &Role) -> (Vec<(String, Policy)>, Vec<String>) {
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    if let Some(problem) = role.lists.problem() {
        unread.push(problem.because.clone());
    }
    for (name, fact) in role.inline.iter().chain(&role.attached) {
        match fact {
            Fact::Known(text) => match Policy::parse(text) {
                Ok(policy) => read.push((name.clone(), policy)),
                Err(e) => unread.push(format!("policy {name}: {e}")),
            },
            other => unread.push(format!(
                "policy {name}: {}",
                other.problem().map_or("not read", |p| p.because.as_str())
            )),
        }
    }
    (read, unread)
}

impl Check for QueueRoleChannels {
    fn id(&self) -> &'static str {
        "queue-role-channels"
    }
    fn title(&self) -> &'static str {
        "The queue role's policies allow reading the S3 channels"
    }
    fn why(&self) -> &'static str {
        "conda reads s3:// channels as the queue role: s3:GetObject for files, s3:ListBucket to tell absent from forbidden"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        super::queue_role::QueueRole.asks(view)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(self, view, "what it may read: role", |_, role| {
            let needs = of_channels(
                &view.wanted.channels,
                role.arn.partition(),
                view.wanted.channel_account.as_ref(),
            );
            if needs.is_empty() {
                return None;
            }
            let (policies, unread) = policies_of(role);
            let of = |wanted: Decision| -> Vec<String> {
                let met = |n: &&crate::domain::needs::Need| {
                    n.met_by(policies.iter().map(|(_, p)| p)) == wanted
                };
                needs
                    .iter()
                    .filter(met)
                    .map(|n| format!("{} on {}", n.action, n.resource))
                    .collect()
            };
            let (denied, missing, depends) = (
                of(Decision::Denied),
                of(Decision::NotAllowed),
                of(Decision::Depends),
            );
            let name = role.arn.name();
            Some(if !denied.is_empty() {
                says(self, Verdict::Fail, format!("A Deny statement on {name} forbids {}", denied.join(", "))).why("a Deny wins over every Allow, so adding rights would not help").fix("find the Deny in the role's own policies; whoever wrote it meant something by it")
            } else if !missing.is_empty() && unread.is_empty() {
                says(
                    self,
                    Verdict::Fail,
                    format!("{name} lacks {}", missing.join(", ")),
                )
                .why(self.why())
                .fix(format!("setup adds it to the inline policy {QUEUE_POLICY}"))
            } else if !missing.is_empty() {
                says(
                    self,
                    Verdict::Unknown,
                    format!("Not every policy of {name} could be read"),
                )
                .why(unread.join("; "))
                .fix("add the iam:Get… permissions that the reason names, then look again")
            } else if !unread.is_empty() {
                says(self, Verdict::Unknown, format!("Not every policy of {name} could be read; one of those may forbid what the others allow"))
                    .why(unread.join("; "))
                    .fix("add the iam:Get… permissions that the reason names, then look again")
            } else if !depends.is_empty() {
                says(self, Verdict::Warn, format!("Whether {name} has {} hangs on a condition that can't be judged from here", depends.join(", ")))
                    .why("a condition on aws:ResourceAccount needs the bucket's owner, which no call reveals; others need the worker's own request")
                    .fix("set [conda] channel_account in the studio file, where the condition is on the owner")
            } else if let Some(boundary) = &role.boundary {
                says(self, Verdict::Unknown, format!("{name}'s documents allow reading the S3 channels, but it has the permissions boundary {}", boundary.show()))
                    .why("a boundary may forbid what the documents allow, and this version does not judge boundaries")
                    .fix("see whether the boundary allows s3:GetObject and s3:ListBucket on the channels; setup tries it with the role's own credentials")
            } else {
                says(
                    self,
                    Verdict::Ok,
                    format!("{name} may read the S3 channels (read from its documents)"),
                )
            })
        })
    }
}
