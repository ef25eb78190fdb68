//! `studiolink rollback`: shows what a run changed, then puts back exactly what was there.

use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, ink, talk};
use super::setup::{calls, progress, stop_words};
use super::stop::Stop;
use super::{FINDINGS, FINE, Failure, INTERRUPTED, open};
use crate::domain::ask::{Answer, Ask};
use crate::domain::change::Plan;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::Studio;
use crate::engine::apply::{self, Occasion};
use crate::engine::journal::{self, to_undo};
use crate::engine::rollback::{cannot_undo, chosen};
use crate::ui::report::{json as json_report, text};
use crate::world::aws::Login;
use crate::world::local::LocalDesk;
use crate::world::real::RealWorld;
use crate::world::{Desk, World};

pub async fn run(args: &Args, command: &args::Rollback) -> Result<u8, Failure> {
    let stop = Stop::listen();
    let sandbox = args
        .sandbox
        .as_deref()
        .map(|name| open::sandbox(args, name))
        .transpose()?;
    let desk: &dyn Desk = match &sandbox {
        Some(sandbox) => sandbox.desk(),
        None => &LocalDesk::new(),
    };
    let (runs, _) = journal::read_all(desk)?;
    let run = chosen(&runs, command.run.as_deref())?;
    let changes = to_undo(run, &runs);
    if let Some(undoes) = &run.header.undoes {
        return Err(Problem::new(
            ProblemKind::Invalid,
            format!("Run {} is itself a rollback of {undoes}", run.header.id),
            "undoing an undoing is a change like any other",
            "run `studiolink setup` or `studiolink apply` again",
        )
        .into());
    }
    if let Some(entry) = run.in_doubt().next() {
        talk(&format!(
            "note: {} of this run is in doubt; `studiolink setup` reads it again and settles it",
            entry.change.operation()
        ));
    }
    let plan = Plan {
        changes,
        ..Plan::default()
    };
    if args.format == Format::Text {
        talk(&format!(
            "run {} of {}",
            run.header.id,
            run.header.started.strftime("%Y-%m-%d %H:%M:%SZ")
        ));
        data(&if plan.changes.is_empty() {
            "nothing to undo".to_owned()
        } else {
            text::plan(&plan, ink(args))
        });
    }
    for words in cannot_undo(&plan.changes) {
        talk(&format!("can't be undone: {words}"));
    }
    if plan.changes.is_empty() {
        return Ok(FINE);
    }
    if !command.yes {
        return Err(Failure::Usage(
            "nothing was undone\n  fix   look at the changes above, then add --yes".to_owned(),
        ));
    }
    let header = run.header.clone();
    let real;
    let world: &dyn World = if let Some(sandbox) = &sandbox {
        sandbox
    } else {
        let file = open::studio_file(args).ok().and_then(|f| f.wanted);
        let login = open::login(args, None)?;
        // The run's own region counts before the environment's, for its things are there.
        let login = Login {
            region: args.region.clone().or(Some(header.region.clone())),
            profile: login.profile.or(file.and_then(|w| w.profile)),
            ..login
        };
        real = RealWorld::connect(&login).await?;
        &real
    };
    let mut studio = Studio::new(world.region().clone());
    let answered = world.look(&Ask::Caller).await;
    if let Answer::Caller(_) = &answered.answer {
        studio.learn(&Ask::Caller, answered);
    }
    let mut occasion = Occasion::new(
        "rollback",
        &studio,
        &header.queues,
        open::endpoint(args).as_deref(),
    )?;
    if occasion.caller.account != header.account || *world.region() != header.region {
        let because = format!(
            "the run was in account {}, region {}; this is account {}, region {}",
            header.account,
            header.region,
            occasion.caller.account,
            world.region()
        );
        return Err(Problem::new(
            ProblemKind::Local,
            "Nothing was undone: this is another place",
            because,
            "choose the --profile and --region of the run",
        )
        .into());
    }
    occasion.undoes = Some(header.id.clone());
    let applied = apply::apply(world, &plan.changes, &occasion, &stop.flag, &progress).await?;
    calls(args, world, 0);
    let exit = match &applied.stop {
        None => FINE,
        Some(apply::Stop::Interrupted) => INTERRUPTED,
        Some(_) => FINDINGS,
    };
    let stopped = applied.stop.as_ref().map(stop_words);
    if args.format == Format::Json {
        let parts = json!({ "undoes": header.id, "run": applied.run, "plan": json_report::changes(&plan), "stopped": stopped });
        data(&json_report::document("rollback", &studio, exit, parts).to_string());
    } else if let Some(words) = stopped {
        talk(&words);
    } else {
        talk(&format!("run {} is undone", header.id));
    }
    Ok(exit)
}
