//! The statement by which workers read AWS's own channels must stay on the queue role (field facts B2).

use super::queue_role::{asks_for, each_role, needs_of};
use super::queue_role_channels::{Words, judged, told};
use super::{Ask, Check, Finding, Topic, Verdict, View};
use crate::domain::channel::Place;
use crate::domain::choices::RoleUse;
use crate::domain::needs::{QUEUE_POLICY, Serves};

pub struct QueueRoleSoftware;

impl Check for QueueRoleSoftware {
    fn id(&self) -> &'static str {
        "queue-role-software"
    }
    fn title(&self) -> &'static str {
        "The queue role keeps its access to AWS's software channels"
    }
    fn why(&self) -> &'static str {
        "deadline-cloud and deadline-cloud-v2 are read through access points named deadline-software-*; losing that statement while tidying a role breaks every job"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        if !view
            .wanted
            .channels
            .iter()
            .any(|c| c.place() == Place::AwsAlias)
        {
            return Vec::new();
        }
        each_role(
            self,
            view,
            RoleUse::Queue,
            "whether it reads AWS's software channels: role",
            |used, role| {
                let mut needs = needs_of(view, used);
                needs.retain(|n| n.serves == Serves::AwsSoftware);
                let words = Words {
                    lack: Verdict::Warn,
                    why: self.why(),
                    fix: format!(
                        "setup adds it to the inline policy {QUEUE_POLICY}, as the console writes it: on *, and only through access points deadline-software-*"
                    ),
                    ok: format!(
                        "{} keeps the statement for AWS's software access points",
                        role.arn.name()
                    ),
                };
                Some(told(self, role, &judged(role, &needs), &words))
            },
        )
    }
}
