//! The page on which a worker is asked: what is sent and what it starts, the job as it goes, what it told. It lies over the
//! step from which it was opened; the job goes on when it is left, and is found again.

use std::time::Duration;

use super::super::model::Model;
use super::super::probing::{
    NO_OBSTACLE, PATIENCE, Probing, Wish, obstacles, probing, starting, timeline,
    told_not_compatible,
};
use super::super::screen::{Block, Key, Screen, Told};
use super::super::wizard::{Effect, Msg};
use crate::derived::connections::publishing;
use crate::derived::job_packages::variant;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::problem::Problem;
use crate::questions::FleetWorkers;
use crate::resources::{Change, ProbeJob};
use crate::ui::report::diff::diff;
use crate::ui::watch::{Sending, Watched};

#[derive(Default)]
pub(super) struct AskWorker {
    pub open: bool,
    /// Without the packages of a publish job, so that a fault of conda hides nothing else.
    bare: bool,
}

/// The key that opens it, on every page that has it.
pub(super) const KEY: Key = Key::Char('o');
pub(in crate::ui) const OPEN: &str = "ask-worker";
pub(super) const LABEL: &str = "ask a worker";

impl AskWorker {
    /// Takes what is its own; `None`: it is the step's.
    pub(super) fn update(&mut self, msg: &Msg, model: &mut Model) -> Option<Vec<Effect>> {
        let id = match msg {
            Msg::Escape if self.open => &OPEN,
            Msg::Act { id, .. } => id,
            _ => return None,
        };
        match *id {
            OPEN => {
                self.open = !self.open;
                self.bare = false;
                let found = if self.open {
                    model.find_probes()
                } else {
                    Vec::new()
                };
                let found = found.into_iter().map(Effect::Work);
                Some(found.chain([Effect::Stay]).collect())
            }
            "send-probe" => Some(self.send(model)),
            "without-conda" => {
                // From a job that is over it leads to the next one.
                self.bare = !self.bare || !model.probes.jobs.is_empty();
                model.probes.jobs.clear();
                model.probes.sending = Sending::No;
                Some(Vec::new())
            }
            "cancel-probe" => Some(vec![Effect::SendProbe(cancels(model))]),
            "probe-again" => {
                model.probes.jobs.clear();
                model.probes.sending = Sending::No;
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn probing(&self, model: &Model, id: impl FnMut() -> String) -> Result<Probing, Problem> {
        let view = model.view();
        let wish = Wish {
            fleet: None,
            variant: variant(&model.config()),
            conda: !self.bare,
        };
        match view {
            Some(view) => probing(&view, wish, id),
            None => Ok(Probing::default()),
        }
    }

    fn send(&mut self, model: &mut Model) -> Vec<Effect> {
        let id = || uuid::Uuid::new_v4().simple().to_string();
        match self.probing(model, id) {
            Ok(probing) if !probing.plan.changes.is_empty() => {
                model.probes.sending = Sending::Asked;
                vec![Effect::SendProbe(probing.plan.changes)]
            }
            Ok(_) => Vec::new(),
            Err(problem) => {
                model.probes.sending = Sending::Failed(Box::new(problem));
                Vec::new()
            }
        }
    }

    pub(super) fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::over(OPEN, "Ask a worker");
        screen.action(OPEN, KEY, "back to the page");
        if model.probes.jobs.is_empty() {
            self.before(&mut screen, model);
        } else {
            under_way(&mut screen, model);
        }
        screen
    }

    fn before(&self, screen: &mut Screen, model: &Model) {
        screen.say(
            "A small job tells, from a worker, what a publish step meets there: its conda environment, \
            the way to the server, the key, AYON without windows, the storage. It leaves nothing behind.",
        );
        screen.blank();
        match &model.probes.sending {
            Sending::Asked => {
                screen.say("....  The job is being sent");
                return;
            }
            Sending::Failed(problem) => {
                screen.add(Block::Findings(vec![Told::problem(Verdict::Fail, problem)]));
                screen.blank();
            }
            Sending::No => {}
        }
        // What is planned here is only shown: each job gets its name when it is sent.
        match self.probing(model, String::new) {
            Ok(probing) => {
                for words in &probing.starts {
                    screen.say(words);
                }
                if self.bare {
                    screen.say(
                        "Without the conda packages: so that what is behind them is seen too.",
                    );
                }
                if !probing.starts.is_empty() {
                    screen.action("send-probe", Key::Char('y'), "send it");
                }
                for words in obstacles(model.findings().iter()) {
                    screen.say(format!("It may wait: {words}"));
                }
                for change in &probing.plan.changes {
                    screen
                        .blank()
                        .heading(format!("CreateJob  {}", change.words()));
                    screen.say_dim(change.undo());
                    screen.add(Block::Diff {
                        lines: diff(change),
                        wrap: true,
                    });
                }
            }
            Err(problem) => {
                screen.add(Block::Findings(vec![Told::problem(
                    Verdict::Fail,
                    &problem,
                )]));
            }
        }
        let label = if self.bare {
            "with the packages"
        } else {
            "without packages"
        };
        screen.action("without-conda", Key::Char('c'), label);
    }
}

/// The jobs that are watched, each from its queue to its end.
fn under_way(screen: &mut Screen, model: &Model) {
    let several = model.probes.jobs.len() > 1;
    let mut all_over = true;
    let mut hides = false;
    if let Sending::Failed(problem) = &model.probes.sending {
        screen.add(Block::Findings(vec![Told::problem(Verdict::Fail, problem)]));
        screen.blank();
    }
    for watched in &model.probes.jobs {
        if several && let Some(view) = model.view() {
            screen.heading(format!("Queue {}", view.queue_name(&watched.queue)));
        }
        let question = watched.question();
        let fact = model.fact(&question);
        let Some(job) = fact.known() else {
            all_over = false;
            match fact.problem() {
                Some(problem) => {
                    screen.add(Block::Findings(vec![Told::problem(
                        Verdict::Unknown,
                        problem,
                    )]));
                }
                None => {
                    screen.say(format!("....  {} is being read", watched.job));
                }
            }
            continue;
        };
        // As of the last look: nothing is known of the seconds since.
        let evidence = model.view().map(|v| v.evidence(&question));
        let calls = evidence.iter().flat_map(|e| e.calls.iter());
        let looked = calls.map(|c| c.at).max();
        screen.add(Block::Progress(timeline(job, looked)));
        for line in &watched.heard.last {
            screen.say_dim(format!("  | {line}"));
        }
        if let (true, Some(view), Some(looked)) = (watched.heard.is_waiting, model.view(), looked) {
            let fleets = publishing(&view, &watched.queue).into_iter();
            let listed = fleets.flat_map(|(key, _)| {
                let workers = model.fact(&FleetWorkers(key.clone())).known();
                let name = view.fleet_name(&key);
                let all = workers.into_iter().flatten();
                all.map(move |w| (name.clone(), w))
            });
            for words in starting(job, looked, listed) {
                screen.say(format!("  {words}"));
            }
        }
        all_over &= job.is_over();
        let waited = Duration::from_millis(model.now.saturating_sub(watched.since));
        if job.sessions.is_empty() && !job.is_over() {
            let known = obstacles(model.findings().iter());
            if known.is_empty() && waited >= PATIENCE {
                screen.say(format!("  {NO_OBSTACLE}"));
            }
            for words in known {
                screen.say(format!("  {words}"));
            }
        }
        if let Some(told) = told_not_compatible(job) {
            screen.blank().add(Block::Findings(vec![told]));
        }
        if !watched.heard.told.is_empty() {
            let told = watched.heard.told.clone();
            screen.blank().add(Block::Findings(told));
        }
        hides |= watched.heard.hides;
        if !watched.own && !job.is_over() {
            screen.say("Another run sent it: `studiolink rollback` on that machine cancels it, or the monitor.");
        }
        screen.say_dim(format!(
            "`studiolink probe --job {}` shows it again, from any machine",
            watched.job
        ));
    }
    let stale: Vec<&Finding> = stale(model);
    if all_over && !stale.is_empty() {
        screen.blank();
        screen.add(super::told(stale));
    }
    if all_over {
        if hides {
            screen.say("A job without the packages would show what is behind this: c, then y.");
            screen.action("without-conda", Key::Char('c'), "without packages");
        }
        screen.action("probe-again", Key::Char('n'), "another one");
    } else {
        screen.say_dim("It goes on when you leave this page, and is found again.");
        if !cancels(model).is_empty() {
            screen.action("cancel-probe", Key::Char('x'), "cancel");
        }
    }
}

/// What was seen before the studio changed.
fn stale(model: &Model) -> Vec<&Finding> {
    let all = model.findings().iter();
    all.filter(|f| f.code == "stale").collect()
}

/// Undoes the sending of what this wizard sent and is not over yet.
fn cancels(model: &Model) -> Vec<Change> {
    let own = model.probes.jobs.iter().filter(|w| w.own);
    let open = own.filter(|w| {
        let fact = model.fact(&w.question());
        fact.known().is_none_or(|j| !j.is_over())
    });
    let cancel = |w: &Watched| {
        let resource = ProbeJob {
            queue: w.queue.clone(),
            mark: String::new(),
            job: Some(w.job.clone()),
        };
        // What it was sent with does not matter any more.
        let sent = Some("{}".to_owned());
        let id = format!("probe/{}/cancel", w.job);
        Change::new(id, resource, sent, None, "somebody canceled it")
    };
    open.map(cancel).collect()
}
