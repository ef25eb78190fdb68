//! studiolink's own inline policy on a role, as it is and as it should be.

use crate::domain::choices::{RoleUse, UsedRole};
use crate::domain::config::FleetRoles;
use crate::domain::documents::{Proposal, proposal};
use crate::domain::fact::Fact;
use crate::domain::needs::Need;
use crate::domain::policy::Policy;
use crate::domain::role::{PolicyText, Role};
use crate::questions::{ManagedPolicy, Part, RoleDocuments, View};

use super::role_use::needs;

/// Does setup change what such a role may do? A worker host's is its owner's, and fleets' only where the file says so.
pub fn is_managed(view: &View, of: RoleUse) -> bool {
    match of {
        RoleUse::Queue => true,
        RoleUse::Fleet => view.config(Part::Iam).iam.fleets == FleetRoles::Manage,
        RoleUse::WorkerHost => false,
    }
}

/// What an existing role's policy should say for these needs, and the text that it has.
pub fn proposed<'r>(role: &'r Role, policy: &str, needs: &[Need]) -> (Proposal, Option<&'r str>) {
    let ours = role.inline.get(policy).and_then(Fact::known);
    let text = ours.map(PolicyText::text);
    let boundary = role.boundary_document().unwrap_or(None);
    let proposal = proposal(needs, &role.policies().0, boundary, (policy, text));
    (proposal, text)
}

/// What a new role's policy should say; its permissions boundary, where it gets one, is read beforehand.
pub fn proposed_for_new(view: &View, used: &UsedRole, policy: &str) -> Proposal {
    let boundary = new_boundary(view).and_then(Fact::known);
    let boundary: Option<&Policy> = boundary.and_then(|t| t.policy().ok());
    proposal(&needs(view, used), &[], boundary, (policy, None))
}

/// The permissions boundary that a new role gets; `None`: it gets none.
pub fn new_boundary<'a>(view: &View<'a>) -> Option<&'a Fact<PolicyText>> {
    let arn = view.config(Part::Iam).iam.new_role.boundary.clone()?;
    Some(view.fact(&ManagedPolicy(arn)))
}

/// The text that the policy has once the plan is made, and the needs that it serves; `None`: there is none, and none is
/// needed.
pub fn text_after(view: &View, used: &UsedRole) -> Option<(String, Vec<Need>)> {
    let policy = used.of.policy()?;
    let needs = needs(view, used);
    let fact = view.fact(&RoleDocuments(used.arn.clone()));
    let Some(role) = fact.known() else {
        let new = fact.is_absent() && used.of == RoleUse::Queue;
        let after = new.then(|| proposed_for_new(view, used, policy).after);
        return Some((after?.ok().flatten()?, needs));
    };
    // What could not be read is not guessed at.
    if role.lists.problem().is_some() || role.boundary_document().is_err() {
        return None;
    }
    if role.inline.get(policy).is_some_and(|f| f.known().is_none()) {
        return None;
    }
    let (proposal, ours) = proposed(role, policy, &needs);
    let then = proposal.after.ok().flatten();
    let then = then.filter(|_| is_managed(view, used.of));
    Some((then.or_else(|| ours.map(str::to_owned))?, needs))
}
