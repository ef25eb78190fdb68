//! What VPC Lattice lacks for a fleet's connection: which configuration is to be used, or what has to be made first. What
//! exists is used again; what is half-made, or not as it should be, is named.

use std::net::IpAddr;

use url::Url;

use crate::domain::config::{LatticeChoices, LatticeTls};
use crate::domain::fact::Fact;
use crate::domain::finding::Verdict;
use crate::domain::ids::{FarmId, FleetKey};
use crate::domain::lattice::{
    DnsResolution, LatticeStatus, ResourceConfiguration, ResourceGateway, Target,
};
use crate::domain::network::{Interface, Network};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{
    AddressOwner, LatticeConfiguration, LatticeConfigurations, LatticeGateway, LatticeGateways,
    Part, View, VpcNetwork,
};

use super::lattice::{Which, which};
use super::lattice_network::{Ends, Holder};
use super::lattice_reach::{Way, is_stranded, zone_of};

/// The configuration for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It exists, by its id and ARN.
    There { id: String, arn: String },
    /// It is to be made, on a gateway that exists or is to be made too.
    Make(Box<Making>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    pub name: String,
    pub target: IpAddr,
    pub port: u16,
    /// The id of one that exists.
    pub gateway: Option<String>,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub groups: Vec<String>,
    /// The target's zones are met by the gateway's subnets only as far as they are named.
    pub one_subnet: bool,
    /// The target lies beyond a VPN.
    pub beyond: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It is being asked.
    Pending,
    Unread(Box<Problem>),
    Refused(Printable),
}

fn refused<T>(words: impl Into<Printable>) -> Result<T, Lack> {
    Err(Lack::Refused(words.into()))
}

/// A fact as this needs it; `None`: there is no such thing.
fn read<T>(fact: &Fact<T>) -> Result<Option<&T>, Lack> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Absent => Ok(None),
        Fact::Denied(problem) | Fact::NoAnswer(problem) => Err(Lack::Unread(problem.clone())),
        Fact::NotAsked(_) => Err(Lack::Pending),
    }
}

/// How what is made here is called: one for each farm.
pub fn own_name(farm: &FarmId) -> String {
    let id = farm.as_str();
    format!("ayon-{}", &id[id.len() - 8..])
}

/// The configuration for that fleet's connection, where it does not use it yet or does; `None`: it goes by another path.
pub fn wanted(view: &View, key: &FleetKey) -> Option<Result<Wanted, Lack>> {
    let which = which(view, key)?;
    let config = view.config(Part::Server);
    if let Some(why) = contradiction(&config.lattice, &config.server.url) {
        return Some(refused(why));
    }
    match which {
        Which::One { id, attached } => Some(existing(view, &id, attached)),
        Which::Several(_) => None, // lattice-attachment says so
        Which::None => Some(found_or_made(view, key)),
    }
}

/// What the studio file says of TLS that can't be so.
fn contradiction(choices: &LatticeChoices, url: &Url) -> Option<&'static str> {
    match choices.tls? {
        LatticeTls::Plain if url.scheme() == "https" && choices.port.is_none() => Some(
            "tls = \"plain\" of [lattice] speaks plain HTTP, and the server's address is https: write the port of AYON's plain listener (by default 5000) as port into [lattice], or choose another tls",
        ),
        LatticeTls::CustomDomain if choices.configuration.is_none() => Some(
            "tls = \"custom-domain\" needs a resource configuration with a customDomainName, which is set when it is made, after its domain was verified, and never changed: make it by hand, and write its id as configuration into [lattice]. That Deadline Cloud resolves it for workers is not stated anywhere",
        ),
        _ => None,
    }
}

fn existing(view: &View, id: &str, attached: bool) -> Result<Wanted, Lack> {
    match read(view.fact(&LatticeConfiguration(id.to_owned())))? {
        // Whether what a fleet uses already is as it should be, lattice-configuration says.
        Some(it) if attached => Ok(there(id, it)),
        Some(it) => usable(view, id, it),
        None if attached => refused(format!(
            "a fleet uses the resource configuration {id}, which does not exist: take it out of the fleet in the Deadline Cloud console, then run it again"
        )),
        None => refused(format!(
            "there is no resource configuration {id}: correct configuration in [lattice]"
        )),
    }
}

/// One that Deadline Cloud could not use is not given to a fleet: its update would fail.
fn usable(view: &View, id: &str, it: &ResourceConfiguration) -> Result<Wanted, Lack> {
    let name = format!("{} ({id})", it.name.show());
    if it.status != LatticeStatus::Active {
        let why = it
            .failure
            .as_ref()
            .map_or_else(String::new, |f| format!(": {}", f.long()));
        return refused(format!(
            "resource configuration {name} is {}{why}",
            it.status.word()
        ));
    }
    if !it.shareable {
        return refused(format!(
            "resource configuration {name} can't be used by Deadline Cloud, as lattice-configuration says; it is not changed here, because others may use it"
        ));
    }
    reaches(view, &name, it)?;
    Ok(there(id, it))
}

/// A fleet gets no configuration whose gateway is seen not to reach its target.
fn reaches(view: &View, name: &str, it: &ResourceConfiguration) -> Result<(), Lack> {
    let Some(id) = &it.gateway else { return Ok(()) };
    let gateway = read(view.fact(&LatticeGateway(id.raw().to_owned())))?;
    let Some(gateway) = gateway else {
        return refused(format!(
            "resource configuration {name} names the resource gateway {}, which does not exist",
            id.show()
        ));
    };
    if gateway.status != LatticeStatus::Active {
        return refused(format!(
            "resource configuration {name} stands on a resource gateway that is {}",
            gateway.status.word()
        ));
    }
    let broken = on_way(view, it, |way| {
        way.judge().into_iter().find(|f| f.verdict == Verdict::Fail)
    })?;
    match broken.flatten() {
        Some(f) => refused(format!(
            "resource configuration {name} is not given to a fleet, because its gateway does not reach the target: {}; {}",
            f.message,
            f.fix.unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// What is to be said of the way from its gateway to its target; `None`: it has none that could be looked at.
fn on_way<T>(
    view: &View,
    it: &ResourceConfiguration,
    say: impl FnOnce(&Way) -> T,
) -> Result<Option<T>, Lack> {
    let Some(id) = &it.gateway else {
        return Ok(None);
    };
    let gateway = read(view.fact(&LatticeGateway(id.raw().to_owned())))?;
    let target = match &it.target {
        Target::Address(address) => address.raw().parse().ok(),
        _ => None,
    };
    let (Some(gateway), Some(target)) = (gateway, target) else {
        return Ok(None);
    };
    let vpc = gateway.vpc.raw();
    let Some(network) = read(view.fact(&VpcNetwork(vpc.to_owned())))? else {
        return Ok(None);
    };
    let ends = Ends {
        gateway,
        gateway_id: id.raw().to_owned(),
        target,
    };
    let way = Way::new(view, &ends, network);
    if let Holder::Unread(fact) = way.holder {
        read(fact)?;
    }
    Ok(Some(say(&way)))
}

fn there(id: &str, it: &ResourceConfiguration) -> Wanted {
    Wanted::There {
        id: id.to_owned(),
        arn: it.arn.raw().to_owned(),
    }
}

fn found_or_made(view: &View, key: &FleetKey) -> Result<Wanted, Lack> {
    let choices = &view.config(Part::Server).lattice;
    let Some(target) = choices.target else {
        return refused(
            "the path \"lattice\" has no end: write target = \"ADDRESS\" of the load balancer or proxy in the VPC into [lattice], or configuration = \"rcfg-…\" where one exists",
        );
    };
    let port = view.config(Part::Server).lattice_port();
    let all = read(view.fact(&LatticeConfigurations))?.map_or(&[][..], Vec::as_slice);
    let leads = |it: &ResourceConfiguration| {
        let address = matches!(&it.target, Target::Address(a) if a.raw().parse() == Ok(target));
        address && it.carries(port) && it.kind.raw() == "SINGLE"
    };
    let mut ours = Vec::new();
    for (id, it) in all.iter().filter(|(_, it)| leads(it)) {
        // One on a gateway that no rule or route would make lead there is not used, and not in the way of another.
        if !on_way(view, it, is_stranded)?.unwrap_or(false) {
            ours.push((id, it));
        }
    }
    let name = own_name(&key.farm);
    match ours.as_slice() {
        [] => {}
        [(id, it)] => return usable(view, id, it),
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
            return refused(format!(
                "the resource configurations {} all lead to {target} port {port}: name one as configuration in [lattice]",
                ids.join(", ")
            ));
        }
    }
    if let Some((id, _)) = all.iter().find(|(_, it)| it.name.raw() == name) {
        return refused(format!(
            "the resource configuration {name} ({id}) exists and leads elsewhere than to {target} port {port}: delete it, or name the one to use as configuration in [lattice]"
        ));
    }
    making(view, choices, (name, target, port))
}

fn making(
    view: &View,
    choices: &LatticeChoices,
    (name, target, port): (String, IpAddr, u16),
) -> Result<Wanted, Lack> {
    let holders = read(view.fact(&AddressOwner(target.to_string())))?;
    let holders = holders.map_or(&[][..], Vec::as_slice);
    let named = choices.vpc.as_deref().map(Untrusted::new);
    // Another VPC may have the same addresses as the studio beyond the VPN.
    let is_meant = |i: &&Interface| named.as_ref().is_none_or(|vpc| i.vpc == *vpc);
    let holders: Vec<&Interface> = holders.iter().filter(is_meant).collect();
    let holder = the_one(view, &holders, choices)?;
    let vpc = match (holder, &named) {
        (Some(holder), _) => &holder.vpc,
        (None, Some(named)) if !choices.subnets.is_empty() => named,
        (None, _) => {
            return refused(format!(
                "no network interface of this account holds {target}: a gateway needs a target in its VPC, such as a network load balancer or a proxy there. That an address beyond a VPN works as the target itself is not proven; to try it all the same, name vpc = \"vpc-…\" and subnets = [\"subnet-…\"] with a route to it in [lattice]"
            ));
        }
    };
    let network = read(view.fact(&VpcNetwork(vpc.raw().to_owned())))?;
    let Some(network) = network else {
        return refused(format!(
            "the VPC {} of {target} could not be found",
            vpc.show()
        ));
    };
    let own_subnet = holder.filter(|_| choices.subnets.is_empty());
    let subnets = match own_subnet {
        Some(holder) => vec![holder.subnet.raw().to_owned()],
        None => choices.subnets.clone(),
    };
    let known = |id: &&String| network.subnets.iter().any(|s| s.id.raw() == **id);
    if let Some(other) = subnets.iter().find(|id| !known(id)) {
        return refused(format!(
            "subnet {other} of [lattice] is not in {}, where {target} is: traffic of a gateway there would have no way to it",
            vpc.show()
        ));
    }
    let zones: Option<Vec<_>> = subnets.iter().map(|id| zone_of(network, id)).collect();
    let own = holder.and_then(|h| zone_of(network, h.subnet.raw()));
    if let (Some(own), Some(zones)) = (own, zones)
        && !zones.contains(&own)
    {
        return refused(format!(
            "the subnets of [lattice] have none in {}, the zone of {target}, and a gateway reaches its target in that zone alone: name one of each zone of the target",
            own.show()
        ));
    }
    let groups = choices.security_groups.clone();
    if groups.is_empty() {
        return refused(format!(
            "the gateway needs a security group that lets TCP {port} out: make one (`aws ec2 create-security-group --group-name ayon-gateway --description \"Resource gateway to AYON\" --vpc-id {}`) and write its id as security_groups = [\"sg-…\"] into [lattice]; studiolink changes nothing in EC2",
            vpc.show()
        ));
    }
    let there = |id: &&String| network.groups.iter().any(|g| g.id.raw() == **id);
    if let Some(gone) = groups.iter().find(|id| !there(id)) {
        return refused(format!(
            "security group {gone} of [lattice] is not in {}: correct it, or make one there",
            vpc.show()
        ));
    }
    let gateway = gateway(view, &name, vpc.raw(), &subnets, &groups)?;
    if holder.is_none() {
        leads_there(view, network, (vpc, &subnets, &groups), target)?;
    }
    Ok(Wanted::Make(Box::new(Making {
        name,
        target,
        port,
        gateway,
        vpc: vpc.raw().to_owned(),
        subnets,
        groups,
        one_subnet: own_subnet.is_some(),
        beyond: holder.is_none(),
    })))
}

/// A gateway to be made for a target beyond the VPC: its subnets have a route there, and its groups let the traffic out.
fn leads_there(
    view: &View,
    network: &Network,
    (vpc, subnets, groups): (&Untrusted, &[String], &[String]),
    target: IpAddr,
) -> Result<(), Lack> {
    let all = |ids: &[String]| ids.iter().map(Untrusted::new).collect();
    let gateway = ResourceGateway {
        name: Untrusted::new("gateway"),
        status: LatticeStatus::Active,
        vpc: vpc.clone(),
        subnets: all(subnets),
        security_groups: all(groups),
        dns: DnsResolution::InVpc,
    };
    let ends = Ends {
        gateway: &gateway,
        gateway_id: String::new(),
        target,
    };
    let way = Way::new(view, &ends, network);
    if let Some(by) = way.leaves_by_default() {
        return refused(format!(
            "a gateway in {} would not reach {target}: the only route of its subnets to it is the default one, by {by}; add a route by the VPN (propagation of the virtual private gateway, or a route to the transit gateway), or name other subnets in [lattice]",
            vpc.show()
        ));
    }
    match way.judge().into_iter().find(|f| f.verdict == Verdict::Fail) {
        Some(f) => refused(format!(
            "a gateway in {} would not reach {target}: {}; {}",
            vpc.show(),
            f.message,
            f.fix.unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// Two VPCs may have the same addresses: the subnets that the studio file names say which is meant.
fn the_one<'a>(
    view: &View,
    holders: &[&'a Interface],
    choices: &LatticeChoices,
) -> Result<Option<&'a Interface>, Lack> {
    if holders.len() < 2 {
        return Ok(holders.first().copied());
    }
    for holder in holders.iter().copied() {
        let network = read(view.fact(&VpcNetwork(holder.vpc.raw().to_owned())))?;
        let has = |id: &String| network.is_some_and(|n| n.subnet(id).is_some());
        if choices.subnets.iter().any(has) {
            return Ok(Some(holder));
        }
    }
    let all: Vec<String> = holders.iter().map(|h| h.vpc.show().to_string()).collect();
    refused(format!(
        "several VPCs have an interface with the target's address: {}; name subnets of the right one as subnets in [lattice]",
        all.join(", ")
    ))
}

/// A gateway that exists and is as it would be made.
fn gateway(
    view: &View,
    name: &str,
    vpc: &str,
    subnets: &[String],
    groups: &[String],
) -> Result<Option<String>, Lack> {
    let all = read(view.fact(&LatticeGateways))?.map_or(&[][..], Vec::as_slice);
    let same = |one: &[String], other: &[Untrusted]| {
        one.len() == other.len() && one.iter().all(|o| other.iter().any(|t| t.raw() == o))
    };
    let fits = |it: &ResourceGateway| {
        it.vpc.raw() == vpc && same(subnets, &it.subnets) && same(groups, &it.security_groups)
    };
    let own = all.iter().find(|(_, it)| it.name.raw() == name);
    match own {
        Some((id, it)) if !fits(it) => refused(format!(
            "the resource gateway {name} ({id}) exists with other subnets or security groups: delete it, or correct [lattice]; they can't be changed to others of another VPC"
        )),
        Some((id, it)) if it.status == LatticeStatus::CreateFailed => refused(format!(
            "the resource gateway {name} ({id}) is CREATE_FAILED, and stays so: delete it (`aws vpc-lattice delete-resource-gateway --resource-gateway-identifier {id}`), then run it again"
        )),
        Some((id, it)) if it.status != LatticeStatus::Active => refused(format!(
            "the resource gateway {name} ({id}) is {}: wait a minute, then run it again",
            it.status.word()
        )),
        Some((id, _)) => Ok(Some(id.clone())),
        None => {
            let other = all
                .iter()
                .find(|(_, it)| fits(it) && it.status == LatticeStatus::Active);
            Ok(other.map(|(id, _)| id.clone()))
        }
    }
}

/// The name by which a worker reaches a configuration (field facts C).
pub fn worker_name(view: &View, id: &str) -> String {
    let region = view.region();
    format!("{id}.resource-endpoints.deadline.{region}.amazonaws.com")
}

/// The address that workers behind VPC Lattice use, where it is another than the server's own.
pub fn worker_url(view: &View, id: &str) -> Option<String> {
    let config = view.config(Part::Server);
    let (url, port) = (&config.server.url, config.lattice_port());
    match tls(&config.lattice) {
        LatticeTls::Hosts | LatticeTls::CustomDomain => {
            let mut own: Url = url.clone();
            let _ = own.set_port(Some(port));
            (own != *url).then(|| own.as_str().trim_end_matches('/').to_owned())
        }
        LatticeTls::Plain => Some(format!("http://{}:{port}", worker_name(view, id))),
        LatticeTls::PrivateCa => Some(format!("https://{}:{port}", worker_name(view, id))),
    }
}

pub fn tls(choices: &LatticeChoices) -> LatticeTls {
    choices.tls.unwrap_or(LatticeTls::Hosts)
}

/// Is the hosts entry setup's to write? For a connection that it makes, or where the studio file says so.
pub fn writes_hosts(choices: &LatticeChoices) -> bool {
    tls(choices) == LatticeTls::Hosts && (choices.tls.is_some() || choices.target.is_some())
}
