//! VPC Lattice, the shares of Resource Access Manager, and the one quota that both meet.

use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::lattice::{
    AssociationKind, AssociationState, DnsResolution, LatticeStatus, ResourceConfiguration,
    ResourceGateway, Share, ShareAssociation, Target,
};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::world::Record;

const SERVICE: &str = "vpc-lattice";
/// Resource configurations per fleet (field facts C).
const QUOTA: &str = "L-9F7AA0C8";

fn text(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().unwrap_or_default())
}

fn some(value: &Value) -> Option<Untrusted> {
    value.as_str().filter(|t| !t.is_empty()).map(Untrusted::new)
}

fn texts(value: &Value) -> Vec<Untrusted> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn id_in_path(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
}

fn get(path: String) -> Request {
    Request {
        service: SERVICE,
        method: http::Method::GET,
        path,
        headers: Vec::new(),
        body: String::new(),
    }
}

fn target(definition: &Value) -> Target {
    if let Some(address) = some(&definition["ipResource"]["ipAddress"]) {
        Target::Address(address)
    } else if let Some(name) = some(&definition["dnsResource"]["domainName"]) {
        Target::Name(name)
    } else {
        let arn = some(&definition["arnResource"]["arn"]);
        Target::Other(arn.unwrap_or_else(|| Untrusted::new("")))
    }
}

impl Aws {
    pub async fn look_configuration(
        &self,
        record: &Record,
        id: &str,
    ) -> Fact<ResourceConfiguration> {
        let doing = format!("Could not read the resource configuration {id}");
        let what = What::new(SERVICE, "GetResourceConfiguration", id, doing.clone());
        let request = get(format!("resourceconfigurations/{}", id_in_path(id)));
        let read = self.read(record, what, &request).await.and_then(|body| {
            let it = body.json();
            if it["id"].as_str().is_none() {
                return Err(unreadable(&doing));
            }
            Ok(ResourceConfiguration {
                arn: text(&it["arn"]),
                name: text(&it["name"]),
                status: LatticeStatus::from(it["status"].as_str().unwrap_or_default()),
                failure: some(&it["failureReason"]),
                kind: text(&it["type"]),
                protocol: some(&it["protocol"]),
                ports: texts(&it["portRanges"]),
                gateway: some(&it["resourceGatewayId"]),
                target: target(&it["resourceConfigurationDefinition"]),
                shareable: it["allowAssociationToShareableServiceNetwork"]
                    .as_bool()
                    .unwrap_or(false),
            })
        });
        read.into()
    }

    pub async fn look_gateway(&self, record: &Record, id: &str) -> Fact<ResourceGateway> {
        let doing = format!("Could not read the resource gateway {id}");
        let what = What::new(SERVICE, "GetResourceGateway", id, doing.clone());
        let request = get(format!("resourcegateways/{}", id_in_path(id)));
        let read = self.read(record, what, &request).await.and_then(|body| {
            let it = body.json();
            if it["id"].as_str().is_none() {
                return Err(unreadable(&doing));
            }
            // Left out where nobody chose: public DNS.
            let dns = it["resourceConfigDnsResolution"]
                .as_str()
                .unwrap_or("PUBLIC");
            Ok(ResourceGateway {
                name: text(&it["name"]),
                status: LatticeStatus::from(it["status"].as_str().unwrap_or_default()),
                vpc: text(&it["vpcId"]),
                subnets: texts(&it["subnetIds"]),
                security_groups: texts(&it["securityGroupIds"]),
                dns: DnsResolution::from(dns),
            })
        });
        read.into()
    }

    pub async fn look_shares(&self, record: &Record, arn: &str) -> Fact<Vec<Share>> {
        self.shares(record, arn).await.into()
    }

    async fn shares(&self, record: &Record, arn: &str) -> Result<Vec<Share>, Problem> {
        let of = json!({ "associationType": "RESOURCE", "resourceArn": arn });
        let resources = self.associations(record, of).await?;
        let mut arns: Vec<String> = resources.iter().map(|(share, _)| share.clone()).collect();
        arns.sort();
        arns.dedup();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let others = |kind: &str| {
            let of = json!({ "associationType": kind, "resourceShareArns": arns });
            self.associations(record, of)
        };
        let (principals, sources) =
            futures_util::future::join(others("PRINCIPAL"), others("SOURCE")).await;
        let all = [resources, principals?, sources?].concat();
        let doing = "Could not read the shares of the resource configuration";
        let what = What::new("ram", "GetResourceShares", arn, doing);
        let of = json!({ "resourceOwner": "SELF", "resourceShareArns": arns });
        let shares = self
            .read(record, what, &ram("getresourceshares", &of))
            .await?
            .json();
        let shares = shares["resourceShares"].as_array().cloned();
        let shares = shares.ok_or_else(|| unreadable(doing))?;
        let share = |it: &Value| Share {
            name: text(&it["name"]),
            arn: text(&it["resourceShareArn"]),
            status: text(&it["status"]),
            associations: all
                .iter()
                .filter(|(share, _)| it["resourceShareArn"] == share.as_str())
                .map(|(_, association)| association.clone())
                .collect(),
        };
        Ok(shares.iter().map(share).collect())
    }

    /// Every page of them, each with its share's ARN.
    async fn associations(
        &self,
        record: &Record,
        mut of: Value,
    ) -> Result<Vec<(String, ShareAssociation)>, Problem> {
        let doing = "Could not read what a share is associated with";
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let about = of["associationType"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let what = What::new("ram", "GetResourceShareAssociations", &about, doing);
            let page = self
                .read(record, what, &ram("getresourceshareassociations", &of))
                .await?
                .json();
            let rows = page["resourceShareAssociations"].as_array();
            for it in rows.ok_or_else(|| unreadable(doing))? {
                let association = ShareAssociation {
                    kind: AssociationKind::from(it["associationType"].as_str().unwrap_or_default()),
                    entity: text(&it["associatedEntity"]),
                    state: AssociationState::from(it["status"].as_str().unwrap_or_default()),
                    message: some(&it["statusMessage"]),
                };
                all.push((
                    it["resourceShareArn"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    association,
                ));
            }
            match page["nextToken"].as_str() {
                Some(next) if !next.is_empty() => of["nextToken"] = json!(next),
                _ => return Ok(all),
            }
        }
        Err(Problem::new(
            ProblemKind::Invalid,
            doing,
            "the list does not end",
            "check --endpoint-url: is this AWS?",
        ))
    }

    pub async fn look_configuration_quota(&self, record: &Record) -> Fact<u32> {
        let doing = "Could not read the quota of resource configurations per fleet";
        let what = What::new("servicequotas", "GetServiceQuota", QUOTA, doing);
        let of = json!({ "ServiceCode": "deadline", "QuotaCode": QUOTA });
        let request = Request::json(
            "servicequotas",
            "ServiceQuotasV20190624.GetServiceQuota",
            &of,
        );
        let read = self.read(record, what, &request).await.and_then(|body| {
            let value = body.json()["Quota"]["Value"].as_f64();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small count
            value.map(|v| v as u32).ok_or_else(|| unreadable(doing))
        });
        read.into()
    }
}

/// No list of a studio's is as long.
const PAGES: usize = 100;

fn ram(operation: &str, body: &Value) -> Request {
    Request {
        service: "ram",
        method: http::Method::POST,
        path: operation.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}
