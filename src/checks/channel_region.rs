//! A channel's bucket is where the farm is: on a worker conda signs for the farm's region, whatever the bucket's.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::channel::Place;
use crate::domain::probe::{Probe, Seen};

pub struct ChannelRegion;

impl Check for ChannelRegion {
    fn id(&self) -> &'static str {
        "channel-region"
    }
    fn title(&self) -> &'static str {
        "Each channel's bucket is in the farm's region"
    }
    fn why(&self) -> &'static str {
        "conda takes the region from the worker, which is the farm's, never from the bucket; S3 is likely to refuse (inferred, not seen on a worker)"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        Vec::new()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for channel in &view.wanted.channels {
            let Place::S3 { bucket, .. } = channel.place() else {
                continue;
            };
            let as_role = view.wanted.queues.iter();
            let as_role = as_role.map(|q| Probe::ChannelAsQueueRole(q.clone(), channel.clone()));
            let probes = std::iter::once(Probe::ChannelHere(channel.clone())).chain(as_role);
            let said = probes
                .into_iter()
                .find_map(|p| match &view.studio.readings.get(&p)?.seen {
                    Ok(Seen::Index {
                        region: Some(r), ..
                    }) => Some((p, r.clone())),
                    _ => None,
                });
            let Some((probe, region)) = said else {
                continue;
            };
            let farm = &view.studio.region;
            let finding = if region.raw() == farm.to_string() {
                says(
                    self,
                    Verdict::Ok,
                    format!("The bucket {bucket} is in {farm}, as the farm is"),
                )
            } else {
                says(
                    self,
                    Verdict::Warn,
                    format!("The bucket {bucket} is in {}, the farm in {farm}", region.show()),
                )
                .why(self.why())
                .fix(format!("use a copy of the channel in a bucket in {farm}; a public channel works through its https:// address from anywhere"))
            };
            findings.push(finding.from(Source::Test(probe)));
        }
        findings
    }
}
