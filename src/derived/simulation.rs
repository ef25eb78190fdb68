//! What IAM's simulator is asked about a role: what it needs, and what it should not be able to do.

use std::collections::BTreeMap;

use crate::domain::choices::UsedRole;
use crate::domain::fact::Fact;
use crate::domain::farm::Association;
use crate::domain::ids::{QueueKey, RoleArn};
use crate::domain::permission::{PermissionRequest, not_needed};
use crate::domain::policy::Context;
use crate::questions::{FleetDetails, Part, QueueDetails, QueueFleets, RoleSimulation, View};

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

/// So few queues are looked through each time.
const FEW: usize = 8;

/// Is all known that the question is made of, so that it need not wait for the role's documents? Where the studio has many queues
/// more may come to use the role, and the question would be asked again for each.
pub fn is_settled(view: &View) -> bool {
    let queues = &view.config(Part::Queues).queues;
    let is_known = |key: &QueueKey| {
        let fleets = match view.peek(&QueueFleets(key.clone())) {
            Fact::Known(list) => list.as_slice(),
            fact => return !fact.is_pending(),
        };
        let read = |row: &Association| {
            let fleet = FleetDetails(key.fleet(&row.fleet));
            !view.peek(&fleet).is_pending()
        };
        !view.peek(&QueueDetails(key.clone())).is_pending() && fleets.iter().all(read)
    };
    (1..=FEW).contains(&queues.len()) && queues.iter().all(is_known)
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
