//! The bucket of an S3 channel belongs to whom the studio file says: a wrong owner in a condition denies silently.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::channel::Channel;
use crate::domain::ids::AccountId;
use crate::domain::probe::{Probe, Seen};

pub struct ChannelOwner;

/// Each bucket once, by the first channel in it.
fn buckets(view: &View) -> Vec<Channel> {
    let mut first: Vec<Channel> = Vec::new();
    for channel in view.wanted.s3_channels() {
        if !first.iter().any(|c| c.bucket() == channel.bucket()) {
            first.push(channel.clone());
        }
    }
    first
}

/// The stated owner, and this account: a bucket that is one's own after all is worth knowing.
fn question(view: &View, channel: &Channel) -> Option<Probe> {
    let stated = view.wanted.owner_of(channel.bucket()?);
    let own = view.studio.caller.known().map(|c| &c.account);
    let mut accounts: Vec<AccountId> = stated.into_iter().chain(own).cloned().collect();
    accounts.dedup();
    let asked = (!accounts.is_empty()).then_some(accounts);
    Some(Probe::ChannelOwner(channel.clone(), asked?))
}

/// What names the owner in the studio file: `channel_account` speaks of YNPUT's bucket alone.
fn line(view: &View, bucket: &str, account: &str) -> String {
    if view.wanted.is_ynputs(bucket) && !view.wanted.bucket_owners.contains_key(bucket) {
        format!("[conda] channel_account = \"{account}\"")
    } else {
        format!("[conda] bucket_owners = {{ {bucket} = \"{account}\" }}")
    }
}

impl Check for ChannelOwner {
    fn id(&self) -> &'static str {
        "channel-owner"
    }
    fn title(&self) -> &'static str {
        "Each S3 channel's bucket belongs to whom the studio file says"
    }
    fn why(&self) -> &'static str {
        "only a condition on the bucket's owner keeps a role from a bucket that somebody else makes under the same name; S3 tells no one whose a bucket is"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        vec![Ask::Caller]
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        let all = buckets(view);
        all.iter().filter_map(|c| question(view, c)).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for channel in buckets(view) {
            let Some(probe) = question(view, &channel) else {
                continue;
            };
            let bucket = channel.bucket().unwrap_or_default();
            let Some(reading) = view.studio.readings.get(&probe) else {
                continue;
            };
            let unnamed = || {
                let words = format!(
                    "No condition on the owner of the bucket {bucket}, for the studio file names none"
                );
                says(self, Verdict::Warn, words)
            };
            let write = |account: &str| {
                format!(
                    "write into the studio file: {}",
                    line(view, bucket, account)
                )
            };
            let finding = match (view.wanted.owner_of(bucket), &reading.seen) {
                (Some(stated), Ok(Seen::Owner(Some(owner)))) if stated == owner => says(
                    self,
                    Verdict::Ok,
                    format!(
                        "The bucket {bucket} belongs to account {owner}: S3 answers who expects that owner"
                    ),
                ),
                (Some(stated), Ok(seen)) => {
                    let fix = match seen {
                        Seen::Owner(Some(own)) => format!(
                            "it is account {own}'s own, for S3 answers who expects that: press o on the roles page, or {}",
                            write(own.as_str())
                        ),
                        _ => format!("its owner knows the number; {}", write("…")),
                    };
                    says(self, Verdict::Fail, format!("The bucket {bucket} does not belong to account {stated}"))
                        .why("S3 answers without an expected owner and refuses this one; a condition on aws:ResourceAccount with it denies every worker, and says no word")
                        .fix(fix)
                }
                (Some(stated), Err(p)) => {
                    let finding = says(self, Verdict::Unknown, format!("Whether the bucket {bucket} belongs to account {stated} was not seen as you"))
                        .why(p.because.as_str())
                        .fix("nothing to do where the queue role reads it in setup: its policy carries the condition");
                    // In another account's bucket only the queue role is let in, and its reading has a check of its own.
                    Finding {
                        could_fail: false,
                        ..finding
                    }
                }
                (None, Ok(Seen::Owner(Some(own)))) => unnamed()
                    .why(format!(
                        "{}. This one is account {own}'s own: S3 answers who expects that",
                        self.why()
                    ))
                    .fix(format!(
                        "press o on the roles page, or {}",
                        write(own.as_str())
                    )),
                (None, _) => unnamed().why(self.why()).fix(format!(
                    "ask its owner for the account's 12 digits, and {}",
                    write("…")
                )),
            };
            findings.push(finding.from(Source::Test(probe)));
        }
        findings
    }
}
