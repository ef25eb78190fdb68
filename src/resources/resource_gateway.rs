//! A resource gateway of VPC Lattice: where the traffic of workers enters the studio's VPC.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::{chosen, tag_map, tags};
use super::{
    AsCode, Call, Change, Found, Node, Outputs, Ready, Resource, Step, Touched, changed, merged,
    needed, other_answer, parsed, placeholder, text_at, texts_at,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::lattice::{LatticeStatus, ResourceGateway as Gateway};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, LatticeGateway, LatticeGateways, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGateway {
    pub name: String,
    /// `None` until VPC Lattice has created it.
    pub id: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// One run at a time changes what VPC Lattice has in a region.
pub(super) fn lattice_lock(account: &AccountId, region: &Region) -> String {
    format!("{account}-{region}-lattice")
}

/// The status of a thing of VPC Lattice, as progress; `failure` is what the service says of it.
pub(super) fn ready(status: &LatticeStatus, failure: Option<&Untrusted>) -> Ready {
    let why = failure.map_or_else(String::new, |f| format!(": {}", f.long()));
    let said = format!("it is {}{why}", status.word()).into();
    match status {
        LatticeStatus::Active => Ready::Yes,
        // A word of a later version of the service may be a step on the way.
        LatticeStatus::Creating
        | LatticeStatus::Updating
        | LatticeStatus::Deleting
        | LatticeStatus::Unknown(_) => Ready::NotYet(said),
        LatticeStatus::CreateFailed | LatticeStatus::UpdateFailed | LatticeStatus::DeleteFailed => {
            Ready::Failed(said)
        }
    }
}

/// The words of VPC Lattice for what is on its way.
pub(super) const COMING: &[&str] = &["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"];

impl ResourceGateway {
    /// The id of the change that makes one of that name.
    pub fn change_id(name: &str) -> String {
        format!("lattice-gateway/{name}")
    }

    pub fn outputs(id: &str) -> Outputs {
        Outputs::from([("id".to_owned(), id.to_owned())])
    }

    pub fn text(name: &str, vpc: &str, subnets: &[String], groups: &[String]) -> String {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        json!({
            "name": name,
            "vpcIdentifier": vpc,
            "subnetIds": sorted(subnets),
            "securityGroupIds": sorted(groups),
            "resourceConfigDnsResolution": "IN_VPC",
        })
        .to_string()
    }

    fn text_of(it: &Gateway) -> String {
        let raw = |list: &[Untrusted]| -> Vec<String> {
            list.iter().map(|t| t.raw().to_owned()).collect()
        };
        let mut value: serde_json::Value = serde_json::from_str(&Self::text(
            it.name.raw(),
            it.vpc.raw(),
            &raw(&it.subnets),
            &raw(&it.security_groups),
        ))
        .unwrap_or_default();
        value["resourceConfigDnsResolution"] = json!(it.dns.word());
        value.to_string()
    }

    fn is(&self, id: &str, it: &Gateway) -> bool {
        self.id
            .as_deref()
            .map_or(it.name.raw() == self.name, |own| own == id)
    }

    fn preview_id(&self) -> String {
        let own = self.id.clone();
        own.unwrap_or_else(|| placeholder(&Self::change_id(&self.name), "id"))
    }
}

impl Resource for ResourceGateway {
    fn words(&self) -> Printable {
        format!("resource gateway {}", self.name).into()
    }

    fn question(&self) -> AnyQuestion {
        LatticeGateways.into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::LatticeGateways(fact) = answer else {
            return Err(other_answer());
        };
        let all = needed(fact)?.unwrap_or_default();
        let own = all.into_iter().find(|(id, it)| self.is(id, it));
        Ok(own.map_or_else(Found::default, |(id, it)| Found {
            text: Some(Self::text_of(&it)),
            outputs: Self::outputs(&id),
            ready: ready(&it.status, None),
        }))
    }

    fn service(&self) -> &'static str {
        "vpc-lattice"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateResourceGateway",
            Step::Delete => "DeleteResourceGateway",
        }
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: deletes the gateway, after the configurations on it"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        lattice_lock(account, region)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        const NAME: &str = "resourceGatewayIdentifier";
        let Some(text) = &change.after else {
            return Call::new("vpc-lattice", change.operation(), json!({ NAME: self.id })).into();
        };
        let it = parsed(Some(text));
        let call = merged(&it, chosen(json!({ "tags": tag_map(&self.tags) })));
        let properties = chosen(json!({
            "Name": it["name"], "VpcIdentifier": it["vpcIdentifier"], "SubnetIds": it["subnetIds"],
            "SecurityGroupIds": it["securityGroupIds"],
            "ResourceConfigDnsResolution": it["resourceConfigDnsResolution"],
            "Tags": tags(&self.tags),
        }));
        let id = placeholder(&change.id, "id");
        let now = Call::new("vpc-lattice", "GetResourceGateway", json!({ NAME: id }));
        AsCode::from(Call::new("vpc-lattice", change.operation(), call))
            .learns(&[("id", "id")])
            .wait(now, "status", &["ACTIVE"], COMING)
            .node(
                Node::new("AWS::VpcLattice::ResourceGateway", properties).outputs(&[("id", "Id")]),
            )
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let id = self.preview_id();
        let value = parsed(text);
        let texts = |member: &str| texts_at(&value, member).map(Untrusted::new).collect();
        let it = text.map(|_| Gateway {
            name: Untrusted::new(&self.name),
            status: LatticeStatus::Active,
            vpc: Untrusted::new(text_at(&value, "vpcIdentifier")),
            subnets: texts("subnetIds"),
            security_groups: texts("securityGroupIds"),
            dns: text_at(&value, "resourceConfigDnsResolution").into(),
        });
        if let Some(all) = snapshot.facts.known_mut(&LatticeGateways) {
            all.retain(|(other, it)| !self.is(other, it));
            all.extend(it.clone().map(|it| (id.clone(), it)));
        }
        snapshot
            .facts
            .set(LatticeGateway(id), it.map_or(Fact::Absent, Fact::Known));
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        let own = LatticeGateway(self.preview_id());
        changed([LatticeGateways.into(), own.into()])
    }

    fn waits(&self) -> bool {
        true
    }

    fn learn(&mut self, outputs: &Outputs) {
        self.id = outputs.get("id").cloned().or(self.id.take());
    }
}
