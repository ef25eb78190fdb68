//! `studiolink policy`: what to ask an IAM administrator for. Reads the studio file alone, asks nobody.

use super::args::{self, Args, PolicyFor};
use super::out::{data, talk};
use super::{FINE, Failure, open};
use crate::domain::caller_policy::{For, policy};

pub fn run(args: &Args, command: &args::Policy) -> Result<u8, Failure> {
    // Whoever has no rights yet has no studio file either: flags do, and what is not named is any.
    let wanted = open::studio_file(args)?.wanted;
    let region = args.region.clone();
    let region = region.or_else(|| wanted.as_ref().and_then(|w| w.region.clone()));
    let region = region.ok_or_else(|| {
        Failure::Usage("No AWS region is named\n  fix   add --region us-west-2 (or yours), or write it into the studio file".to_owned())
    })?;
    let what = match command.what {
        PolicyFor::Setup => For::Setup,
        PolicyFor::Audit => For::Audit,
        PolicyFor::Diagnose => For::Diagnose,
    };
    let channels = wanted.as_ref().map(|w| w.channels.clone());
    let mut buckets: Vec<String> = channels
        .unwrap_or_default()
        .iter()
        .filter_map(|c| c.bucket().map(str::to_owned))
        .collect();
    buckets.dedup();
    let named = wanted.iter().flat_map(|w| &w.queues);
    let mut farms: Vec<String> = args.farm.iter().map(ToString::to_string).collect();
    if farms.is_empty() {
        farms = named.map(|q| q.farm.to_string()).collect();
    }
    if farms.is_empty() {
        farms.push("*".to_owned());
        talk("note: it names every farm; --farm ID, or a studio file, narrows it");
    }
    let document = policy(what, &region, &farms, &command.role, &buckets);
    data(&serde_json::to_string_pretty(&document).unwrap_or_default());
    if command.role.is_empty() {
        talk(
            "note: it names every role; --role ARN narrows it to the queue's (the ARN is in the queue's details in the console)",
        );
    }
    if what == For::Diagnose {
        talk(
            "note: `studiolink diagnose` is not built into this version; these are the rights that its checks from here need",
        );
    }
    Ok(FINE)
}
