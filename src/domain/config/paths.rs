//! Reading the tables of single paths, `[lattice]`, `[vpn]` and `[ssm]`: of the studio file, and as somebody types their values.

use std::net::IpAddr;

use toml_edit::{Document, Item};

use super::table::{Reader, refuse};
use super::{LatticeChoices, LatticeTls, Refused, VpnChoices};
use crate::domain::choices::Tunnel;
use crate::domain::text::Printable;

/// A table of one path, as somebody has typed its values; the same rules as for the file.
pub fn lattice_of(text: &str) -> Result<LatticeChoices, Refused> {
    read_lattice(text, table_of(text)?.get("lattice"))
}

/// The same for a tunnel of Systems Manager.
pub fn tunnel_of(text: &str) -> Result<Option<Tunnel>, Refused> {
    read_tunnel(text, table_of(text)?.get("ssm"))
}

/// What each path leaves open, as the studio file says it.
pub(super) fn read_paths(
    text: &str,
    document: &Document<String>,
) -> Result<(LatticeChoices, VpnChoices, Option<Tunnel>), Refused> {
    Ok((
        read_lattice(text, document.get("lattice"))?,
        read_vpn(text, document.get("vpn"))?,
        read_tunnel(text, document.get("ssm"))?,
    ))
}

fn table_of(text: &str) -> Result<Document<String>, Refused> {
    Document::parse(text.to_owned()).map_err(|e| {
        let at = e.span().map_or(0, |s| s.start);
        refuse(text, at, e.message().replace('\n', ", "), "correct it")
    })
}

fn read_lattice(text: &str, item: Option<&Item>) -> Result<LatticeChoices, Refused> {
    let Some(item) = item else {
        return Ok(LatticeChoices::default());
    };
    let mut table = Reader::new(text, "lattice", item, 0..0)?;
    let configuration = table.text("configuration")?.map(str::to_owned);
    let id = configuration
        .as_deref()
        .map(crate::domain::lattice::configuration_id);
    let good = |id: &str| {
        id.strip_prefix("rcfg-")
            .is_some_and(|i| !i.is_empty() && i.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if !id.is_none_or(good) {
        return Err(table.wrong(
            "configuration",
            "`configuration` is not a resource configuration",
            "write its id or ARN, rcfg-… as the VPC console shows it",
        ));
    }
    let port = table.port("port")?;
    let target = match table.text("target")? {
        Some(text) => Some(read_target(&mut table, text)?),
        None => None,
    };
    let vpc = table.text("vpc")?.map(str::to_owned);
    let is_vpc = |id: &str| {
        id.strip_prefix("vpc-")
            .is_some_and(|i| i.len() >= 8 && i.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if !vpc.as_deref().is_none_or(is_vpc) {
        return Err(table.wrong(
            "vpc",
            "`vpc` is not the id of a VPC",
            "write it as the VPC console shows it, vpc-…",
        ));
    }
    let subnets = read_ids(text, &mut table, "subnets", "subnet-")?;
    let security_groups = read_ids(text, &mut table, "security_groups", "sg-")?;
    if security_groups.len() > MOST_GROUPS {
        return Err(table.wrong(
            "security_groups",
            "`security_groups` has more than 5",
            "VPC Lattice takes 5 for a gateway",
        ));
    }
    let tls = table.word("tls", LatticeTls::of_word, LatticeTls::WORDS)?;
    if target.is_some() && configuration.is_some() {
        return Err(table.wrong(
            "target",
            "`target` is for a configuration that setup makes, and `configuration` names one that exists",
            "leave one of the two out",
        ));
    }
    table.finish()?;
    Ok(LatticeChoices {
        configuration,
        port,
        target,
        vpc,
        subnets,
        security_groups,
        tls,
    })
}

fn read_vpn(text: &str, item: Option<&Item>) -> Result<VpnChoices, Refused> {
    let Some(item) = item else {
        return Ok(VpnChoices::default());
    };
    let mut table = Reader::new(text, "vpn", item, 0..0)?;
    let connection = table.text("connection")?.map(str::to_owned);
    let good = |id: &str| {
        id.strip_prefix("vpn-")
            .is_some_and(|i| i.len() >= 8 && i.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if !connection.as_deref().is_none_or(good) {
        return Err(table.wrong(
            "connection",
            "`connection` is not a Site-to-Site VPN connection",
            "write its id, vpn-… as the VPC console shows it",
        ));
    }
    let network = match table.text("network")? {
        Some(text) => {
            let fix =
                "write the studio's network as an address and a length, such as 192.168.10.0/24";
            Some(table.parsed("network", text, fix)?)
        }
        None => None,
    };
    table.finish()?;
    Ok(VpnChoices {
        connection,
        network,
    })
}

/// Only a private address lies in a VPC, or behind one.
fn read_target(table: &mut Reader<'_>, text: &str) -> Result<IpAddr, Refused> {
    let address: IpAddr = table.parsed(
        "target",
        text,
        "write the address of the load balancer or proxy in the VPC, such as 10.20.1.50",
    )?;
    let private = match address {
        IpAddr::V4(a) => a.is_private() || (a.octets()[0] == 100 && (a.octets()[1] & 0xc0) == 64),
        IpAddr::V6(a) => a.is_unique_local(),
    };
    if private {
        return Ok(address);
    }
    Err(table.wrong(
        "target",
        format!("`target` is {address}, which is not private"),
        "write the address of the load balancer or proxy in the VPC; a server with a public address is reached by the path \"direct\"",
    ))
}

/// VPC Lattice takes so many security groups for a gateway.
const MOST_GROUPS: usize = 5;

fn read_ids(
    text: &str,
    table: &mut Reader<'_>,
    key: &'static str,
    prefix: &str,
) -> Result<Vec<String>, Refused> {
    let mut all = Vec::new();
    for (id, at) in table.texts(key)?.unwrap_or_default() {
        let rest = id.strip_prefix(prefix);
        if !rest.is_some_and(|r| {
            !r.is_empty() && r.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }) {
            let what = format!("{key}: \"{}\" is not an id", Printable::short(id, 40));
            return Err(refuse(
                text,
                at,
                what,
                format!("copy it from the VPC console: {prefix}…"),
            ));
        }
        all.push(id.to_owned());
    }
    Ok(all)
}

fn read_tunnel(text: &str, item: Option<&Item>) -> Result<Option<Tunnel>, Refused> {
    let Some(item) = item else {
        return Ok(None);
    };
    let mut table = Reader::new(text, "ssm", item, 0..0)?;
    let (instance, host) = (table.text("instance")?, table.text("host")?);
    let host = host.map(str::to_owned);
    let port = table.port("port")?;
    let Some(instance) = instance else {
        table.finish()?;
        return Ok(None);
    };
    let id = instance.strip_prefix("i-").or(instance.strip_prefix("mi-"));
    if !id.is_some_and(|i| i.len() >= 8 && i.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(table.wrong(
            "instance",
            "`instance` is not a managed instance",
            "write its id, i-… or mi-…, as Systems Manager shows it",
        ));
    }
    let instance = instance.to_owned();
    table.finish()?;
    Ok(Some(Tunnel {
        instance,
        host,
        port,
    }))
}
