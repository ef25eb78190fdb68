//! The channel's bucket is in the farm's region: on a worker conda signs for that one, whatever the bucket's.

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::probes::BucketRegion;

pub(super) const CHECK: Check = Check {
    id: "channel-region",
    title: "The channel's bucket is in the farm's region",
    why: "conda takes the region from the worker, which is the farm's, never from the bucket; S3 \
        is likely to refuse (inferred, not seen on a worker)",
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
    let probe = BucketRegion(channel.clone(), view.region().clone());
    assessed(view, &probe, &Vantage::Here)
}
