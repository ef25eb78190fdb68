//! Apply: one change after the other, each re-read just before, written down before, and written down after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::gate::{Gate, Looked, Rules};
use super::journal::{self, Came, Header, Run, Wait, Writer};
use super::settle::{Settled, settle, settle_late};
use super::{ChangeState, Progress, Tell};
use crate::domain::call::Call;
use crate::domain::caller::Caller;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::secrets::unmasked;
use crate::domain::text::Printable;
use crate::resources::{Change, Found, Outputs, Propagation, Ready, fill};
use crate::world::World;

/// Who runs what, for the journal.
#[derive(Debug, Clone)]
pub struct RunContext {
    pub command: String,
    pub caller: Caller,
    pub queues: Vec<QueueKey>,
    pub endpoint: Option<Printable>,
    pub undoes: Option<String>,
    /// How it is decided whether a change that could stop jobs is made. Without them none is.
    pub rules: Option<Rules>,
}

impl RunContext {
    /// Nothing is written as nobody: the journal must say who it was.
    pub fn new(
        command: &str,
        caller: &Fact<Caller>,
        queues: &[QueueKey],
        endpoint: Option<&str>,
    ) -> Result<Self, Problem> {
        let caller = caller.known().cloned().ok_or_else(|| {
            let because = caller
                .problem()
                .map_or("STS was not asked", |p| p.because.as_str());
            Problem::new(
                ProblemKind::Credentials,
                "Nothing is changed: it is not known who is signed in",
                because,
                "sign in, then run it again",
            )
        })?;
        let endpoint =
            endpoint.map(|e| Printable::new(crate::domain::text::without_url_secrets(e)));
        Ok(Self {
            command: command.to_owned(),
            caller,
            queues: queues.to_vec(),
            endpoint,
            undoes: None,
            rules: None,
        })
    }
}

/// A change that was not made, because it would stop jobs as far as can be seen, or needs one that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    pub change: Change,
    pub why: Printable,
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Somebody else changed the thing: all three texts, for people to decide.
    Moved {
        change: Box<Change>,
        now: Option<String>,
    },
    Failed(Box<Problem>),
    /// The call did not answer and the thing could not be read again: the journal knows, the next run settles it.
    InDoubt(Box<Problem>),
    Interrupted,
}

impl Stop {
    /// How a run that stopped so ends the command.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Moved { .. } => Exit::Problem,
            Self::Failed(_) | Self::InDoubt(_) => Exit::Failed,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// `None`: nothing was changed, and no journal was made.
    pub run: Option<String>,
    pub done: Vec<Change>,
    pub left: usize,
    pub held: Vec<HeldBack>,
    pub stop: Option<Stop>,
}

impl Applied {
    /// What may take a while to be true everywhere.
    pub fn propagation(&self) -> Propagation {
        let of = |c: &Change| c.resource.propagation();
        self.done
            .iter()
            .map(of)
            .max()
            .unwrap_or(Propagation::Nothing)
    }
}

/// Makes the changes. `stop` is looked at between calls: a call under way is finished and written down.
#[allow(clippy::too_many_lines)] // one run, from its locks to its end
pub async fn apply(
    world: &dyn World,
    changes: &[Change],
    context: &RunContext,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Applied, Problem> {
    let local = world.local();
    let locks = take_locks(world, changes, context)?;
    let runs = journal::read_all(local)?.runs;
    settle_late(world, &runs, context).await?;
    let unfinished = runs.iter().rev().find(|r| {
        // A run that another one has undone is over, however it ended.
        let undone = runs
            .iter()
            .any(|u| u.header.undoes.as_deref() == Some(&r.header.id));
        is_ours(r, world, context) && !undone && r.is_cut()
    });
    let writer = match unfinished {
        Some(run) => Writer::resume(local, run),
        None => Writer::new(local, header(world, context)?),
    };
    let rules = context.rules.as_ref();
    let mut making = Making {
        world,
        writer,
        outputs: outputs_of(unfinished),
        gate: rules.map(|rules| Gate::new(world, rules, stop, tell)),
        propagates: propagation_of(unfinished),
        stop,
        tell,
    };
    let mut applied = Applied {
        run: None,
        done: Vec::new(),
        left: changes.len(),
        held: Vec::new(),
        stop: None,
    };
    let mut again: Vec<(usize, String, Change)> = Vec::new();
    if let Some(run) = unfinished {
        let id = making.writer.id().into();
        tell(Progress::Run { id, resumed: true });
        match settle(world, run, &making.writer, changes).await? {
            Settled::Go { repeat, found } => {
                again = repeat;
                making
                    .outputs
                    .extend(found.iter().map(|(c, o)| (c.id.clone(), o.clone())));
                applied.done = found.into_iter().map(|(c, _)| c).collect();
                for change in applied.done.clone() {
                    if let (_, Some(stop)) = making.ready(&change, ChangeState::FoundDone).await {
                        applied.run = Some(making.writer.id().to_owned());
                        applied.stop = Some(stop);
                        return Ok(applied);
                    }
                }
            }
            Settled::Stop(stop) => {
                applied.run = Some(making.writer.id().to_owned());
                applied.stop = Some(stop);
                return Ok(applied);
            }
        }
    }
    for (at, change) in changes.iter().enumerate() {
        let state = |state| {
            tell(Progress::Change {
                at,
                change: Box::new(change.clone()),
                state,
            });
        };
        if stop.load(Ordering::SeqCst) && applied.stop.is_none() {
            applied.stop = Some(Stop::Interrupted);
        }
        if applied.stop.is_some() {
            state(ChangeState::NotReached);
            continue;
        }
        if let Some(why) = held_along(change, &applied.held) {
            state(ChangeState::HeldBack(why.clone()));
            let change = change.clone();
            applied.held.push(HeldBack { change, why });
            continue;
        }
        state(ChangeState::UnderWay);
        let repeated = again.iter().find(|(_, _, c)| c.makes_the_same(change));
        let repeated = repeated.map(|(n, token, _)| (*n, token.clone()));
        let made = making.one(change, repeated, &changes[at + 1..]).await;
        // A journal that can't be written stops the run; what was made before it is still told.
        let (came, halt) =
            made.unwrap_or_else(|p| (ChangeState::Failed, Some(Stop::Failed(Box::new(p)))));
        if matches!(came, ChangeState::Done { .. }) {
            applied.done.push(change.clone());
        }
        if matches!(came, ChangeState::Done { .. } | ChangeState::FoundDone) {
            applied.left -= 1;
        }
        if let ChangeState::HeldBack(why) = &came {
            let (change, why) = (change.clone(), why.clone());
            applied.held.push(HeldBack { change, why });
        }
        applied.stop = halt;
        if !applied.done.is_empty() || unfinished.is_some() {
            applied.run = Some(making.writer.id().to_owned());
        }
        state(came);
    }
    close(world, &making.writer, &mut applied);
    drop(locks);
    Ok(applied)
}

/// Ends the journal, unless the next run is to go on with it; one of a run that changed nothing is thrown away.
fn close(world: &dyn World, writer: &Writer<'_>, applied: &mut Applied) {
    if !writer.has_begun() {
        return;
    }
    let local = world.local();
    applied.run = Some(writer.id().to_owned());
    if matches!(applied.stop, Some(Stop::Interrupted | Stop::InDoubt(_))) {
        return;
    }
    // The changes are made and written down; an end that can't be written only leaves the run open.
    let _ = writer.end();
    let journal = local.journal(writer.id()).ok();
    let run = journal.and_then(|t| Run::parse(&t).ok());
    if run.is_some_and(|r| r.is_nothing()) && local.discard(writer.id()).is_ok() {
        applied.run = None;
    }
}

/// Why a change goes along with one that was held back.
fn held_along(change: &Change, held: &[HeldBack]) -> Option<Printable> {
    let needs =
        |h: &&HeldBack| change.needs.contains(&h.change.id) || change.resource == h.change.resource;
    let first = held.iter().find(needs)?;
    let (operation, words) = (first.change.operation(), first.change.words());
    Some(format!("it needs {operation} {words}, which is held back").into())
}

fn propagation_of(run: Option<&Run>) -> Propagation {
    let done = run.into_iter().flat_map(Run::done);
    let all = done.map(|e| e.change.resource.propagation());
    all.max().unwrap_or(Propagation::Nothing)
}

fn outputs_of(run: Option<&Run>) -> BTreeMap<String, Outputs> {
    let done = run.into_iter().flat_map(Run::done);
    done.map(|e| (e.change.id.clone(), e.outputs.clone()))
        .collect()
}

pub(super) fn is_ours(run: &Run, world: &dyn World, context: &RunContext) -> bool {
    let h = &run.header;
    h.account == context.caller.account
        && h.region == *world.region()
        && h.undoes == context.undoes
        && h.queues.iter().any(|q| context.queues.contains(q))
}

pub(super) fn header(world: &dyn World, context: &RunContext) -> Result<Header, Problem> {
    let local = world.local();
    Ok(Header {
        id: journal::new_id(local.now(), &local.runs()?),
        started: local.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: context.command.clone(),
        by: local.here().into(),
        caller: Printable::new(context.caller.arn.raw()),
        account: context.caller.account.clone(),
        region: world.region().clone(),
        endpoint: if world.is_sandbox() {
            Some("sandbox".into())
        } else {
            context.endpoint.clone()
        },
        queues: context.queues.clone(),
        undoes: context.undoes.clone(),
    })
}

pub(super) type Locks = Vec<Box<dyn Send + Sync>>;

/// One lock for each queue of a run.
pub(super) fn lock_queues(
    world: &dyn World,
    run: &Run,
    context: &RunContext,
) -> Result<Locks, Problem> {
    let queues = run.header.queues.iter();
    let names = queues.map(|key| lock_name(world, context, key));
    names.map(|name| world.local().lock(&name)).collect()
}

/// One lock per queue and role that this run may touch, those of a run that it may go on with among them. Taken in one
/// order, so that two processes can't each hold what the other waits for.
fn take_locks(
    world: &dyn World,
    changes: &[Change],
    context: &RunContext,
) -> Result<Locks, Problem> {
    let local = world.local();
    let runs = journal::read_all(local)?.runs;
    let open = runs
        .iter()
        .filter(|r| is_ours(r, world, context) && !r.ended);
    let queues = context
        .queues
        .iter()
        .chain(open.flat_map(|r| &r.header.queues));
    let mut names: BTreeSet<String> = queues.map(|q| lock_name(world, context, q)).collect();
    let account = &context.caller.account;
    let own = changes
        .iter()
        .map(|c| c.resource.lock(account, world.region()));
    names.extend(own);
    names.iter().map(|name| local.lock(name)).collect()
}

fn lock_name(world: &dyn World, context: &RunContext, key: &QueueKey) -> String {
    let account = &context.caller.account;
    format!("{account}-{}-{}", world.region(), key.queue)
}

/// How long a service may take until what it has accepted is ready, and how often it is asked.
const READY: std::time::Duration = std::time::Duration::from_mins(5);
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
const LAST_PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// A run while it makes its changes.
struct Making<'a> {
    world: &'a dyn World,
    writer: Writer<'a>,
    /// What earlier changes have put out, by change id.
    outputs: BTreeMap<String, Outputs>,
    gate: Option<Gate<'a>>,
    /// What the run has changed of permissions so far.
    propagates: Propagation,
    stop: &'a AtomicBool,
    tell: Tell<'a>,
}

impl Making<'_> {
    async fn one(
        &mut self,
        planned: &Change,
        repeated: Option<(usize, String)>,
        later: &[Change],
    ) -> Result<(ChangeState, Option<Stop>), Problem> {
        let failed = |p: Problem| (ChangeState::Failed, Some(Stop::Failed(Box::new(p))));
        let change = &match self.filled(planned) {
            Ok(change) => change,
            Err(problem) => return Ok(failed(problem)),
        };
        let mut now = match read_now(self.world, change).await {
            Ok(now) => now,
            Err(problem) => return Ok(failed(problem)),
        };
        if change.is_gated() && change.is_before(now.text.as_deref()) {
            match self.look(change).await? {
                Looked::Open => {}
                Looked::Held(why) => return Ok((ChangeState::HeldBack(why), None)),
                Looked::Stopped => return Ok((ChangeState::NotReached, Some(Stop::Interrupted))),
            }
            // Somebody may have changed it while it was waited for.
            now = match read_now(self.world, change).await {
                Ok(now) => now,
                Err(problem) => return Ok(failed(problem)),
            };
        }
        let text = now.text.as_deref();
        // Where a later change of the same thing is found done, this one was done before it.
        let further = || {
            let mut same = later.iter().filter(|l| l.resource == change.resource);
            same.any(|l| l.is_after(text))
        };
        if change.is_after(text) || (!change.is_before(text) && further()) {
            self.outputs.insert(change.id.clone(), now.outputs);
            return Ok(self.ready(change, ChangeState::FoundDone).await);
        }
        let moved = |now| {
            let change = Box::new(change.clone());
            (ChangeState::Moved, Some(Stop::Moved { change, now }))
        };
        if !change.is_before(text) {
            return Ok(moved(now.text));
        }
        let fresh = || (None, uuid::Uuid::new_v4().to_string());
        let (again, token) = repeated.map_or_else(fresh, |(n, token)| (Some(n), token));
        let sent = match with_secrets(change, text) {
            Ok(sent) => sent,
            Err(problem) => return Ok(failed(problem)),
        };
        let n = self.writer.intent(change, &token, again)?;
        self.propagates = self.propagates.max(change.resource.propagation());
        let outcome = self.world.change(&sent, &token).await;
        let call: Option<Call> = outcome.calls.last().cloned();
        let millis = call.as_ref().map_or(0, |c| c.millis);
        let problem = match outcome.result {
            Ok(outputs) => {
                self.outputs.insert(change.id.clone(), outputs.clone());
                self.writer.outcome(n, Came::Done, outputs, call, None)?;
                return Ok(self.ready(change, ChangeState::Done { millis }).await);
            }
            Err(problem) => problem,
        };
        // An error is not yet a failure: a retried call may have been carried out the first time. The thing decides.
        let told = Some(Printable::from(problem.because.as_str()));
        let Ok(now) = read_now(self.world, change).await else {
            return Ok((ChangeState::InDoubt, Some(Stop::InDoubt(problem))));
        };
        let text = now.text.as_deref();
        if change.is_after(text) {
            self.outputs.insert(change.id.clone(), now.outputs.clone());
            let outputs = now.outputs;
            self.writer
                .outcome(n, Came::FoundDone, outputs, call, told)?;
            return Ok(self.ready(change, ChangeState::Done { millis }).await);
        }
        let nothing = Outputs::new();
        if !change.is_before(text) {
            self.writer.outcome(n, Came::Moved, nothing, call, told)?;
            return Ok(moved(now.text));
        }
        // Nobody answered, so a request may still be carried out a moment from now: the intent stays open, and the next
        // run reads again before it repeats it.
        if is_open(&problem, call.as_ref()) {
            return Ok((ChangeState::InDoubt, Some(Stop::InDoubt(problem))));
        }
        self.writer.outcome(n, Came::Failed, nothing, call, told)?;
        Ok((ChangeState::Failed, Some(Stop::Failed(problem))))
    }

    /// Some services take a change first, and say later what came of it: that is waited for, visibly and within limits,
    /// because what comes next needs it.
    async fn ready(&self, change: &Change, done: ChangeState) -> (ChangeState, Option<Stop>) {
        if !change.resource.waits() {
            return (done, None);
        }
        let began = tokio::time::Instant::now();
        let mut pause = FIRST_PAUSE;
        let words = change.words();
        let problem = |kind, because: String, fix: &str| {
            let doing = format!("{words} is made, and not ready");
            Some(Stop::Failed(Box::new(Problem::new(
                kind, doing, because, fix,
            ))))
        };
        loop {
            let now = match read_now(self.world, change).await {
                Ok(now) => now,
                Err(problem) => return (done, Some(Stop::Failed(Box::new(problem)))),
            };
            // What is to be gone may be listed for a while.
            let why = match now.ready {
                Ready::Failed(why) => {
                    let fix =
                        "`studiolink rollback` takes away what this run made; then run it again";
                    return (done, problem(ProblemKind::Invalid, why.to_string(), fix));
                }
                Ready::NotYet(why) => why,
                Ready::Yes if change.after.is_none() && now.text.is_some() => {
                    "it is still there".into()
                }
                Ready::Yes => return (done, None),
            };
            if self.stop.load(Ordering::SeqCst) {
                return (done, Some(Stop::Interrupted));
            }
            if began.elapsed() > READY {
                let because = format!("{why} after {} minutes", READY.as_secs() / 60);
                let fix = "look at it in the AWS console, then run it again: it goes on from here";
                return (done, problem(ProblemKind::Unreached, because, fix));
            }
            let seconds = began.elapsed().as_secs();
            (self.tell)(Progress::WaitingFor(
                format!("{words}: {why}, {seconds} s").into(),
            ));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Is what the change needs to be seen before it is made seen now? A wait is written down.
    async fn look(&mut self, change: &Change) -> Result<Looked, Problem> {
        let Some(gate) = &mut self.gate else {
            return Ok(Looked::Held(
                "nothing says by what it is to be decided".into(),
            ));
        };
        let (looked, seconds) = gate.look(change, self.propagates).await;
        let held = match &looked {
            Looked::Held(why) => Some(why.clone()),
            _ => None,
        };
        if seconds > 0 || held.is_some() {
            let channels = change.reads.iter().map(|(_, c)| c.as_str());
            let secrets = change.secrets.iter().map(|(_, s)| s.name());
            let what: Vec<&str> = channels.chain(secrets).collect();
            self.writer.wait(Wait {
                change: change.id.clone(),
                words: format!("reading {} as the queue role", what.join(", ")).into(),
                seconds,
                held,
            })?;
        }
        Ok(looked)
    }

    /// The change with what earlier ones have put out.
    fn filled(&self, change: &Change) -> Result<Change, Problem> {
        let mut change = change.clone();
        if let Some(text) = &change.after {
            change.after = Some(fill(text, &|id| self.outputs.get(id).cloned())?);
        }
        Ok(change)
    }
}

/// The change as it is sent: with the secrets of its addresses, which no plan and no journal keeps, as the service has them.
fn with_secrets(change: &Change, now: Option<&str>) -> Result<Change, Problem> {
    let mut sent = change.clone();
    if let Some(after) = &change.after {
        let now = now.unwrap_or_default();
        sent.after = Some(unmasked(after, now).map_err(|_| {
            let doing = format!("Could not change {}", change.words());
            Problem::new(
                ProblemKind::Invalid,
                doing,
                "its text held a password or token that is not there any more, and no journal keeps one",
                "write the address once more by hand, in the AWS console",
            )
        })?);
        sent.before = Some(now.to_owned()).filter(|_| change.before.is_some());
    }
    Ok(sent)
}

/// Did the call end without an answer of the service? A refusal, and a request to slow down, are answers.
fn is_open(problem: &Problem, call: Option<&Call>) -> bool {
    let throttled = call.is_some_and(|c| {
        let code = c.outcome.as_str();
        code.contains("Throttl") || code == "SlowDown" || code == "TooManyRequestsException"
    });
    problem.kind == ProblemKind::Unreached && !throttled
}

/// What the thing is now.
pub(super) async fn read_now(world: &dyn World, change: &Change) -> Result<Found, Problem> {
    let answered = world.look(&change.resource.question()).await;
    change.found(answered.answer)
}
