//! `studiolink rollback`: shows what a run changed, then puts back exactly what was there.

use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, ink, talk};
use super::setup::{calls, progress, stop_words};
use super::stop::Stop;
use super::{FINDINGS, FINE, Failure, INTERRUPTED, USAGE, open};
use crate::domain::ask::Ask;
use crate::domain::change::{Plan, Thing};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::Studio;
use crate::engine::apply::{self, Occasion};
use crate::engine::journal::{self, Header, Run, stays, to_undo};
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
    let (mut runs, _) = journal::read_all(desk)?;
    let header = chosen(&runs, command.run.as_deref())?.header.clone();
    if let Some(undoes) = &header.undoes {
        return Err(Problem::new(
            ProblemKind::Invalid,
            format!("Run {} is itself a rollback of {undoes}", header.id),
            "undoing an undoing is a change like any other",
            "run `studiolink setup` or `studiolink apply` again",
        )
        .into());
    }
    let mut plan = of_run(&runs, &header.id);
    if !command.yes {
        show(args, &header, &plan, &runs);
        if let Some(entry) = find(&runs, &header.id).and_then(|r| r.in_doubt().next()) {
            let operation = entry.change.operation();
            talk(&format!(
                "note: {operation} of this run is in doubt; undoing reads it again first"
            ));
        }
        if args.format == Format::Json {
            let parts = json!({ "undoes": header.id, "run": null, "plan": json_report::changes(&plan), "stopped": "--yes was not given" });
            let studio = Studio::new(header.region.clone());
            data(&json_report::document("rollback", &studio, USAGE, parts).to_string());
        }
        let words = "nothing was undone\n  fix   look at the changes above, then add --yes";
        return Err(Failure::Usage(words.to_owned()));
    }
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
    studio.learn(&Ask::Caller, answered);
    let endpoint = open::endpoint(args);
    let mut occasion = Occasion::new("rollback", &studio, &header.queues, endpoint.as_deref())?;
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
    // What was cut short is read first: it may have been done, and then it is to be undone too.
    if let Some(run) = find(&runs, &header.id).filter(|r| r.in_doubt().next().is_some()) {
        if let Some(stop) = apply::settle_run(world, run, &occasion).await? {
            talk(&stop_words(&stop));
            return Ok(FINDINGS);
        }
        runs = journal::read_all(world.desk())?.0;
        plan = of_run(&runs, &header.id);
    }
    keep_used_roles(world, &header, &mut plan).await;
    show(args, &header, &plan, &runs);
    if plan.changes.is_empty() {
        if args.format == Format::Json {
            let parts = json!({ "undoes": header.id, "run": null, "plan": [], "stopped": null });
            data(&json_report::document("rollback", &studio, FINE, parts).to_string());
        }
        return Ok(FINE);
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
    let staying = find(&runs, &header.id).map(|run| stays(run, &runs));
    let not_undone: Vec<String> = staying
        .unwrap_or_default()
        .iter()
        .map(|c| format!("{}  {}", c.operation(), c.thing.words()))
        .collect();
    if args.format == Format::Json {
        let parts = json!({ "undoes": header.id, "run": applied.run, "plan": json_report::changes(&plan), "stays": not_undone, "stopped": stopped });
        data(&json_report::document("rollback", &studio, exit, parts).to_string());
    } else if let Some(words) = stopped {
        talk(&words);
    } else {
        let but = if not_undone.is_empty() {
            String::new()
        } else {
            format!(", but for what stays: {}", not_undone.join("; "))
        };
        talk(&format!("run {} is undone{but}", header.id));
    }
    Ok(exit)
}

/// A role that a queue of the run uses by now, whoever gave it to it, is not taken away; nor where that can't be read.
async fn keep_used_roles(world: &dyn World, header: &Header, plan: &mut Plan) {
    let made: Vec<String> = plan
        .changes
        .iter()
        .filter_map(|c| match &c.thing {
            Thing::NewRole { role, .. } => Some(role.to_string()),
            _ => None,
        })
        .collect();
    if made.is_empty() {
        return;
    }
    let mut studio = Studio::new(world.region().clone());
    for key in &header.queues {
        let ask = Ask::Queue(key.clone());
        let answered = world.look(&ask).await;
        studio.learn(&ask, answered);
    }
    let keeps = |arn: &str| {
        header.queues.iter().any(|key| {
            // This very run may put the queue's old role back first.
            let back = plan.changes.iter().any(|c| {
                c.thing == Thing::QueueRole { queue: key.clone() }
                    && c.after.as_deref() != Some(arn)
            });
            let queue = studio.queue(key);
            let named = queue
                .known()
                .and_then(|q| q.role.as_ref())
                .map(|r| r.raw().to_owned());
            let gone = matches!(queue, Fact::Absent);
            !back && !gone && (queue.known().is_none() || named.as_deref() == Some(arn))
        })
    };
    let kept: Vec<String> = made.into_iter().filter(|arn| keeps(arn)).collect();
    for arn in &kept {
        talk(&format!(
            "role {arn} stays: a queue uses it, or could not be read"
        ));
    }
    plan.changes.retain(|c| !matches!(&c.thing, Thing::NewRole { role, .. } if kept.iter().any(|k| k == role.as_str())));
}

fn find<'a>(runs: &'a [Run], id: &str) -> Option<&'a Run> {
    runs.iter().find(|r| r.header.id == id)
}

fn of_run(runs: &[Run], id: &str) -> Plan {
    let changes = find(runs, id).map(|r| to_undo(r, runs)).unwrap_or_default();
    Plan {
        changes,
        ..Plan::default()
    }
}

fn show(args: &Args, header: &Header, plan: &Plan, runs: &[Run]) {
    if args.format == Format::Text {
        let day = header.started.strftime("%Y-%m-%d %H:%M:%SZ");
        talk(&format!("run {} of {day}", header.id));
        data(&if plan.changes.is_empty() {
            "nothing to undo".to_owned()
        } else {
            text::plan(plan, ink(args))
        });
    }
    let stay = find(runs, &header.id).map(|run| stays(run, runs));
    let stay = stay.unwrap_or_default();
    let all = plan.changes.iter().chain(stay);
    for words in cannot_undo(all) {
        talk(&format!("can't be undone: {words}"));
    }
}
