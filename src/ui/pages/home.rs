//! Home: what can be done, and the state of each, read as an audit reads.

use super::super::model::{Model, SignIn};
use super::super::report::diagnosis::{Way, ways};
use super::super::screen::{Block, Cell, List, Screen, Told, Tone};
use super::super::steps::Step;
use super::super::wizard::{Effect, Msg};
use super::{Place, counted};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;

#[derive(Debug, Default)]
pub(super) struct Home {
    /// The row that was opened last: the cursor comes back to it.
    row: usize,
}

const OPEN: &str = "open";

/// What each row opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    Place(Place),
    /// The page of the wizard that asks a worker.
    Worker,
}

const ROWS: &[(Opens, &str)] = &[
    (Opens::Place(Place::Setup), "Set up a queue"),
    (Opens::Place(Place::Diagnose), "Diagnose the connection"),
    (Opens::Place(Place::Audit), "Audit"),
    (Opens::Worker, "Ask a worker"),
    (Opens::Place(Place::Explain), "Explain a job's log"),
    (Opens::Place(Place::Runs), "Runs"),
];

impl Step for Home {
    fn title(&self) -> &'static str {
        "Home"
    }

    fn word(&self, _: &Model) -> &'static str {
        "-"
    }

    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        vec![Effect::ReadRuns]
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        let Msg::Act { id, row } = msg else {
            return Vec::new();
        };
        match (*id, row) {
            (OPEN, Some(row)) => {
                self.row = *row;
                match ROWS.get(*row) {
                    Some((Opens::Place(place), _)) => vec![Effect::Open(*place)],
                    Some((Opens::Worker, _)) => vec![Effect::AskWorker],
                    None => Vec::new(),
                }
            }
            ("again", _) => {
                let again = model.look_again().into_iter().map(Effect::Work);
                again.chain([Effect::ReadRuns]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("What would you like to do?");
        let rows = ROWS.iter().map(|(opens, what)| {
            let (words, tone) = state(model, *opens);
            vec![Cell::new(*what), Cell::toned(words, tone)]
        });
        screen.add(Block::List(List {
            id: "places",
            header: vec!["task".into(), "state".into()],
            rows: rows.collect(),
            enter: Some(OPEN),
            empty: "",
            start: self.row,
            made: None,
        }));
        screen.blank();
        if let SignIn::Failed(problem) = &model.sign_in {
            let told = Told::problem(Verdict::Fail, problem);
            screen.add(Block::Findings(vec![told]));
            screen.say("Set up a queue: its first page chooses another profile.");
        }
        if let Some(cut) = &model.interrupted {
            screen.say(format!(
                "Run {} of {} was interrupted after {} changes: `studiolink setup` resumes it, `studiolink rollback {}` undoes it.",
                cut.run, cut.started, cut.done, cut.run
            ));
        }
        screen.say_dim("Diagnose and audit read only. A worker that is asked is started, which AWS bills: that page says so first.");
        screen.action("again", super::super::screen::Key::Char('r'), "read again");
        screen
    }
}

fn state(model: &Model, opens: Opens) -> (Printable, Tone) {
    let none = || {
        let words = if matches!(model.sign_in, SignIn::Failed(_)) {
            "nobody is signed in"
        } else if model.draft.queues.is_empty() {
            "no queue is known yet: set one up first"
        } else if model.work.is_none() || !model.waiting.is_empty() {
            "reading ..."
        } else {
            "could not be told: Audit says why"
        };
        (words.into(), Tone::Dim)
    };
    let reads = model.reads();
    match opens {
        Opens::Place(Place::Setup) => (of_setup(model), Tone::Plain),
        Opens::Place(Place::Diagnose) => {
            let view = model.view().filter(|_| reads);
            let Some(view) = view else { return none() };
            let findings: Vec<&Finding> = model.findings().iter().collect();
            let all = ways(&view, &findings);
            if all.is_empty() && model.is_asking() {
                return none();
            }
            of_ways(&all)
        }
        Opens::Place(Place::Audit) => {
            let findings = model.audited();
            if !reads || findings.is_empty() {
                return none();
            }
            let more = match model.waiting.len() {
                0 => String::new(),
                n => format!(", {n} under way"),
            };
            let worst = findings.iter().map(|f| f.verdict).min();
            let tone = worst.map_or(Tone::Dim, Tone::from);
            (format!("{}{more}", counted(findings)).into(), tone)
        }
        Opens::Worker => {
            let asked = model
                .findings()
                .iter()
                .filter(|f| f.check == crate::connections::ASKED.id);
            match asked.min_by_key(|f| f.verdict) {
                Some(f) if reads && f.verdict == Verdict::WorkerOnly => (
                    "not asked yet, or its word is stale".into(),
                    f.verdict.into(),
                ),
                Some(f) if reads => {
                    let words = format!("{}: {}", f.verdict.word(), f.message);
                    (words.into(), f.verdict.into())
                }
                _ => none(),
            }
        }
        Opens::Place(Place::Runs) => match &model.runs {
            None => ("reading ...".into(), Tone::Dim),
            Some(Err(problem)) => (problem.because.as_str().into(), Tone::Doubtful),
            Some(Ok(runs)) => match runs.first() {
                None => ("none on this machine".into(), Tone::Dim),
                Some(last) => {
                    let n = runs.len();
                    (
                        format!("{n}; the last of {}, {}", last.started, last.state).into(),
                        Tone::Plain,
                    )
                }
            },
        },
        Opens::Place(_) => ("a file, or the id of a job of the queue".into(), Tone::Dim),
    }
}

fn of_setup(model: &Model) -> Printable {
    let words = match (model.draft.queues.len(), model.view()) {
        (0, _) => "no queue is chosen yet".to_owned(),
        (_, None) => "a studio file is here".to_owned(),
        (n, Some(view)) => {
            let first = view.queue_name(&model.draft.queues[0]);
            match n {
                1 => format!("queue {first}"),
                n => format!("queue {first} and {} more", n - 1),
            }
        }
    };
    let left = if model.is_draft() {
        "; choices of last time are kept"
    } else {
        ""
    };
    format!("{words}{left}").into()
}

/// None is called whole of which nothing was seen, or which no worker has confirmed.
fn of_ways(all: &[Way]) -> (Printable, Tone) {
    let seen = |w: &&Way| w.hops.iter().any(|f| f.verdict == Verdict::Ok);
    let broken = all.iter().filter(|w| w.is_broken()).count();
    let unknown = all
        .iter()
        .filter(|w| w.broken().is_some() || !seen(w))
        .count();
    let told = all.iter().all(Way::told_by_worker);
    match (all.len(), broken, unknown) {
        (0, ..) => (
            "no connection is known: Audit says why".into(),
            Tone::Doubtful,
        ),
        (n, 0, 0) if told => (
            format!("{n} whole, as workers have told").into(),
            Tone::Good,
        ),
        (n, 0, 0) => (
            format!("{n} seen, none broken; no worker has confirmed it").into(),
            Tone::Plain,
        ),
        (n, 0, u) => (
            format!("UNKNOWN: {u} of {n} not seen").into(),
            Tone::Doubtful,
        ),
        (n, b, _) => (format!("FAIL: {b} of {n} broken").into(), Tone::Bad),
    }
}
