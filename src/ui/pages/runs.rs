//! The runs of this machine: what each has changed, and what of it still stands.

use super::super::model::{Model, RunRow};
use super::super::screen::{Block, Cell, Key, List, Screen, Tone};
use super::super::steps::Step;
use super::super::wizard::{Effect, Msg};
use crate::domain::text::Printable;

#[derive(Debug, Default)]
pub(super) struct Runs {
    /// By its id.
    shown: Option<Printable>,
}

fn rows(model: &Model) -> &[RunRow] {
    match &model.runs {
        Some(Ok(rows)) => rows,
        _ => &[],
    }
}

impl Step for Runs {
    fn title(&self) -> &'static str {
        "Runs"
    }

    fn word(&self, _: &Model) -> &'static str {
        "-"
    }

    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        vec![Effect::ReadRuns]
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act {
                id: "run",
                row: Some(row),
            } => {
                self.shown = rows(model).get(*row).map(|r| r.id.clone());
            }
            Msg::Act { id: "again", .. } => return vec![Effect::ReadRuns],
            Msg::Escape | Msg::Back if self.shown.take().is_some() => return vec![Effect::Stay],
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        if let Some(run) = rows(model)
            .iter()
            .find(|r| Some(&r.id) == self.shown.as_ref())
        {
            return one(model, run);
        }
        let mut screen = Screen::new("Runs of this machine");
        if let Some(Err(problem)) = &model.runs {
            let told =
                super::super::screen::Told::problem(crate::domain::finding::Verdict::Fail, problem);
            screen.add(Block::Findings(vec![told]));
        }
        let cells = rows(model).iter().map(|run| {
            let tone = if run.is_cut {
                Tone::Doubtful
            } else {
                Tone::Plain
            };
            vec![
                Cell::new(run.started.clone()),
                Cell::new(run.command.clone()),
                Cell::new(run.queues.clone()),
                Cell::new(run.changes.len().to_string()),
                Cell::toned(run.state.clone(), tone),
                Cell::new(run.undo.clone()),
            ]
        });
        let header = ["started", "command", "queue", "changes", "state", "undo"];
        screen.add(Block::List(List {
            id: "runs",
            header: header.map(Printable::from).to_vec(),
            rows: cells.collect(),
            enter: Some("run"),
            empty: if model.runs.is_none() {
                "reading ..."
            } else {
                "no run is kept on this machine"
            },
            start: 0,
            made: None,
        }));
        screen.action("again", Key::Char('r'), "read again");
        screen
    }
}

fn one(model: &Model, run: &RunRow) -> Screen {
    let mut screen = Screen::over("run", format!("Run {}", run.id));
    screen.note = run.state.clone();
    screen.say(format!(
        "{}, {}, by {}; {}",
        run.started, run.command, run.by, run.place
    ));
    screen.blank();
    let cells = run
        .changes
        .iter()
        .map(|(came, what)| vec![Cell::new(came.clone()), Cell::new(what.clone())]);
    screen.add(Block::List(List {
        id: "changes",
        header: Vec::new(),
        rows: cells.collect(),
        enter: None,
        empty: "it changed nothing",
        start: 0,
        made: None,
    }));
    screen.blank();
    screen.say(format!("Undo: {}", run.undo));
    let flags = model.undo_flags.as_deref();
    let Some(flags) = flags else {
        screen
            .say_dim("The sandbox forgets its runs when it ends; --sandbox-state FILE keeps them.");
        return screen;
    };
    let id = &run.id;
    if run.can_undo {
        screen.add(Block::Paste(
            format!("studiolink rollback {id}{flags}").into(),
        ));
    }
    if run.is_cut {
        screen.say(
            "Running setup again reads what came of the change that was under way, and resumes it.",
        );
    }
    screen.add(Block::Paste(format!("studiolink runs {id}{flags}").into()));
    screen
}
