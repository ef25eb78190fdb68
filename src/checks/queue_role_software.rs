//! The statement by which workers read AWS's own channels must stay on the queue role (field facts B2).

use super::queue_role::each_role;
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::channel::Place;
use crate::domain::policy::{Context, Decision, decide};

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
        super::queue_role::QueueRole.asks(view)
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
            "whether it reads AWS's software channels: role",
            |_, role| {
                let point = format!(
                    "arn:{}:s3:{}:{}:accesspoint/deadline-software-x",
                    role.arn.partition(),
                    view.studio.region,
                    role.arn.account()
                );
                let context = Context::from([
                    ("s3:dataaccesspointarn".to_owned(), point.clone()),
                    ("s3:accesspointnetworkorigin".to_owned(), "VPC".to_owned()),
                ]);
                let (policies, unread) = super::queue_role_channels::policies_of(role);
                let object = format!("{point}/object/x");
                let says_so = decide(
                    policies.iter().map(|(_, p)| p),
                    "s3:GetObject",
                    &object,
                    &context,
                );
                Some(match (says_so, unread.is_empty()) {
                (Decision::Allowed, _) => says(self, Verdict::Ok, format!("{} keeps the statement for AWS's software access points", role.arn.name())),
                (Decision::Depends, true) => says(self, Verdict::Unknown, format!("Whether {} reaches AWS's software access points hangs on a condition that can't be judged from here", role.arn.name())),
                (_, true) => says(self, Verdict::Warn, format!("{} has no statement for the access points deadline-software-*", role.arn.name()))
                    .why(self.why())
                    .fix("add s3:GetObject and s3:ListBucket on * with ArnLike s3:DataAccessPointArn arn:aws:s3:*:*:accesspoint/deadline-software-* and s3:AccessPointNetworkOrigin = VPC, as the console writes it"),
                (_, false) => says(self, Verdict::Unknown, format!("Not every policy of {} could be read", role.arn.name())).why(unread.join("; ")),
            })
            },
        )
    }
}
