//! What the wizard needs of this machine: profiles, a world for a sign-in, the studio file, the exported plan.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use super::args::Args;
use super::open::{self, StudioFile};
use super::plan::Saved;
use super::{Failure, explain, out};
use crate::domain::caller::Caller;
use crate::domain::causes::lines_of;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::ids::{QueueKey, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::domain::time::day_and_clock;
use crate::engine::journal;
use crate::resources::Plan;
use crate::ui::draft::Draft;
use crate::ui::driver::{Outside, SignedIn};
use crate::ui::model::{Interrupted, Model, RunRow};
use crate::ui::report::markdown;
use crate::ui::wizard::Wizard;
use crate::world::aws::{Login, profiles};
use crate::world::local::{DiskState, files};
use crate::world::real::RealWorld;
use crate::world::sandbox::Sandbox;
use crate::world::{LocalState, World};

struct Here {
    allow_http: bool,
    /// Made once: a second sign-in in the sandbox is the same studio.
    sandbox: Option<Arc<Sandbox>>,
    login: Login,
    endpoint: Option<String>,
    path: Option<PathBuf>,
    /// The studio file as it was last read or written here.
    old_text: Mutex<Option<String>>,
    /// --farm or --queue narrowed the file's queues: its own list is what is written back.
    own_queues: Option<Vec<QueueKey>>,
    /// What the file itself says of profile and region; a flag for one time does not overwrite it.
    own_aws: Option<(Option<String>, Option<Region>)>,
    export: PathBuf,
    /// Under what the draft of this studio file is remembered.
    draft_name: String,
}

/// The draft that was left for that studio file, as it still is.
fn left_draft(local: &dyn LocalState, name: &str, file: Option<&str>) -> Option<StudioConfig> {
    let kept: serde_json::Value = serde_json::from_str(&local.recall(name)?).ok()?;
    // A file that has been edited since counts more than what was chosen before.
    let same = kept.get("file").and_then(serde_json::Value::as_str) == file;
    same.then(|| serde_json::from_value(kept.get("draft")?.clone()).ok())?
}

/// The last run of this machine that has no end and that nothing has undone.
fn interrupted(local: &dyn LocalState) -> Option<Interrupted> {
    let runs = journal::read_all(local).ok()?.runs;
    let undone = |id: &str| runs.iter().any(|u| u.header.undoes.as_deref() == Some(id));
    let open = runs
        .iter()
        .rev()
        .find(|r| r.is_cut() && r.header.undoes.is_none() && !undone(&r.header.id))?;
    Some(Interrupted {
        run: Printable::short(&open.header.id, 60),
        started: day_and_clock(open.header.started).into(),
        done: open.done().count(),
    })
}

fn row(run: &journal::Run, all: &[journal::Run]) -> RunRow {
    let h = &run.header;
    let queues: Vec<String> = h.queues.iter().map(|q| q.queue.brief()).collect();
    let changes = run.entries.iter().map(|e| {
        let what = format!("{} {}", e.change.operation(), e.change.words());
        (markdown::came(e).into(), what.into())
    });
    RunRow {
        id: Printable::short(&h.id, 60),
        started: day_and_clock(h.started).into(),
        command: Printable::short(&h.command, 20),
        queues: queues.join(", ").into(),
        by: h.by.clone(),
        place: format!("{} {}", h.account, h.region).into(),
        state: markdown::state(run).into(),
        undo: markdown::undo_state(run, all).into(),
        can_undo: !journal::to_undo(run, all).is_empty(),
        is_cut: run.is_cut(),
        changes: changes.collect(),
    }
}

impl Outside for Here {
    fn profiles(&self) -> BoxFuture<'_, Result<Vec<String>, Problem>> {
        async move {
            if self.sandbox.is_some() {
                Ok(vec!["sandbox".to_owned()])
            } else {
                profiles::list().await
            }
        }
        .boxed()
    }

    fn connect(
        &self,
        profile: Option<String>,
        region: Option<Region>,
    ) -> BoxFuture<'_, Result<SignedIn, Problem>> {
        async move {
            if let Some(sandbox) = &self.sandbox {
                let world: Arc<dyn World> = sandbox.clone();
                return Ok((world, "sandbox".into()));
            }
            let login = Login {
                profile: profile.or_else(|| self.login.profile.clone()),
                region: region.or_else(|| self.login.region.clone()),
                endpoint: self.login.endpoint.clone(),
            };
            let name = login
                .profile
                .clone()
                .unwrap_or_else(|| "default".to_owned());
            let world: Arc<dyn World> =
                Arc::new(RealWorld::connect(&login, self.allow_http).await?);
            Ok((world, name.into()))
        }
        .boxed()
    }

    fn endpoint(&self) -> Option<String> {
        self.endpoint.clone()
    }

    fn save(&self, config: &StudioConfig) -> Result<(), Problem> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let now = files::read(path)?.and_then(|b| String::from_utf8(b).ok());
        let mut old_text = self.old_text.lock().unwrap_or_else(PoisonError::into_inner);
        if now != *old_text {
            return Err(Problem::new(
                ProblemKind::Moved,
                format!("{} was not written", path.display()),
                "it has been changed since the wizard began",
                "run `studiolink setup` again: it starts from the file as it is now",
            ));
        }
        let mut whole = match &self.own_queues {
            Some(queues) => config.clone().narrowed(queues.clone()),
            None => config.clone(),
        };
        if let Some((profile, region)) = &self.own_aws {
            // Only what was chosen on the first page is new.
            if self.sandbox.is_some() || whole.profile == self.login.profile {
                whole.profile.clone_from(profile);
            }
            if self.sandbox.is_some() || whole.region == self.login.region {
                whole.region.clone_from(region);
            }
        }
        let text = whole.write_into(old_text.as_deref());
        if old_text.as_deref() != Some(text.as_str()) {
            files::write_whole(path, &text)?;
            *old_text = Some(text);
        }
        Ok(())
    }

    fn keep_draft(&self, config: Option<&StudioConfig>) {
        let old = self.old_text.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match config {
            // Only choices that the file does not have yet are kept.
            Some(config) if old.as_deref() != Some(config.write_into(old.as_deref()).as_str()) => {
                json!({ "file": old.as_deref(), "draft": config }).to_string()
            }
            _ => String::new(),
        };
        let local: &dyn LocalState = match &self.sandbox {
            Some(sandbox) => sandbox.local(),
            None => &DiskState::new(),
        };
        // A convenience: what can't be kept is only not there next time.
        let _ = local.remember(&self.draft_name, &kept);
    }

    fn runs(&self) -> Result<Vec<RunRow>, Problem> {
        let local: &dyn LocalState = match &self.sandbox {
            Some(sandbox) => sandbox.local(),
            None => &DiskState::new(),
        };
        let all = journal::read_all(local)?.runs;
        Ok(all.iter().rev().map(|run| row(run, &all)).collect())
    }

    fn read_log(&self, name: &str) -> Result<Vec<String>, Problem> {
        let name = match (name.strip_prefix("~/"), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(name),
        };
        Ok(lines_of(&explain::of_file(&name)?))
    }

    fn export(
        &self,
        caller: &Caller,
        region: &Region,
        config: &StudioConfig,
        plan: &Plan,
    ) -> Result<Printable, Problem> {
        if self.sandbox.is_some() && self.path.is_none() {
            return Err(Problem::new(
                ProblemKind::Local,
                "The sandbox writes no plan",
                "it writes nothing but its state and the file that --studio names",
                "add --studio FILE",
            ));
        }
        let account = caller.account.clone();
        let saved = Saved::new(account, region.clone(), config.clone(), plan.clone());
        let text = serde_json::to_string_pretty(&saved).map_err(|e| {
            Problem::new(
                ProblemKind::Local,
                "The plan was not kept",
                e.to_string(),
                "this is a bug in studiolink; please report it",
            )
        })?;
        files::write_whole(&self.export, &(text + "\n"))?;
        Ok(self.export.display().to_string().into())
    }
}

/// The wizard's model and what it needs of this machine.
pub(super) fn prepare(
    args: &Args,
    file: &StudioFile,
) -> Result<(Model, Arc<dyn Outside>), Failure> {
    let sandbox = match &args.sandbox {
        Some(name) => Some(Arc::new(open::sandbox(args, name)?)),
        None => None,
    };
    let login = if sandbox.is_some() {
        Login::default()
    } else {
        open::login(args, file.config.as_ref())?
    };
    let remembered = match &sandbox {
        Some(sandbox) => sandbox.local().recall("ynput-channel"),
        None => DiskState::new().recall("ynput-channel"),
    };
    let remembered = remembered.and_then(|c| c.parse().ok());
    let mut draft = Draft::new(file.config.as_ref(), remembered.clone());
    let place = file.path.clone().unwrap_or_default();
    let place = std::path::absolute(&place).unwrap_or(place);
    let draft_name = format!("draft {}", place.display());
    let local: &dyn LocalState = match &sandbox {
        Some(sandbox) => sandbox.local(),
        None => &DiskState::new(),
    };
    let narrowed = args.farm.is_some() || args.queue.is_some();
    let left = left_draft(local, &draft_name, file.text.as_deref()).filter(|_| !narrowed);
    let cut_short = interrupted(local);
    let mut first = None;
    if let Some(left) = &left {
        first = Some(Box::new(draft));
        draft = Draft::new(Some(left), remembered);
    }
    draft.profile.clone_from(&login.profile);
    draft.region = login.region.clone().or(draft.region);
    if draft.queues.is_empty()
        && let Some(farm) = &args.farm
    {
        draft.farm = Some(farm.clone());
        draft.queues.extend(
            args.queue
                .clone()
                .map(|queue| crate::domain::ids::QueueKey {
                    farm: farm.clone(),
                    queue,
                }),
        );
    }
    let named = file.path.as_ref().map(|p| p.display().to_string().into());
    let mut model = Model::new(draft, sandbox.is_some(), named, open::catalogues());
    model.undo_flags =
        (args.sandbox.is_none() || args.sandbox_state.is_some()).then(|| open::sandbox_flags(args));
    model.interrupted = cut_short;
    model.first_draft = first;
    let export = file
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from("studiolink.toml"))
        .with_extension("plan.json");
    let here = Here {
        sandbox,
        endpoint: login.endpoint.clone(),
        allow_http: args.allow_http,
        login,
        path: file.path.clone(),
        old_text: Mutex::new(file.text.clone()),
        own_queues: file.own_queues.clone(),
        own_aws: file
            .text
            .is_some()
            .then(|| {
                file.config
                    .as_ref()
                    .map(|w| (w.profile.clone(), w.region.clone()))
            })
            .flatten(),
        export,
        draft_name,
    };
    Ok((model, Arc::new(here)))
}

/// `studiolink` alone: home.
pub(super) async fn home(args: &Args) -> Result<Exit, Failure> {
    let file = open::studio_file(args)?;
    open::check_place(&file)?;
    on_screen(args, &file, args.plain, Wizard::at_home).await
}

/// On the full screen, or as lines of text where that is wanted or there is no terminal.
pub(super) async fn on_screen(
    args: &Args,
    file: &StudioFile,
    plain: bool,
    begin: fn(Model) -> Wizard,
) -> Result<Exit, Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|t| t == "dumb");
    let (model, outside) = prepare(args, file)?;
    let wizard = begin(model);
    if plain || dumb || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Ok(crate::ui::plain::run(wizard, outside).await);
    }
    full_screen(args, wizard, outside).await
}

async fn full_screen(
    args: &Args,
    wizard: Wizard,
    outside: Arc<dyn Outside>,
) -> Result<Exit, Failure> {
    crate::ui::tui::install_panic_hook();
    let colour = out::wants_colour(args, true);
    let ended = crate::ui::tui::run(wizard, outside, colour).await;
    let (code, words) = ended.map_err(|e| {
        let because = e.to_string();
        Problem::new(
            ProblemKind::Local,
            "The terminal can't be used for a full screen",
            because,
            "add --plain",
        )
    })?;
    // Commands and values to paste stay whole.
    let ink = out::ink(args);
    let folded = words.lines().map(|line| {
        if line.starts_with(' ') {
            line.to_owned()
        } else {
            ink.folded("", 0, line)
        }
    });
    out::data(&folded.collect::<Vec<_>>().join("\n"));
    Ok(code)
}
