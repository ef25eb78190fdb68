//! The queue role reads each S3 channel, tried with its own credentials.

use super::prelude::*;
use crate::derived::channel_refusal::why_refused;
use crate::domain::ids::QueueKey;
use crate::probes::ReadIndex;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "channel-as-queue-role",
    title: "The queue role reads each S3 channel",
    why: "on a worker conda reads S3 channels with the queue role's credentials, and treats 403 as fatal",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let mut findings = Vec::new();
    for channel in view.config(Part::Channels).s3_channels() {
        for mut finding in as_queue_role(view, key, &ReadIndex(channel.clone())) {
            if matches!(finding.code, "denied" | "cannot-list")
                && let Some((why, fix)) = why_refused(view, key, channel)
            {
                finding = finding.why(why).fix(fix);
            }
            findings.push(finding.about(channel.show()));
        }
    }
    findings
}
