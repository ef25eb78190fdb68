//! The studio file while it is being decided.

use std::collections::BTreeSet;

use url::Url;

use crate::domain::channel::Channel;
use crate::domain::config::{Location, PathId, Server, StudioConfig};
use crate::domain::ids::{FarmId, QueueKey, Region};

/// The channel that YNPUT is expected to publish; its address is not public yet, so it is only where a field begins.
pub const YNPUT_CHANNEL: &str = "s3://ynput-conda-channel/ayon";

/// Starts from the file where there is one.
#[derive(Debug, Clone)]
pub struct Draft {
    pub profile: Option<String>,
    pub region: Option<Region>,
    pub farm: Option<FarmId>,
    pub queues: Vec<QueueKey>,
    /// `None`: not decided, the proposal will be.
    pub channels: Option<Vec<Channel>>,
    /// The list is only a proposal for the chosen queue; another queue gets its own.
    pub only_proposed: bool,
    /// The channels that somebody took out: only they leave the queues.
    pub removals: BTreeSet<String>,
    pub ynput: Channel,
    pub url: Option<Url>,
    pub location: Location,
    pub path: PathId,
    /// What the wizard does not ask stays as the file has it. What is above counts before what it says.
    pub rest: StudioConfig,
}

impl Draft {
    pub fn new(config: Option<&StudioConfig>, remembered: Option<Channel>) -> Self {
        let s3 = |w: &StudioConfig| {
            w.channels
                .iter()
                .find(|c| c.as_str().contains("ynput"))
                .cloned()
        };
        let ynput = config
            .and_then(s3)
            .or(remembered)
            .or_else(|| YNPUT_CHANNEL.parse().ok());
        let ynput = ynput.unwrap_or_else(|| unreachable!("the built-in address is a channel"));
        let rest = config.cloned().unwrap_or_else(StudioConfig::blank);
        Self {
            profile: rest.profile.clone(),
            region: rest.region.clone(),
            farm: rest.queues.first().map(|q| q.farm.clone()),
            queues: rest.queues.clone(),
            channels: config.map(|w| w.channels.clone()),
            only_proposed: false,
            removals: BTreeSet::new(),
            ynput,
            url: config.map(|w| w.server.url.clone()),
            location: rest.server.location,
            path: rest.server.path,
            rest,
        }
    }

    /// The studio file as it would be written now. Without a server's address yet, one that no name resolves to.
    pub fn config(&self, signed_in: Option<&Region>) -> StudioConfig {
        let url = self
            .url
            .clone()
            .unwrap_or_else(|| StudioConfig::blank().server.url);
        StudioConfig {
            region: self.region.as_ref().or(signed_in).cloned(),
            profile: self.profile.clone(),
            queues: self.queues.clone(),
            channels: self.channels.clone().unwrap_or_default(),
            server: Server {
                url,
                location: self.location,
                path: self.path,
            },
            ..self.rest.clone()
        }
    }
}
