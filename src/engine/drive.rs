//! Runs a workflow to its end: asks the world what is asked for, hands the answers in, and waits where it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::apply::{Applied, RunContext, Stop, apply};
use super::workflow::{Event, IAM_PATIENCE, Request, Workflow};
use super::{Progress, Tell};
use crate::domain::problem::Problem;
use crate::questions::Demand;
use crate::resources::Plan;
use crate::world::World;

const TICK: Duration = Duration::from_millis(500);

/// What is under way: `None` where nobody waits for it any more.
type UnderWay<'a> = FuturesUnordered<BoxFuture<'a, Option<(Demand, Event)>>>;

/// Asks until nothing is left to ask, and until nothing is waited for. `stop` ends it early, with what is known by then.
pub async fn observe(world: &dyn World, work: &mut Workflow, stop: &AtomicBool, tell: Tell<'_>) {
    go_on(world, work, Event::Begin, stop, tell).await;
}

async fn go_on(
    world: &dyn World,
    work: &mut Workflow,
    first: Event,
    stop: &AtomicBool,
    tell: Tell<'_>,
) {
    let began = Instant::now();
    let offset = work.now();
    let now = || offset + u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut under_way: UnderWay<'_> = FuturesUnordered::new();
    let mut handles: BTreeMap<Demand, AbortHandle> = BTreeMap::new();
    let mut requests = work.step(now(), first);
    let mut told = None;
    let mut waited_for = BTreeSet::new();
    loop {
        for request in requests.drain(..) {
            start(world, request, &mut under_way, &mut handles, tell);
        }
        tell_complete(work, tell);
        if stop.load(Ordering::SeqCst) {
            return;
        }
        if under_way.is_empty() {
            let Some((waited, most)) = work.waits() else {
                return;
            };
            let (seconds, most) = (waited / 1_000, most / 1_000);
            if told != Some(seconds) {
                tell(Progress::WaitingForIam { seconds, most });
                told = Some(seconds);
            }
            tokio::time::sleep(TICK).await;
            requests = work.step(now(), Event::Tick);
            continue;
        }
        tokio::select! {
            Some(done) = under_way.next() => {
                if let Some((demand, event)) = done {
                    handles.remove(&demand);
                    tell(Progress::Answered(demand));
                    requests = work.step(now(), event);
                }
            }
            // A signal sets `stop`; it is looked at a few times a second.
            () = tokio::time::sleep(TICK / 5) => {}
        }
        for held in world.downloads().into_iter().filter(|d| d.waits) {
            if waited_for.insert(held.what.clone()) {
                tell(Progress::WaitingFor(held.what));
            }
        }
    }
}

fn tell_complete(work: &mut Workflow, tell: Tell<'_>) {
    for findings in work.complete() {
        tell(Progress::Findings(findings));
    }
}

fn start<'a>(
    world: &'a dyn World,
    request: Request,
    under_way: &mut UnderWay<'a>,
    handles: &mut BTreeMap<Demand, AbortHandle>,
    tell: Tell<'_>,
) {
    let (handle, registration) = AbortHandle::new_pair();
    let (demand, asking): (Demand, BoxFuture<'a, Event>) = match request {
        Request::Ask(generation, question) => {
            let demand = Demand::Question(question.clone());
            let asking = async move {
                let answered = world.look(&question).await;
                Event::Learned(generation, question, answered)
            };
            (demand, asking.boxed())
        }
        Request::Try(generation, probe, from) => {
            let demand = Demand::Probe(probe.clone(), from.clone());
            let trying = async move {
                let seen = world.try_out(&probe, &from).await;
                Event::Observed(generation, probe, from, seen)
            };
            (demand, trying.boxed())
        }
        Request::Cancel(demand) => {
            if let Some(handle) = handles.remove(&demand) {
                handle.abort();
            }
            return;
        }
        // The caller applies by itself: it has the context that a journal needs.
        Request::Apply(_) => return,
    };
    tell(Progress::Asking(demand.clone()));
    handles.insert(demand.clone(), handle);
    let abortable = Abortable::new(asking, registration);
    let done = async move { abortable.await.ok().map(|event| (demand, event)) };
    under_way.push(done.boxed());
}

/// Applies a plan as it was shown, then checks everything once more, until IAM has propagated it.
pub async fn apply_and_verify(
    world: &dyn World,
    work: &mut Workflow,
    plan: &Plan,
    context: &RunContext,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Applied, Problem> {
    work.step(work.now(), Event::Approved);
    let applied = apply(world, &plan.changes, context, stop, tell).await?;
    if !applied.held.is_empty() {
        // It was waited for already.
        work.patience = work.patience.min(IAM_PATIENCE);
    }
    if !matches!(applied.stop, Some(Stop::Interrupted)) {
        let event = Event::Applied(Ok(Box::new(applied.clone())));
        go_on(world, work, event, stop, tell).await;
    }
    Ok(applied)
}
