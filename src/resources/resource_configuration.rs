//! A resource configuration of VPC Lattice: the one address and port behind a gateway that workers may reach.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::as_code::{chosen, tag_map, tags};
use super::resource_gateway::{COMING, lattice_lock, ready};
use super::{
    AsCode, Call, Change, Found, Node, Outputs, Resource, Step, Touched, changed, merged, needed,
    other_answer, parsed, placeholder, text_at, texts_at,
};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::lattice::{
    LatticeStatus, ResourceConfiguration as Configuration, Target, configuration_id,
};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{
    AnyAnswer, AnyQuestion, LatticeConfiguration, LatticeConfigurations, Snapshot,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceConfiguration {
    pub name: String,
    /// `None` until VPC Lattice has created it.
    pub id: Option<String>,
    pub tags: Vec<(String, String)>,
}

impl ResourceConfiguration {
    /// The id of the change that makes one of that name.
    pub fn change_id(name: &str) -> String {
        format!("lattice-configuration/{name}")
    }

    pub fn outputs(id: &str, arn: &str) -> Outputs {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Outputs::from([pair("id", id), pair("arn", arn)])
    }

    /// One address, one port, TCP, and the flag without which Deadline Cloud can't use it (field facts C).
    pub fn text(name: &str, gateway: &str, address: &str, port: u16) -> String {
        json!({
            "name": name,
            "type": "SINGLE",
            "protocol": "TCP",
            "portRanges": [port.to_string()],
            "resourceGatewayIdentifier": gateway,
            "resourceConfigurationDefinition": { "ipResource": { "ipAddress": address } },
            "allowAssociationToShareableServiceNetwork": true,
        })
        .to_string()
    }

    fn text_of(it: &Configuration) -> String {
        let raw = |t: &Option<Untrusted>| t.as_ref().map(|t| t.raw().to_owned());
        let definition = match &it.target {
            Target::Address(a) => json!({ "ipResource": { "ipAddress": a.raw() } }),
            Target::Name(n) => json!({ "dnsResource": { "domainName": n.raw() } }),
            Target::Other(o) => json!({ "arnResource": { "arn": o.raw() } }),
        };
        let ports: Vec<&str> = it.ports.iter().map(Untrusted::raw).collect();
        json!({
            "name": it.name.raw(),
            "type": it.kind.raw(),
            // Left out for a single resource: TCP, which is all that there is.
            "protocol": raw(&it.protocol).unwrap_or_else(|| "TCP".to_owned()),
            "portRanges": ports,
            "resourceGatewayIdentifier": raw(&it.gateway),
            "resourceConfigurationDefinition": definition,
            "allowAssociationToShareableServiceNetwork": it.shareable,
        })
        .to_string()
    }

    fn is(&self, id: &str, it: &Configuration) -> bool {
        self.id
            .as_deref()
            .map_or(it.name.raw() == self.name, |own| own == id)
    }

    /// Before it exists, a preview knows it by its placeholder.
    fn preview_arn(&self) -> String {
        let own = self.id.clone();
        own.unwrap_or_else(|| placeholder(&Self::change_id(&self.name), "arn"))
    }
}

impl Resource for ResourceConfiguration {
    fn words(&self) -> Printable {
        format!("resource configuration {}", self.name).into()
    }

    fn question(&self) -> AnyQuestion {
        LatticeConfigurations.into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::LatticeConfigurations(fact) = answer else {
            return Err(other_answer());
        };
        let all = needed(fact)?.unwrap_or_default();
        let own = all.into_iter().find(|(id, it)| self.is(id, it));
        Ok(own.map_or_else(Found::default, |(id, it)| Found {
            text: Some(Self::text_of(&it)),
            outputs: Self::outputs(&id, it.arn.raw()),
            ready: ready(&it.status, it.failure.as_ref()),
        }))
    }

    fn service(&self) -> &'static str {
        "vpc-lattice"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateResourceConfiguration",
            Step::Delete => "DeleteResourceConfiguration",
        }
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: deletes the configuration, once Deadline Cloud has let go of it"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        lattice_lock(account, region)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        const NAME: &str = "resourceConfigurationIdentifier";
        let Some(text) = &change.after else {
            return Call::new("vpc-lattice", change.operation(), json!({ NAME: self.id })).into();
        };
        let it = parsed(Some(text));
        let call = merged(&it, chosen(json!({ "tags": tag_map(&self.tags) })));
        let definition = &it["resourceConfigurationDefinition"];
        let properties = chosen(json!({
            "Name": it["name"], "ResourceConfigurationType": it["type"], "ProtocolType": it["protocol"],
            "PortRanges": it["portRanges"], "ResourceGatewayId": it["resourceGatewayIdentifier"],
            "ResourceConfigurationDefinition": chosen(json!({
                "IpResource": definition["ipResource"]["ipAddress"],
                "ArnResource": definition["arnResource"]["arn"],
            })),
            // Spelled so in CloudFormation.
            "AllowAssociationToSharableServiceNetwork": it["allowAssociationToShareableServiceNetwork"],
            "Tags": tags(&self.tags),
        }));
        let id = placeholder(&change.id, "id");
        let now = Call::new(
            "vpc-lattice",
            "GetResourceConfiguration",
            json!({ NAME: id }),
        );
        let code = AsCode::from(Call::new("vpc-lattice", change.operation(), call))
            .learns(&[("id", "id"), ("arn", "arn")])
            .wait(now, "status", &["ACTIVE"], COMING);
        if definition["dnsResource"].is_object() {
            return code;
        }
        let node = Node::new("AWS::VpcLattice::ResourceConfiguration", properties);
        code.node(node.outputs(&[("id", "Id"), ("arn", "Arn")]))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let arn = self.preview_arn();
        let id = configuration_id(&arn).to_owned();
        let value = parsed(text);
        let words = |member: &str| Untrusted::new(text_at(&value, member));
        let definition = &value["resourceConfigurationDefinition"];
        let address = text_at(&definition["ipResource"], "ipAddress");
        let it = text.map(|_| Configuration {
            arn: Untrusted::new(&arn),
            name: Untrusted::new(&self.name),
            status: LatticeStatus::Active,
            failure: None,
            kind: words("type"),
            protocol: Some(words("protocol")),
            ports: texts_at(&value, "portRanges").map(Untrusted::new).collect(),
            gateway: Some(words("resourceGatewayIdentifier")),
            target: Target::Address(Untrusted::new(address)),
            shareable: value["allowAssociationToShareableServiceNetwork"] == json!(true),
        });
        if let Some(all) = snapshot.facts.known_mut(&LatticeConfigurations) {
            all.retain(|(other, it)| !self.is(other, it));
            all.extend(it.clone().map(|it| (id.clone(), it)));
        }
        snapshot.facts.set(
            LatticeConfiguration(id),
            it.map_or(Fact::Absent, Fact::Known),
        );
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        let arn = self.preview_arn();
        let own = LatticeConfiguration(configuration_id(&arn).to_owned());
        changed([LatticeConfigurations.into(), own.into()])
    }

    fn waits(&self) -> bool {
        true
    }

    fn learn(&mut self, outputs: &Outputs) {
        self.id = outputs.get("id").cloned().or(self.id.take());
    }
}
