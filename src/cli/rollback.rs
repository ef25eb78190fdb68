//! `studiolink rollback`: shows what a run changed, then puts back exactly what was there.

use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, ink, talk};
use super::setup::{calls, progress, stop_words};
use super::stop::Stop;
use super::{FINDINGS, FINE, Failure, INTERRUPTED, USAGE, open};
use crate::domain::ask::Ask;
use crate::domain::change::{Change, Plan, Thing};
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::Studio;
use crate::engine::apply::{self, RunContext};
use crate::engine::journal::{self, Header, Run, stays, to_undo};
use crate::engine::rollback::{cannot_undo, chosen};
use crate::ui::report::{json as json_report, text};
use crate::world::aws::Login;
use crate::world::local::DiskState;
use crate::world::real::RealWorld;
use crate::world::{LocalState, World};

pub async fn run(args: &Args, command: &args::Rollback) -> Result<u8, Failure> {
    let stop = Stop::listen();
    let sandbox = args
        .sandbox
        .as_deref()
        .map(|name| open::sandbox(args, name))
        .transpose()?;
    let desk: &dyn LocalState = match &sandbox {
        Some(sandbox) => sandbox.local(),
        None => &DiskState::new(),
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
    let mut occasion = RunContext::new("rollback", &studio, &header.queues, endpoint.as_deref())?;
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
        runs = journal::read_all(world.local())?.0;
        plan = of_run(&runs, &header.id);
    }
    let kept = keep_used_roles(world, &header, &mut plan).await;
    show(args, &header, &plan, &runs);
    let final_ones = find(&runs, &header.id).map(|run| stays(run, &runs));
    let staying = final_ones.unwrap_or_default().into_iter().chain(&kept);
    let staying: Vec<String> = staying.map(|c| c.thing.words().to_string()).collect();
    if plan.changes.is_empty() {
        if args.format == Format::Json {
            let parts = json!({ "undoes": header.id, "run": null, "plan": [], "stays": staying, "stopped": null });
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
    if args.format == Format::Json {
        let parts = json!({ "undoes": header.id, "run": applied.run, "plan": json_report::changes(&plan), "stays": staying, "stopped": stopped });
        data(&json_report::document("rollback", &studio, exit, parts).to_string());
    } else if let Some(words) = stopped {
        talk(&words);
    } else {
        let but = if staying.is_empty() {
            String::new()
        } else {
            format!(", but for what stays: {}", staying.join("; "))
        };
        talk(&format!("run {} is undone{but}", header.id));
    }
    Ok(exit)
}

/// A role that a queue of the run uses by now, whoever gave it to it, is not taken away; nor where that can't be read.
/// The changes that are taken out of the plan for it.
async fn keep_used_roles(world: &dyn World, header: &Header, plan: &mut Plan) -> Vec<Change> {
    let makes = |c: &Change| matches!(c.thing, Thing::NewRole { .. });
    if !plan.changes.iter().any(makes) {
        return Vec::new();
    }
    let mut studio = Studio::new(world.region().clone());
    for key in &header.queues {
        let ask = Ask::Queue(key.clone());
        let answered = world.look(&ask).await;
        studio.learn(&ask, answered);
    }
    // This very run may put a queue's old role back first.
    let gets_back = |key: &QueueKey| {
        let thing = Thing::QueueRole { queue: key.clone() };
        plan.changes.iter().any(|c| c.thing == thing)
    };
    let queues: Vec<&QueueKey> = header.queues.iter().filter(|q| !gets_back(q)).collect();
    let keeps = |change: &Change| match &change.thing {
        Thing::NewRole { role, .. } => queues.iter().any(|key| match studio.queue(key) {
            Fact::Known(queue) => queue.role_arn().as_ref() == Some(role),
            Fact::Absent => false,
            _ => true,
        }),
        _ => false,
    };
    let all = std::mem::take(&mut plan.changes);
    let (kept, rest): (Vec<Change>, Vec<Change>) = all.into_iter().partition(keeps);
    plan.changes = rest;
    for change in &kept {
        talk(&format!(
            "{} stays: a queue uses it, or could not be read",
            change.thing.words()
        ));
    }
    kept
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
