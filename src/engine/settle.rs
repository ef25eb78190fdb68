//! What earlier runs left in doubt, or what got no answer: read again, and written down.

use super::apply::{RunContext, Stop, is_ours, lock_queues, read_now};
use super::journal::{self, Came, Entry, Run, Writer};
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::resources::{Change, Found, Outputs};
use crate::world::World;

/// What came of settling a run.
#[derive(Debug, Default)]
pub struct SettledRun {
    pub stop: Option<Stop>,
    /// Calls that got no answer, and of which it can't be read now what became of them, with the reason.
    pub unread: Vec<Printable>,
}

/// Settles what a run left in doubt, and nothing else. For a rollback, which must know what was done.
pub async fn settle_run(
    world: &dyn World,
    run: &Run,
    context: &RunContext,
) -> Result<SettledRun, Problem> {
    let local = world.local();
    let _locks = lock_queues(world, run, context)?;
    let runs = journal::read_all(local)?.runs;
    let late = settle_late_of(world, run, &runs).await?;
    let unread = late.into_iter().filter(|l| l.is_unsure).map(|l| l.words);
    let unread = unread.collect();
    if run.in_doubt().next().is_none() {
        return Ok(SettledRun { stop: None, unread });
    }
    let writer = Writer::resume(local, run);
    let stop = match settle(world, run, &writer, &[]).await? {
        Settled::Go { .. } => {
            writer.end()?;
            None
        }
        Settled::Stop(stop) => Some(stop),
    };
    Ok(SettledRun { stop, unread })
}

/// A call of a run of which it was not known what became, read again.
#[derive(Debug)]
pub struct LookedAt {
    pub n: usize,
    pub words: Printable,
    /// It can't be told now either.
    pub is_unsure: bool,
}

impl LookedAt {
    fn of(entry: &Entry, now: &Result<Found, Problem>) -> Self {
        let change = &entry.change;
        // Somebody else may have brought it there: only what it is now can be seen.
        let seen = match now {
            Ok(now) if change.is_after(now.text.as_deref()) => {
                "it is now as this run wanted it".to_owned()
            }
            Ok(now) if now.text == change.before => {
                "it is as before; the call may yet be carried out".to_owned()
            }
            Ok(_) => "it is neither as before nor as this run wanted it".to_owned(),
            Err(problem) => format!(
                "whether it was carried out can't be read now: {}",
                problem.because
            ),
        };
        let (operation, words) = (change.operation(), change.words());
        Self {
            n: entry.n,
            words: format!("{operation} {words} got no answer; {seen}").into(),
            is_unsure: now.is_err(),
        }
    }
}

/// Reads again what calls in doubt, or without an answer, came to. What was carried out late is written down, so that it can
/// be undone; a run that was cut short stays to be resumed.
pub async fn look_again(
    world: &dyn World,
    run: &Run,
    context: &RunContext,
) -> Result<Vec<LookedAt>, Problem> {
    let _locks = lock_queues(world, run, context)?;
    let runs = journal::read_all(world.local())?.runs;
    // Another process may have gone on with it since.
    let Some(run) = runs.iter().find(|r| r.header.id == run.header.id) else {
        return Ok(Vec::new());
    };
    let mut looked = Vec::new();
    for entry in run.in_doubt() {
        looked.push(LookedAt::of(entry, &read_now(world, &entry.change).await));
    }
    looked.extend(settle_late_of(world, run, &runs).await?);
    Ok(looked)
}

pub(super) enum Settled {
    Go {
        repeat: Vec<(usize, String, Change)>,
        found: Vec<(Change, Outputs)>,
    },
    Stop(Stop),
}

/// What a killed run left in doubt is read again: as it should be, it is marked done; as it was, it is done now with the
/// same token; neither, everything stops.
pub(super) async fn settle(
    world: &dyn World,
    run: &Run,
    writer: &Writer<'_>,
    changes: &[Change],
) -> Result<Settled, Problem> {
    let (mut repeat, mut found) = (Vec::new(), Vec::new());
    for entry in run.in_doubt() {
        let change = &entry.change;
        let now = match read_now(world, change).await {
            Ok(now) => now,
            Err(problem) => return Ok(Settled::Stop(Stop::InDoubt(Box::new(problem)))),
        };
        let nothing = Outputs::new;
        if change.is_after(now.text.as_deref()) {
            let outputs = now.outputs.clone();
            writer.outcome(entry.n, Came::FoundDone, outputs, None, None)?;
            found.push((change.clone(), now.outputs));
        } else if change.is_before(now.text.as_deref()) {
            let planned = changes.iter().any(|c| c.makes_the_same(change));
            if planned {
                repeat.push((entry.n, entry.token.clone(), change.clone()));
            } else {
                writer.outcome(entry.n, Came::NotDone, nothing(), None, None)?;
            }
        } else {
            writer.outcome(entry.n, Came::Moved, nothing(), None, None)?;
            writer.end()?;
            return Ok(Settled::Stop(Stop::Moved {
                change: Box::new(change.clone()),
                now: now.text,
            }));
        }
    }
    Ok(Settled::Go { repeat, found })
}

/// Calls that got no answer and were looked for in vain may have been carried out since. What is found is written down,
/// so that it can be undone.
pub(super) async fn settle_late(
    world: &dyn World,
    runs: &[Run],
    context: &RunContext,
) -> Result<(), Problem> {
    for run in runs.iter().filter(|r| is_ours(r, world, context)) {
        settle_late_of(world, run, runs).await?;
    }
    Ok(())
}

async fn settle_late_of(
    world: &dyn World,
    run: &Run,
    runs: &[Run],
) -> Result<Vec<LookedAt>, Problem> {
    let mut looked = Vec::new();
    for entry in journal::late(run, runs) {
        // That it can't be read now decides nothing; the next run checks again.
        let read = read_now(world, &entry.change).await;
        looked.push(LookedAt::of(entry, &read));
        let Ok(now) = read else {
            continue;
        };
        if entry.change.is_after(now.text.as_deref()) {
            let writer = Writer::resume(world.local(), run);
            let told = Some("the call got no answer, and was carried out later".into());
            writer.outcome(entry.n, Came::FoundDone, now.outputs, None, told)?;
            writer.end()?;
        }
    }
    Ok(looked)
}
