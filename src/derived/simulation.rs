//! What IAM's simulator is asked about a role: what it needs, and what it should not be able to do.

use crate::domain::choices::UsedRole;
use crate::domain::ids::RoleArn;
use crate::domain::permission::{PermissionRequest, not_needed};
use crate::questions::{RoleSimulation, View};

use super::role_use::{needs, role_uses};

/// The requests that the role must be able to make, and those that it should not.
pub fn requests(view: &View, used: &UsedRole) -> (Vec<PermissionRequest>, Vec<PermissionRequest>) {
    let needs = needs(view, used);
    let arn = &used.arn;
    let region = view.region().to_string();
    let excess = not_needed(&needs, arn.partition(), arn.account(), &region);
    let here = |r: PermissionRequest| r.carrying("aws:requestedregion", &region);
    let needs = needs.into_iter().flat_map(|n| n.examples).map(here);
    (needs.collect(), excess.into_iter().map(here).collect())
}

/// The one question about a role: one that is both a queue's and a fleet's is asked about both at once.
pub fn question(view: &View, arn: &RoleArn) -> RoleSimulation {
    let mut all: Vec<PermissionRequest> = Vec::new();
    for used in role_uses(view, arn) {
        let (needs, excess) = requests(view, &used);
        for request in needs.into_iter().chain(excess) {
            if !all.contains(&request) {
                all.push(request);
            }
        }
    }
    RoleSimulation(arn.clone(), all)
}
