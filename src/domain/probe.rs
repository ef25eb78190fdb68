//! Live tests as data. The engine runs them all at once, each with its own deadline; a path never opens a socket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::call::{Call, Vantage};
use super::channel::Channel;
use super::choices::Tunnel;
use super::dry_run::{DryRun, Tried};
use super::ids::{AccountId, QueueKey};
use super::problem::Problem;
use super::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// `noarch/repodata.json`, with the caller's own credentials or none.
    ChannelHere(Channel),
    /// The same with the queue role's credentials, and a key that can't exist: 404 proves ListBucket, 403 its lack.
    ChannelAsQueueRole(QueueKey, Channel),
    /// The same with no credentials at all: is the channel public?
    ChannelOpen(Channel),
    /// Where the channel's bucket is.
    BucketRegion(Channel),
    /// Does the channel's bucket belong to one of these accounts?
    ChannelOwner(Channel, Vec<AccountId>),
    /// An absent key beside the channel, in its bucket: 403 proves that the role reads the channel alone. It can't hurt.
    BesideChannelAsQueueRole(QueueKey, Channel),
    /// The secret with the AYON key, by its ARN. What it holds is not kept.
    SecretAsQueueRole(QueueKey, String),
    /// A session of Systems Manager to that port, started and ended at once; nothing is sent through it.
    TunnelAsQueueRole(QueueKey, Tunnel, u16),
    /// Would conda find and install what is asked for?
    DryRun(Box<DryRun>),
    Name(String),
    Port(String, u16),
    Certificate(String, u16),
    AyonInfo(Url),
    /// `users/me` with the API key.
    AyonKey(Url),
}

impl Probe {
    pub fn vantage(&self) -> Vantage {
        match self {
            Self::ChannelAsQueueRole(..)
            | Self::BesideChannelAsQueueRole(..)
            | Self::SecretAsQueueRole(..)
            | Self::TunnelAsQueueRole(..) => Vantage::QueueRole,
            Self::DryRun(dry_run) => dry_run.reader.vantage(),
            _ => Vantage::Here,
        }
    }

    /// A few words for a list of checks that are under way.
    pub fn words(&self) -> String {
        match self {
            Self::ChannelHere(c) => format!("read {}", c.show()),
            Self::ChannelAsQueueRole(_, c) => format!("read {} as the queue role", c.show()),
            Self::ChannelOpen(c) => format!("read {} without credentials", c.show()),
            Self::BucketRegion(c) => format!("region of {}", c.show()),
            Self::ChannelOwner(c, _) => format!("owner of {}", c.show()),
            Self::BesideChannelAsQueueRole(_, c) => {
                format!("read beside {} as the queue role", c.show())
            }
            Self::SecretAsQueueRole(..) => "read the secret as the queue role".to_owned(),
            Self::TunnelAsQueueRole(_, tunnel, _) => {
                format!("start a session on {} as the queue role", tunnel.instance)
            }
            Self::DryRun(d) => {
                let platforms: Vec<&str> = d.platforms.iter().map(|p| p.word()).collect();
                format!("dry run for {}", platforms.join(", "))
            }
            Self::Name(host) => format!("resolve {host}"),
            Self::Port(host, port) => format!("connect to {host}:{port}"),
            Self::Certificate(host, _) => format!("certificate of {host}"),
            Self::AyonInfo(_) => "AYON answers /api/info".to_owned(),
            Self::AyonKey(_) => "AYON knows the key".to_owned(),
        }
    }
}

/// What a live test saw where it got an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The channel's noarch index is there. `lists`: may absent keys be told from forbidden ones?
    Index {
        lists: Option<bool>,
    },
    /// Where a bucket is.
    Region(Untrusted),
    /// The account that the bucket belongs to; `None`: to none of those that were asked about.
    Owner(Option<AccountId>),
    /// May a file beside the channel be read?
    Beside(bool),
    /// The secret was handed out.
    Secret,
    /// A session was started; could it be ended as its starter? `None`: that got no answer, and it may be open.
    Session {
        ended: Option<bool>,
    },
    DryRun(Box<Tried>),
    Addresses(Vec<std::net::IpAddr>),
    Connected(std::net::IpAddr),
    Certificate(Certificate),
    Ayon {
        version: Untrusted,
    },
    Key {
        user: Untrusted,
        service: bool,
        admin: bool,
    },
    /// No key was given, so none was tried.
    NoKey {
        because: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub names: Vec<Untrusted>,
    pub issuer: Untrusted,
    pub expires: Timestamp,
    /// Negative: expired so many days ago.
    pub days_left: i64,
    /// Why this machine does not trust it for that name; `None`: it does.
    pub refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub vantage: Vantage,
    pub millis: u64,
    pub seen: Result<Seen, Box<Problem>>,
    pub calls: Vec<Call>,
}

impl Reading {
    pub fn problem(&self) -> Option<&Problem> {
        self.seen.as_ref().err().map(AsRef::as_ref)
    }
}
