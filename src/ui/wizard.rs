//! The order of the steps and the pure top-level update: a message in, effects out. Nothing here waits or looks.

use super::model::{Making, Model, SignIn, Waiting};
use super::screen::Screen;
use super::steps::{self, Step};
use crate::domain::ask::{Answered, Ask};
use crate::domain::conda_solve::Download;
use crate::domain::finding::{Verdict, could_not_look};
use crate::domain::ids::Region;
use crate::domain::login::AyonLogin;
use crate::domain::probe::{Probe, Reading};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Secret};
use crate::engine::apply::{Applied, Stop};
use crate::engine::verify::{IAM_PATIENCE, LONG_PAUSE, Propagation};
use crate::engine::{Event, State};

/// What happened: somebody did something, or the world answered. Answers carry the generation they were asked in.
#[derive(Debug, Clone)]
pub enum Msg {
    Start,
    Act {
        id: &'static str,
        row: Option<usize>,
    },
    Set {
        field: &'static str,
        text: String,
    },
    Choose {
        choice: &'static str,
        at: usize,
    },
    Next,
    Back,
    /// A key that means nothing here: it disarms what was armed.
    Disarm,
    Quit,
    /// Ctrl-C, SIGTERM, SIGHUP: a run finishes its call, everything else ends.
    Interrupt,
    Profiles(Result<Vec<String>, Box<Problem>>),
    SignedIn(u64, Result<(Printable, Region), Box<Problem>>),
    Learned(u64, Ask, Box<Answered>),
    Read(u64, Probe, Box<Reading>),
    Progress(Event),
    Applied(Result<Box<Applied>, Box<Problem>>),
    KeyFound(bool),
    /// The world holds another key now, or none: what depends on it is asked again.
    KeyHeld(bool),
    KeyStored(Result<(), Box<Problem>>),
    Saved(Result<(), Box<Problem>>),
    Exported(Result<Printable, Box<Problem>>),
    /// An administrator of AYON has signed in, or why not.
    AdminHeld(Result<(), Box<Problem>>),
    /// What is being downloaded just now.
    Downloads(Vec<Download>),
    Tick,
}

/// What is to be done in the world. The driver is the only one that does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Profiles,
    SignIn,
    Ask(u64, Ask),
    Try(u64, Probe),
    /// Nobody waits for it any more.
    Cancel(Probe),
    Apply,
    StopApply,
    FindKey,
    HoldKey(Secret<String>),
    StoreKey(Secret<String>),
    DropKey,
    HoldAdmin(AyonLogin),
    Remember(&'static str, String),
    SaveFile,
    Export,
    Next,
    /// Nothing: the step has answered a key by itself.
    Stay,
    Quit(u8),
}

/// In milliseconds: what takes longer can be stopped with Esc.
const LONG: u64 = 1_000;

/// The place of the channels page among the steps.
const CHANNELS: usize = 2;

/// The place of the server page among the steps.
const SERVER: usize = 4;

pub struct Wizard {
    pub model: Model,
    steps: Vec<Box<dyn Step>>,
    pub at: usize,
    quitting: bool,
}

impl Wizard {
    pub fn new(model: Model) -> Self {
        Self {
            model,
            steps: steps::all(),
            at: 0,
            quitting: false,
        }
    }

    pub fn view(&self) -> Screen {
        self.steps[self.at].view(&self.model)
    }

    /// Title and state word of each step, in order.
    pub fn overview(&self) -> Vec<(&'static str, &'static str)> {
        self.steps
            .iter()
            .map(|s| (s.title(), s.word(&self.model)))
            .collect()
    }

    pub fn is_making(&self) -> bool {
        matches!(self.model.making, Making::UnderWay)
    }

    /// Is anything under way that a clock should show?
    pub fn is_waiting(&self) -> bool {
        !self.model.waiting.is_empty()
            || matches!(self.model.making, Making::UnderWay)
            || self.model.sign_in == SignIn::UnderWay
            || self.awaits_iam()
            || self.awaits_owner()
    }

    pub fn update(&mut self, now: u64, msg: Msg) -> Vec<Effect> {
        self.model.now = now;
        if matches!(
            msg,
            Msg::Act { .. } | Msg::Set { .. } | Msg::Choose { .. } | Msg::Next | Msg::Back
        ) {
            self.model.note = None;
            self.quitting = false;
        }
        self.model.changed();
        let mut effects = self.take(msg);
        self.model.changed();
        let mut ready = Vec::new();
        while let Some(effect) = effects.pop() {
            match effect {
                Effect::Next => effects.extend(self.go(self.at + 1)),
                Effect::Apply => {
                    if let Making::Made { applied, .. } = &self.model.making {
                        self.model.earlier = Some(applied.clone());
                    }
                    self.model.progress = self
                        .model
                        .plan()
                        .changes
                        .into_iter()
                        .map(|c| (c, State::Waiting))
                        .collect();
                    self.model.making = Making::UnderWay;
                    ready.push(Effect::Apply);
                    effects.extend(self.go(self.steps.len() - 1));
                }
                Effect::Stay => {}
                Effect::SignIn => {
                    self.model.sign_ins += 1;
                    ready.push(Effect::SignIn);
                }
                other => ready.push(other),
            }
        }
        ready.reverse();
        self.model.changed();
        ready.extend(self.look());
        ready
    }

    fn take(&mut self, msg: Msg) -> Vec<Effect> {
        let model = &mut self.model;
        match msg {
            Msg::Start => return vec![Effect::Profiles, Effect::SignIn, Effect::FindKey],
            Msg::Next => {
                // A step may do something of its own before it is left.
                let own = self.steps[self.at].update(&Msg::Next, &mut self.model);
                if !own.is_empty() {
                    return own;
                }
                if self.view().next.is_some() {
                    return self.go(self.at + 1);
                }
            }
            Msg::Back => {
                // Esc stops a long reading first; the next one goes back.
                let long = |w: &Waiting| model.now.saturating_sub(w.since) > LONG;
                let is_long = model
                    .dry_runs()
                    .iter()
                    .any(|p| model.waiting.get(&format!("{p:?}")).is_some_and(long));
                if self.at == CHANNELS && is_long {
                    let stopped = model.stop_dry_runs();
                    model.note = Some((
                        Verdict::Warn,
                        "The dry run was stopped; r reads again, Esc goes back".into(),
                    ));
                    return stopped.into_iter().map(Effect::Cancel).collect();
                }
                if self.at > 0 && !matches!(self.model.making, Making::UnderWay) {
                    return self.go(self.at - 1);
                }
            }
            Msg::Quit => {
                if matches!(model.making, Making::UnderWay) {
                    model.note = Some((
                        Verdict::Warn,
                        "The changes are being made; s or Ctrl-C stops after the current call"
                            .into(),
                    ));
                } else if self.quitting || matches!(model.making, Making::Made { .. }) {
                    return vec![Effect::Quit(exit_code(model))];
                } else {
                    self.quitting = true;
                    model.note = Some((Verdict::Warn, "Nothing was written. q again quits".into()));
                }
            }
            Msg::Interrupt => {
                return match model.making {
                    Making::UnderWay => vec![Effect::StopApply],
                    Making::Made { .. } => vec![Effect::Quit(exit_code(model))],
                    _ => vec![Effect::Quit(130)],
                };
            }
            Msg::Profiles(profiles) => model.profiles = profiles,
            // A sign-in that was overtaken by a later one says nothing any more.
            Msg::SignedIn(n, _) if n != model.sign_ins => {}
            Msg::SignedIn(_, Ok((profile, region))) => {
                model.sign_in = SignIn::Yes {
                    profile,
                    region: region.clone(),
                };
                model.look_afresh(region);
                return vec![Effect::FindKey];
            }
            Msg::SignedIn(_, Err(problem)) => {
                model.sign_in = SignIn::Failed(problem);
                model.studio = None;
                model.waiting.clear();
            }
            Msg::Learned(
                _,
                Ask::Bundles(ref url) | Ask::Addon(ref url, ..) | Ask::AddonChannels(ref url, ..),
                _,
            ) if Some(url) != model.draft.url.as_ref() => {}
            Msg::Learned(generation, ask, answered) if generation == model.generation => {
                model.waiting.remove(&format!("{ask:?}"));
                if let Some(studio) = &mut model.studio {
                    studio.learn(&ask, *answered);
                }
                // A step may have waited for just this; it decides on it without anybody's key.
                return self.steps[self.at].enter_if_waiting(&mut self.model);
            }
            Msg::Read(generation, probe, reading)
                if generation == model.generation
                    && model.waiting.contains_key(&format!("{probe:?}")) =>
            {
                model.waiting.remove(&format!("{probe:?}"));
                let proves = matches!(probe, Probe::ChannelAsQueueRole(..)) && reading.seen.is_ok();
                if let Some(studio) = &mut model.studio {
                    studio.readings.insert(probe, *reading);
                }
                // No tick comes after the last answer: what was on its way is not shown for ever.
                if model.dry_runs().is_empty() {
                    model.downloads.clear();
                }
                if proves && matches!(model.making, Making::Made { .. }) {
                    model.try_refused_again();
                }
            }
            Msg::Learned(..) | Msg::Read(..) => {}
            Msg::Progress(event) => model.hear(event),
            Msg::Applied(Ok(applied)) => {
                let interrupted = applied.stop == Some(Stop::Interrupted);
                let clean = applied.stop.is_none();
                model.making = Making::Made {
                    applied,
                    since: model.now,
                };
                if interrupted {
                    return vec![Effect::Quit(130)];
                }
                if let Some(region) = model.studio.as_ref().map(|s| s.region.clone()) {
                    model.look_afresh(region);
                }
                // A file that lacks what it must say would be refused by the next command.
                let decided = model.draft.channels.is_some()
                    && model.draft.url.is_some()
                    && !model.draft.queues.is_empty();
                return if clean && decided {
                    vec![Effect::SaveFile]
                } else {
                    Vec::new()
                };
            }
            Msg::Applied(Err(problem)) => {
                model.earlier = match std::mem::replace(&mut model.making, Making::Refused(problem))
                {
                    Making::Made { applied, .. } => Some(applied),
                    _ => model.earlier.take(),
                };
            }
            Msg::KeyFound(found) => model.has_key = found,
            Msg::KeyHeld(held) => {
                model.has_key = held;
                model.try_again(|p| matches!(p, Probe::AyonKey(_)));
                model.forget_ayon();
            }
            Msg::AdminHeld(Ok(())) => {
                model.has_admin = true;
                model.forget(|a| matches!(a, Ask::AddonChannels(..)));
                model.note = Some((
                    Verdict::Ok,
                    "Signed in to AYON for this run; nothing of it is kept".into(),
                ));
                return self.steps[SERVER].update(&Msg::AdminHeld(Ok(())), &mut self.model);
            }
            Msg::AdminHeld(Err(problem)) => {
                model.note = Some((
                    Verdict::Fail,
                    format!("{}: {}", problem.doing, problem.because).into(),
                ));
            }
            Msg::Downloads(list) => model.downloads = list,
            Msg::Saved(saved) => model.saved = Some(saved),
            Msg::Exported(Ok(path)) => {
                model.note = Some((
                    Verdict::Ok,
                    format!("The plan is in {path}; make it with: studiolink apply {path} --yes")
                        .into(),
                ))
            }
            Msg::Exported(Err(problem)) => {
                model.note = Some((
                    Verdict::Fail,
                    format!("{}: {}", problem.doing, problem.because).into(),
                ))
            }
            Msg::Tick => {
                if self.awaits_iam() && self.model.waiting.is_empty() {
                    self.model.try_refused_roles_again();
                } else if let Some(tried) = self.model.owner_wait
                    && self.awaits_owner()
                    && self.model.waiting.is_empty()
                {
                    let pause = u64::try_from(LONG_PAUSE.as_millis()).unwrap_or(u64::MAX);
                    if self.model.now.saturating_sub(tried) >= pause {
                        self.model.owner_wait = Some(self.model.now);
                        self.model.try_refused_roles_again();
                    }
                }
            }
            // The keyring may answer when another page is open: it is the server page's to hear.
            msg @ Msg::KeyStored(_) => return self.steps[SERVER].update(&msg, &mut self.model),
            msg @ (Msg::Act { .. } | Msg::Set { .. } | Msg::Choose { .. } | Msg::Disarm) => {
                return self.steps[self.at].update(&msg, &mut self.model);
            }
        }
        Vec::new()
    }

    /// IAM may still be spreading what was just written: the queue role is asked again until its time is up.
    fn awaits_iam(&self) -> bool {
        let Making::Made { applied, since } = &self.model.making else {
            return false;
        };
        let most = u64::try_from(IAM_PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let waited = self.model.now.saturating_sub(*since);
        let spreading = applied.spreading();
        spreading != Propagation::Nothing
            && !self.model.sandbox
            && waited < most
            && self.model.is_refused(spreading)
    }

    /// Somebody asked to wait until the bucket's owner has let the role in.
    fn awaits_owner(&self) -> bool {
        self.model.owner_wait.is_some() && self.model.is_refused(Propagation::CallerPermissions)
    }

    fn go(&mut self, to: usize) -> Vec<Effect> {
        self.at = to.min(self.steps.len() - 1);
        self.model.reached = self.model.reached.max(self.at);
        self.steps[self.at].enter(&mut self.model)
    }

    fn look(&mut self) -> Vec<Effect> {
        let outdated = self.model.outdated();
        let (asks, probes) = self.model.to_look_at();
        let generation = self.model.generation;
        let mut effects: Vec<Effect> = outdated.into_iter().map(Effect::Cancel).collect();
        for ask in asks {
            self.model.waiting.insert(
                format!("{ask:?}"),
                Waiting {
                    words: ask.words().into(),
                    is_fact: true,
                    since: self.model.now,
                },
            );
            effects.push(Effect::Ask(generation, ask));
        }
        for probe in probes {
            self.model.waiting.insert(
                format!("{probe:?}"),
                Waiting {
                    words: probe.words().into(),
                    is_fact: false,
                    since: self.model.now,
                },
            );
            effects.push(Effect::Try(generation, probe));
        }
        effects
    }
}

/// 0 done, 1 a change or a promised check failed, 3 could not look, 130 nothing was made.
pub fn exit_code(model: &Model) -> u8 {
    match &model.making {
        Making::NotYet | Making::UnderWay => 130,
        Making::Refused(_) => 1,
        Making::Made { applied, .. } => {
            let findings = model.findings();
            match &applied.stop {
                Some(Stop::Interrupted) => 130,
                Some(_) => 1,
                None if findings.iter().any(|f| f.verdict == Verdict::Fail) => 1,
                None if could_not_look(&findings) || !model.waiting.is_empty() => 3,
                None => 0,
            }
        }
    }
}
