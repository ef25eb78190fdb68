//! A share of Resource Access Manager that lets Deadline Cloud use a resource configuration.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::{chosen, tags};
use super::resource_gateway::lattice_lock;
use super::{
    AsCode, Call, Change, Found, Node, Outputs, Ready, Resource, Step, Touched, changed, merged,
    needed, other_answer, parsed, placeholder, texts_at,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::lattice::{
    AssociationKind, AssociationState, DEADLINE_FLEETS, Share, ShareAssociation,
};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, LatticeShares, NamedShares, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceShare {
    pub name: String,
    /// The ARN; `None` until it was created.
    pub arn: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// The words of an association that is on its way; none of it may be listed at first.
pub(super) const COMING: &[&str] = &["ASSOCIATING", "None"];

impl ResourceShare {
    pub fn outputs(arn: &str) -> Outputs {
        Outputs::from([("arn".to_owned(), arn.to_owned())])
    }

    pub fn text(name: &str, resource: &str, account: &AccountId) -> String {
        json!({
            "name": name,
            "resourceArns": [resource],
            "principals": [DEADLINE_FLEETS],
            "sources": [account.as_str()],
            "allowExternalPrincipals": true,
        })
        .to_string()
    }

    fn text_of(share: &Share) -> String {
        let of = |kind: AssociationKind| -> Vec<&str> {
            let own = share.associations.iter();
            let own = own.filter(|a| a.kind == kind && !a.is_gone());
            let mut all: Vec<&str> = own.map(|a| a.entity.raw()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        json!({
            "name": share.name.raw(),
            "resourceArns": of(AssociationKind::Resource),
            "principals": of(AssociationKind::Principal),
            "sources": of(AssociationKind::Source),
            "allowExternalPrincipals": share.external,
        })
        .to_string()
    }

    fn is(&self, share: &Share) -> bool {
        let own = self.arn.as_deref();
        own.is_none_or(|arn| arn == share.arn.raw()) && share.status.raw() != "DELETED"
    }
}

/// Is what it shares, and with whom, ASSOCIATED?
pub(super) fn ready(share: &Share) -> Ready {
    let shared = share.associations.iter();
    let mut shared = shared.filter(|a| a.kind == AssociationKind::Resource && !a.is_gone());
    let open = shared.find_map(|a| share.open(a.entity.raw()));
    let status = || format!("it is {}", share.status.show()).into();
    match (share.status.raw(), open) {
        ("FAILED", _) => Ready::Failed(status()),
        ("ACTIVE", None) => Ready::Yes,
        ("ACTIVE" | "PENDING", Some(a)) if a.is_coming() => Ready::NotYet(a.words().into()),
        ("ACTIVE" | "PENDING", Some(a)) => Ready::Failed(a.words().into()),
        _ => Ready::NotYet(status()),
    }
}

/// What a change to a share touches: whose shares were looked at may be those of what it shares.
pub(super) fn touches(snapshot: &Snapshot, name: &str) -> Vec<Touched> {
    let asked = snapshot.facts.of_kind::<LatticeShares>().cloned();
    let shares = asked.map(AnyQuestion::from);
    changed(shares.chain([NamedShares(name.to_owned()).into()]))
}

impl Resource for ResourceShare {
    fn words(&self) -> Printable {
        format!("resource share {}", self.name).into()
    }

    fn question(&self) -> AnyQuestion {
        NamedShares(self.name.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::NamedShares(fact) = answer else {
            return Err(other_answer());
        };
        let all = needed(fact)?.unwrap_or_default();
        let own = all.into_iter().find(|share| self.is(share));
        Ok(own.map_or_else(Found::default, |share| Found {
            text: Some(Self::text_of(&share)),
            outputs: Self::outputs(share.arn.raw()),
            ready: ready(&share),
        }))
    }

    fn service(&self) -> &'static str {
        "ram"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateResourceShare",
            Step::Delete => "DeleteResourceShare",
        }
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: deletes the share"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        lattice_lock(account, region)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let Some(text) = &change.after else {
            let own = json!({ "resourceShareArn": self.arn });
            return Call::new("ram", change.operation(), own).into();
        };
        let it = parsed(Some(text));
        let own = self.tags.iter();
        let own: Vec<_> = own.map(|(k, v)| json!({ "key": k, "value": v })).collect();
        let call = merged(&it, chosen(json!({ "tags": own })));
        let properties = chosen(json!({
            "Name": it["name"], "AllowExternalPrincipals": it["allowExternalPrincipals"],
            "ResourceArns": it["resourceArns"], "Principals": it["principals"],
            "Sources": it["sources"], "Tags": tags(&self.tags),
        }));
        let arns = json!([placeholder(&change.id, "arn")]);
        let of = json!({ "associationType": "RESOURCE", "resourceShareArns": arns });
        let now = Call::new("ram", "GetResourceShareAssociations", of);
        // Names are not unique there: a second share of that name would be one.
        let named = json!({ "resourceOwner": "SELF", "name": self.name });
        let named = Call::new("ram", "GetResourceShares", named);
        let none = "length(resourceShares[?status!='DELETED' && status!='DELETING']) == `0`";
        AsCode::from(Call::new("ram", change.operation(), call))
            .learns(&[("arn", "resourceShare.resourceShareArn")])
            .wait(
                now,
                "resourceShareAssociations[0].status",
                &["ASSOCIATED"],
                COMING,
            )
            .guard(named, none, true)
            .node(Node::new("AWS::RAM::ResourceShare", properties).outputs(&[("arn", "Arn")]))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let value = parsed(text);
        let of = |member: &str, kind: AssociationKind| -> Vec<ShareAssociation> {
            let each = texts_at(&value, member).map(|entity| ShareAssociation {
                kind: kind.clone(),
                entity: Untrusted::new(entity),
                state: AssociationState::Associated,
                message: None,
            });
            each.collect()
        };
        let share = text.map(|_| Share {
            name: Untrusted::new(&self.name),
            arn: Untrusted::new(self.arn.as_deref().unwrap_or_default()),
            status: Untrusted::new("ACTIVE"),
            external: true,
            associations: [
                of("resourceArns", AssociationKind::Resource),
                of("principals", AssociationKind::Principal),
                of("sources", AssociationKind::Source),
            ]
            .concat(),
        });
        let shares: Vec<Share> = share.into_iter().collect();
        snapshot
            .facts
            .set(NamedShares(self.name.clone()), Fact::Known(shares.clone()));
        // Where nothing is created, all that were read may have been of it.
        let asked = snapshot.facts.of_kind::<LatticeShares>().cloned();
        let named: Vec<&str> = texts_at(&value, "resourceArns").collect();
        let concerns = |q: &LatticeShares| text.is_none() || named.contains(&q.0.as_str());
        let mut all: Vec<LatticeShares> = asked.filter(concerns).collect();
        all.extend(named.iter().map(|arn| LatticeShares((*arn).to_owned())));
        all.sort_unstable();
        all.dedup();
        for of_it in all {
            let others = snapshot.facts.get(&of_it).and_then(Fact::known).cloned();
            let mut list = others.unwrap_or_default();
            list.retain(|s| s.name.raw() != self.name);
            list.extend(shares.iter().cloned());
            snapshot.facts.set(of_it, Fact::Known(list));
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        touches(snapshot, &self.name)
    }

    fn waits(&self) -> bool {
        true
    }

    fn learn(&mut self, outputs: &Outputs) {
        self.arn = outputs.get("arn").cloned().or(self.arn.take());
    }
}
