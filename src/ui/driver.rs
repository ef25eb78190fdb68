//! The only interpreter of effects: it drives the world's doors and sends what came back as messages. The one file
//! of this room that knows the world.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::model::Model;
use super::wizard::{Effect, Msg};
use crate::domain::change::Plan;
use crate::domain::conda_solve::Download;
use crate::domain::ids::Region;
use crate::domain::probe::Probe;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::{Studio, api_base};
use crate::domain::text::Printable;
use crate::domain::config::StudioConfig;
use crate::engine::Event;
use crate::engine::apply::{RunContext, apply};
pub use crate::world::CallLog;
use crate::world::World;

/// A world, and the profile's name as shown.
pub type SignedIn = (Arc<dyn World>, Printable);

/// What the wizard needs beside a world: how to get one, and where files go. `cli` builds it.
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
    fn save(&self, wanted: &StudioConfig) -> Result<(), Problem>;
    /// Writes the plan beside the studio file; where it is.
    fn export(&self, studio: &Studio, wanted: &StudioConfig, plan: &Plan) -> Result<Printable, Problem>;
}

pub struct Driver {
    outside: Arc<dyn Outside>,
    world: Arc<Mutex<Option<Arc<dyn World>>>>,
    to: UnboundedSender<Msg>,
    stop: Arc<AtomicBool>,
    /// The dry runs under way, so that they can be stopped.
    trying: Arc<Mutex<HashMap<Probe, AbortHandle>>>,
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
            trying: Arc::default(),
            last_sign_in: Arc::default(),
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

    /// Does it, or begins it. A code: the wizard is to end with it.
    pub fn run(&self, effect: Effect, model: &Model) -> Option<u8> {
        let to = self.to.clone();
        match effect {
            Effect::Quit(code) => return Some(code),
            Effect::Next | Effect::Stay => {}
            Effect::Profiles => {
                let outside = self.outside.clone();
                tokio::spawn(async move {
                    let _ = to.send(Msg::Profiles(outside.profiles().await.map_err(Box::new)));
                });
            }
            Effect::SignIn => self.sign_in(model),
            Effect::StopApply => self.stop.store(true, Ordering::SeqCst),
            Effect::SaveFile => {
                let _ = to.send(Msg::Saved(
                    self.outside.save(&model.wanted()).map_err(Box::new),
                ));
            }
            Effect::Export => {
                let nothing = || {
                    Problem::new(
                        ProblemKind::Local,
                        "Could not keep the plan",
                        "nothing was looked at yet",
                        "sign in first",
                    )
                };
                let exported = model
                    .studio
                    .as_ref()
                    .ok_or_else(nothing)
                    .and_then(|s| self.outside.export(s, &model.wanted(), &model.plan()));
                let _ = to.send(Msg::Exported(exported.map_err(Box::new)));
            }
            Effect::Apply => self.apply(model),
            Effect::Cancel(probe) => {
                if let Some(task) = self.trying.lock().ok().and_then(|mut t| t.remove(&probe)) {
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

    fn sign_in(&self, model: &Model) {
        let (outside, slot, to) = (self.outside.clone(), self.world.clone(), self.to.clone());
        let (profile, region) = (model.draft.profile.clone(), model.draft.region.clone());
        let (n, last) = (model.sign_ins, self.last_sign_in.clone());
        last.store(n, Ordering::SeqCst);
        tokio::spawn(async move {
            let signed = outside.connect(profile, region).await.map(|(world, name)| {
                let region = world.region().clone();
                if let (Ok(mut slot), true) = (slot.lock(), last.load(Ordering::SeqCst) == n) {
                    *slot = Some(world);
                }
                (name, region)
            });
            let _ = to.send(Msg::SignedIn(n, signed.map_err(Box::new)));
        });
    }

    fn in_world(&self, world: Arc<dyn World>, effect: Effect, model: &Model) {
        let to = self.to.clone();
        let url = model.draft.url.clone();
        let trying = self.trying.clone();
        let dry_run = match &effect {
            Effect::Try(_, probe @ Probe::CondaSolve(_)) => Some(probe.clone()),
            _ => None,
        };
        let task = tokio::spawn(async move {
            match (effect, url) {
                (Effect::Ask(generation, ask), _) => {
                    let answered = world.look(&ask).await;
                    let _ = to.send(Msg::Learned(generation, ask, Box::new(answered)));
                }
                (Effect::Try(generation, probe), _) => {
                    let reading = world.try_out(&probe).await;
                    if let Ok(mut trying) = trying.lock() {
                        trying.remove(&probe);
                    }
                    let _ = to.send(Msg::Read(generation, probe, Box::new(reading)));
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
        if let (Some(probe), Ok(mut trying)) = (dry_run, self.trying.lock())
            && !task.is_finished()
        {
            trying.insert(probe, task.abort_handle());
        }
    }

    fn apply(&self, model: &Model) {
        let (Some(world), Some(studio)) = (self.world(), model.studio.as_ref()) else {
            let problem = Problem::new(
                ProblemKind::Credentials,
                "Nothing was changed",
                "nobody is signed in",
                "sign in on the first page",
            );
            let _ = self.to.send(Msg::Applied(Err(Box::new(problem))));
            return;
        };
        let changes = model.plan().changes;
        let occasion = RunContext::new(
            "setup",
            studio,
            &model.draft.queues,
            self.outside.endpoint().as_deref(),
        );
        let (to, stop) = (self.to.clone(), self.stop.clone());
        stop.store(false, Ordering::SeqCst);
        tokio::spawn(async move {
            let heard = to.clone();
            let tell = move |event: Event| {
                let _ = heard.send(Msg::Progress(event));
            };
            let applied = match occasion {
                Ok(occasion) => apply(world.as_ref(), &changes, &occasion, &stop, &tell).await,
                Err(problem) => Err(problem),
            };
            let _ = to.send(Msg::Applied(applied.map(Box::new).map_err(Box::new)));
        });
    }
}
