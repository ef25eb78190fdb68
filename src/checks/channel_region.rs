//! A channel's bucket is where the farm is: on a worker conda signs for the farm's region, whatever the bucket's.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
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

    fn probes(&self, view: &View) -> Vec<Probe> {
        let s3 = view.wanted.s3_channels();
        s3.cloned().map(Probe::BucketRegion).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in self.probes(view) {
            let (Probe::BucketRegion(channel), Some(reading)) =
                (&probe, view.studio.readings.get(&probe))
            else {
                continue;
            };
            let Some(bucket) = channel.bucket() else {
                continue;
            };
            let farm = &view.studio.region;
            let finding = match &reading.seen {
                Ok(Seen::Region(region)) if region.raw() == farm.to_string() => says(
                    self,
                    Verdict::Ok,
                    format!("The bucket {bucket} is in {farm}, as the farm is"),
                ),
                Ok(Seen::Region(region)) => says(
                    self,
                    Verdict::Warn,
                    format!("The bucket {bucket} is in {}, the farm in {farm}", region.show()),
                )
                .why(self.why())
                .fix(format!("use a copy of the channel in a bucket in {farm}; a public channel works through its https:// address from anywhere")),
                Ok(_) => continue,
                Err(problem) => says(
                    self,
                    Verdict::Unknown,
                    format!("Where the bucket {bucket} is, was not told"),
                )
                .why(problem.because.as_str())
                .fix(problem.fix.as_str()),
            };
            findings.push(finding.from(Source::Test(probe.clone())));
        }
        findings
    }
}
