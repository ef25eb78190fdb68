//! Apply: one change after the other, each re-read just before, written down before, and written down after.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal::{self, Came, Header, Run, Writer};
use super::verify::Propagation;
use super::{Event, State, Tell};
use crate::domain::ask::{Answer, Ask};
use crate::domain::call::Call;
use crate::domain::change::{Change, Thing};
use crate::domain::fact::Fact;
use crate::domain::ids::{QueueEnvironmentId, QueueKey};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::{Caller, Studio};
use crate::domain::text::Printable;
use crate::world::World;

/// Who runs what, for the journal.
#[derive(Debug, Clone)]
pub struct RunContext {
    pub command: String,
    pub caller: Caller,
    pub queues: Vec<QueueKey>,
    pub endpoint: Option<Printable>,
    pub undoes: Option<String>,
}

impl RunContext {
    /// Nothing is written as nobody: the journal must say who it was.
    pub fn new(
        command: &str,
        studio: &Studio,
        queues: &[QueueKey],
        endpoint: Option<&str>,
    ) -> Result<Self, Problem> {
        let caller = studio.caller.known().cloned().ok_or_else(|| {
            let because = studio
                .caller
                .problem()
                .map_or("STS was not asked", |p| p.because.as_str());
            Problem::new(
                ProblemKind::Credentials,
                "Nothing is changed, for it is not known who is signed in",
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
        })
    }
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// All three texts, for people to decide.
    Moved {
        change: Box<Change>,
        now: Option<String>,
    },
    Failed(Box<Problem>),
    /// The call did not answer and the thing could not be read again: the journal knows, the next run settles it.
    InDoubt(Box<Problem>),
    Interrupted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// `None`: nothing was changed, and no journal was made.
    pub run: Option<String>,
    pub done: Vec<Change>,
    pub left: usize,
    pub stop: Option<Stop>,
}

impl Applied {
    pub fn spreading(&self) -> Propagation {
        let of = |c: &Change| match c.thing {
            Thing::RolePolicy { .. } => Propagation::CallerPermissions,
            Thing::RoleTrust { .. } | Thing::NewRole { .. } | Thing::QueueRole { .. } => {
                Propagation::Trust
            }
            Thing::Environment { .. } | Thing::AddonChannels { .. } => Propagation::Nothing,
        };
        self.done.iter().map(of).max().unwrap_or(Propagation::Nothing)
    }
}

/// Makes the changes. `stop` is looked at between calls: a call under way is finished and written down.
pub async fn apply(
    world: &dyn World,
    changes: &[Change],
    occasion: &RunContext,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Applied, Problem> {
    let desk = world.local();
    let locks = take_locks(world, changes, occasion)?;
    let (runs, _) = journal::read_all(desk)?;
    let unfinished = runs.iter().rev().find(|r| {
        // A run that another one has undone is over, however it ended.
        let undone = runs
            .iter()
            .any(|u| u.header.undoes.as_deref() == Some(&r.header.id));
        is_ours(r, world, occasion) && !undone && (!r.ended || r.in_doubt().next().is_some())
    });
    let mut writer = match unfinished {
        Some(run) => Writer::resume(desk, run),
        None => Writer::new(desk, header(world, occasion)?),
    };
    let mut applied = Applied {
        run: None,
        done: Vec::new(),
        left: changes.len(),
        stop: None,
    };
    let mut again: Vec<(usize, String, Change)> = Vec::new();
    if let Some(run) = unfinished {
        tell(Event::Run {
            id: writer.id().into(),
            resumed: true,
        });
        match settle(world, run, &writer, changes).await? {
            Settled::Go { repeat, found } => {
                again = repeat;
                applied.done = found;
            }
            Settled::Stop(stop) => {
                applied.run = Some(writer.id().to_owned());
                applied.stop = Some(stop);
                return Ok(applied);
            }
        }
    }
    for (at, change) in changes.iter().enumerate() {
        if stop.load(Ordering::SeqCst) {
            applied.stop = Some(Stop::Interrupted);
        }
        if applied.stop.is_some() {
            tell(Event::Change {
                at,
                change: Box::new(change.clone()),
                state: State::NotReached,
            });
            continue;
        }
        tell(Event::Change {
            at,
            change: Box::new(change.clone()),
            state: State::UnderWay,
        });
        let repeated = again.iter().find(|(_, _, c)| {
            c.thing == change.thing && c.before == change.before && c.after == change.after
        });
        let made = one(
            world,
            &mut writer,
            change,
            repeated.map(|(n, token, _)| (*n, token.clone())),
            &changes[at + 1..],
        )
        .await;
        // A journal that can't be written stops the run; what was made before it is still told.
        let (state, halt) =
            made.unwrap_or_else(|p| (State::Failed, Some(Stop::Failed(Box::new(p)))));
        if matches!(state, State::Done { .. }) {
            applied.done.push(change.clone());
        }
        if matches!(state, State::Done { .. } | State::FoundDone) {
            applied.left -= 1;
        }
        applied.stop = halt;
        if !applied.done.is_empty() || unfinished.is_some() {
            applied.run = Some(writer.id().to_owned());
        }
        tell(Event::Change {
            at,
            change: Box::new(change.clone()),
            state,
        });
    }
    if writer.has_begun() {
        applied.run = Some(writer.id().to_owned());
        // A run that was interrupted stays open, so that the next one goes on with it.
        if !matches!(applied.stop, Some(Stop::Interrupted | Stop::InDoubt(_))) {
            // The changes are made and written down; an end that can't be written only leaves the run open.
            let _ = writer.end();
            let nothing = |r: &Run| {
                r.entries
                    .iter()
                    .all(|e| matches!(e.came, Some(Came::Failed | Came::NotDone)))
            };
            let journal = desk.journal(writer.id()).ok().and_then(|t| Run::parse(&t));
            if journal.is_some_and(|r| nothing(&r)) && desk.discard(writer.id()).is_ok() {
                applied.run = None;
            }
        }
    }
    drop(locks);
    Ok(applied)
}

fn is_ours(run: &Run, world: &dyn World, occasion: &RunContext) -> bool {
    let h = &run.header;
    h.account == occasion.caller.account
        && h.region == *world.region()
        && h.undoes == occasion.undoes
        && h.queues.iter().any(|q| occasion.queues.contains(q))
}

fn header(world: &dyn World, occasion: &RunContext) -> Result<Header, Problem> {
    let desk = world.local();
    Ok(Header {
        id: journal::new_id(desk.now(), &desk.runs()?),
        started: desk.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: occasion.command.clone(),
        by: desk.here().into(),
        caller: Printable::new(occasion.caller.arn.raw()),
        account: occasion.caller.account.clone(),
        region: world.region().clone(),
        endpoint: occasion.endpoint.clone(),
        queues: occasion.queues.clone(),
        undoes: occasion.undoes.clone(),
    })
}

/// Settles what a run left in doubt, and nothing else. For a rollback, which must know what was done.
pub async fn settle_run(
    world: &dyn World,
    run: &Run,
    occasion: &RunContext,
) -> Result<Option<Stop>, Problem> {
    let desk = world.local();
    let mut locks = Vec::new();
    for key in &run.header.queues {
        locks.push(desk.lock(&lock_name(world, occasion, key))?);
    }
    let writer = Writer::resume(desk, run);
    Ok(match settle(world, run, &writer, &[]).await? {
        Settled::Go { .. } => {
            writer.end()?;
            None
        }
        Settled::Stop(stop) => Some(stop),
    })
}

/// One lock per queue and role that this run may touch, those of a run that it may go on with among them. Taken in one
/// order, so that two processes can't each hold what the other waits for.
fn take_locks(
    world: &dyn World,
    changes: &[Change],
    occasion: &RunContext,
) -> Result<Vec<Box<dyn Send + Sync>>, Problem> {
    let desk = world.local();
    let (runs, _) = journal::read_all(desk)?;
    let mut names: BTreeSet<String> = occasion
        .queues
        .iter()
        .map(|q| lock_name(world, occasion, q))
        .collect();
    let open = runs
        .iter()
        .filter(|r| is_ours(r, world, occasion) && !r.ended);
    for run in open {
        names.extend(
            run.header
                .queues
                .iter()
                .map(|q| lock_name(world, occasion, q)),
        );
    }
    for change in changes {
        names.insert(match &change.thing {
            Thing::Environment { queue, .. } | Thing::QueueRole { queue } => {
                lock_name(world, occasion, queue)
            }
            Thing::RolePolicy { role, .. }
            | Thing::RoleTrust { role }
            | Thing::NewRole { role, .. } => {
                format!("{}-role-{}", occasion.caller.account, role.name())
            }
            Thing::AddonChannels { server, .. } => {
                format!("ayon-{}", server.host_str().unwrap_or("server"))
            }
        });
    }
    names.iter().map(|name| desk.lock(name)).collect()
}

fn lock_name(world: &dyn World, occasion: &RunContext, key: &QueueKey) -> String {
    format!(
        "{}-{}-{}",
        occasion.caller.account,
        world.region(),
        key.queue
    )
}

enum Settled {
    Go {
        repeat: Vec<(usize, String, Change)>,
        found: Vec<Change>,
    },
    Stop(Stop),
}

/// What a killed run left in doubt is read again: as it should be, it is marked done; as it was, it is done now with
/// the same token; neither, everything stops.
async fn settle(
    world: &dyn World,
    run: &Run,
    writer: &Writer<'_>,
    changes: &[Change],
) -> Result<Settled, Problem> {
    let (mut repeat, mut found) = (Vec::new(), Vec::new());
    for entry in run.in_doubt() {
        let change = &entry.change;
        let (now, made) = match read_now(world, change).await {
            Ok(read) => read,
            Err(problem) => return Ok(Settled::Stop(Stop::InDoubt(Box::new(problem)))),
        };
        if change.is_after(now.as_deref()) {
            writer.outcome(entry.n, Came::FoundDone, made, None, None)?;
            found.push(change.clone());
        } else if change.is_before(now.as_deref()) {
            let planned = changes.iter().any(|c| {
                c.thing == change.thing && c.before == change.before && c.after == change.after
            });
            if planned {
                repeat.push((entry.n, entry.token.clone(), change.clone()));
            } else {
                writer.outcome(entry.n, Came::NotDone, None, None, None)?;
            }
        } else {
            writer.outcome(entry.n, Came::Moved, None, None, None)?;
            writer.end()?;
            return Ok(Settled::Stop(Stop::Moved {
                change: Box::new(change.clone()),
                now,
            }));
        }
    }
    Ok(Settled::Go { repeat, found })
}

async fn one(
    world: &dyn World,
    writer: &mut Writer<'_>,
    change: &Change,
    repeated: Option<(usize, String)>,
    later: &[Change],
) -> Result<(State, Option<Stop>), Problem> {
    let (now, _) = match read_now(world, change).await {
        Ok(read) => read,
        Err(problem) => return Ok((State::Failed, Some(Stop::Failed(Box::new(problem))))),
    };
    // Where a later change of the same thing is found done, this one was done before it.
    let further = || {
        later
            .iter()
            .any(|l| l.thing == change.thing && l.is_after(now.as_deref()))
    };
    if change.is_after(now.as_deref()) || (!change.is_before(now.as_deref()) && further()) {
        return Ok((State::FoundDone, None));
    }
    if !change.is_before(now.as_deref()) {
        return Ok((
            State::Moved,
            Some(Stop::Moved {
                change: Box::new(change.clone()),
                now,
            }),
        ));
    }
    let (again, token) = repeated.map_or_else(
        || (None, uuid::Uuid::new_v4().to_string()),
        |(n, token)| (Some(n), token),
    );
    let n = writer.intent(change, &token, again)?;
    let outcome = world.change(change, &token).await;
    let call: Option<Call> = outcome.calls.last().cloned();
    let millis = call.as_ref().map_or(0, |c| c.millis);
    match outcome.result {
        Ok(made) => {
            writer.outcome(n, Came::Done, made, call, None)?;
            Ok((State::Done { millis }, None))
        }
        // An error is not yet a failure: a retried call may have been carried out the first time. The thing decides.
        Err(problem) => match read_now(world, change).await {
            Ok((now, made)) if change.is_after(now.as_deref()) => {
                writer.outcome(
                    n,
                    Came::FoundDone,
                    made,
                    call,
                    Some(problem.because.as_str().into()),
                )?;
                Ok((State::Done { millis }, None))
            }
            // Nobody answered, so a request may still be carried out a moment from now: the intent stays open, and
            // the next run reads again before it repeats it.
            Ok((now, _))
                if change.is_before(now.as_deref()) && is_open(&problem, call.as_ref()) =>
            {
                Ok((State::InDoubt, Some(Stop::InDoubt(problem))))
            }
            Ok((now, _)) if change.is_before(now.as_deref()) => {
                writer.outcome(
                    n,
                    Came::Failed,
                    None,
                    call,
                    Some(problem.because.as_str().into()),
                )?;
                Ok((State::Failed, Some(Stop::Failed(problem))))
            }
            Ok((now, _)) => {
                writer.outcome(
                    n,
                    Came::Moved,
                    None,
                    call,
                    Some(problem.because.as_str().into()),
                )?;
                Ok((
                    State::Moved,
                    Some(Stop::Moved {
                        change: Box::new(change.clone()),
                        now,
                    }),
                ))
            }
            Err(_) => Ok((State::InDoubt, Some(Stop::InDoubt(problem)))),
        },
    }
}

/// Did the call end without an answer of the service? A refusal, and a request to slow down, are answers.
fn is_open(problem: &Problem, call: Option<&Call>) -> bool {
    let throttled = call.is_some_and(|c| {
        let code = c.outcome.as_str();
        code.contains("Throttl") || code == "SlowDown" || code == "TooManyRequestsException"
    });
    problem.kind == ProblemKind::Unreached && !throttled
}

/// The thing's text now, and the id of an environment that a cut-short call has made.
async fn read_now(
    world: &dyn World,
    change: &Change,
) -> Result<(Option<String>, Option<QueueEnvironmentId>), Problem> {
    let ask = change.thing.ask();
    let answer = world.look(&ask).await.answer;
    match (answer, &ask) {
        (Answer::Environment(fact), _) => read_fact(fact).map(|e| (e.map(|e| e.template), None)),
        (Answer::RolePolicy(fact) | Answer::RoleTrust(fact), _) => {
            read_fact(fact).map(|t| (t, None))
        }
        (Answer::Queue(fact), _) => read_fact(fact).map(|q| {
            let role = q.and_then(|q| q.role).map(|r| r.raw().to_owned());
            (role, None)
        }),
        (Answer::AddonChannels(Fact::NotAsked), _) => Err(Problem::new(
            ProblemKind::Denied,
            "Could not read the AYON addon's settings",
            "no login of an AYON administrator is given",
            "set AYON_ADMIN_KEY, or give your key on the server page of `studiolink setup`",
        )),
        (Answer::AddonChannels(fact), _) => read_fact(fact).map(|c| (c.map(|c| c.text()), None)),
        (Answer::Environments(fact), Ask::Environments(_)) => {
            let mut found = None;
            for environment in read_fact(fact)?.unwrap_or_default() {
                let environment = read_fact(environment)?;
                found =
                    found.or_else(|| environment.filter(|e| change.is_after(Some(&e.template))));
            }
            Ok(found.map_or((None, None), |e| (Some(e.template), Some(e.id))))
        }
        _ => Err(Problem::new(
            ProblemKind::Local,
            "Could not read the thing again",
            "the world answered another question",
            "report this: it is a fault of studiolink",
        )),
    }
}

fn read_fact<T>(fact: Fact<T>) -> Result<Option<T>, Problem> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Absent => Ok(None),
        Fact::Denied(problem) | Fact::Unreached(problem) => Err(*problem),
        Fact::NotAsked => Err(Problem::new(
            ProblemKind::Local,
            "Could not read the thing again",
            "it was not asked for",
            "report this: it is a fault of studiolink",
        )),
    }
}
