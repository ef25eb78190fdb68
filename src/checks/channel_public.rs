//! Is a channel in S3 public? Then nobody's rights decide, and it could be used by its https:// address.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::probe::Probe;

pub struct ChannelPublic;

impl Check for ChannelPublic {
    fn id(&self) -> &'static str {
        "channel-public"
    }
    fn title(&self) -> &'static str {
        "Whether a channel in S3 can be read without credentials"
    }
    fn why(&self) -> &'static str {
        "a public channel needs no rights of the queue role when it is used by its https:// address"
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
        s3.cloned().map(Probe::ChannelOpen).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in self.probes(view) {
            let (Probe::ChannelOpen(channel), Some(reading)) =
                (&probe, view.studio.readings.get(&probe))
            else {
                continue;
            };
            // That it is not public is as it should be, and no finding.
            if reading.seen.is_ok() {
                let finding = says(
                    self,
                    Verdict::Ok,
                    format!("{channel} is public: it was read without credentials"),
                )
                .why(self.why());
                findings.push(finding.from(Source::Test(probe.clone())));
            }
        }
        findings
    }
}
