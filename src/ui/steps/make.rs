//! 7. Apply and verify: each change with its state, a fresh look check by check, and what is left for people.

use super::super::model::{Making, Model};
use super::super::screen::{Block, Cell, Key, Screen, Told, Tone};
use super::super::wizard::{Effect, Msg, exit_code};
use super::{Step, told};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::{Printable, without_url_secrets};
use crate::engine::State;
use crate::engine::apply::Stop;
use crate::engine::verify::{IAM_PATIENCE, LONG_PAUSE, Propagation};

pub struct Make;

fn tone(state: &State) -> Tone {
    match state {
        State::Done { .. } | State::FoundDone => Tone::Good,
        State::Failed | State::Moved => Tone::Bad,
        State::InDoubt => Tone::Doubtful,
        State::Waiting | State::UnderWay | State::NotReached => Tone::Dim,
    }
}

impl Step for Make {
    fn title(&self) -> &'static str {
        "Apply"
    }

    fn word(&self, model: &Model) -> &'static str {
        match &model.making {
            Making::NotYet => "-",
            Making::UnderWay => "....",
            Making::Refused(_) => Verdict::Fail.word(),
            Making::Made { .. } if !model.waiting.is_empty() => "....",
            Making::Made { .. } => match exit_code(model) {
                0 => Verdict::Ok.word(),
                3 => Verdict::Unknown.word(),
                _ => Verdict::Fail.word(),
            },
        }
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act { id: "done", .. } if !matches!(model.making, Making::UnderWay) => {
                vec![Effect::Quit(exit_code(model))]
            }
            Msg::Act { id: "wait", .. } => {
                model.owner_wait = match model.owner_wait {
                    Some(_) => None,
                    None => {
                        model.try_refused_roles_again();
                        Some(model.now)
                    }
                };
                Vec::new()
            }
            Msg::Act { id: "stop", .. } => vec![Effect::StopApply],
            _ => Vec::new(),
        }
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new(match &model.making {
            Making::NotYet => "Nothing was made yet: the review page is before this one",
            Making::UnderWay => "Making the changes; Ctrl-C stops after the current call",
            Making::Made { applied, .. } if applied.stop.is_some() => {
                "Stopped before the end, then looked at again"
            }
            Making::Made { .. } if model.progress.is_empty() => {
                "Nothing to change; looked once more"
            }
            Making::Made { .. } => "Made, then looked at again",
            Making::Refused(_) => "Nothing was made",
        });
        if let Some(run) = &model.run {
            screen.note = format!("run {run}").into();
        }
        let line = |(change, state): &(crate::domain::change::Change, State)| {
            let right: Printable = if let State::Done { millis } = state {
                format!("{millis} ms").into()
            } else {
                "".into()
            };
            (
                Cell::toned(state.word(), tone(state)),
                Printable::from(format!("{}  {}", change.operation(), change.thing.words())),
                right,
            )
        };
        if !model.progress.is_empty() {
            screen.add(Block::Progress(model.progress.iter().map(line).collect()));
        }
        match &model.making {
            Making::NotYet => {}
            Making::UnderWay => {
                screen.action("stop", Key::Char('s'), "stop after this call");
            }
            Making::Refused(problem) => {
                screen.add(Block::Findings(vec![Told {
                    verdict: Verdict::Fail,
                    says: problem.doing.as_str().into(),
                    why: Some(problem.because.as_str().into()),
                    fix: Some(problem.fix.as_str().into()),
                }]));
                screen.action("done", Key::Char('q'), "quit");
            }
            Making::Made { applied, since } => {
                if let Some(stop) = &applied.stop {
                    screen.blank();
                    stopped(&mut screen, stop);
                }
                let waited = (model.now.saturating_sub(*since)) / 1000;
                screen.blank().heading(if model.waiting.is_empty() {
                    "Looked at again"
                } else {
                    "Looking again"
                });
                let findings = model.findings();
                let spreading = applied.spreading();
                let refused = model.is_refused(spreading);
                if spreading != Propagation::Nothing
                    && refused
                    && waited < IAM_PATIENCE.as_secs()
                    && !model.sandbox
                {
                    screen.say(format!("....  IAM needs a moment: asking as the queue role, {waited} s of at most {} s", IAM_PATIENCE.as_secs()));
                } else if let (true, Some(tried)) = (refused, model.owner_wait) {
                    let ago = model.now.saturating_sub(tried) / 1000;
                    screen.say(format!("....  Waiting for the bucket's owner: asked as the queue role {ago} s ago, every {} s", LONG_PAUSE.as_secs()));
                    screen.action("wait", Key::Char('w'), "wait no longer");
                } else if refused {
                    screen.action("wait", Key::Char('w'), "wait until the role may read");
                }
                // What is wrong first, then what is left to do, then what is fine.
                let (fine, other): (Vec<Finding>, Vec<Finding>) =
                    findings.into_iter().partition(|f| f.verdict == Verdict::Ok);
                screen.add(told(&other));
                if model.waiting.is_empty() {
                    screen.say_dim(format!("{} checks are OK; they are below", fine.len()));
                    screen.blank().heading("Left for you");
                    for left in model.left() {
                        screen.say(format!("for {}: {}", left.for_whom, left.what));
                        for line in left.paste {
                            screen.add(Block::Paste(line));
                        }
                    }
                }
                if let Some(run) = applied.run.as_ref().filter(|_| !model.sandbox) {
                    screen.say_dim(format!("undo: studiolink rollback {run}"));
                }
                match (&model.saved, &model.file) {
                    (Some(Ok(())), Some(file)) => {
                        screen.say_dim(format!(
                            "{file} is written; it holds no secret and can be kept in a repository"
                        ));
                    }
                    (Some(Err(problem)), _) => {
                        screen.add(Block::Text(Cell::toned(
                            format!("WARN  {}: {}", problem.doing, problem.because),
                            Tone::Doubtful,
                        )));
                    }
                    _ => {}
                }
                screen.blank();
                screen.add(told(&fine));
                screen.action("done", Key::Char('q'), "finish");
            }
        }
        screen
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
            screen.add(Block::Findings(vec![Told {
                verdict,
                says: p.doing.as_str().into(),
                why: Some(p.because.as_str().into()),
                fix: Some(p.fix.as_str().into()),
            }]));
        }
        Stop::Interrupted => {
            screen
                .say("Stopped before the next change. The journal is kept; setup goes on with it.");
        }
        Stop::Moved { change, now } => {
            screen.add(Block::Text(Cell::toned(
                format!(
                    "FAIL  {} has been changed by somebody else; nothing was written over it",
                    change.thing.words()
                ),
                Tone::Bad,
            )));
            for (label, text) in [
                ("before, as it was found", change.before.as_deref()),
                ("after, as it was wanted", change.after.as_deref()),
                ("now", now.as_deref()),
            ] {
                screen.heading(label);
                for line in text.unwrap_or("(not there)").lines() {
                    screen.add(Block::Paste(without_url_secrets(line).into()));
                }
            }
        }
    }
}
