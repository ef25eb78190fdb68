//! `studiolink policy`: what to ask an IAM administrator for. For a person it reads the studio file alone; for a role
//! also the queue, its farm and its fleets, for what a role needs follows from those too.

use futures_util::future::join_all;
use serde_json::json;

use super::args::{self, Args, PolicyFor};
use super::out::{data, talk};
use super::{COULD_NOT_LOOK, FINE, Failure, open};
use crate::domain::ask::Ask;
use crate::domain::own_policy::{For, policy};
use crate::domain::choices::{Choices, RoleUse, roles_to_make, used_roles};
use crate::domain::fact::Fact;
use crate::domain::ids::{RoleArn, partition_of};
use crate::domain::needs::Need;
use crate::domain::studio::Studio;

pub async fn run(args: &Args, command: &args::Policy) -> Result<u8, Failure> {
    if command.new_role && command.what != PolicyFor::Setup {
        return Err(Failure::Usage(
            "--new-role is for --for setup alone: nothing else makes a role\n  fix   leave it out"
                .to_owned(),
        ));
    }
    let what = match command.what {
        PolicyFor::QueueRole => return for_role(args, command, RoleUse::Queue).await,
        PolicyFor::FleetRole => return for_role(args, command, RoleUse::Fleet).await,
        PolicyFor::WorkerHost => return for_role(args, command, RoleUse::WorkerHost).await,
        PolicyFor::Setup => For::Setup,
        PolicyFor::Audit => For::Audit,
        PolicyFor::Diagnose => For::Diagnose,
    };
    // Whoever has no rights yet has no studio file either: flags do, and what is not named is any.
    let file = open::studio_file(args)?;
    if let (Some(path), None) = (&args.studio, &file.text) {
        let words = format!(
            "There is no {}\n  fix   name a studio file that is there, or leave --studio out",
            path.display()
        );
        return Err(Failure::Usage(words));
    }
    let wanted = file.wanted;
    let region = args.region.clone();
    let region = region.or_else(|| wanted.as_ref().and_then(|w| w.region.clone()));
    let region = region.ok_or_else(|| {
        Failure::Usage("No AWS region is named\n  fix   add --region us-west-2 (or yours), or write it into the studio file".to_owned())
    })?;
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
    let made = command.new_role.then(|| {
        let new = wanted
            .as_ref()
            .map(|w| w.roles.new.clone())
            .unwrap_or_default();
        let name = new.name.unwrap_or_else(|| "studiolink-queue-*".to_owned());
        format!("{}{name}", new.path.as_deref().unwrap_or("/"))
    });
    let document = policy(
        what,
        &region,
        &farms,
        &command.role,
        &buckets,
        made.as_deref(),
    );
    data(&serde_json::to_string_pretty(&document).unwrap_or_default());
    if command.role.is_empty() {
        talk(
            "note: it names every role; --role ARN, several times, narrows it to the queue's and its fleets' (their ARNs are in the console's details of each)",
        );
    }
    if what == For::Diagnose {
        talk(
            "note: `studiolink diagnose` is not built into this version; these are the rights that its checks from here need",
        );
    }
    Ok(FINE)
}

/// What roles of one kind need, as one document, with the reasons beside it.
async fn for_role(args: &Args, command: &args::Policy, of: RoleUse) -> Result<u8, Failure> {
    let file = open::studio_file(args)?;
    let wanted = open::needed_by_setup(args, &file)?;
    let world = open::world(args, Some(&wanted)).await?;
    let mut studio = Studio::new(world.region().clone());
    let mut asks = vec![Ask::Caller];
    for key in &wanted.queues {
        asks.extend([
            Ask::Queue(key.clone()),
            Ask::Farm(key.farm.clone()),
            Ask::Fleets(key.clone()),
        ]);
    }
    let answers = join_all(asks.iter().map(|ask| world.look(ask))).await;
    for (ask, answered) in asks.iter().zip(answers) {
        studio.learn(ask, answered);
    }
    let facts = wanted.queues.iter().flat_map(|key| {
        let farm = studio.farm.get(&key.farm).and_then(Fact::problem);
        [
            studio.queue(key).problem(),
            studio.fleets(key).problem(),
            farm,
        ]
    });
    let unread: Vec<String> = facts
        .flatten()
        .map(|p| format!("{}: {}", p.doing, p.because))
        .collect();
    for why in &unread {
        talk(&format!(
            "note: the policy may lack what follows from it: {why}"
        ));
    }
    // Where there is no such role, any of the account's stands for it.
    let account = studio.caller.known().map(|c| c.account.to_string());
    let any = account.and_then(|a| {
        let partition = partition_of(&studio.region);
        format!("arn:{partition}:iam::{a}:role/any").parse().ok()
    });
    let new = roles_to_make(&studio, &wanted);
    let used = used_roles(&studio, &wanted).into_iter().chain(new);
    let used = used.filter(|u| u.of == of);
    let mut arns: Vec<RoleArn> = used.map(|u| u.arn).collect();
    arns.dedup();
    if let Some(other) = command.role.iter().find(|r| !arns.contains(r)) {
        let names: Vec<String> = arns.iter().map(ToString::to_string).collect();
        let words = format!(
            "{other} is no role of that kind in this studio\n  fix   name one of: {}",
            names.join(", ")
        );
        return Err(Failure::Usage(words));
    }
    if !command.role.is_empty() {
        arns.retain(|arn| command.role.contains(arn));
    }
    let arn = match arns.as_slice() {
        [one] => one.clone(),
        [] => match any {
            Some(any) => any,
            None => {
                talk(
                    "the account is not known, so no ARN can be written\n  fix   sign in, then run it again",
                );
                return Ok(COULD_NOT_LOOK);
            }
        },
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let words = format!(
                "several roles of that kind are in use, each with needs of its own\n  fix   add --role with one of {}",
                names.join(", ")
            );
            return Err(Failure::Usage(words));
        }
    };
    let choices = Choices::of(&studio, &wanted, &arn);
    let needs: Vec<Need> = choices.map(|c| c.needs(of)).unwrap_or_default();
    let statements: Vec<_> = needs.iter().map(Need::statement).collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    data(&serde_json::to_string_pretty(&document).unwrap_or_default());
    for need in &needs {
        talk(&format!("{}  {}", need.sid, need.because));
    }
    Ok(if unread.is_empty() {
        FINE
    } else {
        COULD_NOT_LOOK
    })
}
