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
use crate::resources::{Change, MEMBERS, Outputs};
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
        prefix: "",
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
        Ok(shares.iter().map(|it| share(it, &all)).collect())
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
        prefix: "",
        method: http::Method::POST,
        path: operation.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

/// How long Deadline Cloud may hold on to a configuration that no fleet uses any more, and how often it is tried.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(5);
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

impl Aws {
    pub async fn look_configurations(
        &self,
        record: &Record,
    ) -> Fact<Vec<(String, ResourceConfiguration)>> {
        self.configurations(record).await.into()
    }

    async fn configurations(
        &self,
        record: &Record,
    ) -> Result<Vec<(String, ResourceConfiguration)>, Problem> {
        let named = ("ListResourceConfigurations", "resourceconfigurations");
        let rows = self.lattice_list(record, named).await?;
        let own = rows.iter().filter(|it| it["amazonManaged"] != json!(true));
        let ids = own.filter_map(|it| it["id"].as_str());
        let each = ids.map(|id| async move { (id, self.look_configuration(record, id).await) });
        let each: Vec<_> = each.collect();
        let mut all = Vec::new();
        for (id, fact) in futures_util::future::join_all(each).await {
            match fact {
                Fact::Known(it) => all.push((id.to_owned(), it)),
                // Gone since it was listed.
                Fact::Absent => {}
                Fact::Denied(problem) | Fact::NoAnswer(problem) => return Err(*problem),
                Fact::NotAsked(_) => {}
            }
        }
        Ok(all)
    }

    pub async fn look_gateways(&self, record: &Record) -> Fact<Vec<(String, ResourceGateway)>> {
        let named = ("ListResourceGateways", "resourcegateways");
        let rows = self.lattice_list(record, named).await;
        let gateway = |it: &Value| {
            let dns = it["resourceConfigDnsResolution"]
                .as_str()
                .unwrap_or("PUBLIC");
            let gateway = ResourceGateway {
                name: text(&it["name"]),
                status: LatticeStatus::from(it["status"].as_str().unwrap_or_default()),
                vpc: text(&it["vpcIdentifier"]),
                subnets: texts(&it["subnetIds"]),
                security_groups: texts(&it["securityGroupIds"]),
                dns: DnsResolution::from(dns),
            };
            Some((it["id"].as_str()?.to_owned(), gateway))
        };
        rows.map(|rows| rows.iter().filter_map(gateway).collect())
            .into()
    }

    /// Every page of a list.
    async fn lattice_list(
        &self,
        record: &Record,
        (operation, path): (&'static str, &str),
    ) -> Result<Vec<Value>, Problem> {
        let doing = format!("Could not list what VPC Lattice has ({operation})");
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let what = What::new(SERVICE, operation, "this region", doing.clone());
            let page = next
                .as_deref()
                .map_or_else(String::new, |n| format!("&nextToken={}", id_in_path(n)));
            let request = get(format!("{path}?maxResults=100{page}"));
            let body = self.read(record, what, &request).await?.json();
            let rows = body["items"].as_array().ok_or_else(|| unreadable(&doing))?;
            all.extend(rows.iter().cloned());
            match body["nextToken"].as_str() {
                Some(token) if !token.is_empty() => next = Some(token.to_owned()),
                _ => return Ok(all),
            }
        }
        Err(unreadable(&doing))
    }

    pub async fn look_named_shares(&self, record: &Record, name: &str) -> Fact<Vec<Share>> {
        let doing = format!("Could not read the shares of the name {name}");
        let what = What::new("ram", "GetResourceShares", name, doing.clone());
        let of = json!({ "resourceOwner": "SELF", "name": name });
        let read = self
            .read(record, what, &ram("getresourceshares", &of))
            .await;
        let rows = read.and_then(|body| {
            let rows = body.json()["resourceShares"].as_array().cloned();
            rows.ok_or_else(|| unreadable(&doing))
        });
        let shares = match rows {
            Ok(rows) => self.whole_shares(record, &rows, name).await,
            Err(problem) => Err(problem),
        };
        shares.into()
    }

    async fn whole_shares(
        &self,
        record: &Record,
        rows: &[Value],
        name: &str,
    ) -> Result<Vec<Share>, Problem> {
        // What was deleted is listed for a while.
        let own = |it: &&Value| it["name"] == name && it["status"] != "DELETED";
        let rows: Vec<&Value> = rows.iter().filter(own).collect();
        let arns: Vec<&str> = rows
            .iter()
            .filter_map(|it| it["resourceShareArn"].as_str())
            .collect();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for kind in ["RESOURCE", "PRINCIPAL", "SOURCE"] {
            let of = json!({ "associationType": kind, "resourceShareArns": arns });
            all.extend(self.associations(record, of).await?);
        }
        Ok(rows.into_iter().map(|it| share(it, &all)).collect())
    }

    pub async fn change_gateway(
        &self,
        record: &Record,
        resource: &crate::resources::ResourceGateway,
        change: &Change,
        token: &str,
    ) -> Result<Outputs, Problem> {
        let made = (&resource.id, resource.tags.as_slice(), "resourcegateways");
        let it = self.change_lattice(record, change, token, made).await?;
        let id = it["id"]
            .as_str()
            .map(crate::resources::ResourceGateway::outputs);
        Ok(id.unwrap_or_default())
    }

    pub async fn change_configuration(
        &self,
        record: &Record,
        resource: &crate::resources::ResourceConfiguration,
        change: &Change,
        token: &str,
    ) -> Result<Outputs, Problem> {
        let made = (
            &resource.id,
            resource.tags.as_slice(),
            "resourceconfigurations",
        );
        let it = self.change_lattice(record, change, token, made).await?;
        let outputs = it["id"].as_str().zip(it["arn"].as_str());
        let outputs =
            outputs.map(|(id, arn)| crate::resources::ResourceConfiguration::outputs(id, arn));
        Ok(outputs.unwrap_or_default())
    }

    /// Creates one, or deletes it with patience: what is still in use, or on its way, is a conflict for a while.
    async fn change_lattice(
        &self,
        record: &Record,
        change: &Change,
        token: &str,
        (id, tags, path): (&Option<String>, &[(String, String)], &str),
    ) -> Result<Value, Problem> {
        let doing = format!("Could not change the {}", change.words());
        let about = id.as_deref().unwrap_or("a new one").to_owned();
        let what = || What::new(SERVICE, change.operation(), &about, doing.clone());
        if let Some(text) = &change.after {
            let mut body: Value = serde_json::from_str(text).map_err(|_| unreadable(&doing))?;
            body["clientToken"] = json!(token);
            let tags: serde_json::Map<String, Value> =
                tags.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            if !tags.is_empty() {
                body["tags"] = Value::Object(tags);
            }
            let request = send(http::Method::POST, path.to_owned(), &body);
            return Ok(self.read(record, what(), &request).await?.json());
        }
        let id = id.as_deref().ok_or_else(|| unreadable(&doing))?;
        let began = std::time::Instant::now();
        loop {
            let path = format!("{path}/{}", id_in_path(id));
            let request = Request {
                method: http::Method::DELETE,
                ..get(path)
            };
            match self.read(record, what(), &request).await {
                Ok(body) => return Ok(body.json()),
                Err(p) if p.kind == ProblemKind::Missing => return Ok(Value::Null),
                Err(p) if is_conflict(&p) && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(p) => return Err(p),
            }
        }
    }

    pub async fn change_share(
        &self,
        record: &Record,
        resource: &crate::resources::ResourceShare,
        change: &Change,
        token: &str,
    ) -> Result<Outputs, Problem> {
        let doing = format!("Could not change the {}", change.words());
        let what = What::new("ram", change.operation(), &resource.name, doing.clone());
        let Some(text) = &change.after else {
            let arn = resource.arn.as_deref().ok_or_else(|| unreadable(&doing))?;
            let arn =
                percent_encoding::utf8_percent_encode(arn, percent_encoding::NON_ALPHANUMERIC);
            let request = Request {
                method: http::Method::DELETE,
                path: format!("deleteresourceshare?resourceShareArn={arn}&clientToken={token}"),
                body: String::new(),
                ..ram("", &Value::Null)
            };
            self.read(record, what, &request).await?;
            return Ok(Outputs::new());
        };
        let mut body: Value = serde_json::from_str(text).map_err(|_| unreadable(&doing))?;
        body["clientToken"] = json!(token);
        let tags: Vec<Value> = resource
            .tags
            .iter()
            .map(|(k, v)| json!({ "key": k, "value": v }))
            .collect();
        if !tags.is_empty() {
            body["tags"] = json!(tags);
        }
        let made = self
            .read(record, what, &ram("createresourceshare", &body))
            .await?
            .json();
        let arn = made["resourceShare"]["resourceShareArn"].as_str();
        Ok(arn
            .map(crate::resources::ResourceShare::outputs)
            .unwrap_or_default())
    }
}

impl Aws {
    /// Puts in what the change adds, and takes out what it takes away.
    pub async fn change_associations(
        &self,
        record: &Record,
        resource: &crate::resources::ShareAssociations,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change the {}", change.words());
        let parse = |text: &Option<String>| -> Result<Value, Problem> {
            let text = text.as_deref().ok_or_else(|| unreadable(&doing))?;
            serde_json::from_str(text).map_err(|_| unreadable(&doing))
        };
        let (before, after) = (parse(&change.before)?, parse(&change.after)?);
        let (more, path) = if resource.back {
            ((&before, &after), "disassociateresourceshare")
        } else {
            ((&after, &before), "associateresourceshare")
        };
        let mut body = json!({ "resourceShareArn": resource.arn, "clientToken": token });
        for (member, _) in &MEMBERS {
            let had = texts(&more.1[*member]);
            let new = texts(&more.0[*member])
                .into_iter()
                .filter(|e| !had.contains(e));
            let new: Vec<String> = new.map(|e| e.raw().to_owned()).collect();
            if !new.is_empty() {
                body[*member] = json!(new);
            }
        }
        let what = What::new("ram", change.operation(), &resource.share, doing.clone());
        self.read(record, what, &ram(path, &body)).await?;
        Ok(())
    }
}

fn is_conflict(problem: &Problem) -> bool {
    let outcome = problem.call.as_ref().map(|c| c.outcome.as_str());
    outcome == Some("ConflictException")
}

fn send(method: http::Method, path: String, body: &Value) -> Request {
    Request {
        method,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
        ..get(path)
    }
}

fn share(it: &Value, all: &[(String, ShareAssociation)]) -> Share {
    let own = all
        .iter()
        .filter(|(share, _)| it["resourceShareArn"] == share.as_str());
    Share {
        name: text(&it["name"]),
        arn: text(&it["resourceShareArn"]),
        status: text(&it["status"]),
        external: it["allowExternalPrincipals"].as_bool().unwrap_or(false),
        associations: own.map(|(_, association)| association.clone()).collect(),
    }
}
