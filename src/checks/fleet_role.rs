//! Each fleet's role is there, and its workers may have it (field facts B1). Read from the documents.

use super::queue_role::{asks_for, roles_for};
use super::queue_role_trust::trust_finding;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::choices::RoleUse;
use crate::domain::fact::Fact;

pub struct FleetRole;

impl Check for FleetRole {
    fn id(&self) -> &'static str {
        "fleet-role"
    }
    fn title(&self) -> &'static str {
        "Each fleet's role exists and trusts Deadline Cloud for this farm"
    }
    fn why(&self) -> &'static str {
        "a worker is nobody until Deadline Cloud gives it its fleet's role; without it the fleet starts workers that never ask for work"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Fleet)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for used in roles_for(view, RoleUse::Fleet) {
            let ask = Ask::Role(used.arn.clone());
            let by: Vec<String> = used.by.iter().map(ToString::to_string).collect();
            findings.push(match view.studio.role(&used.arn) {
                Fact::Known(role) => trust_finding(self, view, &used, role).from(Source::Fact(ask)),
                Fact::Absent => says(
                    self,
                    Verdict::Fail,
                    format!("The role {} of fleet {} does not exist", used.arn, by.join(", ")),
                )
                .why("IAM answered that there is no such role; workers of the fleet get no credentials")
                .fix("make the role again in the console: a fleet's role is given to it when it is made, and setup makes no fleets")
                .from(Source::Fact(ask)),
                fact => unseen(self, &format!("role {} of fleet {}", used.arn.name(), by.join(", ")), fact, ask),
            });
        }
        findings
    }
}
