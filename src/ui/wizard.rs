//! The order of the steps and the pure top-level update: a message in, effects out. Nothing here waits or looks.

use super::model::{Admin, Aim, Log, Model, RunRow, SignIn};
use super::pages::{Pages, Place};
use super::screen::Screen;
use super::steps::{self, Step};
use super::watch::Sending;
use crate::domain::call::Vantage;
use crate::domain::conda_solve::Download;
use crate::domain::exit::Exit;
use crate::domain::finding::{Topic, Verdict};
use crate::domain::ids::{JobId, QueueKey, Region};
use crate::domain::login::AyonLogin;
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::engine::apply::{Applied, Stop};
use crate::engine::workflow::{Event, Phase, Request};
use crate::engine::{ChangeState, Progress};
use crate::probes::{AnyProbe, AnySeen, Observation};
use crate::questions::{Answered, AnyQuestion, Demand};
use crate::resources::Change;
use secrecy::SecretString;

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
    /// To the step after this one, where it was seen before.
    Forward,
    /// To that step, where it was seen before.
    GoTo(usize),
    /// Nothing is left to close: it stops a long reading, and does nothing else.
    Escape,
    /// A key that means nothing here: it takes back a confirmation that was begun.
    Disarm,
    Quit,
    /// Ctrl-C, SIGTERM, SIGHUP: a run finishes its call, everything else ends.
    Interrupt,
    Profiles(Result<Vec<String>, Box<Problem>>),
    SignedIn(u64, Result<(Printable, Region), Box<Problem>>),
    Learned(u64, AnyQuestion, Box<Answered>),
    Observed(u64, AnyProbe, Vantage, Box<Observation<AnySeen>>),
    Progress(Progress),
    Applied(Result<Box<Applied>, Box<Problem>>),
    /// The probe's jobs that were sent, by their journal; and why not all were.
    ProbeSent(Vec<(QueueKey, JobId)>, Option<Box<Problem>>),
    KeyFound(bool),
    /// The world holds another key now, or none: what depends on it is asked again.
    KeyHeld(bool),
    KeyStored(Result<(), Box<Problem>>),
    Saved(Result<(), Box<Problem>>),
    Exported(Result<Printable, Box<Problem>>),
    /// What a program that was run says.
    Noted(Printable),
    /// `aws sso login` has ended.
    SsoDone(Result<(), Box<Problem>>),
    /// An administrator of AYON has signed in, or why not.
    AdminHeld(Result<(), Box<Problem>>),
    /// What is being downloaded just now.
    Downloads(Vec<Download>),
    /// The runs of this machine, newest first.
    RunsRead(Result<Vec<RunRow>, Box<Problem>>),
    /// The lines of a log, by the name that was asked for.
    LogRead(String, Log),
    Tick,
}

/// What is to be done in the world. The driver is the only one that does it.
#[derive(Debug, Clone)]
pub enum Effect {
    Profiles,
    SignIn,
    /// Runs `aws sso login` for that profile.
    SsoLogin(String),
    /// What the workflow asks for.
    Work(Request),
    /// Applies the plan that is shown.
    Apply,
    /// Sends a probe, or cancels one: a run of its own.
    SendProbe(Vec<Change>),
    StopApply,
    FindKey,
    HoldKey(SecretString),
    StoreKey(SecretString),
    DropKey,
    HoldAdmin(AyonLogin),
    Remember(&'static str, String),
    SaveFile,
    Export,
    ReadRuns,
    ReadLog(String),
    Next,
    /// To a page, or into the wizard.
    Open(Place),
    /// To the page of the wizard that asks a worker.
    AskWorker,
    /// To the page of the wizard that shows the plan.
    /// The plan, at the change that cures this finding.
    Review(Aim),
    /// Nothing: the step has answered a key by itself.
    Stay,
    Quit(Exit),
}

/// In milliseconds: what takes longer can be stopped with Esc.
const LONG: u64 = 1_000;

/// The place of the channels page among the steps.
const CHANNELS: usize = 2;

/// The place of the server page among the steps.
const SERVER: usize = 4;

/// The place of the plan among the steps.
const REVIEW: usize = 5;

pub struct Wizard {
    pub model: Model,
    steps: Vec<Box<dyn Step>>,
    pub at: usize,
    pub place: Place,
    pages: Pages,
    /// Home was the first page, and is where one goes back to.
    has_home: bool,
    /// From where a page of the wizard was jumped to: Esc leads back there.
    origin: Option<Place>,
    quitting: bool,
    /// Somebody wanted to stop while changes are applied: once more ends at once, and the next run looks at what was under way.
    stopping: bool,
}

impl Wizard {
    pub fn new(model: Model) -> Self {
        Self {
            model,
            steps: steps::all(),
            at: 0,
            place: Place::Setup,
            pages: Pages::default(),
            has_home: false,
            origin: None,
            quitting: false,
            stopping: false,
        }
    }

    /// The same, with home as its first page.
    pub fn at_home(mut model: Model) -> Self {
        model.look(true);
        Self {
            place: Place::Home,
            has_home: true,
            ..Self::new(model)
        }
    }

    fn page(&self) -> &dyn Step {
        let own = self.pages.at(self.place);
        own.unwrap_or_else(|| self.steps[self.at].as_ref())
    }

    /// The page in view, and the model that it works on.
    fn page_mut(&mut self) -> (&mut dyn Step, &mut Model) {
        let page = match self.pages.at_mut(self.place) {
            Some(page) => page,
            None => self.steps[self.at].as_mut(),
        };
        (page, &mut self.model)
    }

    fn told(&mut self, msg: &Msg) -> Vec<Effect> {
        let (page, model) = self.page_mut();
        page.update(msg, model)
    }

    pub fn view(&self) -> Screen {
        self.page().view(&self.model)
    }

    /// Is there a page before this one?
    pub fn has_back(&self) -> bool {
        match self.place {
            Place::Setup => self.at > 0 || self.has_home,
            Place::Home => false,
            _ => true,
        }
    }

    /// Does Esc lead back to where this page was jumped to from?
    pub fn has_origin(&self) -> bool {
        self.place == Place::Setup && self.origin.is_some()
    }

    /// What of the findings the page in view is about; `None`: all.
    pub fn topic(&self) -> Option<Topic> {
        match (self.place, self.at) {
            (Place::Setup, 0) => Some(Topic::Identity),
            (Place::Setup, 1) => Some(Topic::Queue),
            (Place::Setup, 2) => Some(Topic::Channels),
            (Place::Setup, 3) => Some(Topic::Roles),
            (Place::Setup, 4) | (Place::Diagnose, _) => Some(Topic::Server),
            _ => None,
        }
    }

    /// Title and state word of each step, in order.
    pub fn overview(&self) -> Vec<(&'static str, &'static str)> {
        self.steps
            .iter()
            .map(|s| (s.title(), s.word(&self.model)))
            .collect()
    }

    pub fn is_applying(&self) -> bool {
        self.model.is_applying()
    }

    /// Is anything under way that a clock should show?
    pub fn is_waiting(&self) -> bool {
        !self.model.waiting.is_empty()
            || self.is_applying()
            || self.model.sign_in == SignIn::UnderWay
            || matches!(self.model.probes.sending, Sending::Asked)
            || self
                .model
                .work
                .as_ref()
                .is_some_and(|w| w.waits().is_some())
            || self.model.is_watching()
            || self.model.log_asked.is_some()
    }

    /// Does it need the clock, whether something is under way or not?
    pub fn ticks(&self) -> bool {
        self.is_waiting() || self.page().is_watching()
    }

    pub fn update(&mut self, now: u64, msg: Msg) -> Vec<Effect> {
        self.model.now = now;
        if matches!(
            msg,
            Msg::Act { .. }
                | Msg::Set { .. }
                | Msg::Choose { .. }
                | Msg::Next
                | Msg::Back
                | Msg::Forward
                | Msg::GoTo(_)
                | Msg::Escape
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
                Effect::Open(place) => effects.extend(self.open(place)),
                Effect::AskWorker => effects.extend(self.ask_worker()),
                Effect::Review(aim) => {
                    self.model.aim = Some(aim);
                    effects.extend(self.review());
                }
                Effect::Apply => {
                    ready.extend(self.apply().into_iter().map(Effect::Work));
                    effects.extend(self.go(self.steps.len() - 1));
                }
                Effect::Stay => {}
                Effect::SignIn => {
                    self.model.sign_ins += 1;
                    ready.push(Effect::SignIn);
                }
                other => {
                    if let Effect::ReadLog(name) = &other {
                        self.model.log_asked = Some(name.clone());
                    }
                    ready.push(other);
                }
            }
        }
        ready.reverse();
        self.model.changed();
        ready.extend(self.model.ask().into_iter().map(Effect::Work));
        self.model.changed();
        let (page, model) = self.page_mut();
        let heard = page.heard(model);
        if !heard.is_empty() {
            self.model.changed();
            ready.extend(heard.into_iter().filter(|e| !matches!(e, Effect::Stay)));
        }
        ready
    }

    /// A page besides the wizard's, or the wizard where it was left.
    fn open(&mut self, place: Place) -> Vec<Effect> {
        if self.is_applying() {
            let words = "The changes are being applied; s or Ctrl-C stops after the current call";
            self.model.note = Some((Verdict::Warn, words.into()));
            return Vec::new();
        }
        // How the run has ended is still the answer when somebody leaves from another page.
        if self.model.applied().is_some() {
            self.model.ended = Some(exit(&self.model));
        }
        self.place = place;
        if place == Place::Setup {
            self.model.look(false);
            return self.go(self.at);
        }
        if place.reads() {
            self.model.look(true);
        }
        let (page, model) = self.page_mut();
        page.enter(model)
    }

    /// Every page before it is as good as seen: what they would ask is asked.
    fn jump(&mut self, to: usize) -> Vec<Effect> {
        self.origin = Some(self.place);
        self.at = to;
        self.model.reached = self.model.reached.max(to);
        self.open(Place::Setup)
    }

    fn review(&mut self) -> Vec<Effect> {
        if self.model.draft.queues.is_empty() {
            return self.open(Place::Setup);
        }
        self.jump(REVIEW)
    }

    fn ask_worker(&mut self) -> Vec<Effect> {
        if self.model.draft.queues.is_empty() {
            let words = "A worker is asked for a queue: set one up first";
            self.model.note = Some((Verdict::Warn, words.into()));
            return Vec::new();
        }
        let mut effects = self.jump(SERVER);
        let open = Msg::Act {
            id: steps::ask_worker::OPEN,
            row: None,
        };
        effects.extend(self.told(&open));
        effects
    }

    /// The plan as it is shown is what is applied.
    fn apply(&mut self) -> Vec<Request> {
        if let Some(applied) = self.model.applied() {
            self.model.earlier = Some(Box::new(applied.clone()));
        }
        self.stopping = false;
        self.model.applying_since = self.model.now;
        let changes = self.model.plan().changes.clone().into_iter();
        self.model.progress = changes.map(|c| (c, ChangeState::Waiting)).collect();
        self.model.step(Event::Approved)
    }

    fn take(&mut self, msg: Msg) -> Vec<Effect> {
        let model = &mut self.model;
        match msg {
            Msg::Start => {
                let runs = self.has_home.then_some(Effect::ReadRuns);
                let all = [Effect::Profiles, Effect::SignIn, Effect::FindKey];
                return all.into_iter().chain(runs).collect();
            }
            Msg::Next => {
                // A step may do something of its own before it is left.
                let own = self.told(&Msg::Next);
                if !own.is_empty() {
                    return own;
                }
                if self.place == Place::Setup && self.view().next.is_some() {
                    return self.go(self.at + 1);
                }
            }
            Msg::Back => return self.back(),
            Msg::Forward => return self.visit(self.at + 1),
            Msg::GoTo(step) => return self.visit(step),
            Msg::Escape => return self.escape(),
            Msg::Quit => return self.quit(),
            Msg::Interrupt => {
                return match model.phase() {
                    Phase::Applying if self.stopping => vec![Effect::Quit(Exit::Interrupted)],
                    Phase::Applying => {
                        self.stopping = true;
                        let words =
                            "Stopping after the current call; Ctrl-C once more ends at once";
                        model.note = Some((Verdict::Warn, words.into()));
                        vec![Effect::StopApply]
                    }
                    Phase::Verifying { .. } => vec![Effect::Quit(exit(model))],
                    _ => vec![Effect::Quit(Exit::Interrupted)],
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
                model.begin(region);
                return vec![Effect::FindKey];
            }
            Msg::SignedIn(_, Err(problem)) => {
                model.sign_in = SignIn::Failed(problem);
                model.work = None;
                model.waiting.clear();
            }
            Msg::Learned(generation, question, answered) => {
                let demand = Demand::Question(question.clone());
                model.arrived(&demand);
                let event = Event::Learned(generation, question.clone(), *answered);
                let mut effects = works(model.step(event));
                model.hear_probe(&question);
                // A step may have waited for just this; it decides on it without anybody's key.
                let (page, model) = self.page_mut();
                effects.extend(page.enter_if_waiting(model));
                return effects;
            }
            Msg::Observed(generation, probe, from, seen) => {
                let demand = Demand::Probe(probe.clone(), from.clone());
                model.arrived(&demand);
                let event = Event::Observed(generation, probe, from, *seen);
                return works(model.step(event));
            }
            Msg::Progress(progress) => model.hear(progress),
            Msg::Applied(Ok(applied)) => return self.applied(applied),
            Msg::Applied(Err(problem)) => return works(model.step(Event::Applied(Err(problem)))),
            Msg::KeyFound(found) => model.has_key = found,
            Msg::KeyHeld(held) => {
                model.has_key = held;
                model.forget_ayon();
            }
            msg @ (Msg::AdminHeld(_)
            | Msg::Exported(_)
            | Msg::Noted(_)
            | Msg::SsoDone(_)
            | Msg::Downloads(_)
            | Msg::RunsRead(_)
            | Msg::LogRead(..)
            | Msg::Saved(_)) => return self.heard(msg),
            Msg::Tick => {
                let mut requests = model.step(Event::Tick);
                requests.extend(model.look_at_probes());
                return works(requests);
            }
            Msg::ProbeSent(jobs, problem) => {
                model.probes.sending = problem.map_or(Sending::No, Sending::Failed);
                return works(model.watch(jobs, true));
            }
            // The keyring may answer when another page is open: it is the server page's to hear.
            msg @ Msg::KeyStored(_) => return self.steps[SERVER].update(&msg, &mut self.model),
            msg @ (Msg::Act { .. } | Msg::Set { .. } | Msg::Choose { .. } | Msg::Disarm) => {
                return self.told(&msg);
            }
        }
        Vec::new()
    }

    /// A page that lies over the page's own is left first.
    fn escape(&mut self) -> Vec<Effect> {
        let own = self.told(&Msg::Escape);
        match self.place {
            _ if !own.is_empty() => own,
            Place::Setup if self.origin.is_some() => {
                let origin = self.origin.take().unwrap_or(Place::Home);
                self.open(origin)
            }
            Place::Setup | Place::Home => self.stop_long().unwrap_or_default(),
            _ => self.open(Place::Home),
        }
    }

    /// What came of something that was asked of this machine or of AYON.
    fn heard(&mut self, msg: Msg) -> Vec<Effect> {
        let model = &mut self.model;
        match msg {
            Msg::AdminHeld(Ok(())) => {
                model.admin = Admin::Held;
                model.forget(&|d| matches!(d, Demand::Question(AnyQuestion::AddonOwn(_))));
                model.note = Some((
                    Verdict::Ok,
                    "Signed in to AYON for this run; nothing of it is kept".into(),
                ));
                return self.steps[SERVER].update(&Msg::AdminHeld(Ok(())), &mut self.model);
            }
            Msg::AdminHeld(Err(problem)) | Msg::Exported(Err(problem)) => {
                if model.admin == Admin::Asked {
                    model.admin = Admin::Nobody;
                }
                let words = format!("{}: {}", problem.doing, problem.because);
                model.note = Some((Verdict::Fail, words.into()));
            }
            Msg::Noted(line) => model.note = Some((Verdict::Skipped, line)),
            Msg::SsoDone(Ok(())) => {
                model.note = None;
                model.sign_in = SignIn::UnderWay;
                return vec![Effect::SignIn];
            }
            Msg::SsoDone(Err(problem)) => {
                let words = format!("{}: {}; {}", problem.doing, problem.because, problem.fix);
                model.note = Some((Verdict::Fail, words.into()));
            }
            Msg::Downloads(list) => model.downloads = list,
            Msg::RunsRead(runs) => model.runs = Some(runs),
            Msg::LogRead(name, log) => {
                model.log_asked = None;
                model.log = Some((name, log));
            }
            Msg::Saved(saved) => model.saved = Some(saved),
            Msg::Exported(Ok(path)) => {
                let words =
                    format!("The plan is in {path}; apply it with: studiolink apply {path} --yes");
                model.note = Some((Verdict::Ok, words.into()));
            }
            _ => {}
        }
        Vec::new()
    }

    /// Stops a conda solve that takes long, where the page waits for one.
    fn stop_long(&mut self) -> Option<Vec<Effect>> {
        let model = &mut self.model;
        let since = model.solving_since();
        let is_long = since.is_some_and(|s| model.now.saturating_sub(s) > LONG);
        if self.place != Place::Setup || self.at != CHANNELS || !is_long {
            return None;
        }
        let stopped = model.stop_solves();
        let words = "The conda solve was stopped; r reads again";
        model.note = Some((Verdict::Warn, words.into()));
        Some(works(stopped))
    }

    /// A step that was seen before.
    fn visit(&mut self, step: usize) -> Vec<Effect> {
        if self.place != Place::Setup {
            return Vec::new();
        }
        if self.is_applying() {
            let words = "The changes are being applied; s or Ctrl-C stops after the current call";
            self.model.note = Some((Verdict::Warn, words.into()));
        } else if step <= self.model.reached && step < self.steps.len() {
            return self.go(step);
        } else if step < self.steps.len() {
            let words = format!(
                "{} comes later: Enter goes on from here",
                self.steps[step].title()
            );
            self.model.note = Some((Verdict::Skipped, words.into()));
        }
        Vec::new()
    }

    fn back(&mut self) -> Vec<Effect> {
        if self.place != Place::Setup {
            let own = self.told(&Msg::Back);
            return match self.place {
                _ if !own.is_empty() => own,
                Place::Home => Vec::new(),
                _ => self.open(Place::Home),
            };
        }
        if self.at > 0 && !self.is_applying() {
            return self.go(self.at - 1);
        }
        if self.at == 0 && self.has_home {
            return self.open(Place::Home);
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        let model = &mut self.model;
        if model.is_applying() {
            let words = "The changes are being applied; s or Ctrl-C stops after the current call";
            model.note = Some((Verdict::Warn, words.into()));
        } else if let (Some(ended), true) = (model.ended, self.place != Place::Setup) {
            return vec![Effect::Quit(ended)];
        } else if self.place != Place::Setup && model.reached == 0 {
            // Nothing was begun that could be lost.
            return vec![Effect::Quit(Exit::Clean)];
        } else if self.quitting || model.applied().is_some() {
            return vec![Effect::Quit(exit(model))];
        } else {
            self.quitting = true;
            model.note = Some((
                Verdict::Warn,
                "No change was applied in this run. Press q again to quit".into(),
            ));
        }
        Vec::new()
    }

    fn applied(&mut self, applied: Box<Applied>) -> Vec<Effect> {
        let model = &mut self.model;
        let interrupted = applied.stop == Some(Stop::Interrupted);
        let clean = applied.stop.is_none();
        model.waiting.clear();
        let mut effects = works(model.step(Event::Applied(Ok(applied))));
        if interrupted {
            return vec![Effect::Quit(Exit::Interrupted)];
        }
        // A file that lacks what it must say would be refused by the next command.
        let draft = &model.draft;
        let decided = draft.channels.is_some() && draft.url.is_some() && !draft.queues.is_empty();
        if clean && decided {
            effects.push(Effect::SaveFile);
        }
        effects
    }

    fn go(&mut self, to: usize) -> Vec<Effect> {
        if to != self.at {
            self.origin = None; // somebody walks on from here
        }
        self.at = to.min(self.steps.len() - 1);
        self.model.reached = self.model.reached.max(self.at);
        self.steps[self.at].enter(&mut self.model)
    }
}

fn works(requests: Vec<Request>) -> Vec<Effect> {
    requests.into_iter().map(Effect::Work).collect()
}

/// How the wizard would end now.
pub fn exit(model: &Model) -> Exit {
    let applied = match model.phase() {
        Phase::Observing | Phase::Applying => return Exit::Interrupted,
        Phase::Refused(_) => return Exit::Failed,
        Phase::Verifying { applied, .. } => applied,
    };
    let Some(work) = &model.work else {
        return Exit::Interrupted;
    };
    let not_saved = matches!(model.saved, Some(Err(_)));
    work.exit(work.plan(), applied.stop.as_ref())
        .and_if(!model.waiting.is_empty(), Exit::NotChecked)
        .and_if(not_saved, Exit::Failed)
}
