//! The studio file, `studiolink.toml`. Its values are here; `read.rs` and `paths.rs` read it strictly (`table.rs`), with
//! line and column, and `write.rs` writes it with its comments kept.

mod connection;
mod marks;
mod paths;
mod read;
mod table;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

pub use connection::FleetConnection;
pub use paths::{lattice_of, tunnel_of};

use super::channel::Channel;
use super::choices::Tunnel;
use super::ids::{AccountId, FarmId, QueueKey, Region, RoleArn};
use super::mark::Mark;
use super::text::Printable;
use super::worker_secret::SecretPlace;

pub const SCHEMA: i64 = 1;

/// What is wrong with a studio file, where, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub line: usize,
    pub column: usize,
    pub what: String,
    pub fix: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}\n  fix   {}",
            self.line,
            self.column,
            Printable::new(&self.what),
            Printable::new(&self.fix)
        )
    }
}

impl std::error::Error for Refused {}

words!(
    /// Which AYON packages a worker gets (`package.rs` says which, and what each is good for).
    Strategy { Launcher = "launcher", Publish = "publish", Components = "components", CoreSync = "core-sync" }
);
words!(
    /// Where the AYON server lives.
    Location { Lan = "lan", AyonCloud = "ayon-cloud", Ec2 = "ec2", Public = "public" }
);
words!(
    /// How the workers reach the server.
    PathId { Direct = "direct", Vpn = "vpn", Lattice = "lattice", Ssm = "ssm", Lan = "lan" }
);

words!(
    /// Whose name the certificate carries that workers see behind VPC Lattice, and so by which address they go (field facts C).
    LatticeTls { Hosts = "hosts", Plain = "plain", PrivateCa = "private-ca", CustomDomain = "custom-domain" }
);

words!(
    /// What setup does with the fleets' roles: other farms may use them, so it leaves them as they are unless told.
    FleetRoles { Leave = "leave", Manage = "manage" }
);

/// How a queue role is made where the queue has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewRole {
    /// Left out: made from the queue's id.
    pub name: Option<String>,
    /// Begins and ends with a slash; left out: `/`.
    pub path: Option<String>,
    /// The ARN of a permissions boundary.
    pub boundary: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// What the studio file says of IAM roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamChoices {
    /// Roles of the studio's own machines, which no call of AWS reveals.
    pub worker_hosts: Vec<RoleArn>,
    pub fleets: FleetRoles,
    pub new_role: NewRole,
}

impl Default for IamChoices {
    fn default() -> Self {
        Self {
            worker_hosts: Vec::new(),
            fleets: FleetRoles::Leave,
            new_role: NewRole::default(),
        }
    }
}

/// Which launcher the workers should install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    ProductionBundle,
    StagingBundle,
    Latest,
    Exactly(String),
}

impl Pin {
    pub fn text(&self) -> String {
        match self {
            Self::ProductionBundle => "bundle:production".to_owned(),
            Self::StagingBundle => "bundle:staging".to_owned(),
            Self::Latest => "latest".to_owned(),
            Self::Exactly(version) => format!("=={version}"),
        }
    }

    pub fn of_text(text: &str) -> Option<Self> {
        match text {
            "bundle:production" => Some(Self::ProductionBundle),
            "bundle:staging" => Some(Self::StagingBundle),
            "latest" => Some(Self::Latest),
            other => {
                let version = other.strip_prefix("==")?;
                version.parse::<rattler_conda_types::Version>().ok()?;
                Some(Self::Exactly(version.to_owned()))
            }
        }
    }
}

/// What the path by VPC Lattice leaves open, where the farm's state does not tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LatticeChoices {
    /// The resource configuration that leads to AYON, where fleets have others too: its id or ARN.
    pub configuration: Option<String>,
    /// The port that workers connect to, where it is another than the server's address names.
    pub port: Option<u16>,
    /// The address in the VPC that the configuration leads to: of a load balancer or a proxy.
    #[serde(default)]
    pub target: Option<std::net::IpAddr>,
    /// The VPC in which the way to a target begins that lies beyond a VPN. That VPC Lattice leads there is not proven.
    #[serde(default)]
    pub vpc: Option<String>,
    /// Where the gateway stands; left out: in the target's own subnet.
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub tls: Option<LatticeTls>,
}

/// Which of several ways in AWS is the studio's: no call tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VpnChoices {
    /// The Site-to-Site VPN connection that leads to the studio.
    pub connection: Option<String>,
    /// The studio's network that the AYON server stands in.
    pub network: Option<ipnet::IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub url: Url,
    pub location: Location,
    pub path: PathId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudioConfig {
    pub region: Option<Region>,
    pub profile: Option<String>,
    pub queues: Vec<QueueKey>,
    /// A flag left queues of the file aside.
    #[serde(default)]
    pub only_some_queues: bool,
    /// An audit of everything: the farms and queues are listed.
    #[serde(default)]
    pub lists_all: bool,
    /// Of these farms alone.
    #[serde(default)]
    pub only_farms: Vec<FarmId>,
    pub channels: Vec<Channel>,
    pub channel_account: Option<AccountId>,
    /// Whose other buckets are, by their names.
    #[serde(default)]
    pub bucket_owners: BTreeMap<String, AccountId>,
    /// The KMS key that encrypts YNPUT's bucket.
    #[serde(default)]
    pub channel_key: Option<String>,
    pub strategy: Strategy,
    pub pin: Pin,
    pub server: Server,
    /// The fleets with a path or a place of their own.
    #[serde(default)]
    pub connections: Vec<FleetConnection>,
    #[serde(default)]
    pub lattice: LatticeChoices,
    #[serde(default)]
    pub vpn: VpnChoices,
    /// Where the AYON key lies for the workers, in AWS Secrets Manager.
    #[serde(default)]
    pub secret: Option<SecretPlace>,
    /// Where a tunnel of Systems Manager ends, for the path `ssm`.
    #[serde(default)]
    pub tunnel: Option<Tunnel>,
    #[serde(default)]
    pub iam: IamChoices,
    /// What it says of findings.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// It says nothing else: what it wishes for is not known, so nothing may be compared with it or planned from it.
    #[serde(default)]
    pub only_marks: bool,
    pub worker_attributes: WorkerAttributes,
}

/// The values of `attr.role` that AYON's steps ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerAttributes {
    pub render: Vec<String>,
    pub publish: Vec<String>,
}

impl Default for WorkerAttributes {
    fn default() -> Self {
        Self {
            render: vec!["render".to_owned()],
            publish: vec!["publish".to_owned()],
        }
    }
}

/// Stands for a server while none is given; no name resolves to it.
pub const NOWHERE: &str = "https://ayon.invalid";

/// An AYON server's address; only what a browser would open.
pub fn server_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL; it begins with https://")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("only https:// and http:// reach an AYON server");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or password, which everyone who reads the file would see");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it holds a query or fragment; the server's address has none");
    }
    Ok(url)
}

impl StudioConfig {
    /// A studio of which nothing is decided yet.
    pub fn blank() -> Self {
        Self {
            region: None,
            profile: None,
            queues: Vec::new(),
            only_some_queues: false,
            lists_all: false,
            only_farms: Vec::new(),
            channels: Vec::new(),
            channel_account: None,
            bucket_owners: BTreeMap::new(),
            channel_key: None,
            strategy: Strategy::Launcher,
            pin: Pin::ProductionBundle,
            server: Server {
                url: Url::parse(NOWHERE).unwrap_or_else(|_| unreachable!("it is a URL")),
                location: Location::Public,
                path: PathId::Direct,
            },
            connections: Vec::new(),
            lattice: LatticeChoices::default(),
            vpn: VpnChoices::default(),
            secret: None,
            tunnel: None,
            iam: IamChoices::default(),
            marks: Vec::new(),
            only_marks: false,
            worker_attributes: WorkerAttributes::default(),
        }
    }

    /// The wanted channels that are buckets.
    pub fn s3_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|c| c.is_s3())
    }

    /// YNPUT's bucket is the only one there is, or the one that carries its name.
    pub fn is_ynputs(&self, bucket: &str) -> bool {
        let other = |c: &Channel| c.bucket().is_some_and(|b| b != bucket);
        bucket.contains("ynput") || !self.s3_channels().any(other)
    }

    /// Whose a bucket is, as far as the studio file says.
    pub fn owner_of(&self, bucket: &str) -> Option<&AccountId> {
        let ynputs = || {
            let account = self.channel_account.as_ref();
            account.filter(|_| self.is_ynputs(bucket))
        };
        self.bucket_owners.get(bucket).or_else(ynputs)
    }

    /// The queues that a flag narrows the file down to.
    #[must_use]
    pub fn narrowed(mut self, queues: Vec<QueueKey>) -> Self {
        self.only_some_queues = queues != self.queues;
        self.queues = queues;
        self
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
