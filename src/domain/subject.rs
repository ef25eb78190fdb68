//! What a finding is about, with a typed key. Reports group by it.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use url::Url;

use super::channel::Channel;
use super::ids::{FarmId, FleetKey, QueueKey, RoleArn};
use super::text::Printable;

/// The order is that of every report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The identity that is signed in, in its account and region.
    Account,
    Farm(FarmId),
    Queue(QueueKey),
    Fleet(FleetKey),
    Role(RoleArn),
    Channel(Channel),
    Server(Url),
    /// One fleet's way to the server.
    Connection(FleetKey),
}

words!(
    SubjectKind {
        Account = "account",
        Farm = "farm",
        Queue = "queue",
        Fleet = "fleet",
        Role = "role",
        Channel = "channel",
        Server = "server",
        Connection = "connection",
    }
);

impl Subject {
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Account => SubjectKind::Account,
            Self::Farm(_) => SubjectKind::Farm,
            Self::Queue(_) => SubjectKind::Queue,
            Self::Fleet(_) => SubjectKind::Fleet,
            Self::Role(_) => SubjectKind::Role,
            Self::Channel(_) => SubjectKind::Channel,
            Self::Server(_) => SubjectKind::Server,
            Self::Connection(_) => SubjectKind::Connection,
        }
    }

    /// Whole, as a program compares it.
    pub fn id(&self) -> String {
        match self {
            Self::Account => "account".to_owned(),
            Self::Farm(farm) => farm.to_string(),
            Self::Queue(key) => key.to_string(),
            Self::Fleet(key) | Self::Connection(key) => key.to_string(),
            Self::Role(arn) => arn.to_string(),
            Self::Channel(channel) => channel.show().to_string(),
            Self::Server(url) => url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// Short, where no name is known.
    pub fn brief(&self) -> Printable {
        match self {
            Self::Account => "this identity".into(),
            Self::Farm(farm) => farm.brief().into(),
            Self::Queue(key) => key.queue.brief().into(),
            Self::Fleet(key) | Self::Connection(key) => key.fleet.brief().into(),
            Self::Role(arn) => arn.name().into(),
            Self::Channel(channel) => channel.show(),
            Self::Server(url) => url.host_str().unwrap_or_default().into(),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_struct("Subject", 2)?;
        parts.serialize_field("kind", self.kind().word())?;
        parts.serialize_field("id", &self.id())?;
        parts.end()
    }
}
