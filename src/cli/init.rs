//! `studiolink init`: a studio file from a queue as it is, with the channels that AYON needs. It changes nothing in AWS.

use std::path::PathBuf;

use super::args::{self, Args};
use super::open::{self, plan_catalogues};
use super::out::{data, talk};
use super::setup::told_while;
use super::stop::Stop;
use super::{Exit, Failure};
use crate::derived::conda_environment::conda_environments;
use crate::domain::channel::{Channel, proposed, split};
use crate::domain::config::{StudioConfig, server_url};
use crate::domain::fact::Fact;
use crate::domain::farm::Listed;
use crate::domain::ids::{FarmId, NotAnId, QueueId, QueueKey};
use crate::domain::text::Printable;
use crate::engine::drive::observe;
use crate::engine::unheard;
use crate::engine::workflow::Workflow;
use crate::questions::{AnyAnswer, FarmList, Purpose, QueueList};
use crate::ui::draft::YNPUT_CHANNEL;
use crate::world::World;
use crate::world::local::files;

pub(super) async fn run(args: &Args, command: &args::Init) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let path = place(args)?;
    if let Some(why) = command
        .server
        .as_ref()
        .and_then(|u| server_url(u.as_str()).err())
    {
        return Err(Failure::Usage(format!(
            "--server: {why}\n  fix   write it as https://ayon.example.com"
        )));
    }
    let world = open::world(args, None).await?;
    let world = world.as_ref();
    let key = only_one(args, world).await?;
    let mut config = StudioConfig {
        region: Some(world.region().clone()),
        profile: args.profile.clone(),
        queues: vec![key.clone()],
        ..StudioConfig::blank()
    };
    if let Some(url) = &command.server {
        config.server.url = url.clone();
    }
    let region = world.region().clone();
    let sandbox = world.is_sandbox();
    let mut work = Workflow::new(
        plan_catalogues(),
        region,
        config.clone(),
        Purpose::AUDIT,
        sandbox,
    );
    let reading = stop.or(observe(world, &mut work, &stop.flag, &unheard));
    told_while(world, reading)
        .await
        .ok_or(Failure::Interrupted)?;
    if work.names_unknown_queue() {
        return Err(Failure::Usage(format!(
            "There is no queue {} in farm {} of {}\n  fix   compare the ids and the region with the console",
            key.queue,
            key.farm,
            world.region()
        )));
    }
    let channels = channels_of(&work, &key);
    let ynput = match &command.channel {
        Some(channel) => channel.clone(),
        None => YNPUT_CHANNEL
            .parse()
            .unwrap_or_else(|_| unreachable!("the built-in address is a channel")),
    };
    config.channels = proposed(&channels, &ynput);
    files::write_whole(&path, &config.write_into(None))?;
    talk(&format!("wrote {}", path.display()));
    if command.server.is_none() {
        talk("note: no AYON server is named; write its address into [server] url");
    }
    data(&format!(
        "next: studiolink{}{} plan shows what setup would change",
        open::sandbox_flags(args),
        args.studio
            .as_ref()
            .map_or_else(String::new, |p| format!(" --studio {}", p.display()))
    ));
    Ok(Exit::Clean)
}

/// Where the file goes: nothing is written over.
fn place(args: &Args) -> Result<PathBuf, Failure> {
    let path = match (&args.studio, &args.sandbox) {
        (Some(path), _) => path.clone(),
        (None, Some(_)) => {
            return Err(Failure::Usage(
                "The sandbox writes no studiolink.toml\n  fix   add --studio FILE".to_owned(),
            ));
        }
        (None, None) => PathBuf::from("studiolink.toml"),
    };
    if path.exists() {
        return Err(Failure::Usage(format!(
            "There is a studio file {} already, which init does not write over\n  fix   edit it, run `studiolink setup`, or name another with --studio",
            path.display()
        )));
    }
    files::check_writable(&path).map_err(|p| Failure::Usage(p.to_string()))?;
    Ok(path)
}

/// The queue's own, as far as they are channels.
fn channels_of(work: &Workflow, key: &QueueKey) -> Vec<Channel> {
    let view = work.view();
    let today = match conda_environments(&view, key).as_slice() {
        [(environment, template)] => {
            let name = environment.name.show();
            talk(&format!(
                "channels of the queue environment \"{name}\", and those that AYON needs"
            ));
            template.channels.clone().flatten().unwrap_or_default()
        }
        [] => {
            talk(
                "note: no conda environment was read on the queue; the list begins with AWS's own channels",
            );
            String::new()
        }
        several => {
            talk(&format!(
                "note: the queue has {} conda environments; the list begins with AWS's own channels",
                several.len()
            ));
            String::new()
        }
    };
    let mut channels: Vec<Channel> = Vec::new();
    for word in split(&today) {
        match word.parse() {
            Ok(channel) => channels.push(channel),
            Err(why) => talk(&format!(
                "note: left out of the file, and kept on the queue: {why}"
            )),
        }
    }
    channels
}

/// The one there is, or those to choose from.
fn only(fact: &Fact<Vec<Listed>>, what: &str, flag: &str) -> Result<String, Failure> {
    let list = match fact {
        Fact::Known(list) => list,
        fact => {
            let why = fact.why_unread();
            let why = why.unwrap_or_else(|| "there is none".to_owned());
            return Err(Failure::Usage(format!(
                "Which {what} is meant is not known: {why}\n  fix   name it with {flag}"
            )));
        }
    };
    match list.as_slice() {
        [one] => Ok(one.id.clone()),
        list => {
            let rows = list.iter().take(20);
            let rows = rows.map(|r| format!("  {}  {}", Printable::new(&r.id), r.name.show()));
            let rows: Vec<String> = rows.collect();
            Err(Failure::Usage(format!(
                "There are {} {what}s\n  fix   name one with {flag}:\n{}",
                list.len(),
                rows.join("\n")
            )))
        }
    }
}

/// The queue that the flags name, or the only one that there is.
pub(super) async fn only_one(args: &Args, world: &dyn World) -> Result<QueueKey, Failure> {
    let farm = match &args.farm {
        Some(farm) => farm.clone(),
        None => only_farm(world).await?,
    };
    let queue = match &args.queue {
        Some(queue) => queue.clone(),
        None => only_queue(world, &farm).await?,
    };
    Ok(QueueKey { farm, queue })
}

async fn only_farm(world: &dyn World) -> Result<FarmId, Failure> {
    let answer = world.look(&FarmList.into()).await.answer;
    let AnyAnswer::FarmList(fact) = answer else {
        return Err(Failure::Usage("no farm was listed".to_owned()));
    };
    let id = only(&fact, "farm", "--farm")?;
    id.parse()
        .map_err(|e: NotAnId| Failure::Usage(e.to_string()))
}

async fn only_queue(world: &dyn World, farm: &FarmId) -> Result<QueueId, Failure> {
    let answer = world.look(&QueueList(farm.clone()).into()).await.answer;
    let AnyAnswer::QueueList(fact) = answer else {
        return Err(Failure::Usage("no queue was listed".to_owned()));
    };
    let id = only(&fact, "queue", "--queue")?;
    id.parse()
        .map_err(|e: NotAnId| Failure::Usage(e.to_string()))
}
