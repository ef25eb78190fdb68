//! The channel's bucket belongs to whom the studio file says: a wrong owner in a condition denies silently.

use super::prelude::*;
use crate::derived::bucket_owner::probe;
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::finding::Verdict;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "channel-owner",
    title: "The channel's bucket belongs to the account that the studio file names",
    why: "only a condition on the owner keeps a role from a bucket that somebody else creates \
        under the same name; S3 tells nobody whose a bucket is",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Channel(check),
};

/// What names the owner in the studio file: `channel_account` is about YNPUT's bucket alone.
fn line(view: &View, bucket: &str, account: &str) -> String {
    let config = view.config(Part::Owners);
    view.config(Part::Channels);
    if config.is_ynputs(bucket) && !config.bucket_owners.contains_key(bucket) {
        format!("[conda] channel_account = \"{account}\"")
    } else {
        format!("[conda] bucket_owners = {{ {bucket} = \"{account}\" }}")
    }
}

fn check(view: &View, channel: &Channel) -> Vec<Finding> {
    let Some(bucket) = channel.bucket() else {
        return Vec::new();
    };
    let Some(probe) = probe(view, channel) else {
        return Vec::new();
    };
    // Each bucket once, by the first channel in it.
    if probe.channel != *channel {
        return Vec::new();
    }
    let seen = view.seen(&probe, &Vantage::Here);
    let owner = seen.value().cloned().flatten();
    let mut findings = assessed(view, &probe, &Vantage::Here);
    for finding in &mut findings {
        let write = |account: &str| {
            let line = line(view, bucket, account);
            format!("write into the studio file: {line}")
        };
        let fix = match (finding.verdict, finding.code, &owner) {
            (Verdict::Fail, _, Some(own)) | (_, "no-owner-named", Some(own)) => {
                format!("press o on the roles page, or {}", write(own.as_str()))
            }
            (Verdict::Fail, ..) => format!("its owner knows the number; {}", write("…")),
            (_, "no-owner-named", None) => format!(
                "ask its owner for the account's 12 digits, and {}",
                write("…")
            ),
            _ => {
                // In another account's bucket only the queue role has access; its own reading has a check of its own.
                finding.severity = Severity::Warn;
                continue;
            }
        };
        finding.fix = Some(fix.into());
    }
    findings
}
