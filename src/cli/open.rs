//! From flags, environment and studio file to a world and what the studio file says.
//! Precedence: flag, environment, file, profile.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Failure;
use super::args::{Args, Format, Tries};
use super::out::{leaves_out_names, talk};
use crate::derived::names::names_of_config;
use crate::domain::config::StudioConfig;
use crate::domain::ids::{QueueKey, Region};
use crate::engine::inquiry::Catalogue;
use crate::engine::tried::Journaled;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::questions::{Check, Consent};
use crate::world::World;
use crate::world::aws::Login;
use crate::world::local::files;
use crate::world::real::RealWorld;
use crate::world::sandbox::{Sandbox, scenario};

/// What there is to run: the engine knows none of it by name.
pub fn catalogues() -> Catalogues {
    Catalogues {
        observe: Catalogue {
            checks: crate::checks::ALL,
            expand: crate::derived::roster::expand,
        },
        gate: crate::derived::channel_gate::gate,
        goals: crate::goals::ALL,
    }
}

/// What a plan reads: what its goals ask for, who is signed in, and whether the queues exist. The other checks would cost
/// calls, some of them paid for, and a plan shows nothing of what they find.
pub fn plan_catalogues() -> Catalogues {
    let all = catalogues();
    let checks = crate::checks::OF_PLAN;
    let observe = Catalogue {
        checks,
        ..all.observe
    };
    Catalogues { observe, ..all }
}

/// Some of the checks, with those that everything else rests on. The list stays for the program's life.
pub(super) fn some_checks(needed: impl Fn(&Check) -> bool) -> Catalogues {
    let mut all = catalogues();
    let rests_on = |c: &Check| crate::checks::has(crate::checks::OF_PLAN, c.id);
    let checks = all.observe.checks.iter().copied();
    let checks: Vec<&'static Check> = checks.filter(|c| rests_on(c) || needed(c)).collect();
    all.observe.checks = Box::leak(checks.into_boxed_slice());
    all
}

/// What an audit reads. It forgets what was answered once it was judged, but for the names that a report is to leave out.
pub(super) fn reading(
    args: &Args,
    catalogues: Catalogues,
    region: Region,
    config: StudioConfig,
    consent: Consent,
) -> Workflow {
    if args.redact {
        Workflow::looking(catalogues, region, config, consent)
    } else {
        Workflow::trying(catalogues, region, config, consent)
    }
}

/// What the flags allow besides reading.
pub(super) fn consent(tries: Tries) -> Consent {
    Consent {
        queue_role: tries.as_queue_role,
        session: tries.open_session,
    }
}

/// A world that writes down what it tries as the queue role.
pub(super) fn journaled<'a>(
    args: &Args,
    command: &str,
    world: &'a dyn World,
    config: &StudioConfig,
) -> Journaled<'a> {
    Journaled::new(world, command, &config.queues, endpoint(args).as_deref())
}

/// The journal has its end, and is named.
pub(super) fn tried(args: &Args, world: &Journaled<'_>) -> Result<(), Failure> {
    world.end()?;
    // A sandbox that nobody keeps forgets its journals.
    let kept = args.sandbox.is_none() || args.sandbox_state.is_some();
    if let Some(id) = world.id().filter(|_| kept) {
        let sandbox = sandbox_flags(args);
        talk(&format!(
            "what was tried is in the journal: studiolink runs {id}{sandbox}"
        ));
    }
    Ok(())
}

/// The worlds that a command has opened, so that what they opened at others is closed however the command ends.
#[derive(Default)]
pub struct Opened {
    worlds: Mutex<Vec<Arc<dyn World>>>,
    locks: Mutex<Vec<std::fs::File>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Opened {
    pub(super) fn keep(&self, world: &Arc<dyn World>) {
        let mut all = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(world.clone());
    }

    /// Until the command ends.
    fn hold(&self, lock: Option<std::fs::File>) {
        let mut all = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(lock);
    }

    pub(super) async fn leave(&self) {
        let all = std::mem::take(&mut *self.worlds.lock().unwrap_or_else(PoisonError::into_inner));
        for world in all {
            let _ = tokio::time::timeout(Duration::from_secs(5), world.leave()).await;
        }
    }
}

/// The studio file, read.
pub(super) struct StudioFile {
    /// `None`: nothing may be written (the sandbox, where no --studio names a file).
    pub path: Option<PathBuf>,
    pub text: Option<String>,
    pub config: Option<StudioConfig>,
    /// The queues that the file itself names, where a flag narrowed them.
    pub own_queues: Option<Vec<QueueKey>>,
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

pub(super) fn endpoint(args: &Args) -> Option<String> {
    args.endpoint_url
        .clone()
        .filter(|e| !e.is_empty() && args.sandbox.is_none())
}

/// What the flags say together that each alone may say.
pub(super) fn check_flags(args: &Args) -> Result<(), Failure> {
    if args.sandbox_state.is_some() && args.sandbox.is_none() {
        return Err(Failure::Usage(
            "--sandbox-state keeps a sandbox, and there is none\n  fix   add --sandbox".to_owned(),
        ));
    }
    let formats = Format::of(args.command.as_ref());
    if !formats.contains(&args.format) {
        let words: Vec<String> = formats.iter().map(|f| f.word()).collect();
        return Err(Failure::Usage(format!(
            "this command does not print {}\n  fix   write --format with one of {}",
            args.format.word(),
            words.join(", ")
        )));
    }
    Ok(())
}

/// Reads the studio file. In the sandbox only a file that --studio names counts; without one, the scenario's own.
pub(super) fn studio_file(args: &Args) -> Result<StudioFile, Failure> {
    let path = match (&args.studio, &args.sandbox) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(PathBuf::from("studiolink.toml")),
    };
    let here = Path::new("studiolink.toml");
    if path.is_none() && here.exists() {
        talk(
            "note: the sandbox does not read ./studiolink.toml; --studio studiolink.toml gives it to it",
        );
    }
    let mut file = StudioFile {
        path,
        text: None,
        config: None,
        own_queues: None,
    };
    if let Some(path) = &file.path
        && let Some(bytes) = files::read(path).map_err(|p| Failure::Usage(p.to_string()))?
    {
        let config = StudioConfig::read_bytes(&bytes)
            .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
        file.text = String::from_utf8(bytes).ok();
        leaves_out_names(names_of_config(&config));
        if args.farm.is_some() || args.queue.is_some() {
            file.own_queues = Some(config.queues.clone());
        }
        file.config = Some(narrowed(args, config));
    }
    if let (None, Some(name)) = (&file.config, &args.sandbox) {
        file.config = Some(narrowed(
            args,
            scenario::open(name)
                .map_err(|p| Failure::Usage(p.to_string()))?
                .config,
        ));
    }
    Ok(file)
}

/// The flags with which a command goes on in the same sandbox; nothing outside of one.
pub(super) fn sandbox_flags(args: &Args) -> String {
    let name = args
        .sandbox
        .as_ref()
        .map(|name| format!(" --sandbox={name}"));
    let state = args.sandbox_state.as_ref();
    let state = state.map(|s| format!(" --sandbox-state {}", s.display()));
    [name, state].into_iter().flatten().collect()
}

/// The queues that --farm and --queue leave.
fn narrowed(args: &Args, config: StudioConfig) -> StudioConfig {
    if args.farm.is_none() && args.queue.is_none() {
        return config;
    }
    let matching: Vec<QueueKey> = config
        .queues
        .iter()
        .filter(|k| {
            args.farm.as_ref().is_none_or(|f| *f == k.farm)
                && args.queue.as_ref().is_none_or(|q| *q == k.queue)
        })
        .cloned()
        .collect();
    if !matching.is_empty() {
        return config.narrowed(matching);
    }
    let first = config.queues.first();
    let farm = args.farm.clone().or_else(|| first.map(|q| q.farm.clone()));
    let queue = args
        .queue
        .clone()
        .or_else(|| first.map(|q| q.queue.clone()));
    match (farm, queue) {
        (Some(farm), Some(queue)) => config.narrowed(vec![QueueKey { farm, queue }]),
        _ => config,
    }
}

/// For a command that can't do without: the file, or one clear word.
pub(super) fn needed(args: &Args, file: &StudioFile) -> Result<StudioConfig, Failure> {
    refuse_marks_alone(file)?;
    needed_by_audit(args, file)
}

/// The same for an audit, which a file of marks alone is enough for.
pub(super) fn needed_by_audit(args: &Args, file: &StudioFile) -> Result<StudioConfig, Failure> {
    // Setup in the sandbox begins without a file and writes it; no other command takes a scenario's in its place.
    let named = args.studio.is_some() && file.text.is_none();
    let config = file.config.clone().filter(|_| !named);
    existing(args, file, config)
}

/// The same for setup, which may start from the scenario's own.
pub(super) fn needed_by_setup(args: &Args, file: &StudioFile) -> Result<StudioConfig, Failure> {
    refuse_marks_alone(file)?;
    existing(args, file, file.config.clone())
}

fn refuse_marks_alone(file: &StudioFile) -> Result<(), Failure> {
    if !file.config.as_ref().is_some_and(|c| c.only_marks) {
        return Ok(());
    }
    Err(Failure::Usage(
        "The studio file holds [[ignore]] and [[confirmed]] alone, and does not say what the studio should be\n  fix   \
        only `studiolink audit` can use it; run `studiolink setup` or `init` to write the rest"
            .to_owned(),
    ))
}

fn existing(
    args: &Args,
    file: &StudioFile,
    config: Option<StudioConfig>,
) -> Result<StudioConfig, Failure> {
    if config.as_ref().is_some_and(|c| c.queues.is_empty()) {
        return Err(Failure::Usage(
            "The studio file names no queue\n  fix   add [queue] with farm and queue, or name them with --farm and --queue"
                .to_owned(),
        ));
    }
    config.ok_or_else(|| {
        let path = file.path.as_deref().unwrap_or(Path::new("studiolink.toml"));
        let how = if args.studio.is_some() {
            "check the path that --studio names"
        } else {
            "run `studiolink setup` to write one, name one with --studio FILE, or try --sandbox"
        };
        Failure::Usage(format!(
            "There is no studio file {}\n  fix   {how}",
            path.display()
        ))
    })
}

pub(super) fn login(args: &Args, config: Option<&StudioConfig>) -> Result<Login, Failure> {
    let from_env = || -> Result<Option<Region>, Failure> {
        let Some(name) = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")) else {
            return Ok(None);
        };
        name.parse()
            .map(Some)
            .map_err(|e: crate::domain::ids::NotAnId| Failure::Usage(format!("AWS_REGION: {e}")))
    };
    let file_region = config.and_then(|w| w.region.clone());
    let region = match args.region.clone() {
        Some(region) => Some(region),
        None => from_env()?,
    };
    if let (Some(wins), Some(file)) = (&region, &file_region)
        && wins != file
    {
        let source = if args.region.is_some() {
            "--region"
        } else {
            "AWS_REGION"
        };
        talk(&format!(
            "note: the studio file says region {file}; {source} says {wins}, and wins"
        ));
    }
    Ok(Login {
        profile: args
            .profile
            .clone()
            .or_else(|| set("AWS_PROFILE"))
            .or_else(|| config.and_then(|w| w.profile.clone())),
        region: region.or(file_region),
        endpoint: endpoint(args),
    })
}

pub(super) async fn world(
    args: &Args,
    config: Option<&StudioConfig>,
) -> Result<Arc<dyn World>, Failure> {
    match &args.sandbox {
        Some(name) => {
            talk("sandbox: a studio in memory; nothing that follows was seen on AWS");
            Ok(Arc::new(sandbox(args, name)?))
        }
        None => {
            let login = login(args, config)?;
            let world: Arc<dyn World> =
                Arc::new(RealWorld::connect(&login, args.allow_http).await?);
            args.opened.keep(&world);
            Ok(world)
        }
    }
}

/// Before anything is changed: what is set up is written into the studio file at the end.
pub(super) fn check_place(file: &StudioFile) -> Result<(), Failure> {
    let Some(path) = &file.path else {
        return Ok(());
    };
    files::check_writable(path).map_err(|p| {
        Failure::Usage(format!(
            "Nothing was begun: the studio file could not be written at its end\n{p}"
        ))
    })
}

pub(super) fn sandbox(args: &Args, name: &str) -> Result<Sandbox, Failure> {
    if let Some(state) = &args.sandbox_state {
        let lock = files::lock_for(state).map_err(|p| Failure::Usage(p.to_string()))?;
        args.opened.hold(lock);
    }
    let kept = args
        .sandbox_state
        .as_deref()
        .map(scenario::reopen)
        .transpose()
        .map_err(|p| Failure::Usage(p.to_string()))?
        .flatten();
    if let Some(truth) = &kept
        && truth.scenario != name
        && name != "studio"
    {
        return Err(Failure::Usage(format!(
            "the sandbox's state is of scenario {}, not {name}\n  fix   name another --sandbox-state",
            truth.scenario
        )));
    }
    let fresh = || {
        scenario::open(name)
            .map(|s| s.truth)
            .map_err(|p| Failure::Usage(p.to_string()))
    };
    let truth = kept.map_or_else(fresh, Ok)?;
    Ok(Sandbox::new(truth, args.sandbox_state.clone()))
}
