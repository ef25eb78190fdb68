//! Each fleet's role has what a worker needs to work and to write its logs (field facts B2). Read from the documents.

use super::queue_role::{asks_for, each_role, needs_of};
use super::queue_role_channels::{Words, judged, told};
use super::{Ask, Check, Finding, Topic, Verdict, View};
use crate::domain::choices::RoleUse;
use crate::domain::fact::Fact;
use crate::domain::needs::FLEET_POLICY;
use crate::domain::wanted::FleetRoles;

pub struct FleetRoleNeeds;

/// What mends a fleet's role; other farms may use it, so it is mended where the studio file says so.
pub fn mend(view: &View, what: &str) -> String {
    if view.wanted.roles.fleets == FleetRoles::Mend {
        what.to_owned()
    } else {
        format!("[roles] fleets = \"mend\" in the studio file, or f on the roles page, and {what}")
    }
}

impl Check for FleetRoleNeeds {
    fn id(&self) -> &'static str {
        "fleet-role-needs"
    }
    fn title(&self) -> &'static str {
        "Each fleet role's policies allow its workers to work"
    }
    fn why(&self) -> &'static str {
        "a worker asks for work, takes the queue role and writes logs as its fleet's role; AWS's managed policy AWSDeadlineCloud-FleetWorker and a statement for the logs allow it"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }
    /// Fleets whose workers do work have what they need, whatever is read here.
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Fleet)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Fleet,
            "what it may do: role",
            |used, role| {
                let words = Words {
                    lack: Verdict::Warn,
                    why: self.why(),
                    fix: mend(
                        view,
                        &format!(
                            "setup adds it to the inline policy {FLEET_POLICY}; or attach AWSDeadlineCloud-FleetWorker"
                        ),
                    ),
                    ok: format!(
                        "{} may do what workers need (read from its documents)",
                        role.arn.name()
                    ),
                };
                {
                    let mut judged = judged(role, &needs_of(view, used));
                    // Whether the farm has a key of its own, which workers need too, the farm alone tells.
                    let farm = view
                        .wanted
                        .queues
                        .first()
                        .and_then(|q| view.studio.farm.get(&q.farm));
                    judged.unread.extend(
                        farm.and_then(Fact::problem)
                            .map(|p| format!("the farm: {}", p.because)),
                    );
                    Some(told(self, role, &judged, &words))
                }
            },
        )
    }
}
