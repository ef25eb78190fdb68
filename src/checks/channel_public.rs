//! Can the channel be read without credentials? Then no permission decides, and its https:// address works too.

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::Verdict;
use crate::probes::ReadIndex;

pub(super) const CHECK: Check = Check {
    id: "channel-public",
    title: "Whether an S3 channel can be read without credentials",
    why: "a public channel needs no permission of the queue role when it is used by its https:// address",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Channel(check),
};

fn check(view: &View, channel: &Channel) -> Vec<Finding> {
    if !channel.is_s3() {
        return Vec::new();
    }
    let mut findings = assessed(view, &ReadIndex(channel.clone()), &Vantage::Anonymous);
    // That it is not public is as it should be, and worth no line.
    findings.retain(|f| f.verdict == Verdict::Ok);
    findings.into_iter().map(|f| f.why(CHECK.why)).collect()
}
