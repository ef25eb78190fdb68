//! Route 53 as a VPC sees it: Resolver's rules, private hosted zones and profiles. A few signed reads.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::problem::Problem;
use crate::domain::text::Untrusted;
use crate::domain::vpc_dns::{
    NameInVpc, NameRule, OutboundEndpoint, PrivateZone, RuleKind, RuleState, answers, covers,
};
use crate::world::Record;

const RESOLVER: &str = "route53resolver";
/// No list of a studio's is as long.
const PAGES: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Zones {
    #[serde(default)]
    hosted_zone_summaries: ZoneList,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ZoneList {
    #[serde(rename = "HostedZoneSummary", default)]
    all: Vec<Zone>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Zone {
    hosted_zone_id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Records {
    #[serde(default)]
    resource_record_sets: RecordList,
    is_truncated: bool,
    next_record_name: Option<String>,
    next_record_type: Option<String>,
    next_record_identifier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct RecordList {
    #[serde(rename = "ResourceRecordSet", default)]
    all: Vec<RecordSet>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordSet {
    name: String,
    #[serde(rename = "Type")]
    kind: String,
}

fn get(service: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query);
    Request {
        service,
        prefix: "",
        method: http::Method::GET,
        path: format!("{path}?{}", text.finish()),
        headers: Vec::new(),
        body: String::new(),
    }
}

fn text(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().unwrap_or_default())
}

fn some(value: &Value) -> Option<Untrusted> {
    value.as_str().filter(|t| !t.is_empty()).map(Untrusted::new)
}

fn word<T: for<'a> From<&'a str>>(value: &Value) -> T {
    value.as_str().unwrap_or_default().into()
}

impl Aws {
    pub async fn look_vpc_name(&self, record: &Record, vpc: &str, name: &str) -> Fact<NameInVpc> {
        let both = futures_util::try_join!(
            self.name_rules(record, vpc, name),
            self.private_zones(record, vpc, name),
        );
        both.map(|(rules, zones)| NameInVpc { rules, zones }).into()
    }

    pub async fn look_dns_profiles(&self, record: &Record, vpc: &str) -> Fact<Vec<Untrusted>> {
        self.dns_profiles(record, vpc).await.into()
    }

    pub async fn look_resolver_endpoint(
        &self,
        record: &Record,
        id: &str,
    ) -> Fact<OutboundEndpoint> {
        self.outbound_endpoint(record, id).await.into()
    }

    pub async fn look_zone_record(&self, record: &Record, zone: &str, name: &str) -> Fact<bool> {
        self.zone_record(record, zone, name).await.into()
    }

    async fn name_rules(
        &self,
        record: &Record,
        vpc: &str,
        name: &str,
    ) -> Result<Vec<NameRule>, Problem> {
        let of = json!([{ "Name": "VPCId", "Values": [vpc] }]);
        let associations = self
            .resolver_list(
                record,
                "ListResolverRuleAssociations",
                "ResolverRuleAssociations",
                Some(of),
            )
            .await?;
        if associations.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self
            .resolver_list(record, "ListResolverRules", "ResolverRules", None)
            .await?;
        let rule = |association: &Value| {
            let id = &association["ResolverRuleId"];
            let rule = rules.iter().find(|r| r["Id"] == *id)?; // else it is gone since it was listed
            let domain = rule["DomainName"].as_str().unwrap_or_default();
            let servers = rule["TargetIps"].as_array().into_iter().flatten();
            covers(domain, name).then(|| NameRule {
                id: text(id),
                domain: text(&rule["DomainName"]),
                kind: word::<RuleKind>(&rule["RuleType"]),
                state: word::<RuleState>(&rule["Status"]),
                association: word::<RuleState>(&association["Status"]),
                servers: servers
                    .filter_map(|t| some(&t["Ip"]).or_else(|| some(&t["Ipv6"])))
                    .collect(),
                endpoint: some(&rule["ResolverEndpointId"]),
                shared: rule["ShareStatus"].as_str() == Some("SHARED_WITH_ME"),
                said: some(&rule["StatusMessage"]).or_else(|| some(&association["StatusMessage"])),
            })
        };
        Ok(associations.iter().filter_map(rule).collect())
    }

    async fn outbound_endpoint(
        &self,
        record: &Record,
        id: &str,
    ) -> Result<OutboundEndpoint, Problem> {
        let doing = format!("Could not read the Resolver endpoint {id}");
        let what = What::new(RESOLVER, "GetResolverEndpoint", id, doing);
        let of = json!({ "ResolverEndpointId": id });
        let request = Request::json(RESOLVER, "Route53Resolver.GetResolverEndpoint", &of);
        let body = self.read(record, what, &request).await?.json();
        let it = &body["ResolverEndpoint"];
        Ok(OutboundEndpoint {
            state: word(&it["Status"]),
            said: some(&it["StatusMessage"]),
        })
    }

    /// Every page of a list of Resolver's.
    async fn resolver_list(
        &self,
        record: &Record,
        operation: &'static str,
        member: &str,
        filters: Option<Value>,
    ) -> Result<Vec<Value>, Problem> {
        let doing = format!("Could not list what Route 53 Resolver has ({operation})");
        let mut of = json!({ "MaxResults": 100 });
        if let Some(filters) = filters {
            of["Filters"] = filters;
        }
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let what = What::new(RESOLVER, operation, "this region", doing.clone());
            let request = Request::json(RESOLVER, &format!("Route53Resolver.{operation}"), &of);
            let body = self.read(record, what, &request).await?.json();
            let rows = body[member].as_array().ok_or_else(|| unreadable(&doing))?;
            all.extend(rows.iter().cloned());
            match body["NextToken"].as_str() {
                Some(token) if !token.is_empty() => of["NextToken"] = token.into(),
                _ => return Ok(all),
            }
        }
        Err(unreadable(&doing))
    }

    /// The zones that cover the name.
    async fn private_zones(
        &self,
        record: &Record,
        vpc: &str,
        name: &str,
    ) -> Result<Vec<PrivateZone>, Problem> {
        let doing = format!("Could not list the private hosted zones of {vpc}");
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = vec![("vpcid", vpc), ("vpcregion", self.region.as_str())];
            query.extend(next.as_deref().map(|n| ("nexttoken", n)));
            let request = get("route53", "2013-04-01/hostedzonesbyvpc", &query);
            let what = What::new("route53", "ListHostedZonesByVPC", vpc, doing.clone());
            let body = self.read(record, what, &request).await?;
            let page: Zones =
                quick_xml::de::from_str(&body.text).map_err(|_| unreadable(&doing))?;
            let zones = page.hosted_zone_summaries.all.into_iter();
            let zones = zones.filter(|z| covers(&z.name, name));
            all.extend(zones.map(|z| PrivateZone {
                id: Untrusted::new(z.hosted_zone_id),
                domain: Untrusted::new(z.name),
            }));
            next = page.next_token.filter(|t| !t.is_empty());
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable(&doing))
    }

    /// Has a zone an address for the name?
    async fn zone_record(&self, record: &Record, zone: &str, name: &str) -> Result<bool, Problem> {
        let id = zone.trim_start_matches("/hostedzone/");
        let doing = format!("Could not read the records of the private hosted zone {id}");
        let path = format!(
            "2013-04-01/hostedzone/{}/rrset",
            percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
        );
        let mut next: Vec<(&str, String)> = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("maxitems", "300")];
            query.extend(next.iter().map(|(k, v)| (*k, v.as_str())));
            let what = What::new("route53", "ListResourceRecordSets", id, doing.clone());
            let request = get("route53", &path, &query);
            let body = self.read(record, what, &request).await?;
            let page: Records =
                quick_xml::de::from_str(&body.text).map_err(|_| unreadable(&doing))?;
            let mut rows = page.resource_record_sets.all.iter();
            if rows.any(|r| {
                matches!(r.kind.as_str(), "A" | "AAAA" | "CNAME") && answers(&r.name, name)
            }) {
                return Ok(true);
            }
            if !page.is_truncated {
                return Ok(false);
            }
            let more = [
                ("name", page.next_record_name),
                ("type", page.next_record_type),
                ("identifier", page.next_record_identifier),
            ];
            next = more
                .into_iter()
                .filter_map(|(k, v)| Some((k, v?)))
                .collect();
        }
        Err(unreadable(&doing))
    }

    async fn dns_profiles(&self, record: &Record, vpc: &str) -> Result<Vec<Untrusted>, Problem> {
        let doing = format!("Could not list the Route 53 Profiles of {vpc}");
        let what = What::new(
            "route53profiles",
            "ListProfileAssociations",
            vpc,
            doing.clone(),
        );
        let request = get(
            "route53profiles",
            "profileassociations",
            &[("resourceId", vpc)],
        );
        let body = self.read(record, what, &request).await?.json();
        let rows = body["ProfileAssociations"].as_array();
        let rows = rows.ok_or_else(|| unreadable(&doing))?;
        Ok(rows.iter().map(|r| text(&r["ProfileId"])).collect())
    }
}
