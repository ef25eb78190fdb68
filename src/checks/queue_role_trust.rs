//! Deadline Cloud may assume the queue role, for this farm (field facts B1). Read from the document.

use super::queue_role::each_role;
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::ids::{QueueKey, RoleArn, partition_of};
use crate::domain::policy::Policy;
use crate::domain::studio::{Role, Studio};
use crate::domain::trust::{PRINCIPALS, Trust, judge, mended};

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
        let fix = match mended(&role.trust, std::slice::from_ref(&farm), role.arn.account()) {
            Ok(_) => format!(
                "setup merges it in: {} may assume it, for {farm}; other statements stay",
                PRINCIPALS.join(" and ")
            ),
            Err(e) => format!("setup does not change it: {e}"),
        };
        match judge(&policy, &farm, role.arn.account()) {
            Trust::Right => says(
                self,
                Verdict::Ok,
                format!("{name} trusts Deadline Cloud for this farm (read from the document)"),
            ),
            Trust::TooWide => says(
                self,
                Verdict::Warn,
                format!("{name} trusts Deadline Cloud of every account and farm"),
            )
            .why("without aws:SourceAccount and aws:SourceArn another account's Deadline Cloud could be led to use the role")
            .fix(fix),
            Trust::OnlyWorkers => says(self, Verdict::Warn, format!("{name} trusts {} only", PRINCIPALS[0]))
                .why("AWS's guide lists both principals for a queue role; one sample works with this one alone")
                .fix(fix),
            Trust::Depends => says(
                self,
                Verdict::Unknown,
                format!("Whether {name} trusts Deadline Cloud hangs on a condition that can't be judged from here"),
            )
            .fix(fix),
            Trust::Refused | Trust::Denied => says(
                self,
                Verdict::Fail,
                format!("{name} does not let Deadline Cloud assume it for this farm"),
            )
            .why(self.why())
            .fix(fix),
        }
    }
}
