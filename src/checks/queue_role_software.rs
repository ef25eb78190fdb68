//! The statement by which workers read AWS's own channels must stay on the queue role (field facts B2).

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
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
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let Some(arn) = view.studio.queue(key).known().and_then(|q| q.role_arn()) else {
                continue;
            };
            let fact = view.studio.role(&arn);
            let Some(role) = fact.known() else {
                if fact.problem().is_some() {
                    findings.push(unseen(
                        self,
                        &format!("whether {} reads AWS's software channels", arn.name()),
                        fact,
                        Ask::Role(arn),
                    ));
                }
                continue;
            };
            let point = format!(
                "arn:{}:s3:{}:{}:accesspoint/deadline-software-x",
                arn.partition(),
                view.studio.region,
                arn.account()
            );
            let context = Context::from([
                ("s3:dataaccesspointarn".to_owned(), point.clone()),
                ("s3:accesspointnetworkorigin".to_owned(), "VPC".to_owned()),
            ]);
            let (policies, unread) = super::queue_role_channels::policies_of(role);
            let object = format!("{point}/object/x");
            let allowed = decide(
                policies.iter().map(|(_, p)| p),
                "s3:GetObject",
                &object,
                &context,
            ) == Decision::Allowed;
            let finding = match (allowed, unread.is_empty()) {
                (true, _) => says(self, Verdict::Ok, format!("{} keeps the statement for AWS's software access points", arn.name())),
                (false, true) => says(self, Verdict::Warn, format!("{} has no statement for the access points deadline-software-*", arn.name()))
                    .why(self.why())
                    .fix("add s3:GetObject and s3:ListBucket on * with ArnLike s3:DataAccessPointArn arn:aws:s3:*:*:accesspoint/deadline-software-* and s3:AccessPointNetworkOrigin = VPC, as the console writes it"),
                (false, false) => says(self, Verdict::Unknown, format!("Not every policy of {} could be read", arn.name())).why(unread.join("; ")),
            };
            findings.push(finding.from(Source::Fact(Ask::Role(arn))));
        }
        findings
    }
}
