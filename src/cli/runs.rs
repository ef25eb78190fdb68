//! `studiolink runs`: what was changed from this machine. Reads journals, and asks AWS and AYON only about calls that got no
//! answer.

use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, talk};
use super::{Failure, open, rollback};
use crate::domain::exit::Exit;
use crate::domain::problem::{Problem, ProblemKind};
use crate::engine::journal;
use crate::engine::settle;
use crate::ui::report::{json as json_report, markdown};
use crate::world::local::{DiskState, files};
use crate::world::{LocalState, World};

pub(super) async fn run(args: &Args, command: &args::Runs) -> Result<Exit, Failure> {
    let sandbox = args
        .sandbox
        .as_deref()
        .map(|name| open::sandbox(args, name))
        .transpose()?;
    let local: &dyn LocalState = match &sandbox {
        Some(sandbox) => sandbox.local(),
        None => &DiskState::new(),
    };
    let mut journals = journal::read_all(local)?;
    let mut exit = Exit::Clean;
    if command.import.is_none() && command.export.is_none() {
        let sandbox = sandbox.as_ref().map(|s| s as &dyn World);
        let is_unsure = look_again(args, command.run.as_deref(), &journals.runs, sandbox).await;
        exit = exit.and_if(is_unsure, Exit::NotChecked);
        journals = journal::read_all(local)?;
    }
    let runs = &journals.runs;
    for (id, why) in &journals.unreadable {
        let id = crate::domain::text::Printable::short(id, 60);
        talk(&format!("note: the journal {id} can't be read: {why}"));
    }
    if let Some(path) = &command.import {
        return import(local, path, &journals.runs);
    }
    let Some(id) = &command.run else {
        if args.format == Format::Json {
            let rows: Vec<_> = runs
                .iter()
                .map(|r| {
                    json!({
                        "run": r.header,
                        "state": markdown::state(r),
                        "undo": markdown::undo_state(r, runs),
                        "changes": r.done().count(),
                    })
                })
                .collect();
            data(
                &json!({ "schema": json_report::SCHEMA, "kind": "runs", "runs": rows }).to_string(),
            );
        } else if runs.is_empty() {
            talk("no runs are kept on this machine");
        } else {
            let rows: Vec<String> = runs.iter().rev().map(|r| markdown::row(r, runs)).collect();
            data(&rows.join("\n"));
        }
        return Ok(exit);
    };
    let run = runs.iter().find(|r| r.header.id == *id).ok_or_else(|| {
        let shown = crate::domain::text::Printable::short(id, 60);
        Problem::new(
            ProblemKind::Missing,
            format!("There is no run {shown}"),
            "no journal of that name is kept on this machine",
            "`studiolink runs` lists them",
        )
    })?;
    if let Some(path) = &command.export {
        files::write_whole(path, &local.journal(id)?)?;
        talk(&format!(
            "wrote the journal of run {} to {}; on the other machine: studiolink runs --import FILE",
            run.header.id,
            path.display()
        ));
        return Ok(Exit::Clean);
    }
    if args.format == Format::Json {
        let (entries, tries) = lists(run);
        let document = json!({
            "schema": json_report::SCHEMA,
            "kind": "run",
            "run": run.header,
            "state": markdown::state(run),
            "undo": markdown::undo_state(run, runs),
            "entries": entries,
            "tried": tries,
        });
        data(&document.to_string());
    } else {
        data(&markdown::run(run, runs));
    }
    Ok(exit)
}

/// What a run made, and what it tried.
fn lists(run: &journal::Run) -> (Vec<serde_json::Value>, Vec<serde_json::Value>) {
    let entries: Vec<_> = run
        .entries
        .iter()
        .map(|e| {
            json!({
                "n": e.n,
                "at": e.at,
                "operation": e.change.operation(),
                "resource": e.change.words(),
                "came": markdown::came(e),
                "call": e.call,
            })
        })
        .collect();
    let tries: Vec<_> = run
        .tries
        .iter()
        .map(|t| json!({ "n": t.n, "at": t.at, "what": t.words, "came": t.came, "calls": t.calls }))
        .collect();
    (entries, tries)
}

/// Reads again what calls without an answer came to. `true`: of one of them it can't be told.
async fn look_again(
    args: &Args,
    only: Option<&str>,
    runs: &[journal::Run],
    sandbox: Option<&dyn World>,
) -> bool {
    let mut is_unsure = false;
    for run in runs
        .iter()
        .filter(|r| only.is_none_or(|id| r.header.id == id))
    {
        if run.in_doubt().next().is_none() && journal::late(run, runs).next().is_none() {
            continue;
        }
        let id = &run.header.id;
        match looked_at(args, run, sandbox).await {
            Ok(looked) => {
                for one in looked {
                    is_unsure |= one.is_unsure;
                    talk(&format!("run {id}, change {}: {}", one.n, one.words));
                }
            }
            Err(failure) => {
                is_unsure = true;
                talk(&format!(
                    "UNKNOWN  run {id} has calls that got no answer, and what became of them was not read\n  why   {}",
                    failure.brief()
                ));
            }
        }
    }
    is_unsure
}

async fn looked_at(
    args: &Args,
    run: &journal::Run,
    sandbox: Option<&dyn World>,
) -> Result<Vec<settle::LookedAt>, Failure> {
    let real;
    let world = match sandbox {
        Some(world) => world,
        None => {
            real = rollback::connect(args, &run.header).await?;
            real.as_ref()
        }
    };
    let context = rollback::context_of(args, "runs", &run.header, world).await?;
    Ok(settle::look_again(world, run, &context).await?)
}

/// A journal of another machine, which has to be whole and of a run that is not here yet.
fn import(
    local: &dyn LocalState,
    path: &std::path::Path,
    runs: &[journal::Run],
) -> Result<Exit, Failure> {
    let shown = path.display();
    let bytes = files::read(path)?.ok_or_else(|| {
        Failure::Usage(format!(
            "There is no file {shown}\n  fix   name one that `studiolink runs RUN --export FILE` wrote"
        ))
    })?;
    let refused = |why: &str| {
        Failure::Usage(format!(
            "{shown} is not a journal: {why}\n  fix   name one that `studiolink runs RUN --export FILE` wrote"
        ))
    };
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not text"))?;
    let run = journal::Run::parse(&text).map_err(|e| refused(&e.to_string()))?;
    if !text.ends_with('\n') {
        return Err(refused("it was cut short"));
    }
    let id = &run.header.id;
    if runs.iter().any(|r| r.header.id == *id) {
        return Err(Failure::Usage(format!(
            "Run {id} is on this machine already\n  fix   `studiolink runs {id}` shows it"
        )));
    }
    for (n, line) in text.lines().enumerate() {
        if let Err(problem) = local.append(id, line, n == 0) {
            // Half of a journal would hide what its run did.
            let _ = local.discard(id);
            return Err(problem.into());
        }
    }
    let id = crate::domain::text::Printable::short(id, 60);
    let mut all = runs.to_vec();
    all.push(run.clone());
    let has_undo = !journal::to_undo(&run, &all).is_empty() || run.in_doubt().next().is_some();
    let undo = if has_undo {
        format!("; undo: studiolink rollback {id}")
    } else {
        "; it left nothing to undo".to_owned()
    };
    talk(&format!("took in run {id}{undo}"));
    Ok(Exit::Clean)
}
