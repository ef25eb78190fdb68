//! What IAM's simulator is asked about a role: what it needs, and what it should not be able to do.

use std::collections::BTreeMap;

use crate::domain::choices::UsedRole;
use crate::domain::ids::RoleArn;
use crate::domain::permission::{PermissionRequest, not_needed};
use crate::domain::policy::Context;
use crate::questions::{RoleSimulation, View};

use super::role_use::{needs, role_uses};

/// The requests that the role must be able to make, and those that it should not.
pub fn requests(view: &View, used: &UsedRole) -> (Vec<PermissionRequest>, Vec<PermissionRequest>) {
    let needs = needs(view, used);
    let arn = &used.arn;
    let region = view.region().to_string();
    let excess = not_needed(&needs, arn.partition(), arn.account(), &region);
    // Most requests carry the same: what they carry is made once, and shared.
    let mut carried: BTreeMap<Context, Context> = BTreeMap::new();
    let mut here = |r: PermissionRequest| {
        let context = carried.entry(r.context.clone()).or_insert_with(|| {
            let mut context = r.context.clone();
            context.insert("aws:requestedregion".to_owned(), region.clone());
            context
        });
        let context = context.clone();
        PermissionRequest { context, ..r }
    };
    let needs = needs.into_iter().flat_map(|n| n.examples).map(&mut here);
    let needs = needs.collect();
    (needs, excess.into_iter().map(here).collect())
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
    RoleSimulation(arn.clone(), all.into())
}
