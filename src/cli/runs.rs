//! `studiolink runs`: what was changed from this machine. Reads journals alone, asks nobody.

use serde_json::json;

use super::args::{self, Args, Format};
use super::out::{data, talk};
use super::{Failure, open};
use crate::domain::exit::Exit;
use crate::domain::problem::{Problem, ProblemKind};
use crate::engine::journal;
use crate::ui::report::{json as json_report, markdown};
use crate::world::local::DiskState;
use crate::world::{LocalState, World as _};

pub(super) fn run(args: &Args, command: &args::Runs) -> Result<Exit, Failure> {
    let sandbox = args
        .sandbox
        .as_deref()
        .map(|name| open::sandbox(args, name))
        .transpose()?;
    let local: &dyn LocalState = match &sandbox {
        Some(sandbox) => sandbox.local(),
        None => &DiskState::new(),
    };
    let journals = journal::read_all(local)?;
    let runs = &journals.runs;
    for (id, why) in &journals.unreadable {
        let id = crate::domain::text::Printable::short(id, 60);
        talk(&format!("note: the journal {id} can't be read: {why}"));
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
        return Ok(Exit::Clean);
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
    if args.format == Format::Json {
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
        let document = json!({
            "schema": json_report::SCHEMA,
            "kind": "run",
            "run": run.header,
            "state": markdown::state(run),
            "undo": markdown::undo_state(run, runs),
            "entries": entries,
        });
        data(&document.to_string());
    } else {
        data(&markdown::run(run, runs));
    }
    Ok(Exit::Clean)
}
