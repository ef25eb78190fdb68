//! What a share of Resource Access Manager that exists is associated with: put right where something is missing, SUSPENDED or FAILED.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::resource_gateway::lattice_lock;
use super::{
    Change, Found, Ready, Resource, Step, Touched, changed, needed, other_answer, parsed, texts_at,
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

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let value = parsed(text);
        let named = NamedShares(self.share.clone());
        let now = snapshot.facts.get(&named).and_then(Fact::known).cloned();
        let mut all = now.unwrap_or_default();
        let mut shared = Vec::new();
        for share in all.iter_mut().filter(|s| s.arn.raw() == self.arn) {
            share.associations = MEMBERS
                .iter()
                .flat_map(|(member, kind)| {
                    texts_at(&value, member).map(|entity| ShareAssociation {
                        kind: kind.clone(),
                        entity: Untrusted::new(entity),
                        state: AssociationState::Associated,
                        message: None,
                    })
                })
                .collect();
            shared.push(share.clone());
        }
        snapshot.facts.set(named, Fact::Known(all));
        for arn in texts_at(&value, "resourceArns") {
            let of_it = LatticeShares(arn.to_owned());
            let Some(others) = snapshot.facts.get(&of_it).and_then(Fact::known) else {
                continue;
            };
            let mut all = others.clone();
            all.retain(|s| s.arn.raw() != self.arn);
            all.extend(shared.iter().cloned());
            snapshot.facts.set(of_it, Fact::Known(all));
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        // Whose shares were looked at may be those of what it shares.
        let asked = snapshot.facts.asked().into_iter().map(|(q, _)| q);
        let shares = asked.filter(|q| matches!(q, AnyQuestion::LatticeShares(_)));
        changed(shares.chain([NamedShares(self.share.clone()).into()]))
    }

    fn waits(&self) -> bool {
        true
    }

    fn turn_back(&mut self) {
        self.back = true;
    }
}
