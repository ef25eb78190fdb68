//! What a share of Resource Access Manager that exists is associated with: put right where something is missing, SUSPENDED or FAILED.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::raw;
use super::resource_gateway::lattice_lock;
use super::resource_share::{COMING, touches};
use super::{
    AsCode, Call, Change, Found, Ready, Resource, Step, Touched, needed, other_answer, parsed,
    texts_at,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::lattice::{AssociationKind, AssociationState, Share, ShareAssociation};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, LatticeShares, NamedShares, Snapshot};

/// The members of the calls, with what each lists.
pub const MEMBERS: [(&str, AssociationKind); 3] = [
    ("resourceArns", AssociationKind::Resource),
    ("principals", AssociationKind::Principal),
    ("sources", AssociationKind::Source),
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareAssociations {
    pub share: String,
    pub arn: String,
    /// The change is undone.
    #[serde(default)]
    pub back: bool,
}

impl ShareAssociations {
    /// What is associated, or on its way to be.
    pub fn text_of(share: &Share) -> String {
        let of = |kind: &AssociationKind| -> Vec<&str> {
            let own = share.associations.iter();
            let own = own.filter(|a| a.kind == *kind && a.is_in_force());
            let mut all: Vec<&str> = own.map(|a| a.entity.raw()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let members = MEMBERS.map(|(member, kind)| (member.to_owned(), json!(of(&kind))));
        serde_json::Value::Object(members.into_iter().collect()).to_string()
    }
}

/// Is what the change adds ASSOCIATED? What else the share has is not its concern.
fn ready(share: &Share, change: &Change) -> Ready {
    let (before, after) = (
        parsed(change.before.as_deref()),
        parsed(change.after.as_deref()),
    );
    for (member, kind) in &MEMBERS {
        let had: Vec<&str> = texts_at(&before, member).collect();
        for entity in texts_at(&after, member).filter(|e| !had.contains(e)) {
            let own = share.associations.iter();
            let own = own.filter(|a| a.kind == *kind && a.entity.raw() == entity);
            let best = own.min_by_key(|a| match a.state {
                AssociationState::Associated => 0,
                _ if a.is_coming() => 1,
                _ => 2,
            });
            match best {
                Some(a) if a.state == AssociationState::Associated => {}
                Some(a) if a.state == AssociationState::Failed => {
                    return Ready::Failed(a.words().into());
                }
                Some(a) => return Ready::NotYet(a.words().into()),
                None => return Ready::NotYet(format!("{entity} is not listed yet").into()),
            }
        }
    }
    Ready::Yes
}

impl Resource for ShareAssociations {
    fn words(&self) -> Printable {
        format!("associations of share {}", self.share).into()
    }

    fn question(&self) -> AnyQuestion {
        NamedShares(self.share.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, change: &Change) -> Result<Found, Problem> {
        let AnyAnswer::NamedShares(fact) = answer else {
            return Err(other_answer());
        };
        let all = needed(fact)?.unwrap_or_default();
        let own = all.into_iter().find(|s| s.arn.raw() == self.arn);
        Ok(own.map_or_else(Found::default, |share| Found {
            text: Some(Self::text_of(&share)),
            // Taken out again, it may be as unready as it was found.
            ready: if self.back {
                Ready::Yes
            } else {
                ready(&share, change)
            },
            ..Found::default()
        }))
    }

    fn service(&self) -> &'static str {
        "ram"
    }

    fn operation(&self, _: Step) -> &'static str {
        if self.back {
            "DisassociateResourceShare"
        } else {
            "AssociateResourceShare"
        }
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: takes out again what was added; what was SUSPENDED or FAILED does not come back as such"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        lattice_lock(account, region)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let mut call = json!({ "resourceShareArn": self.arn });
        let (before, after) = (
            parsed(change.before.as_deref()),
            parsed(change.after.as_deref()),
        );
        for (member, _) in &MEMBERS {
            let had: Vec<&str> = texts_at(&before, member).collect();
            let new: Vec<&str> = texts_at(&after, member)
                .filter(|e| !had.contains(e))
                .collect();
            if !new.is_empty() {
                call[*member] = json!(new);
            }
        }
        let mut code = AsCode::from(Call::new("ram", change.operation(), call.clone()));
        for (member, kind) in &MEMBERS {
            let kind = match kind {
                AssociationKind::Principal => "PRINCIPAL",
                AssociationKind::Source => "SOURCE",
                _ => "RESOURCE",
            };
            for entity in texts_at(&call, member) {
                let of = json!({ "associationType": kind, "resourceShareArns": [self.arn] });
                let now = Call::new("ram", "GetResourceShareAssociations", of);
                let own = format!(
                    "resourceShareAssociations[?associatedEntity=={}",
                    raw(entity)
                );
                // One of several of it is the one that was just made.
                let query = format!("({own} && status=='ASSOCIATED'] || {own}])[0].status");
                code = code.wait(now, query, &["ASSOCIATED"], COMING);
            }
        }
        code
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let value = parsed(text);
        let associations = MEMBERS.iter().flat_map(|(member, kind)| {
            texts_at(&value, member).map(|entity| ShareAssociation {
                kind: kind.clone(),
                entity: Untrusted::new(entity),
                state: AssociationState::Associated,
                message: None,
            })
        });
        let associations: Vec<ShareAssociation> = associations.collect();
        let put = |share: &mut Share| {
            if share.arn.raw() == self.arn {
                share.associations.clone_from(&associations);
            }
        };
        // It may have been found by what it shares, and its name never asked for.
        let named = NamedShares(self.share.clone());
        let by_name = snapshot.facts.known_mut(&named);
        by_name.into_iter().flatten().for_each(put);
        let own = |all: &Vec<Share>| all.iter().find(|s| s.arn.raw() == self.arn).cloned();
        let asked: Vec<LatticeShares> =
            snapshot.facts.of_kind::<LatticeShares>().cloned().collect();
        let known = |q: &LatticeShares| snapshot.facts.get(q).and_then(Fact::known).and_then(own);
        let found = asked.iter().find_map(known);
        let found = found.or_else(|| {
            snapshot
                .facts
                .get(&named)
                .and_then(Fact::known)
                .and_then(own)
        });
        let Some(mut share) = found else { return };
        put(&mut share);
        for question in asked {
            let shares_it = texts_at(&value, "resourceArns").any(|arn| arn == question.0);
            if let Some(all) = snapshot.facts.known_mut(&question) {
                all.retain(|s| s.arn.raw() != self.arn);
                all.extend(shares_it.then(|| share.clone()));
            }
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        touches(snapshot, &self.share)
    }

    fn waits(&self) -> bool {
        true
    }

    fn turn_back(&mut self) {
        self.back = true;
    }
}
