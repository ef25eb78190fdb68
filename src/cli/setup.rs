//! `studiolink setup`: the wizard, the same as plain questions, or unattended from the studio file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::args::{self, Args, Format, Setup};
use super::open::{self, StudioFile};
use super::out::{data, ink, leaves_out, talk};
use super::stop::Stop;
use super::{Failure, ask, open::catalogues};
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, is_expired};
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::risk::RiskKind;
use crate::domain::text::{Printable, without_url_secrets};
use crate::engine::apply::{self, Applied, RunContext};
use crate::engine::drive::{apply_and_verify, observe};
use crate::engine::gate::Rules;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::engine::{ChangeState, Progress};
use crate::goals::{ManualStep, Removals, Wishes};
use crate::questions::{CallerIdentity, Purpose, Snapshot};
use crate::resources::{Change, Plan};
use crate::ui::report::json::{Document, HeldJson, SetupJson};
use crate::ui::report::{ending, json as json_report, text};
use crate::ui::wizard::Wizard;
use crate::world::World;
use crate::world::local::files;

pub(super) async fn run(args: &Args, setup: &Setup) -> Result<Exit, Failure> {
    let file = open::studio_file(args)?;
    open::check_place(&file)?;
    let only_unattended = &setup.wishes;
    let asked = only_unattended.partial
        || only_unattended.remove_channels
        || only_unattended.create_environment
        || only_unattended.unproven_key
        || !setup.insist.accept_risk.is_empty();
    if asked && !setup.yes {
        return Err(Failure::Usage(
            "--partial, --remove-channels, --create-environment, --unproven-key and --accept-risk are for an unattended run\n  fix   add --yes; the wizard asks about each change instead"
                .to_owned(),
        ));
    }
    if setup.yes {
        return unattended(args, setup, &file).await;
    }
    super::wizard::on_screen(args, &file, setup.plain, Wizard::new).await
}

async fn unattended(args: &Args, setup: &Setup, file: &StudioFile) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let config = open::needed_by_setup(args, file)?;
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let queues: Vec<String> = config.queues.iter().map(|k| k.queue.brief()).collect();
    talk(&format!(
        "checking {} in {}",
        queues.join(", "),
        world.region()
    ));
    let wishes = wishes(&setup.wishes);
    let mut work = observed(args, world, &config, Purpose::Setup, wishes, &stop).await?;
    if let Some(minutes) = setup.wait {
        work.patience = minutes * 60_000;
    }
    let plan = work.plan().clone();
    let how = How {
        command: "setup",
        insist: &setup.insist,
        asks: false,
    };
    let mut made = make(args, world, &mut work, &plan, how, &stop).await?;
    match write_studio_file(args, file, &config, made.exit) {
        Ok(saved) => made.saved = saved,
        Err(problem) => {
            talk(&problem.to_string());
            made.exit = made.exit.and(Exit::Failed);
        }
    }
    made.print(args, "setup");
    Ok(made.exit)
}

/// The studio file as it is now, where it says something else and the whole of it was set up. Where it was written.
fn write_studio_file(
    args: &Args,
    file: &StudioFile,
    config: &StudioConfig,
    exit: Exit,
) -> Result<Option<PathBuf>, Problem> {
    let Some(path) = file.path.as_ref().filter(|_| exit != Exit::Interrupted) else {
        return Ok(None);
    };
    let text = config.write_into(file.text.as_deref());
    let whole = args.farm.is_none() && args.queue.is_none();
    if whole && file.text.as_deref() != Some(text.as_str()) {
        files::write_whole(path, &text)?;
        return Ok(Some(path.clone()));
    }
    Ok(None)
}

/// A run that has observed everything, with its calls told where somebody wants them.
pub(super) async fn observed(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    purpose: Purpose,
    wishes: Wishes,
    stop: &Stop,
) -> Result<Workflow, Failure> {
    let what = (catalogues(), purpose, wishes);
    observed_by(args, world, config, what, stop).await
}

/// As the goals read them.
pub(super) fn wishes(asked: &args::Wishes) -> Wishes {
    Wishes {
        partial: asked.partial,
        creates: asked.create_environment,
        unproven_key: asked.unproven_key,
        removals: if asked.remove_channels {
            Removals::All
        } else {
            Removals::None
        },
        ..Wishes::default()
    }
}

/// The same with other checks.
pub(super) async fn observed_by(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    (catalogues, purpose, wishes): (Catalogues, Purpose, Wishes),
    stop: &Stop,
) -> Result<Workflow, Failure> {
    let region = world.region().clone();
    let sandbox = world.is_sandbox();
    let mut work = Workflow::new(catalogues, region, config.clone(), purpose, sandbox);
    work.wish(wishes);
    let observing = stop.or(observe(world, &mut work, &stop.flag, &progress));
    told_while(world, observing)
        .await
        .ok_or(Failure::Interrupted)?;
    calls(args, world, 0);
    leaves_out(work.snapshot());
    match expired(&work) {
        Some(problem) => Err(problem.into()),
        None => Ok(work),
    }
}

/// The credentials have expired, by AWS's own word: said once, not by each check.
pub(super) fn expired(work: &Workflow) -> Option<Problem> {
    if !work.observed_findings().any(is_expired) {
        return None;
    }
    let caller = work.snapshot().facts.get(&CallerIdentity);
    let because = caller.and_then(Fact::problem);
    let (why, fix) = because.map_or(
        (
            "the credentials have expired by now (AWS answered ExpiredToken)",
            "sign in again, then run this again",
        ),
        |p| (p.because.as_str(), p.fix.as_str()),
    );
    let doing = "The studio could not be read";
    let problem = Problem::new(ProblemKind::Credentials, doing, why, fix);
    Some(match because.and_then(|p| p.call.clone()) {
        Some(call) => problem.seen(call),
        None => problem,
    })
}

/// What takes longer than a second says so on stderr, and again every ten.
pub(super) async fn told_while<T>(world: &dyn World, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let mut next = Duration::from_secs(1);
    let mut work = std::pin::pin!(work);
    loop {
        let pause = tokio::time::sleep(next.saturating_sub(began.elapsed()));
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = pause => {
                let seconds = began.elapsed().as_secs();
                talk(&format!("checking: {} calls answered, {seconds} s", world.log().total()));
                next = Duration::from_secs(if seconds < 10 { 10 } else { seconds + 10 });
            }
        }
    }
}

/// The account that is signed in, where it is known.
pub(super) fn account(snapshot: &Snapshot) -> Option<AccountId> {
    let caller = snapshot.facts.get(&CallerIdentity)?.known()?;
    Some(caller.account.clone())
}

/// With -v, every call since `seen`, on stderr.
pub(super) fn calls(args: &Args, world: &dyn World, seen: usize) {
    if args.verbose {
        for call in world.log().since(seen) {
            talk(&format!(
                "{}  {}  {}",
                call.vantage.word(),
                call.line(),
                call.about
            ));
        }
    }
}

/// What came of applying a plan and checking again.
pub(super) struct Made {
    pub plan: Plan,
    pub applied: Applied,
    pub account: Option<AccountId>,
    pub region: Region,
    pub findings: Vec<Finding>,
    pub manual: Vec<ManualStep>,
    /// Where the studio file was written.
    pub saved: Option<PathBuf>,
    pub exit: Exit,
}

/// Who makes the changes, and how careful.
pub(super) struct How<'a> {
    /// As the journal names it.
    pub command: &'a str,
    pub insist: &'a args::Insist,
    /// A yes is asked for, on the terminal.
    pub asks: bool,
}

static NO_RISK: args::Insist = args::Insist {
    accept_risk: Vec::new(),
};

impl How<'static> {
    /// A command that insists on nothing.
    pub(super) fn plain(command: &'static str, asks: bool) -> Self {
        How {
            command,
            insist: &NO_RISK,
            asks,
        }
    }
}

/// Shows the plan, applies it, checks again. The preview on screen is the plan that is applied.
pub(super) async fn make(
    args: &Args,
    world: &dyn World,
    work: &mut Workflow,
    plan: &Plan,
    how: How<'_>,
    stop: &Stop,
) -> Result<Made, Failure> {
    if args.format == Format::Text {
        data(&text::plan(plan, ink(args)));
    }
    let endpoint = open::endpoint(args);
    let caller = work.snapshot().facts.get(&CallerIdentity).cloned();
    let caller = caller.unwrap_or(Fact::PENDING);
    let queues = work.config().queues.clone();
    let context = RunContext::new(how.command, &caller, &queues, endpoint.as_deref());
    let made = |work: &Workflow, applied, findings, manual, exit| Made {
        plan: plan.clone(),
        applied,
        account: account(work.snapshot()),
        region: work.snapshot().region.clone(),
        findings,
        manual,
        saved: None,
        exit,
    };
    let rules = Rules {
        config: work.config().clone(),
        expand: catalogues().observe.expand,
        judge: catalogues().gate,
        patience: work.patience,
        accepted: how.insist.accept_risk.iter().copied().collect(),
        insisted: BTreeSet::new(),
    };
    let context = match context {
        Ok(context) => RunContext {
            rules: Some(rules),
            ..context
        },
        Err(problem) => {
            // Nothing is written as nobody; what was found is still told.
            talk(&problem.to_string());
            let applied = Applied {
                run: None,
                done: Vec::new(),
                left: plan.changes.len(),
                held: Vec::new(),
                stop: None,
            };
            let (findings, manual) = (work.findings(), work.manual_steps());
            let exit = work.exit(plan, None).and(Exit::NotChecked);
            return Ok(made(work, applied, findings, manual, exit));
        }
    };
    if how.asks && !plan.changes.is_empty() {
        let what = match plan.changes.len() {
            1 => "this change".to_owned(),
            n => format!("these {n} changes"),
        };
        let account =
            account(work.snapshot()).map_or_else(|| "unknown".to_owned(), |a| a.to_string());
        if !ask::confirm(format!("Apply {what} to account {account}?")).await? {
            return Err(Failure::Usage("nothing was applied\n  fix   answer yes to apply it, or leave parts of it out with `studiolink setup`".to_owned()));
        }
    }
    let seen = world.log().total();
    let applied = apply_and_verify(world, work, plan, &context, &stop.flag, &progress).await?;
    calls(args, world, seen);
    if matches!(applied.stop, Some(apply::Stop::Interrupted)) || stop.is_asked() {
        talk("stopped; run the same command again to resume");
        return Ok(made(
            work,
            applied,
            Vec::new(),
            Vec::new(),
            Exit::Interrupted,
        ));
    }
    let findings = work.findings();
    let exit = work.exit(plan, applied.stop.as_ref());
    let manual = work.manual_steps();
    Ok(made(work, applied, findings, manual, exit))
}

/// Progress as sentences, on stderr.
pub(super) fn progress(progress: Progress) {
    match progress {
        Progress::Run { id, resumed: true } => {
            talk(&format!("resuming run {id}, which was interrupted"));
        }
        Progress::Change { change, state, .. } => {
            let what = format!("{}  {}", change.operation(), change.words());
            match state {
                ChangeState::Done { millis } => talk(&format!("DONE  {what}  {millis} ms")),
                ChangeState::UnderWay | ChangeState::Waiting => {}

                state => talk(&format!("{}  {what}", state.word())),
            }
        }
        // The wait is looked at several times a second; one line in ten seconds is enough to read.
        Progress::WaitingForIam { seconds, .. } if seconds % 10 != 0 => {}
        other => {
            if let Some(words) = ending::waiting(&other) {
                talk(words.as_str());
            }
        }
    }
}

impl Made {
    pub(super) fn print(&self, args: &Args, kind: &str) {
        let stopped = self.applied.stop.as_ref().map(stop_words);
        if args.format == Format::Json {
            let held = self.applied.held.iter().map(|h| HeldJson {
                id: &h.change.id,
                risk: h.change.risk,
                why: &h.why,
            });
            let saved = self.saved.as_ref();
            let parts = SetupJson {
                plan: json_report::changes(&self.plan),
                unread: &self.plan.unread,
                refused: &self.plan.refused,
                run: self.applied.run.as_deref(),
                done: self.applied.done.iter().map(|c| c.id.as_str()).collect(),
                held_back: held.collect(),
                stopped,
                saved: saved.map(|p| Printable::new(p.display().to_string())),
                findings: json_report::findings(&self.findings),
                manual: json_report::manual_steps(&self.manual),
            };
            let (account, region) = (self.account.as_ref(), Some(&self.region));
            data(&Document::new(kind, account, region, self.exit, parts).text());
            return;
        }
        let ink = ink(args);
        let (verdict, headline) = ending::headline(&self.plan, Some(&self.applied), &self.findings);
        data(&format!(
            "{}  {}\n",
            ink.verdict(verdict),
            ink.strong(&headline)
        ));
        if let Some(words) = &stopped {
            talk(words);
        }
        for held in &self.applied.held {
            let (operation, words) = (held.change.operation(), held.change.words());
            data(&format!(
                "HELD BACK  {operation}  {words}\n  why   {}",
                held.why
            ));
        }
        if !self.applied.held.is_empty() {
            let risk = RiskKind::UnreadChannel.word();
            data(&format!(
                "  fix   wait with --wait MINUTES until the role can read it, leave it out of the studio file, or insist with --accept-risk {risk}\n"
            ));
        }
        let shown: Vec<Finding> = self
            .findings
            .iter()
            .filter(|f| args.verbose || ending::is_shown(f))
            .cloned()
            .collect();
        if !shown.is_empty() {
            data(&text::findings(&shown, ink, args.verbose));
        }
        if !self.findings.is_empty() {
            data(&text::manual_steps(&self.manual, ink));
            let open = ending::not_confirmed(&self.findings);
            data(&format!("{}\n", ink.folded("", 0, &open)));
            let more = if args.verbose {
                ""
            } else {
                "; -v lists what is fine too"
            };
            data(&format!("{}{more}", text::summary(&self.findings)));
        }
        if let Some(path) = &self.saved {
            talk(&format!("saved {}", path.display()));
        }
        if let Some(run) = &self.applied.run {
            let flags = open::sandbox_flags(args);
            match (&args.sandbox, &args.sandbox_state) {
                (None, _) => talk(&format!(
                    "run {run}; undo: studiolink rollback {run}\n  note  {}",
                    ending::JOURNAL.replace("RUN", run)
                )),
                (Some(_), Some(_)) => {
                    talk(&format!(
                        "run {run}; undo: studiolink rollback {run}{flags}"
                    ));
                }
                (Some(_), None) => {
                    talk("the sandbox forgets this now; --sandbox-state FILE keeps it")
                }
            }
        }
    }
}

/// What to do where somebody else has changed the thing: a plan can be made again.
const PLAN_AGAIN: &str =
    "look at the three texts; run the command again to plan from what it is now";
/// An undo can't be: what it would restore is older than what somebody wrote since.
const UNDO_BY_HAND: &str = "look at the three texts, and write the one that you want by hand, for the undo does not write \
    over what somebody wrote since; to leave it as it is now and undo the rest, add --skip";

/// Why a run stopped, with all that is needed to decide.
pub(super) fn stop_words(stop: &apply::Stop) -> String {
    words_of_stop(stop, PLAN_AGAIN)
}

/// The same of an undo.
pub(super) fn undo_stop_words(stop: &apply::Stop) -> String {
    words_of_stop(stop, UNDO_BY_HAND)
}

fn words_of_stop(stop: &apply::Stop, moved: &str) -> String {
    match stop {
        apply::Stop::Interrupted => {
            "stopped before the next change; run the same command again to resume".to_owned()
        }
        apply::Stop::Failed(problem) => problem.to_string(),
        apply::Stop::InDoubt(problem) => format!(
            "{problem}\n  note  the call got no answer, so the change may or may not have been made; run the same command again: it checks first"
        ),
        apply::Stop::Moved { change, now } => {
            let fix = if moved == UNDO_BY_HAND {
                format!("{moved} {}", change.id)
            } else {
                moved.to_owned()
            };
            moved_words(change, now.as_deref(), &fix)
        }
    }
}

fn moved_words(change: &Change, now: Option<&str>, fix: &str) -> String {
    let shown = |text: Option<&str>| match text {
        None => "  (does not exist)".to_owned(),
        Some(t) => t
            .lines()
            .map(|l| format!("  | {}", Printable::new(without_url_secrets(l))))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    format!(
        "{} has been changed by somebody else; nothing was written over it\n  fix   {fix}\nbefore, \
            as this run found it:\n{}\nafter, as planned:\n{}\nnow:\n{}",
        change.words(),
        shown(change.before.as_deref()),
        shown(change.after.as_deref()),
        shown(now)
    )
}
