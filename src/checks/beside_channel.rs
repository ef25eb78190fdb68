//! The queue role reads the channel and nothing beside it, tried with its own credentials where that can't hurt.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, queues_with_role, says};
use crate::domain::channel::{Channel, Place};
use crate::domain::probe::{Probe, Seen};

pub struct BesideChannel;

impl Check for BesideChannel {
    fn id(&self) -> &'static str {
        "beside-channel"
    }
    fn title(&self) -> &'static str {
        "The queue role reads nothing beside the channel in its bucket"
    }
    fn why(&self) -> &'static str {
        "whoever submits a job runs as the queue role, and so reads what it reads"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted.queues.iter().cloned().map(Ask::Queue).collect()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        // A channel that is the whole bucket has nothing beside it.
        let below =
            |c: &&Channel| matches!(c.place(), Place::S3 { prefix, .. } if !prefix.is_empty());
        let of = |c: &Channel| -> Vec<Probe> {
            queues_with_role(view)
                .map(|q| Probe::BesideChannelAsQueueRole(q.clone(), c.clone()))
                .collect()
        };
        view.wanted
            .s3_channels()
            .filter(below)
            .flat_map(of)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in self.probes(view) {
            let (Probe::BesideChannelAsQueueRole(key, channel), Some(reading)) =
                (&probe, view.studio.readings.get(&probe))
            else {
                continue;
            };
            let name = view.studio.queue_name(key);
            let own = Probe::ChannelAsQueueRole(key.clone(), channel.clone());
            let own = view.studio.readings.get(&own).map(|r| &r.seen);
            let lists = matches!(own, Some(Ok(Seen::Index { lists: Some(true) })));
            let finding = match &reading.seen {
                Ok(Seen::Beside(false)) if lists => says(self, Verdict::Ok, format!("Verified: the role of queue {name} is refused beside {channel}")),
                // S3 answers 403 for an absent file to whoever may not list, whatever else they may.
                Ok(Seen::Beside(false)) => says(self, Verdict::Unknown, format!("Whether the role of queue {name} reads beside {channel} can't be told while it is refused in the channel itself")),
                Ok(_) => says(self, Verdict::Warn, format!("The role of queue {name} reads beside {channel} too, in the same bucket"))
                    .why(self.why())
                    .fix("narrow the policy that grants it to the channel's own folder; studiolink changes no policy but its own"),
                // That there are no credentials of it, or that S3 is not reached, other checks say.
                Err(_) => continue,
            };
            findings.push(finding.from(Source::Test(probe.clone())));
        }
        findings
    }
}
