//! The queue role reads each S3 channel, tried with its own credentials.

use super::prelude::*;
use crate::derived::channel_refusal::{why_no_credentials, why_refused};
use crate::domain::call::Vantage;
use crate::domain::ids::QueueKey;
use crate::probes::ReadIndex;
use crate::questions::{Part, QueueDetails};

pub const CHECK: Check = Check {
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
    let queue = view.fact(&QueueDetails(key.clone())).known();
    if queue.is_none_or(|q| q.role.is_none()) {
        return Vec::new(); // queue-status and queue-role say why
    }
    let from = Vantage::QueueRole(key.clone());
    let mut findings = Vec::new();
    for channel in view.config(Part::Channels).s3_channels() {
        for mut finding in assessed(view, &ReadIndex(channel.clone()), &from) {
            match finding.code {
                "denied" => {
                    if let Some((why, fix)) = why_refused(view, key, channel) {
                        finding = finding.why(why).fix(fix);
                    }
                }
                "no-credentials" => {
                    if let Some((why, fix)) = why_no_credentials(view, key) {
                        finding = finding.why(why).fix(fix);
                    }
                }
                _ => {}
            }
            findings.push(finding.about(channel.show()));
        }
    }
    findings
}
