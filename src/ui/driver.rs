//! The only interpreter of effects: it drives the world's doors and sends what came back as messages. The one file
//! of this room that knows the world.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::model::{Model, RunRow};
use super::probing::sent;
use super::wizard::{Effect, Msg};
use crate::domain::ayon::api_base;
use crate::domain::caller::Caller;
use crate::domain::conda_solve::Download;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::ids::Region;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::engine::Progress;
use crate::engine::apply::{RunContext, Stop, apply};
use crate::engine::journal::changes_of;
use crate::engine::workflow::Request;
use crate::probes::AnyProbe;
use crate::questions::{CallerIdentity, Demand};
use crate::resources::{Change, Plan};
pub use crate::world::CallLog;
use crate::world::World;

/// A world, and the profile's name as shown.
pub type SignedIn = (Arc<dyn World>, Printable);

/// What the wizard needs besides a world: how to get one, and where files go. `cli` builds it.
pub trait Outside: Send + Sync {
    fn profiles(&self) -> BoxFuture<'_, Result<Vec<String>, Problem>>;
    /// The world for a profile and region, and the profile's name as shown.
    fn connect(
        &self,
        profile: Option<String>,
        region: Option<Region>,
    ) -> BoxFuture<'_, Result<SignedIn, Problem>>;
    fn endpoint(&self) -> Option<String>;
    /// Writes the studio file, its comments kept. Where there is none to write, it does nothing.
    fn save(&self, config: &StudioConfig) -> Result<(), Problem>;
    /// Keeps the choices of a wizard that is left before they were applied; `None`: there is nothing to keep.
    fn keep_draft(&self, _: Option<&StudioConfig>) {}
    /// The runs of this machine, newest first.
    fn runs(&self) -> Result<Vec<RunRow>, Problem> {
        Ok(Vec::new())
    }
    /// The lines of a log, from a file of this machine.
    fn read_log(&self, name: &str) -> Result<Vec<String>, Problem>;
    /// Writes the plan next to the studio file; where it is.
    fn export(
        &self,
        caller: &Caller,
        region: &Region,
        config: &StudioConfig,
        plan: &Plan,
    ) -> Result<Printable, Problem>;
}

pub struct Driver {
    outside: Arc<dyn Outside>,
    world: Arc<Mutex<Option<Arc<dyn World>>>>,
    to: UnboundedSender<Msg>,
    stop: Arc<AtomicBool>,
    /// The conda solves under way, so that they can be stopped.
    solving: Arc<Mutex<HashMap<Demand, AbortHandle>>>,
    /// The last sign-in that was begun: an earlier one that ends late changes nothing.
    last_sign_in: Arc<AtomicU64>,
}

impl Driver {
    pub fn new(outside: Arc<dyn Outside>, to: UnboundedSender<Msg>) -> Self {
        Self {
            outside,
            world: Arc::default(),
            to,
            stop: Arc::default(),
            solving: Arc::default(),
            last_sign_in: Arc::default(),
        }
    }

    /// At the end: closes what was opened at others.
    pub async fn leave(&self) {
        if let Some(world) = self.world() {
            let _ = tokio::time::timeout(Duration::from_secs(5), world.leave()).await;
        }
    }

    pub fn downloads(&self) -> Vec<Download> {
        self.world().map(|w| w.downloads()).unwrap_or_default()
    }

    pub fn log(&self) -> Option<CallLog> {
        self.world().map(|w| w.log().clone())
    }

    fn world(&self) -> Option<Arc<dyn World>> {
        self.world.lock().ok().and_then(|w| w.clone())
    }

    /// Does it, or begins it. An exit: the wizard is to end with it.
    pub fn run(&self, effect: Effect, model: &Model) -> Option<Exit> {
        let to = self.to.clone();
        match effect {
            Effect::Quit(exit) => {
                let done = model.applied().is_some() || model.earlier.is_some();
                let left = !done && !model.draft.queues.is_empty();
                let config = left.then(|| model.config());
                self.outside.keep_draft(config.as_ref());
                return Some(exit);
            }
            Effect::Next | Effect::Stay => {}
            Effect::Profiles => {
                let outside = self.outside.clone();
                tokio::spawn(async move {
                    let _ = to.send(Msg::Profiles(outside.profiles().await.map_err(Box::new)));
                });
            }
            Effect::SignIn => self.sign_in(model),
            Effect::SsoLogin(profile) => {
                let told = to.clone();
                tokio::task::spawn_blocking(move || {
                    let tell = |line| drop(told.send(Msg::Noted(line)));
                    let done = crate::world::local::sso_login(&profile, &tell);
                    let _ = to.send(Msg::SsoDone(done.map_err(Box::new)));
                });
            }
            Effect::StopApply => self.stop.store(true, Ordering::SeqCst),
            Effect::SaveFile => {
                let saved = self.outside.save(&model.config());
                let _ = to.send(Msg::Saved(saved.map_err(Box::new)));
            }
            Effect::Export => {
                let exported = self.export(model);
                let _ = to.send(Msg::Exported(exported.map_err(Box::new)));
            }
            // The wizard turns them into something else.
            Effect::Apply | Effect::Open(_) | Effect::AskWorker | Effect::Review(_) => {}
            Effect::ReadRuns => {
                let outside = self.outside.clone();
                tokio::task::spawn_blocking(move || {
                    let _ = to.send(Msg::RunsRead(outside.runs().map_err(Box::new)));
                });
            }
            Effect::ReadLog(name) => {
                let outside = self.outside.clone();
                tokio::task::spawn_blocking(move || {
                    let log = outside.read_log(&name).map_err(Box::new);
                    let _ = to.send(Msg::LogRead(name, log));
                });
            }
            Effect::Work(Request::Apply(changes)) => self.apply(model, changes),
            Effect::SendProbe(changes) => self.send_probe(model, changes),
            Effect::Work(Request::Cancel(demand)) => {
                let task = self.solving.lock().ok().and_then(|mut t| t.remove(&demand));
                if let Some(task) = task {
                    task.abort();
                }
            }
            with_world => {
                if let Some(world) = self.world() {
                    self.in_world(world, with_world, model);
                }
            }
        }
        None
    }

    fn export(&self, model: &Model) -> Result<Printable, Problem> {
        let caller = model.fact(&CallerIdentity).known();
        let work = model.work.as_ref();
        let (Some(caller), Some(work)) = (caller, work) else {
            return Err(Problem::new(
                ProblemKind::Credentials,
                "Could not keep the plan",
                "it is not known who is signed in",
                "sign in first",
            ));
        };
        let region = &work.snapshot().region;
        self.outside
            .export(caller, region, &model.config(), model.plan())
    }

    fn sign_in(&self, model: &Model) {
        let (outside, slot, to) = (self.outside.clone(), self.world.clone(), self.to.clone());
        let (profile, region) = (model.draft.profile.clone(), model.draft.region.clone());
        let (n, last) = (model.sign_ins, self.last_sign_in.clone());
        last.store(n, Ordering::SeqCst);
        tokio::spawn(async move {
            let signed = outside.connect(profile, region).await.map(|(world, name)| {
                let region = world.region().clone();
                let before = match (slot.lock(), last.load(Ordering::SeqCst) == n) {
                    (Ok(mut slot), true) => slot.replace(world),
                    _ => None,
                };
                if let Some(before) = before {
                    tokio::spawn(async move { before.leave().await });
                }
                (name, region)
            });
            let _ = to.send(Msg::SignedIn(n, signed.map_err(Box::new)));
        });
    }

    fn in_world(&self, world: Arc<dyn World>, effect: Effect, model: &Model) {
        let to = self.to.clone();
        let url = model.draft.url.clone();
        let solving = self.solving.clone();
        let solve = match &effect {
            Effect::Work(Request::Try(_, probe @ AnyProbe::Solve(_), from)) => {
                Some(Demand::Probe(probe.clone(), from.clone()))
            }
            _ => None,
        };
        let own = solve.clone();
        let task = tokio::spawn(async move {
            match (effect, url) {
                (Effect::Work(Request::Ask(generation, question)), _) => {
                    let answered = Box::new(world.look(&question).await);
                    let _ = to.send(Msg::Learned(generation, question, answered));
                }
                (Effect::Work(Request::Try(generation, probe, from)), _) => {
                    let seen = Box::new(world.try_out(&probe, &from).await);
                    if let (Some(own), Ok(mut solving)) = (own, solving.lock()) {
                        solving.remove(&own);
                    }
                    let _ = to.send(Msg::Observed(generation, probe, from, seen));
                }
                (Effect::FindKey, Some(url)) => {
                    let _ = to.send(Msg::KeyFound(world.has_key(&url).await));
                }
                (Effect::HoldKey(key), Some(url)) => {
                    world.hold_key(&url, Some(key)).await;
                    let _ = to.send(Msg::KeyHeld(true));
                }
                (Effect::HoldAdmin(login), Some(url)) => {
                    let held = world.hold_admin(&url, login).await;
                    let _ = to.send(Msg::AdminHeld(held.map_err(Box::new)));
                }
                (Effect::DropKey, Some(url)) => {
                    world.hold_key(&url, None).await;
                    let _ = to.send(Msg::KeyHeld(false));
                }
                (Effect::StoreKey(key), Some(url)) => {
                    // The keyring may ask the desktop to unlock it: not on a thread that others need.
                    let stored = tokio::task::spawn_blocking(move || {
                        world.local().keyring_set(api_base(&url).as_str(), &key)
                    })
                    .await;
                    let broken = |e: tokio::task::JoinError| {
                        Problem::new(
                            ProblemKind::Local,
                            "Could not keep the AYON key",
                            e.to_string(),
                            "set AYON_API_KEY instead",
                        )
                    };
                    let _ = to.send(Msg::KeyStored(
                        stored.map_err(broken).and_then(|r| r).map_err(Box::new),
                    ));
                }
                (Effect::Remember(name, value), _) => {
                    // A remembered value is a convenience: what can't be kept is only not there next time.
                    let _ = world.local().remember(name, &value);
                }
                _ => {}
            }
        });
        if let (Some(demand), Ok(mut solving)) = (solve, self.solving.lock())
            && !task.is_finished()
        {
            solving.insert(demand, task.abort_handle());
        }
    }

    fn apply(&self, model: &Model, changes: Vec<Change>) {
        let Some(world) = self.world() else {
            let problem = Problem::new(
                ProblemKind::Credentials,
                "Nothing was changed",
                "nobody is signed in",
                "sign in on the first page",
            );
            let _ = self.to.send(Msg::Applied(Err(Box::new(problem))));
            return;
        };
        let context = RunContext::new(
            "setup",
            model.fact(&CallerIdentity),
            &model.draft.queues,
            self.outside.endpoint().as_deref(),
        );
        let rules = model.rules();
        let (to, stop) = (self.to.clone(), self.stop.clone());
        stop.store(false, Ordering::SeqCst);
        tokio::spawn(async move {
            let heard = to.clone();
            let tell = move |progress: Progress| {
                let _ = heard.send(Msg::Progress(progress));
            };
            let context = context.map(|c| RunContext {
                rules: Some(rules),
                ..c
            });
            let applied = match context {
                Ok(context) => apply(world.as_ref(), &changes, &context, &stop, &tell).await,
                Err(problem) => Err(problem),
            };
            let _ = to.send(Msg::Applied(applied.map(Box::new).map_err(Box::new)));
        });
    }

    /// A probe is a run of its own: its journal is where its jobs are found, and rollback cancels it.
    fn send_probe(&self, model: &Model, changes: Vec<Change>) {
        let context = RunContext::new(
            "probe",
            model.fact(&CallerIdentity),
            &model.draft.queues,
            self.outside.endpoint().as_deref(),
        );
        let (world, to, stop) = (self.world(), self.to.clone(), self.stop.clone());
        stop.store(false, Ordering::SeqCst);
        tokio::spawn(async move {
            let (mut jobs, mut problem) = (Vec::new(), None);
            let sending = async {
                let nobody = || {
                    Problem::new(
                        ProblemKind::Credentials,
                        "No probe was sent",
                        "nobody is signed in",
                        "sign in on the first page",
                    )
                };
                let world = world.ok_or_else(nobody)?;
                let tell = |_: Progress| {};
                let applied = apply(world.as_ref(), &changes, &context?, &stop, &tell).await?;
                // What was sent is watched, whatever became of the rest.
                if let Some(run) = &applied.run {
                    jobs = sent(&changes_of(world.local(), run)?);
                }
                match applied.stop {
                    None => Ok(()),
                    Some(Stop::Failed(problem) | Stop::InDoubt(problem)) => Err(*problem),
                    Some(Stop::Moved { .. } | Stop::Interrupted) => Err(Problem::new(
                        ProblemKind::Moved,
                        "Not every job was sent, or canceled",
                        "the run stopped before its end",
                        "`studiolink runs` shows how far it came; ask again",
                    )),
                }
            };
            if let Err(why) = sending.await {
                problem = Some(Box::new(why));
            }
            let _ = to.send(Msg::ProbeSent(jobs, problem));
        });
    }
}
