//! A resource gateway of VPC Lattice: where the traffic of workers enters the studio's VPC.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Change, Found, Outputs, Ready, Resource, Step, Touched, json_equal, laid_out, needed,
    other_answer,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::lattice::{DnsResolution, LatticeStatus, ResourceGateway as Gateway};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, Key, LatticeGateway, LatticeGateways, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGateway {
    pub name: String,
    /// `None` until VPC Lattice has created it.
    pub id: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// The status of a thing of VPC Lattice, as progress; `failure` is what the service says of it.
pub(super) fn ready(status: &LatticeStatus, failure: Option<&Untrusted>) -> Ready {
    let failed = || {
        let why = failure.map_or_else(String::new, |f| format!(": {}", f.long()));
        Ready::Failed(format!("it is {}{why}", status.word()).into())
    };
    match status {
        LatticeStatus::Active => Ready::Yes,
        LatticeStatus::Creating | LatticeStatus::Updating | LatticeStatus::Deleting => {
            Ready::NotYet(format!("it is {}", status.word()).into())
        }
        LatticeStatus::CreateFailed | LatticeStatus::UpdateFailed | LatticeStatus::DeleteFailed => {
            failed()
        }
        LatticeStatus::Unknown(_) => failed(),
    }
}

impl ResourceGateway {
    /// The placeholder for its id, where a change before has made it.
    pub fn id_of(change: &str) -> String {
        format!("${{change:{change}.id}}")
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
        let change = format!("lattice-gateway/{}", self.name);
        self.id.clone().unwrap_or_else(|| Self::id_of(&change))
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
        format!("{account}-{region}-lattice")
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        json_equal(one, other)
    }

    fn readable(&self, text: &str) -> String {
        laid_out(text)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let id = self.preview_id();
        let value: serde_json::Value = text
            .and_then(|t| serde_json::from_str(t).ok())
            .unwrap_or_default();
        let texts = |key: &str| -> Vec<Untrusted> {
            let list = value[key].as_array().into_iter().flatten();
            list.filter_map(|v| v.as_str())
                .map(Untrusted::new)
                .collect()
        };
        let it = text.map(|_| Gateway {
            name: Untrusted::new(&self.name),
            status: LatticeStatus::Active,
            vpc: Untrusted::new(value["vpcIdentifier"].as_str().unwrap_or_default()),
            subnets: texts("subnetIds"),
            security_groups: texts("securityGroupIds"),
            dns: DnsResolution::from(
                value["resourceConfigDnsResolution"]
                    .as_str()
                    .unwrap_or_default(),
            ),
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
        let questions = [
            LatticeGateways.into(),
            LatticeGateway(self.preview_id()).into(),
        ];
        questions
            .into_iter()
            .map(|q| Touched::Changed(Key::Question(q)))
            .collect()
    }

    fn waits(&self) -> bool {
        true
    }

    fn learn(&mut self, outputs: &Outputs) {
        self.id = outputs.get("id").cloned().or(self.id.take());
    }
}
