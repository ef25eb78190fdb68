//! What is left for people: what this version can't do, with the values to paste, and that no worker has spoken yet.

use std::collections::BTreeSet;

use serde_json::json;

use super::plan::plan;
use super::plan_addon::{self, differs};
use crate::checks::{View, job_packages};
use crate::domain::ask::Variant;
use crate::domain::change::Plan;
use crate::domain::channel::{Channel, join};
use crate::domain::ids::{Region, RoleArn};
use crate::domain::needs::of_channels;
use crate::domain::policy::Decision;
use crate::domain::probe::{Probe, Reading};
use crate::domain::problem::ProblemKind;
use crate::domain::studio::Studio;
use crate::domain::text::Printable;
use crate::domain::wanted::Wanted;
use crate::paths;

/// One thing to do by hand: for whom, what, and the lines to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub for_whom: &'static str,
    pub what: Printable,
    pub paste: Vec<Printable>,
}

pub fn left_for_you(studio: &Studio, wanted: &Wanted) -> Vec<Left> {
    let view = View { studio, wanted };
    let mut left = Vec::new();
    let path = paths::of(wanted.server.path);
    if !path.is_built() {
        let what = format!(
            "the connection path \"{}\" ({}) is not built into this version",
            path.id().word(),
            path.title()
        );
        left.push(Left {
            for_whom: "the network",
            what: what.into(),
            paste: Vec::new(),
        });
    }
    left.extend(for_the_channels_owner(studio, wanted));
    let whole = plan(studio, wanted, &BTreeSet::new());
    for variant in [Variant::Production, Variant::Staging] {
        left.extend(addon_channels(studio, wanted, variant, &whole));
    }
    match job_packages(&view) {
        Ok(packages) => left.push(Left { for_whom: "the jobs", what: "CondaPackages of the jobs that publish (the queue's default stays as it is)".into(), paste: vec![packages.join(" ").into()] }),
        Err(why) => left.push(Left { for_whom: "the jobs", what: format!("CondaPackages of the jobs that publish: {}==VERSION, which is not known here: {why}", wanted.strategy.main_package()).into(), paste: Vec::new() }),
    }
    let url = wanted.server.url.as_str().trim_end_matches('/');
    left.push(Left {
        for_whom: "the workers",
        what: "the publish step needs the server and the key of a service user in its environment; the key by a way that no log shows".into(),
        paste: vec![format!("AYON_SERVER_URL={url}").into(), "AYON_HEADLESS_MODE=1".into()],
    });
    left.push(Left { for_whom: "a worker", what: "no worker has confirmed any of this yet: submit a small publish job and look at its log".into(), paste: Vec::new() });
    left
}

/// Where no administrator of AYON is signed in, or that one may not, the value is for people to paste.
fn addon_channels(
    studio: &Studio,
    wanted: &Wanted,
    variant: Variant,
    whole: &Plan,
) -> Option<Left> {
    let settings = studio.addon.get(&variant)?.known()?;
    if !differs(settings, wanted) {
        return None;
    }
    // What the plan changes need not be pasted; what it refuses, or could not read, must be.
    let key = plan_addon::key(variant);
    if whole.changes.iter().any(|c| c.key == key) {
        return None;
    }
    let what = format!(
        "settings of deadline_cloud {} ({}), field conda_channels: it beats the queue's default in AYON's jobs",
        settings.version.show(),
        variant.word()
    );
    Some(Left {
        for_whom: "AYON",
        what: what.into(),
        paste: vec![join(&wanted.channels).into()],
    })
}

/// Where the bucket is another account's, its owner must let our role in; the exact statement for them.
fn for_the_channels_owner(studio: &Studio, wanted: &Wanted) -> Vec<Left> {
    let mut left = Vec::new();
    let own = studio.caller.known().map(|c| c.account.clone());
    for key in &wanted.queues {
        let Some(arn) = studio.queue(key).known().and_then(|q| q.role_arn()) else {
            continue;
        };
        for channel in &wanted.channels {
            let Some(bucket) = channel.bucket() else {
                continue;
            };
            let probe = Probe::ChannelAsQueueRole(key.clone(), channel.clone());
            let reading = studio.readings.get(&probe);
            let refused = reading
                .and_then(Reading::problem)
                .is_some_and(|p| p.kind == ProblemKind::Denied && p.permission.is_none());
            // Whose bucket it is, is only known from the studio file.
            let stated = wanted.owner_of(bucket);
            let foreign = stated.is_some() && stated != own.as_ref();
            let read = reading.is_some_and(|r| r.seen.is_ok());
            let asks_owner = match stated {
                Some(_) => foreign && !read,
                // While the role's own documents do not allow it, nobody else is to blame.
                None => refused && own_documents_allow(studio, &arn, channel),
            };
            if !asks_owner {
                continue;
            }
            let needs = of_channels(std::slice::from_ref(channel), arn.partition(), &|_| None);
            let statements: Vec<_> = needs.iter().map(|n| json!({ "Effect": "Allow", "Principal": { "AWS": arn.as_str() }, "Action": n.actions[0], "Resource": n.resources[0] })).collect();
            let text = serde_json::to_string_pretty(&statements).unwrap_or_default();
            let what = format!(
                "the owner of the bucket {bucket}: where it is another account's, its bucket policy must allow the role {arn}; the statements"
            );
            let for_whom = if wanted.is_ynputs(bucket) {
                "YNPUT"
            } else {
                "the bucket's owner"
            };
            left.push(Left {
                for_whom,
                what: what.into(),
                paste: text.lines().map(Printable::from).collect(),
            });
            left.push(Left {
                for_whom,
                what: "a message to send with it; `w` on the last page, or `setup --yes --wait 60`, then waits until the role may read".into(),
                paste: message(bucket, &arn, &studio.region),
            });
        }
    }
    left
}

/// What the bucket's owner has to know, and no more.
fn message(bucket: &str, role: &RoleArn, region: &Region) -> Vec<Printable> {
    vec![
        format!("Please let our AWS Deadline Cloud queue read the conda channel in {bucket}.").into(),
        format!("Our principal: {role}").into(),
        format!("Our account and region: {}, {region}", role.account()).into(),
        "The bucket policy needs the statements above; where the bucket is encrypted with a KMS key, the".into(),
        "key's policy must allow that role kms:Decrypt too (the aws/s3 key can't be shared between accounts).".into(),
        "A role that is made anew has another id: then the same statements have to be written once more.".into(),
    ]
}

fn own_documents_allow(studio: &Studio, arn: &RoleArn, channel: &Channel) -> bool {
    let Some(role) = studio.role(arn).known() else {
        return false;
    };
    let (policies, _) = role.policies();
    let all = || policies.iter().map(|(_, policy)| policy);
    let fence = role.fence().unwrap_or(None);
    of_channels(std::slice::from_ref(channel), arn.partition(), &|_| None)
        .iter()
        .all(|n| n.met_within(all(), fence.as_ref()) == Decision::Allowed)
}
