//! What this machine can't see and a worker may: AWS's own channels, and addresses that only a worker reaches.

use std::fmt::Write as _;

use super::Judge;
use crate::domain::channel::{Channel, Place};
use crate::domain::conda_solve::{ChannelSeen, Priority, Reason, SubdirState};
use crate::domain::finding::Verdict;
use crate::domain::known;
use crate::domain::text::Printable;

impl Judge<'_> {
    /// The channels that this machine can't see: AWS's own, and those that it did not reach while a worker may.
    pub(super) fn unseen(&self) -> impl Iterator<Item = (usize, &Channel)> {
        let unreached = |at: usize| {
            let seen = self.report.channels.get(at)?;
            let row = seen.obstacle(self.platform)?;
            Some(self.is_unseen(seen, &row.state))
        };
        self.question
            .channels
            .iter()
            .enumerate()
            .filter(move |(at, c)| c.place() == Place::AwsAlias || unreached(*at) == Some(true))
    }

    /// Is nothing at all known about one of them? AWS's own are known a little.
    pub(super) fn unseen_is_open(&self) -> bool {
        self.unseen().any(|(_, c)| c.place() != Place::AwsAlias)
    }

    pub(super) fn unseen_names(&self) -> Vec<&str> {
        self.unseen().map(|(_, c)| c.as_str()).collect()
    }

    /// Could one of the channels that can't be seen from here change what is found of that name? `at`: the place of
    /// the channel that has it, where one has.
    pub(super) fn unseen_may_hold(
        &self,
        name: &str,
        at: Option<usize>,
        priority: Priority,
    ) -> bool {
        self.unseen().any(|(unseen, channel)| {
            let lacks = known::lacks(channel, name);
            let behind = match (priority, at) {
                (Priority::Strict | Priority::Flexible, Some(at)) => unseen > at,
                _ => false,
            };
            !lacks && !behind
        })
    }

    /// Where this machine goes another way than a worker may.
    pub(super) fn elsewhere_words(&self) -> String {
        let read = self
            .report
            .channels
            .iter()
            .filter(|c| c.subdirs.is_some() && c.obstacle(self.platform).is_none());
        let mut words = String::new();
        for (_, channel) in self.unseen().filter(|(_, c)| c.place() != Place::AwsAlias) {
            let name = Printable::short(channel.as_str(), 60);
            let _ = write!(
                words,
                ", if a worker reaches {name}, which this machine does not"
            );
        }
        for seen in read {
            let name = Printable::short(seen.channel.as_str(), 60);
            if seen.by_settings {
                let at = seen.at.as_ref().map_or("", Printable::as_str);
                let _ = write!(words, ", if workers too find {name} at {at}");
            } else if seen.channel.is_on_disk() {
                let _ = write!(words, ", if the workers' disks hold the same under {name}");
            }
        }
        words
    }

    /// A public address that this machine does not reach, while a worker may.
    pub(super) fn is_unseen(&self, seen: &ChannelSeen, state: &SubdirState) -> bool {
        !seen.channel.is_on_disk() && self.obstacle_verdict(seen, state) == Verdict::WorkerOnly
    }

    /// Could one of AWS's channels have what was not found?
    pub(super) fn may_be_there(&self, reason: &Reason, priority: Priority) -> bool {
        // The workers' disks may hold more than this one.
        if self.question.channels.iter().any(Channel::is_on_disk) {
            return true;
        }
        match reason {
            Reason::NoName { name, .. } => self.unseen_may_hold(name, None, Priority::Disabled),
            Reason::NoVersion { name, nearest, .. } => {
                let at = nearest.iter().map(|(_, c)| *c).min();
                let hides = priority == Priority::Strict;
                self.unseen_may_hold(name, if hides { at } else { None }, priority)
            }
            Reason::Shadowed { name, by, .. } => self.unseen_may_hold(name, Some(*by), priority),
            // What a worker is, is inferred; a worker that has it is not ruled out.
            Reason::Worker { .. } => true,
            // A channel that can't be seen may hold the build that fits.
            Reason::Conflict(_) => self.unseen().next().is_some(),
        }
    }
}
