//! EC2's networks, by the few reads that a connection needs. Its client crate would double the build; its answers are XML.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Aws;
use super::caller::What;
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::network::{
    AclEntry, Interface, Network, NetworkAcl, Route, RouteState, RouteTable, Rule, SecurityGroup,
    Subnet, TransitRoute, TunnelStatus, VpnAttachment, VpnConnection, VpnTunnel,
};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::world::Record;

const SERVICE: &str = "ec2";
const VERSION: &str = "2016-11-15";
/// No list of a studio's has as many pages.
const PAGES: usize = 100;

/// Lists are `<…Set><item/>…</…Set>`.
#[derive(Debug, Deserialize)]
struct Set<T> {
    #[serde(default = "Vec::new")]
    item: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// A page of an answer: the rows, and where the next page begins.
trait Page: DeserializeOwned {
    type Row;
    fn into(self) -> (Vec<Self::Row>, Option<String>);
}

macro_rules! pages {
    ($($name:ident { $field:ident = $xml:literal : $row:ty }),+ $(,)?) => {
        $(
            #[derive(Debug, Deserialize)]
            struct $name {
                #[serde(rename = $xml, default)]
                $field: Set<$row>,
                #[serde(rename = "nextToken")]
                next: Option<String>,
            }

            impl Page for $name {
                type Row = $row;
                fn into(self) -> (Vec<Self::Row>, Option<String>) {
                    (self.$field.item, self.next.filter(|n| !n.is_empty()))
                }
            }
        )+
    };
}

pages! {
    Subnets { all = "subnetSet": XmlSubnet },
    Tables { all = "routeTableSet": XmlTable },
    Groups { all = "securityGroupInfo": XmlGroup },
    Acls { all = "networkAclSet": XmlAcl },
    Interfaces { all = "networkInterfaceSet": XmlInterface },
    Vpns { all = "vpnConnectionSet": XmlVpn },
    Devices { all = "customerGatewaySet": XmlDevice },
    Attachments { all = "transitGatewayAttachments": XmlAttachment },
    VpnGateways { all = "vpnGatewaySet": XmlVpnGateway },
    TransitRoutes { all = "routeSet": XmlTransitRoute },
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

fn name_of(tags: &Set<Tag>) -> Option<Untrusted> {
    let name = tags.item.iter().find(|t| t.key == "Name");
    name.filter(|t| !t.value.is_empty())
        .map(|t| Untrusted::new(t.value.clone()))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlSubnet {
    subnet_id: String,
    cidr_block: Option<String>,
    availability_zone: Option<String>,
    #[serde(default)]
    tag_set: Set<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlTable {
    route_table_id: String,
    #[serde(default)]
    route_set: Set<XmlRoute>,
    #[serde(default)]
    association_set: Set<XmlTableAssociation>,
    #[serde(default)]
    propagating_vgw_set: Set<XmlPropagating>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlTableAssociation {
    subnet_id: Option<String>,
    main: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlPropagating {
    gateway_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlRoute {
    destination_cidr_block: Option<String>,
    destination_ipv6_cidr_block: Option<String>,
    gateway_id: Option<String>,
    transit_gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
    network_interface_id: Option<String>,
    vpc_peering_connection_id: Option<String>,
    #[serde(default)]
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlGroup {
    group_id: String,
    #[serde(default)]
    group_name: String,
    #[serde(default)]
    ip_permissions: Set<XmlRule>,
    #[serde(default)]
    ip_permissions_egress: Set<XmlRule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlRule {
    ip_protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    #[serde(default)]
    ip_ranges: Set<XmlRange>,
    #[serde(default)]
    ipv6_ranges: Set<XmlRange6>,
    #[serde(default)]
    groups: Set<XmlRuleGroup>,
    #[serde(default)]
    prefix_list_ids: Set<XmlList>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlRange {
    cidr_ip: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlRange6 {
    cidr_ipv6: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlRuleGroup {
    group_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct XmlList {}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlAcl {
    network_acl_id: String,
    #[serde(rename = "default")]
    main: Option<bool>,
    #[serde(default)]
    association_set: Set<XmlTableAssociation>,
    #[serde(default)]
    entry_set: Set<XmlEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlEntry {
    rule_number: i32,
    protocol: String,
    rule_action: String,
    #[serde(default)]
    egress: bool,
    cidr_block: Option<String>,
    ipv6_cidr_block: Option<String>,
    port_range: Option<XmlPorts>,
}

#[derive(Debug, Deserialize)]
struct XmlPorts {
    from: i32,
    to: i32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlInterface {
    network_interface_id: String,
    #[serde(default)]
    vpc_id: String,
    #[serde(default)]
    subnet_id: String,
    #[serde(default)]
    group_set: Set<XmlRuleGroup>,
    #[serde(default)]
    interface_type: String,
    #[serde(default)]
    description: String,
}

/// The members with keys, `customerGatewayConfiguration` and `options`, are not among these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlVpn {
    vpn_connection_id: String,
    #[serde(default)]
    state: String,
    vpn_gateway_id: Option<String>,
    transit_gateway_id: Option<String>,
    #[serde(default)]
    customer_gateway_id: String,
    #[serde(default)]
    vgw_telemetry: Set<XmlTelemetry>,
    #[serde(default)]
    tag_set: Set<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlTelemetry {
    #[serde(default)]
    status: String,
    status_message: Option<String>,
    last_status_change: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlDevice {
    customer_gateway_id: String,
    ip_address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlAttachment {
    transit_gateway_attachment_id: String,
    resource_id: Option<String>,
    association: Option<XmlTransitAssociation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlVpnGateway {
    vpn_gateway_id: String,
    #[serde(default)]
    attachments: Set<XmlVpcAttachment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlVpcAttachment {
    vpc_id: Option<String>,
    #[serde(default)]
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlTransitAssociation {
    transit_gateway_route_table_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct XmlTransitRoute {
    destination_cidr_block: Option<String>,
    #[serde(default)]
    state: String,
}

fn text(value: impl Into<String>) -> Untrusted {
    Untrusted::new(value.into())
}

fn ports(from: Option<i32>, to: Option<i32>) -> Option<(i32, i32)> {
    Some((from?, to?))
}

fn rule(r: XmlRule) -> Rule {
    let four = r.ip_ranges.item.into_iter().map(|n| n.cidr_ip);
    let six = r.ipv6_ranges.item.into_iter().map(|n| n.cidr_ipv6);
    Rule {
        protocol: text(r.ip_protocol),
        ports: ports(r.from_port, r.to_port),
        networks: four.chain(six).filter_map(|n| n.parse().ok()).collect(),
        groups: r
            .groups
            .item
            .into_iter()
            .filter_map(|g| g.group_id)
            .map(text)
            .collect(),
        lists: !r.prefix_list_ids.item.is_empty(),
    }
}

fn table(t: XmlTable) -> RouteTable {
    let route = |r: XmlRoute| {
        let to = r.destination_cidr_block.or(r.destination_ipv6_cidr_block);
        let by = r.transit_gateway_id.or(r.nat_gateway_id).or(r.gateway_id);
        let by = by
            .or(r.vpc_peering_connection_id)
            .or(r.network_interface_id);
        Route {
            to: to.and_then(|n| n.parse().ok()),
            by: text(by.unwrap_or_default()),
            state: RouteState::from(r.state.as_str()),
        }
    };
    RouteTable {
        id: text(t.route_table_id),
        main: t.association_set.item.iter().any(|a| a.main == Some(true)),
        subnets: t
            .association_set
            .item
            .into_iter()
            .filter_map(|a| a.subnet_id)
            .map(text)
            .collect(),
        propagating: t
            .propagating_vgw_set
            .item
            .into_iter()
            .map(|p| text(p.gateway_id))
            .collect(),
        routes: t.route_set.item.into_iter().map(route).collect(),
    }
}

fn acl(a: XmlAcl) -> NetworkAcl {
    let entry = |e: XmlEntry| AclEntry {
        number: e.rule_number,
        outbound: e.egress,
        allows: e.rule_action == "allow",
        protocol: text(e.protocol),
        ports: e.port_range.map(|p| (p.from, p.to)),
        network: e
            .cidr_block
            .or(e.ipv6_cidr_block)
            .and_then(|n| n.parse().ok()),
    };
    NetworkAcl {
        id: text(a.network_acl_id),
        main: a.main == Some(true),
        subnets: a
            .association_set
            .item
            .into_iter()
            .filter_map(|a| a.subnet_id)
            .map(text)
            .collect(),
        entries: a.entry_set.item.into_iter().map(entry).collect(),
    }
}

impl Aws {
    /// Every row of a list, page by page.
    async fn rows<P: Page>(
        &self,
        record: &Record,
        operation: &'static str,
        about: &str,
        more: &[(&str, &str)],
    ) -> Result<Vec<P::Row>, Problem> {
        let doing = format!("Could not read EC2's answer to {operation}");
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut fields = vec![("Action", operation), ("Version", VERSION)];
            fields.extend(more);
            fields.extend(next.as_deref().map(|next| ("NextToken", next)));
            let request = Request::form(SERVICE, &fields);
            let what = What::new(SERVICE, operation, about, doing.clone());
            let body = self.read(record, what, &request).await?;
            let page: P = quick_xml::de::from_str(&body.text).map_err(|_| unreadable(&doing))?;
            let (rows, then) = page.into();
            all.extend(rows);
            match then {
                Some(then) => next = Some(then),
                None => return Ok(all),
            }
        }
        Err(unreadable(&doing))
    }

    pub async fn look_network(&self, record: &Record, vpc: &str) -> Fact<Network> {
        let of = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)];
        let read = futures_util::try_join!(
            self.rows::<Subnets>(record, "DescribeSubnets", vpc, &of),
            self.rows::<Tables>(record, "DescribeRouteTables", vpc, &of),
            self.rows::<Groups>(record, "DescribeSecurityGroups", vpc, &of),
            self.rows::<Acls>(record, "DescribeNetworkAcls", vpc, &of),
        );
        let network = read.map(|(subnets, tables, groups, acls)| Network {
            subnets: subnets
                .into_iter()
                .map(|s| Subnet {
                    name: name_of(&s.tag_set),
                    id: text(s.subnet_id),
                    zone: s.availability_zone.map(text),
                    cidr: s.cidr_block.and_then(|c| c.parse().ok()),
                })
                .collect(),
            tables: tables.into_iter().map(table).collect(),
            groups: groups
                .into_iter()
                .map(|g| SecurityGroup {
                    id: text(g.group_id),
                    name: text(g.group_name),
                    inbound: g.ip_permissions.item.into_iter().map(rule).collect(),
                    outbound: g.ip_permissions_egress.item.into_iter().map(rule).collect(),
                })
                .collect(),
            acls: acls.into_iter().map(acl).collect(),
        });
        match network {
            Ok(network) if network.subnets.is_empty() => Fact::Absent,
            other => other.into(),
        }
    }

    pub async fn look_address(&self, record: &Record, address: &str) -> Fact<Vec<Interface>> {
        let of = [
            ("Filter.1.Name", "addresses.private-ip-address"),
            ("Filter.1.Value.1", address),
        ];
        let rows = self.rows::<Interfaces>(record, "DescribeNetworkInterfaces", address, &of);
        let interface = |i: XmlInterface| {
            let groups = i.group_set.item.into_iter().filter_map(|g| g.group_id);
            Interface {
                id: text(i.network_interface_id),
                vpc: text(i.vpc_id),
                subnet: text(i.subnet_id),
                groups: groups.map(text).collect(),
                kind: text(i.interface_type),
                description: text(i.description),
            }
        };
        match rows.await {
            Ok(rows) if rows.is_empty() => Fact::Absent,
            rows => rows
                .map(|rows| rows.into_iter().map(interface).collect())
                .into(),
        }
    }

    pub async fn look_vpns(&self, record: &Record) -> Fact<Vec<VpnConnection>> {
        let all = "VPN connections";
        let (vpns, devices, gateways) = futures_util::future::join3(
            self.rows::<Vpns>(record, "DescribeVpnConnections", all, &[]),
            self.rows::<Devices>(record, "DescribeCustomerGateways", all, &[]),
            self.rows::<VpnGateways>(record, "DescribeVpnGateways", all, &[]),
        )
        .await;
        // Without the devices only their addresses are missing, without the gateways only which VPC they stand in.
        let devices = devices.unwrap_or_default();
        let gateways = gateways.unwrap_or_default();
        let vpc_of = |id: &str| {
            let gateway = gateways.iter().find(|g| g.vpn_gateway_id == id)?;
            let mut attached = gateway.attachments.item.iter();
            let attached = attached.find(|a| a.state == "attached")?;
            attached.vpc_id.clone().map(text)
        };
        let address = |id: &str| {
            let device = devices.iter().find(|d| d.customer_gateway_id == id)?;
            device.ip_address.clone().map(text)
        };
        let tunnel = |t: XmlTelemetry| VpnTunnel {
            status: TunnelStatus::from(t.status.as_str()),
            message: t.status_message.filter(|m| !m.is_empty()).map(text),
            since: t.last_status_change.and_then(|at| at.parse().ok()),
        };
        let vpns = vpns.map(|vpns| {
            let alive = vpns.into_iter().filter(|v| v.state != "deleted");
            let connection = |v: XmlVpn| VpnConnection {
                name: name_of(&v.tag_set),
                id: text(v.vpn_connection_id),
                state: text(v.state),
                vpc: v.vpn_gateway_id.as_deref().and_then(vpc_of),
                gateway: text(
                    v.vpn_gateway_id
                        .or(v.transit_gateway_id)
                        .unwrap_or_default(),
                ),
                device_address: address(&v.customer_gateway_id),
                device: text(v.customer_gateway_id),
                tunnels: v.vgw_telemetry.item.into_iter().map(tunnel).collect(),
            };
            alive.map(connection).collect()
        });
        vpns.into()
    }

    /// Where a transit gateway sends what comes from that VPC to that address; absent where the VPC is not attached.
    pub async fn look_transit(
        &self,
        record: &Record,
        gateway: &str,
        vpc: &str,
        to: &str,
    ) -> Fact<TransitRoute> {
        match self.transit(record, gateway, vpc, to).await {
            Ok(Some(route)) => Fact::Known(route),
            Ok(None) => Fact::Absent,
            Err(problem) => Fact::from(Err(problem)),
        }
    }

    async fn transit(
        &self,
        record: &Record,
        gateway: &str,
        vpc: &str,
        to: &str,
    ) -> Result<Option<TransitRoute>, Problem> {
        let attached = |by: &'static str, value: &'static str| {
            [
                ("Filter.1.Name", "transit-gateway-id"),
                ("Filter.1.Value.1", gateway),
                ("Filter.2.Name", by),
                (
                    "Filter.2.Value.1",
                    if value.is_empty() { vpc } else { value },
                ),
            ]
        };
        let operation = "DescribeTransitGatewayAttachments";
        let of_vpc = attached("resource-id", "");
        let of_vpn = attached("resource-type", "vpn");
        let (own, vpns) = futures_util::try_join!(
            self.rows::<Attachments>(record, operation, gateway, &of_vpc),
            self.rows::<Attachments>(record, operation, gateway, &of_vpn),
        )?;
        if own.is_empty() {
            return Ok(None);
        }
        let table = own
            .into_iter()
            .find_map(|a| a.association?.transit_gateway_route_table_id);
        let table = table.ok_or_else(|| {
            Problem::new(
                ProblemKind::Denied,
                format!("Could not read the route table of {gateway} for {vpc}"),
                "the attachment names none: it is not associated, or the gateway is another account's, which alone sees its tables",
                "ask the owner of the transit gateway",
            )
        })?;
        let of = [
            ("TransitGatewayRouteTableId", table.as_str()),
            ("Filter.1.Name", "route-search.longest-prefix-match"),
            ("Filter.1.Value.1", to),
        ];
        let routes = self
            .rows::<TransitRoutes>(record, "SearchTransitGatewayRoutes", &table, &of)
            .await?;
        let route = routes.into_iter().find_map(|r| {
            let network = r.destination_cidr_block?.parse().ok()?;
            Some((network, RouteState::from(r.state.as_str())))
        });
        Ok(Some(TransitRoute {
            table: text(table),
            route,
            vpns: vpns
                .into_iter()
                .map(|a| VpnAttachment {
                    id: text(a.transit_gateway_attachment_id),
                    connection: text(a.resource_id.unwrap_or_default()),
                })
                .collect(),
        }))
    }
}
