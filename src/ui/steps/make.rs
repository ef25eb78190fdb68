//! 7. Apply and verify: each change with its state, every check once more, and what is left for people.

use super::super::farewell::undo_words;
use super::super::model::Model;
use super::super::screen::{Block, Cell, Key, Screen, Told, Tone};
use super::super::wizard::{Effect, Msg, exit};
use super::ask_worker::{self, AskWorker};
use super::{Step, told};
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::{Printable, without_url_secrets};
use crate::engine::ChangeState as State;
use crate::engine::apply::{Applied, Stop};
use crate::engine::workflow::{IAM_PATIENCE, LONG_PAUSE, Phase};
use crate::goals::ManualStep;
use crate::resources::Change;
use crate::ui::report::ending;

#[derive(Default)]
pub(super) struct Make {
    worker: AskWorker,
}

fn tone(state: &State) -> Tone {
    match state {
        State::Done { .. } | State::FoundDone => Tone::Good,
        State::Failed | State::Moved => Tone::Bad,
        State::InDoubt | State::HeldBack(_) => Tone::Doubtful,
        State::Waiting | State::UnderWay | State::NotReached => Tone::Dim,
    }
}

impl Step for Make {
    fn title(&self) -> &'static str {
        "Apply"
    }

    fn word(&self, model: &Model) -> &'static str {
        match model.phase() {
            Phase::Observing => "-",
            Phase::Applying => "....",
            Phase::Refused(_) => Verdict::Fail.word(),
            Phase::Verifying { .. } if !model.waiting.is_empty() => "....",
            Phase::Verifying { .. } => match exit(model) {
                Exit::Clean => Verdict::Ok.word(),
                Exit::NotChecked => Verdict::Unknown.word(),
                _ => Verdict::Fail.word(),
            },
        }
    }

    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        self.worker.open = false;
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        if !model.is_applying()
            && let Some(effects) = self.worker.update(msg, model)
        {
            return effects;
        }
        match msg {
            Msg::Act { id: "done", .. } if !model.is_applying() => {
                return vec![Effect::Quit(exit(model))];
            }
            Msg::Act { id: "wait", .. } => {
                if let Some(work) = &mut model.work {
                    if work.patience > IAM_PATIENCE {
                        work.patience = IAM_PATIENCE;
                    } else {
                        work.patience = u64::MAX;
                        work.try_refused_again();
                    }
                }
            }
            Msg::Act { id: "stop", .. } => return vec![Effect::StopApply],
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        if self.worker.open {
            return self.worker.view(model);
        }
        let headline = match model.phase() {
            Phase::Observing => {
                "Nothing was applied yet: the review page is before this one".to_owned()
            }
            Phase::Applying => {
                "Applying the changes; Ctrl-C stops after the current call".to_owned()
            }
            Phase::Verifying { applied, .. } => headline(model, applied),
            Phase::Refused(_) => "Nothing was applied".to_owned(),
        };
        let mut screen = Screen::new(headline);
        if let Some(run) = &model.run {
            screen.note = format!("run {run}").into();
        }
        if matches!(model.phase(), Phase::Applying) {
            screen.say(bar(model));
            if let Some(words) = &model.run_waits {
                screen.say(format!("....  {words}"));
            }
            screen.blank();
        }
        if !model.progress.is_empty() {
            screen.add(Block::Progress(model.progress.iter().map(line).collect()));
        }
        held_back(&mut screen, model);
        match model.phase() {
            Phase::Observing => {}
            Phase::Applying => {
                screen.action("stop", Key::Char('s'), "stop after this call");
            }
            Phase::Refused(problem) => {
                screen.add(Block::Findings(vec![Told::problem(Verdict::Fail, problem)]));
                screen.action("done", Key::Char('q'), "quit");
            }
            Phase::Verifying { applied, tried, .. } => {
                if let Some(stop) = &applied.stop {
                    screen.blank();
                    stopped(&mut screen, stop);
                }
                let asking = !model.waiting.is_empty();
                let wrong = model.findings().iter().any(ending::is_shown);
                if asking || wrong {
                    screen.blank().heading(if asking {
                        "Checking again"
                    } else {
                        "Checked again"
                    });
                }
                waits(&mut screen, model, *tried);
                checked(&mut screen, model, applied.run.as_deref());
                screen.action(ask_worker::OPEN, ask_worker::KEY, ask_worker::LABEL);
                screen.action("done", Key::Char('q'), "finish");
            }
        }
        screen
    }
}

fn line((change, state): &(Change, State)) -> (Cell, Printable, Printable) {
    let right: Printable = if let State::Done { millis } = state {
        format!("{millis} ms").into()
    } else {
        "".into()
    };
    let what = format!("{}  {}", change.operation(), change.words());
    (Cell::toned(state.word(), tone(state)), what.into(), right)
}

/// How far it is, and for how long it has been going on.
fn bar(model: &Model) -> String {
    let all = model.progress.len();
    let over = |s: &State| !matches!(s, State::Waiting | State::UnderWay);
    let made = model.progress.iter().filter(|(_, s)| over(s)).count();
    let width = 20;
    let full = (made * width).checked_div(all).unwrap_or(0);
    let seconds = model.now.saturating_sub(model.applying_since) / 1_000;
    format!(
        "[{}{}] {made} of {all}, {seconds} s",
        "#".repeat(full),
        ".".repeat(width - full)
    )
}

/// The verdict of the whole run, once every check has answered.
fn headline(model: &Model, applied: &Applied) -> String {
    let made: Vec<&Change> = model.progress.iter().map(|(c, _)| c).collect();
    let mut plan = model.plan().clone();
    // What was applied is no longer planned, and what is planned now was not applied.
    plan.changes = made.into_iter().cloned().collect();
    if model.waiting.is_empty() {
        return ending::headline(&plan, Some(applied), model.findings()).1;
    }
    let (_, what) = ending::headline(&plan, Some(applied), &[]);
    format!("{what}; checking again")
}

/// What was not made, because it would stop jobs, and the ways out.
fn held_back(screen: &mut Screen, model: &Model) {
    let held = model.applied().map_or(&[][..], |a| &a.held);
    for one in held {
        let words = format!("  why   {}", one.why);
        screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
    }
    if !held.is_empty() {
        screen.say("It would stop the queue's jobs. Wait until the role can read (w), then go back to the review and apply the rest; there it can be left out too, or insisted on.");
    }
}

/// What is being waited for, and whether somebody wants to wait longer.
fn waits(screen: &mut Screen, model: &Model, tried: u64) {
    let Some(work) = &model.work else {
        return;
    };
    let long = work.patience > IAM_PATIENCE;
    match work.waits() {
        Some((waited, most)) if waited < IAM_PATIENCE && !long => {
            let (waited, most) = (waited / 1_000, most / 1_000);
            screen.say(format!(
                "....  IAM is propagating the change: tried as the queue role for {waited} s of at most {most} s"
            ));
        }
        Some(_) if long => {
            let ago = model.now.saturating_sub(tried) / 1_000;
            let pause = LONG_PAUSE / 1_000;
            screen.say(format!(
                "....  Waiting for the bucket's owner: tried as the queue role {ago} s ago, every {pause} s"
            ));
            screen.action("wait", Key::Char('w'), "wait no longer");
        }
        _ if model.is_refused() => {
            screen.action("wait", Key::Char('w'), "wait until the role can read");
        }
        _ => {}
    }
}

/// What is wrong first, then what is left to do and how to undo, then what is fine.
fn checked(screen: &mut Screen, model: &Model, run: Option<&str>) {
    let all = model.findings().iter();
    let (wrong, fine): (Vec<&Finding>, Vec<&Finding>) = all.partition(|f| ending::is_shown(f));
    screen.add(told(wrong));
    let done = model.waiting.is_empty();
    if done {
        steps(screen, model.manual_steps());
        screen.blank().say(ending::not_confirmed(model.findings()));
        screen.blank();
    }
    match (&model.saved, &model.file) {
        (Some(Ok(())), Some(file)) => {
            screen.say(format!(
                "Saved {file}; it holds no secret and can be kept in a repository"
            ));
        }
        (Some(Err(problem)), _) => {
            let words = format!("WARN  {}: {}", problem.doing, problem.because);
            screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
        }
        _ => {}
    }
    if let Some(run) = run {
        screen.say(format!("Run {run}{}", undo_words(model, run)));
        if !model.sandbox {
            screen.say_dim(ending::JOURNAL.replace("RUN", run));
        }
    }
    if done {
        screen.blank();
        super::picture::draw(screen, model);
    }
    let (ok, open): (Vec<&Finding>, Vec<&Finding>) =
        fine.into_iter().partition(|f| f.verdict == Verdict::Ok);
    if done && !open.is_empty() {
        screen.say_dim("Not seen from here:");
    }
    screen.add(told(open));
    if done {
        screen.say_dim(format!("{} checks are OK:", ok.len()));
    }
    screen.add(told(ok));
}

fn steps(screen: &mut Screen, steps: &[ManualStep]) {
    if steps.is_empty() {
        return;
    }
    screen.blank().heading("Manual steps");
    for (n, step) in steps.iter().enumerate() {
        screen.say(format!("{}  for {}: {}", n + 1, step.for_whom, step.what));
        for line in &step.paste {
            screen.add(Block::Paste(line.clone()));
        }
    }
}

fn stopped(screen: &mut Screen, stop: &Stop) {
    match stop {
        Stop::Failed(p) | Stop::InDoubt(p) => {
            let verdict = if matches!(stop, Stop::Failed(_)) {
                Verdict::Fail
            } else {
                Verdict::Unknown
            };
            screen.add(Block::Findings(vec![Told::problem(verdict, p)]));
        }
        Stop::Interrupted => {
            screen.say(
                "Stopped before the next change. The journal is kept; run setup again to resume.",
            );
        }
        Stop::Moved { change, now } => {
            screen.add(Block::Text(Cell::toned(
                format!(
                    "FAIL  {} has been changed by somebody else; nothing was written over it",
                    change.words()
                ),
                Tone::Bad,
            )));
            for (label, text) in [
                ("before, as it was found", change.before.as_deref()),
                ("after, as planned", change.after.as_deref()),
                ("now", now.as_deref()),
            ] {
                screen.heading(label);
                for line in text.unwrap_or("(does not exist)").lines() {
                    screen.add(Block::Paste(without_url_secrets(line).into()));
                }
            }
        }
    }
}
