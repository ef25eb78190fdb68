//! Observe: ask for every fact that the checks and the path need, all at once, and again as answers name new ones.

use std::collections::HashSet;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::{Event, Purpose, Tell};
use crate::checks::{self, View};
use crate::domain::ask::{Answered, Ask};
use crate::domain::call::Vantage;
use crate::domain::dry_run::Reader;
use crate::domain::probe::{Probe, Reading};
use crate::domain::studio::Studio;
use crate::domain::wanted::Wanted;
use crate::paths;
use crate::world::World;

enum Done {
    Fact(Ask, Answered),
    Test(Probe, Reading),
}

/// The facts and live tests that are named by what is known so far.
pub fn needed(studio: &Studio, wanted: &Wanted, purpose: Purpose) -> (Vec<Ask>, Vec<Probe>) {
    let view = View { studio, wanted };
    let (mut asks, mut probes) = (Vec::new(), Vec::new());
    for check in checks::ALL
        .iter()
        .filter(|c| purpose == Purpose::Setup || c.in_audit())
    {
        asks.extend(check.asks(&view));
        probes.extend(check.probes(&view));
    }
    let path = paths::of(wanted.server.path);
    asks.extend(path.asks(studio, wanted));
    probes.extend(path.probes(studio, wanted));
    if purpose == Purpose::Audit {
        // An audit starts no session with the queue role's credentials; it reads as whoever is signed in.
        for probe in &mut probes {
            if let Probe::DryRun(dry_run) = probe {
                dry_run.reader = Reader::Caller;
            }
        }
        probes.retain(|p| p.vantage() != Vantage::QueueRole);
    }
    (asks, probes)
}

pub async fn observe(
    world: &dyn World,
    wanted: &Wanted,
    purpose: Purpose,
    tell: Tell<'_>,
) -> Studio {
    let mut studio = Studio::new(world.region().clone());
    let mut asked: HashSet<Ask> = HashSet::new();
    let mut tried: HashSet<Probe> = HashSet::new();
    let mut under_way: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
    loop {
        let (asks, probes) = needed(&studio, wanted, purpose);
        for ask in asks {
            if asked.insert(ask.clone()) {
                tell(Event::Asking(ask.clone()));
                under_way.push(
                    async move {
                        let answered = world.look(&ask).await;
                        Done::Fact(ask, answered)
                    }
                    .boxed(),
                );
            }
        }
        for probe in probes {
            if tried.insert(probe.clone()) {
                tell(Event::Trying(probe.clone()));
                under_way.push(
                    async move {
                        let reading = world.try_out(&probe).await;
                        Done::Test(probe, reading)
                    }
                    .boxed(),
                );
            }
        }
        match under_way.next().await {
            None => return studio,
            Some(Done::Fact(ask, answered)) => {
                studio.learn(&ask, answered);
                tell(Event::Answered(ask));
            }
            Some(Done::Test(probe, reading)) => {
                studio.readings.insert(probe.clone(), reading);
                tell(Event::Tried(probe));
            }
        }
    }
}
