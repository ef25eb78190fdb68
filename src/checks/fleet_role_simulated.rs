//! Each fleet's role by IAM's simulator: what its workers need is allowed, and what they do not need is not.

use super::queue_role::each_role;
use super::queue_role_simulated::{asks_simulated, simulated};
use super::{Ask, Check, Finding, Topic, View};
use crate::domain::choices::RoleUse;

pub struct FleetRoleSimulated;

impl Check for FleetRoleSimulated {
    fn id(&self) -> &'static str {
        "fleet-role-simulated"
    }
    fn title(&self) -> &'static str {
        "Each fleet's role may do what workers need, and no more (simulated)"
    }
    fn why(&self) -> &'static str {
        "a boundary or an organisation's policy may keep workers from their work although the role's documents look right"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_simulated(view, RoleUse::Fleet)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Fleet,
            "what it may do: role",
            |used, role| simulated(self, view, used, role),
        )
    }
}
