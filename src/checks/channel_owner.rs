//! The bucket of an S3 channel belongs to whom the studio file says: a wrong owner in a condition denies silently.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::channel::Channel;
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

/// Where no owner is stated, it is asked whether the bucket is this account's own.
fn question(view: &View, channel: &Channel) -> Option<Probe> {
    let stated = view.wanted.owner_of(channel.bucket()?);
    let own = view.studio.caller.known().map(|c| &c.account);
    Some(Probe::ChannelOwner(
        channel.clone(),
        stated.or(own)?.clone(),
    ))
}

/// What names the owner in the studio file: `channel_account` speaks of YNPUT's bucket alone.
fn line(view: &View, bucket: &str, account: &str) -> String {
    if view.wanted.is_ynputs(bucket) && !view.wanted.bucket_owners.contains_key(bucket) {
        format!("[conda] channel_account = \"{account}\"")
    } else {
        format!("[conda] bucket_owners = {{ {bucket} = \"{account}\" }}")
    }
}

/// The bucket is this account's own after all.
fn own_instead(view: &View, channel: &Channel) -> Option<String> {
    let own = view.studio.caller.known()?.account.clone();
    let probe = Probe::ChannelOwner(channel.clone(), own.clone());
    let seen = &view.studio.readings.get(&probe)?.seen;
    let bucket = channel.bucket()?;
    matches!(seen, Ok(Seen::Owner(true))).then(|| {
        format!("it is account {own}'s own, for S3 answers who expects that: press o on the roles page, or correct {}", line(view, bucket, own.as_str()))
    })
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
        // Where another owner is stated it is still worth knowing whether the bucket is this account's own.
        let own = |c: &Channel| {
            let own = &view.studio.caller.known()?.account;
            Some(Probe::ChannelOwner(c.clone(), own.clone()))
        };
        let of = |c: &Channel| [question(view, c), own(c)];
        let all = buckets(view).into_iter().flat_map(|c| of(&c)).flatten();
        let mut probes: Vec<Probe> = Vec::new();
        for probe in all {
            if !probes.contains(&probe) {
                probes.push(probe);
            }
        }
        probes
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for channel in buckets(view) {
            let Some(probe) = question(view, &channel) else {
                continue;
            };
            let Probe::ChannelOwner(_, account) = &probe else {
                continue;
            };
            let bucket = channel.bucket().unwrap_or_default();
            let stated = view.wanted.owner_of(bucket);
            let reading = view.studio.readings.get(&probe);
            let finding = match (stated, reading.map(|r| &r.seen)) {
                (_, None) => continue,
                (Some(_), Some(Ok(Seen::Owner(true)))) => says(self, Verdict::Ok, format!("The bucket {bucket} belongs to account {account}: S3 answers who expects that owner")),
                (Some(_), Some(Ok(_))) => says(self, Verdict::Fail, format!("The bucket {bucket} does not belong to account {account}"))
                    .why("S3 answers without an expected owner and refuses this one; a condition on aws:ResourceAccount with it denies every worker, and says no word")
                    .fix(own_instead(view, &channel).unwrap_or_else(|| format!("correct it in the studio file, its owner knows the number: {}", line(view, bucket, "…")))),
                (Some(_), Some(Err(p))) => {
                    let finding = says(self, Verdict::Unknown, format!("Whether the bucket {bucket} belongs to account {account} was not seen as you"))
                        .why(p.because.as_str())
                        .fix("nothing to do where the queue role reads it in setup: its policy carries the condition");
                    // In another account's bucket only the queue role is let in, and its reading has a check of its own.
                    Finding { could_fail: false, ..finding }
                }
                (None, Some(Ok(Seen::Owner(true)))) => says(self, Verdict::Warn, format!("No condition on the owner of the bucket {bucket}, for the studio file names none"))
                    .why(format!("{}. This one is account {account}'s own: S3 answers who expects that", self.why()))
                    .fix(format!("press o on the roles page, or write into the studio file: {}", line(view, bucket, account.as_str()))),
                (None, Some(_)) => says(self, Verdict::Warn, format!("No condition on the owner of the bucket {bucket}, for the studio file names none"))
                    .why(self.why())
                    .fix(format!("ask its owner for the account's 12 digits, and write into the studio file: {}", line(view, bucket, "…"))),
            };
            findings.push(finding.from(Source::Test(probe)));
        }
        findings
    }
}
