//! Deadline Cloud may assume the queue role, for this farm (field facts B1). Read from the document.

use super::queue_role::each_role;
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::ids::{QueueKey, RoleArn, partition_of};
use crate::domain::policy::{Context, Decision, Policy, trusts};
use crate::domain::studio::{Role, Studio};

/// Workers get their credentials through the first, the service itself acts through the second.
const PRINCIPALS: [&str; 2] = [
    "credentials.deadline.amazonaws.com",
    "deadline.amazonaws.com",
];

pub struct QueueRoleTrust;

pub fn farm_arn(studio: &Studio, key: &QueueKey, role: &RoleArn) -> String {
    format!(
        "arn:{}:deadline:{}:{}:farm/{}",
        partition_of(&studio.region),
        studio.region,
        role.account(),
        key.farm
    )
}

impl Check for QueueRoleTrust {
    fn id(&self) -> &'static str {
        "queue-role-trust"
    }
    fn title(&self) -> &'static str {
        "The queue role trusts Deadline Cloud for this farm"
    }
    fn why(&self) -> &'static str {
        "a wrong farm or region in the trust policy, typical after a farm was recreated, breaks every session although the role looks fine"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        super::queue_role::QueueRole.asks(view)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(self, view, "whom it trusts: role", |key, role| {
            Some(self.of_role(view, key, role))
        })
    }
}

impl QueueRoleTrust {
    fn of_role(&self, view: &View, key: &QueueKey, role: &Role) -> Finding {
        let name = role.arn.name();
        let policy = match Policy::parse(&role.trust) {
            Ok(policy) => policy,
            Err(e) => {
                return says(
                    self,
                    Verdict::Fail,
                    format!("The trust policy of {name} can't be read: {e}"),
                )
                .fix("write the trust policy again in the IAM console");
            }
        };
        let farm = farm_arn(view.studio, key, &role.arn);
        let context = Context::from([
            ("aws:sourcearn".to_owned(), farm.clone()),
            (
                "aws:sourceaccount".to_owned(),
                role.arn.account().to_owned(),
            ),
        ]);
        let of = |principal: &str| trusts(&policy, principal, &context);
        let fix = format!(
            "let {} assume it, with aws:SourceArn = {farm} (this version shows it and does not change trust)",
            PRINCIPALS.join(" and ")
        );
        match (of(PRINCIPALS[0]), of(PRINCIPALS[1])) {
            (Decision::Allowed, Decision::Allowed) => says(self, Verdict::Ok, format!("{name} trusts Deadline Cloud for this farm (read from the document)")),
            (Decision::Allowed, _) => says(self, Verdict::Warn, format!("{name} trusts {} only", PRINCIPALS[0]))
                .why("AWS's guide lists both principals for a queue role; one sample works with this one alone")
                .fix(fix),
            (Decision::Depends, _) => says(self, Verdict::Unknown, format!("Whether {name} trusts Deadline Cloud hangs on a condition that can't be judged from here")).fix(fix),
            (Decision::Denied | Decision::NotAllowed, _) => says(self, Verdict::Fail, format!("{name} does not let Deadline Cloud assume it for this farm")).why(self.why()).fix(fix),
        }
    }
}
