//! The wizard as lines of text: no redraw, no boxes, numbered choices, one announcement per change. For screen
//! readers, slow lines, and scripts that answer questions. Also chosen where stdout is not a terminal.

pub mod ask;
mod menu;
pub(crate) mod render;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::menu::Pick;
use super::driver::{Driver, Outside};
use super::pages::Place;
use super::probing::timeline;
use super::report::ending;
use super::screen::{Action, Screen, Takes};
use super::steps::cautions;
use super::wizard::{Msg, Wizard};
use crate::domain::exit::Exit;
use crate::domain::ids::JobId;
use crate::domain::text::Printable;
use crate::engine::workflow::Phase;
use crate::engine::{ChangeState as State, Progress};
use crate::questions::CallerIdentity;

/// A page waits so long for its answers before it is read out with what is known.
const PATIENCE: Duration = Duration::from_secs(12);

struct Plain {
    wizard: Wizard,
    driver: Driver,
    from: UnboundedReceiver<Msg>,
    began: Instant,
    /// How far each probe was when that was last said.
    probes: BTreeMap<JobId, String>,
}

/// Why no line came.
enum Ended {
    Input,
    Code(Exit),
}

/// How a page ended.
enum End {
    On,
    Code(Exit),
}

pub async fn run(wizard: Wizard, outside: Arc<dyn Outside>) -> Exit {
    let (to, from) = unbounded_channel();
    let interrupts = to.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            let _ = interrupts.send(Msg::Interrupt);
        }
    });
    let driver = Driver::new(outside, to);
    let mut plain = Plain {
        wizard,
        driver,
        from,
        began: Instant::now(),
        probes: BTreeMap::new(),
    };
    let what = match plain.wizard.place {
        Place::Setup => "studiolink setup",
        _ => "studiolink",
    };
    say(&format!(
        "{what}, plain mode. Answer with a number, or with the first letters of a choice."
    ));
    let code = plain.until_the_end().await;
    plain.driver.leave().await;
    code
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

impl Plain {
    async fn until_the_end(&mut self) -> Exit {
        if let End::Code(code) = self.tell(Msg::Start) {
            return code;
        }
        loop {
            if let End::Code(code) = self.page().await {
                return code;
            }
        }
    }

    fn tell(&mut self, msg: Msg) -> End {
        announce(&msg);
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        for effect in self.wizard.update(now, msg) {
            if let Some(code) = self.driver.run(effect, &self.wizard.model) {
                return End::Code(code);
            }
        }
        self.announce_probes();
        End::On
    }

    /// A worker takes minutes: each step that a probe has come to is said once.
    fn announce_probes(&mut self) {
        for watched in &self.wizard.model.probes.jobs {
            let Some(job) = self.wizard.model.fact(&watched.question()).known() else {
                continue;
            };
            let rows = timeline(job, None);
            let Some((cell, words, _)) = rows.last() else {
                continue;
            };
            let now = if job.is_over() {
                format!("Probe {}: {}.", watched.job.brief(), job.status.word())
            } else {
                format!("Probe {}: {}, {words}.", watched.job.brief(), cell.text)
            };
            if self.probes.get(&watched.job) != Some(&now) {
                say(&now);
                self.probes.insert(watched.job.clone(), now);
            }
        }
    }

    /// Takes in answers until nothing is under way, or patience ends.
    async fn settle(&mut self) -> End {
        let began = Instant::now();
        let mut said = false;
        while self.wizard.is_waiting() {
            let waits = matches!(
                self.wizard.model.phase(),
                Phase::Applying | Phase::Verifying { .. }
            );
            if began.elapsed() > PATIENCE && !waits {
                let words: Vec<String> = self
                    .wizard
                    .model
                    .waiting
                    .values()
                    .map(|w| w.words.to_string())
                    .collect();
                say(&format!("Still waiting for: {}.", words.join(", ")));
                break;
            }
            let msg = tokio::time::timeout(Duration::from_millis(500), self.from.recv()).await;
            if !said && began.elapsed() > Duration::from_millis(900) {
                said = true;
                say("Waiting for answers.");
            }
            let msg = msg.ok().flatten().unwrap_or(Msg::Tick);
            if let End::Code(code) = self.tell(msg) {
                return End::Code(code);
            }
        }
        while let Ok(msg) = self.from.try_recv() {
            if let End::Code(code) = self.tell(msg) {
                return End::Code(code);
            }
        }
        End::On
    }

    async fn page(&mut self) -> End {
        if let End::Code(code) = self.settle().await {
            return End::Code(code);
        }
        let screen = self.wizard.view();
        say("");
        for line in render::lines(&self.wizard, &screen) {
            say(&line);
        }
        let picks = menu::picks(&self.wizard, &screen);
        let labels: Vec<String> = picks
            .iter()
            .enumerate()
            .map(|(i, p)| format!("{} {}", i + 1, p.label))
            .collect();
        say(&format!("What now?  {}", labels.join("  ")));
        // After a slip of the fingers only the question is put again, not the whole page.
        let pick = loop {
            let answer = match self.read("> ").await {
                Ok(answer) => answer,
                Err(ended) => return self.ended(&ended),
            };
            match menu::chosen(&picks, answer.trim()) {
                Ok(pick) => break pick.clone(),
                Err(why) => say(&why),
            }
        };
        let confirms = matches!(&pick.does, menu::Does::Say(Msg::Act { id: "arm", .. }));
        match self.ask(&screen, pick).await {
            Ok(Some(msg)) if confirms => self.confirm(msg).await,
            Ok(Some(msg)) => match self.tell(msg) {
                End::On => self.opened(&screen).await,
                code @ End::Code(_) => code,
            },
            Ok(None) => End::On,
            Err(ended) => self.ended(&ended),
        }
    }

    /// One question, and only a yes applies: whatever else is typed takes it back.
    async fn confirm(&mut self, arm: Msg) -> End {
        if let code @ End::Code(_) = self.tell(arm) {
            return code;
        }
        let model = &self.wizard.model;
        let yes = |a: &Action| a.id == "yes";
        if !self.wizard.view().actions.iter().any(yes) {
            // It was refused, and the page says why.
            return End::On;
        }
        for (_, words) in cautions(model.plan()) {
            say(words.as_str());
        }
        let what = match model.plan().changes.len() {
            1 => "this change".to_owned(),
            n => format!("these {n} changes"),
        };
        let caller = model.fact(&CallerIdentity).known();
        let account = caller.map_or_else(|| "unknown".to_owned(), |c| c.account.to_string());
        let prompt = format!("Apply {what} to account {account}? yes/no ");
        match self.read(&prompt).await {
            Ok(answer) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") => self
                .tell(Msg::Act {
                    id: "yes",
                    row: None,
                }),
            Ok(_) => {
                say("Nothing was applied.");
                self.tell(Msg::Disarm)
            }
            Err(ended) => self.ended(&ended),
        }
    }

    /// A line, while answers of the world are taken in and Ctrl-C is heard.
    async fn read(&mut self, prompt: &str) -> Result<String, Ended> {
        let line = read_line(prompt);
        tokio::pin!(line);
        loop {
            let watches = self.wizard.ticks();
            let msg = tokio::select! {
                line = &mut line => return line.ok_or(Ended::Input),
                msg = self.from.recv() => msg,
                () = tokio::time::sleep(Duration::from_secs(1)), if watches => Some(Msg::Tick),
            };
            if let Some(End::Code(code)) = msg.map(|m| self.tell(m)) {
                return Err(Ended::Code(code));
            }
        }
    }

    /// A field that was just opened is asked for at once.
    async fn opened(&mut self, before: &Screen) -> End {
        let now = self.wizard.view();
        let is_open = |s: &Screen| s.fields().find(|f| f.takes == Takes::AtOnce).map(|f| f.id);
        let Some(field) = is_open(&now).filter(|id| is_open(before) != Some(id)) else {
            return End::On;
        };
        let does = menu::Does::Field {
            field,
            secret: false,
        };
        match self
            .ask(
                &now,
                Pick {
                    label: String::new(),
                    key: None,
                    does,
                },
            )
            .await
        {
            Ok(Some(msg)) => self.tell(msg),
            Ok(None) => End::On,
            Err(ended) => self.ended(&ended),
        }
    }

    /// Asks what a choice still needs.
    async fn ask(&mut self, screen: &Screen, pick: Pick) -> Result<Option<Msg>, Ended> {
        use menu::Does;
        Ok(match pick.does {
            Does::Say(msg) => Some(msg),
            Does::Row { id, rows } => {
                let answer = if rows == 1 {
                    "1".to_owned()
                } else {
                    self.read(&format!("Which row, 1 to {rows}? ")).await?
                };
                match answer.trim().parse::<usize>() {
                    Ok(n) if (1..=rows).contains(&n) => Some(Msg::Act {
                        id,
                        row: Some(n - 1),
                    }),
                    _ => {
                        say(&format!(
                            "That is not a row: type a number from 1 to {rows}."
                        ));
                        None
                    }
                }
            }
            Does::Field { field, secret } => {
                let label = screen
                    .fields()
                    .find(|f| f.id == field)
                    .map_or("", |f| f.label);
                let text = if secret && io::stdin().is_terminal() {
                    match read_secret(label).await? {
                        Some(text) => text,
                        None => return Ok(None),
                    }
                } else {
                    self.read(&format!("{label}: ")).await?
                };
                Some(Msg::Set { field, text })
            }
            Does::Choice { choice } => {
                let Some(choice) = screen.choices().find(|c| c.id == choice) else {
                    return Ok(None);
                };
                for (i, (name, words)) in choice.options.iter().enumerate() {
                    say(&format!("{} {name}: {words}", i + 1));
                }
                let prompt = format!("{}, 1 to {}? ", choice.label, choice.options.len());
                let answer = self.read(&prompt).await?;
                let answer = answer.trim().to_lowercase();
                let by_name = |(name, _): &(Printable, Printable)| {
                    !answer.is_empty() && name.as_str().to_lowercase().starts_with(&answer)
                };
                let number = answer.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                let at = number
                    .filter(|n| *n < choice.options.len())
                    .or_else(|| choice.options.iter().position(by_name));
                match at {
                    Some(at) => Some(Msg::Choose {
                        choice: choice.id,
                        at,
                    }),
                    None => {
                        say("That is none of them.");
                        None
                    }
                }
            }
            Does::Again => None,
            Does::Details => {
                for line in render::details(&self.wizard) {
                    say(&line);
                }
                None
            }
            Does::Calls => {
                for call in self.driver.log().map(|l| l.recent(200)).unwrap_or_default() {
                    say(&format!("{}: {}", call.vantage.word(), call.line()));
                }
                None
            }
        })
    }

    fn ended(&self, ended: &Ended) -> End {
        if let Ended::Code(code) = ended {
            return End::Code(*code);
        }
        match self.wizard.model.phase() {
            Phase::Verifying { .. } | Phase::Refused(_) => {
                End::Code(super::wizard::exit(&self.wizard.model))
            }
            _ => {
                say("The input ended: nothing was changed.");
                End::Code(Exit::Interrupted)
            }
        }
    }
}

/// Each change is announced once, when its state is final.
fn announce(msg: &Msg) {
    if let Msg::Progress(Progress::Change { change, state, .. }) = msg {
        match state {
            State::Waiting => {}
            State::UnderWay => say(&format!(
                "Applying: {}, {}.",
                change.operation(),
                change.words()
            )),
            state => say(&format!(
                "{}: {}, {}.",
                state.word(),
                change.operation(),
                change.words()
            )),
        }
    }
    let Msg::Progress(progress) = msg else {
        return;
    };
    match progress {
        Progress::Run { id, resumed: true } => {
            say(&format!("Resuming run {id}, which was interrupted."));
        }
        Progress::WaitingForIam { seconds, .. } if seconds % 10 != 0 => {}
        other => {
            if let Some(words) = ending::waiting(other) {
                say(words.as_str());
            }
        }
    }
}

async fn read_line(prompt: &str) -> Option<String> {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{prompt}");
    let _ = out.flush();
    drop(out);
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .ok()
            .filter(|n| *n > 0)
            .map(|_| line)
    });
    read.await.ok().flatten()
}

/// `Ok(None)`: taken back with Esc.
async fn read_secret(label: &'static str) -> Result<Option<String>, Ended> {
    let ask = move || {
        inquire::Password::new(label)
            .without_confirmation()
            .with_display_mode(inquire::PasswordDisplayMode::Hidden)
            .prompt_skippable()
    };
    match tokio::task::spawn_blocking(ask).await {
        Ok(Ok(typed)) => Ok(typed),
        Ok(Err(inquire::InquireError::OperationInterrupted)) => Err(Ended::Code(Exit::Interrupted)),
        _ => Err(Ended::Input),
    }
}
