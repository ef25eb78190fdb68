//! The queue role's documents allow what the studio's other choices need: attachments, logs, the secret, the tunnel.

use super::queue_role::{asks_for, each_role, needs_of};
use super::queue_role_channels::{Words, judged, told};
use super::{Ask, Check, Finding, Topic, Verdict, View};
use crate::domain::choices::RoleUse;
use crate::domain::needs::{Need, QUEUE_POLICY, Serves};

pub struct QueueRoleNeeds;

impl Check for QueueRoleNeeds {
    fn id(&self) -> &'static str {
        "queue-role-needs"
    }
    fn title(&self) -> &'static str {
        "The queue role's policies allow what a session needs beside the channels"
    }
    fn why(&self) -> &'static str {
        "job attachments, the sessions' logs and the secret with the AYON key are all reached as the queue role"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Queue,
            "what it may do: role",
            |used, role| {
                let mut needs = needs_of(view, used);
                // AWS's own software has a check of its own, for losing it breaks every job.
                needs.retain(|n| !n.is_of_channels() && n.serves != Serves::AwsSoftware);
                let reasons: Vec<String> = needs
                    .iter()
                    .map(|n| format!("{}: {}", n.actions.join(", "), n.because))
                    .collect();
                let all = judged(role, &needs);
                // No session stops for want of its log's reader.
                let logs: Vec<Need> = needs
                    .into_iter()
                    .filter(|n| n.serves == Serves::Logs)
                    .collect();
                let only_logs = judged(role, &logs).wrong().count() == all.wrong().count();
                let words = Words {
                    lack: if only_logs {
                        Verdict::Warn
                    } else {
                        Verdict::Fail
                    },
                    why: self.why(),
                    fix: format!("setup adds it to the inline policy {QUEUE_POLICY}"),
                    ok: format!(
                        "{} may do what a session needs beside the channels (read from its documents)",
                        role.arn.name()
                    ),
                };
                let finding = told(self, role, &all, &words);
                Some(finding.details(reasons.into_iter().map(Into::into)))
            },
        )
    }
}
