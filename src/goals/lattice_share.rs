//! The share that lets Deadline Cloud use a resource configuration: found, put right, or made. One that is broken is not doubled.

use serde_json::{Value, json};

use super::Draft;
use crate::derived::lattice_wanted::own_name;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, FleetKey};
use crate::domain::lattice::{AssociationKind, DEADLINE_FLEETS, Share, ShareAssociation};
use crate::questions::{CallerIdentity, LatticeShares, NamedShares, Part, View};
use crate::resources::{Change, MEMBERS, ResourceShare, ShareAssociations};

fn share_id(name: &str) -> String {
    format!("lattice-share/{name}")
}

/// Is it shared with Deadline Cloud, or planned to be? What the configuration needs to exist is in `needs`; the share joins it.
pub(super) fn share(
    view: &View,
    draft: &mut Draft,
    key: &FleetKey,
    (arn, is_attached): (&str, bool),
    needs: &mut Vec<String>,
) -> bool {
    let name = own_name(&key.farm);
    let id = share_id(&name);
    let serves = |s: &Share| s.is_with_deadline() && s.is_active() && s.open(arn).is_none();
    // A share that was deleted is listed for a while.
    let is_there = |s: &&Share| s.status.raw() != "DELETED";
    let mut there: Vec<Share> = Vec::new();
    // What does not exist yet is in no share.
    if needs.is_empty() {
        match view.fact(&LatticeShares(arn.to_owned())) {
            Fact::Known(shares) if shares.iter().any(serves) => return true,
            Fact::Known(shares) => {
                let with_deadline = shares
                    .iter()
                    .filter(|s| s.has_deadline_now() && is_there(s));
                there.extend(with_deadline.cloned());
            }
            Fact::Absent => {}
            fact => return unread(draft, fact),
        }
    }
    if let Some(at) = draft.plan.changes.iter().position(|c| c.id == id) {
        shared_too(&mut draft.plan.changes[at], arn, needs);
        needs.push(id);
        return true;
    }
    match view.fact(&NamedShares(name.clone())) {
        Fact::Known(own) => {
            for share in own.iter().filter(is_there) {
                if there.iter().all(|t| t.arn != share.arn) {
                    there.push(share.clone());
                }
            }
        }
        Fact::Absent => {}
        fact => return unread(draft, fact),
    }
    let caller = view.fact(&CallerIdentity);
    let Some(account) = caller.known().map(|c| &c.account) else {
        draft.problem(caller.problem());
        return false;
    };
    if draft.wishes.left_out.contains(&id) {
        return false;
    }
    let change = match there.as_slice() {
        [] => {
            let resource = ResourceShare {
                name: name.clone(),
                arn: None,
                tags: view.config(Part::Iam).iam.new_role.tags.clone(),
            };
            let text = ResourceShare::text(&name, arn, account);
            let because = "a fleet can use a configuration only while it is shared with Deadline Cloud; your account is its only source";
            Change::new(id.clone(), resource, None, Some(text), because)
        }
        all => match all.iter().find(|s| why_not(s, arn).is_none()) {
            Some(share) => match put_right(&id, share, arn, account) {
                Some(change) => change,
                None => {
                    let name = share.name.show();
                    if !is_attached {
                        draft.refuse(format!("the resource share {name} is not whole, and nothing that could be associated is missing: lattice-share says what it is"));
                    }
                    return is_attached;
                }
            },
            None => {
                let why = all.iter().find_map(|s| why_not(s, arn)).unwrap_or_default();
                // Of a fleet that has it already nothing is held back: lattice-share tells.
                if !is_attached {
                    draft.refuse(why);
                }
                return is_attached;
            }
        },
    };
    draft.add(change.needs(needs.clone()));
    needs.push(id);
    true
}

fn unread<T>(draft: &mut Draft, fact: &Fact<T>) -> bool {
    draft.problem(fact.problem());
    false
}

/// Why an existing share can't be put right by associating what it lacks.
fn why_not(share: &Share, arn: &str) -> Option<String> {
    let name = share.name.show();
    if !share.is_active() {
        let status = share.status.show();
        return Some(format!(
            "the resource share {name} is {status}, and setup makes no second one: delete it in Resource Access Manager, then run this again"
        ));
    }
    if !share.external {
        let arn = share.arn.show();
        return Some(format!(
            "the resource share {name} allows no external principals, so Deadline Cloud can't be one: `aws ram update-resource-share --resource-share-arn {arn} --allow-external-principals`, then run this again"
        ));
    }
    let waits = share.open(arn).filter(|a| a.is_coming());
    waits.map(|a| {
        let words = a.words();
        format!(
            "the resource share {name} is not ready: {words}; wait a minute, then run this again"
        )
    })
}

/// Associates what it lacks, and nothing that it has.
fn put_right(id: &str, share: &Share, arn: &str, account: &AccountId) -> Option<Change> {
    let before = ShareAssociations::text_of(share);
    // Your account is the only source that is put in: another's is theirs to explain.
    let is_own = |a: &ShareAssociation| {
        a.kind == AssociationKind::Source && a.is_in_force() && a.entity.raw() == account.as_str()
    };
    let sources = if share.associations.iter().any(is_own) {
        Vec::new()
    } else {
        vec![account.as_str()]
    };
    let wanted = [vec![arn], vec![DEADLINE_FLEETS], sources];
    let mut after: Value = serde_json::from_str(&before).unwrap_or_default();
    for ((member, _), entities) in MEMBERS.iter().zip(&wanted) {
        for entity in entities {
            add(&mut after[*member], entity);
        }
    }
    let after = after.to_string();
    if parsed(&after) == parsed(&before) {
        return None;
    }
    let resource = ShareAssociations {
        share: share.name.raw().to_owned(),
        arn: share.arn.raw().to_owned(),
        back: false,
    };
    let because =
        "a fleet can use a configuration only while its share with Deadline Cloud is whole";
    let change = Change::new(id, resource, Some(before), Some(after), because);
    Some(change)
}

/// A share that is planned already shares this configuration as well.
fn shared_too(change: &mut Change, arn: &str, needs: &[String]) {
    let mut after: Value = change
        .after
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    add(&mut after[MEMBERS[0].0], arn);
    change.after = Some(after.to_string());
    change.needs.extend(needs.iter().cloned());
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn add(list: &mut Value, entity: &str) {
    let Some(all) = list.as_array_mut() else {
        return;
    };
    if !all.iter().any(|e| e == entity) {
        all.push(json!(entity));
        all.sort_by_key(ToString::to_string);
    }
}
