//! Verify: a fresh look, never the call's own "OK". IAM takes a while, so a role that was just given rights is tried
//! again until a visible deadline.

use std::time::{Duration, Instant};

use super::check::check_all;
use super::observe::observe;
use super::{Event, Purpose, Tell};
use crate::domain::call::Vantage;
use crate::domain::dry_run::SubdirState;
use crate::domain::finding::Finding;
use crate::domain::probe::{Probe, Reading, Seen};
use crate::domain::problem::ProblemKind;
use crate::domain::studio::Studio;
use crate::domain::wanted::Wanted;
use crate::world::World;

/// IAM is eventually consistent; after this its answer counts.
pub const IAM_PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_secs(2);
/// People take longer than IAM.
pub const LONG_PAUSE: Duration = Duration::from_secs(15);

/// What was just changed about a role, and so what may take a while to be true everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spreading {
    Nothing,
    /// What it may do.
    Rights,
    /// Whom it trusts, or that it is there at all.
    Trust,
}

/// `patience`: how long the queue role is asked again where it is still refused. IAM's own time, or longer where the
/// bucket's owner was told what is lacking.
pub async fn verify(
    world: &dyn World,
    wanted: &Wanted,
    spreading: Spreading,
    patience: Duration,
    tell: Tell<'_>,
) -> (Studio, Vec<Finding>) {
    let mut studio = observe(world, wanted, Purpose::Setup, tell).await;
    let began = Instant::now();
    let waits = spreading != Spreading::Nothing || patience > IAM_PATIENCE;
    while waits
        && !world.is_sandbox()
        && !to_retry(&studio, spreading).is_empty()
        && began.elapsed() < patience
    {
        tell(Event::WaitingForIam {
            seconds: began.elapsed().as_secs(),
            most: patience.as_secs(),
        });
        let pause = if began.elapsed() < IAM_PATIENCE {
            PAUSE
        } else {
            LONG_PAUSE
        };
        tokio::time::sleep(pause.min(patience.saturating_sub(began.elapsed()))).await;
        for probe in to_retry(&studio, spreading) {
            let reading = world.try_out(&probe).await;
            studio.readings.insert(probe, reading);
        }
    }
    // What the role was refused while IAM was still spreading the change is read again with what it may do now.
    let stale = studio
        .readings
        .iter()
        .filter(|(p, r)| waits && matches!(p, Probe::DryRun(_)) && was_forbidden(r));
    let stale: Vec<Probe> = stale.map(|(p, _)| p.clone()).collect();
    for probe in stale {
        let reading = world.try_out(&probe).await;
        studio.readings.insert(probe, reading);
    }
    let findings = check_all(&studio, wanted, Purpose::Setup);
    (studio, findings)
}

/// Did S3 refuse a channel in this dry run?
pub fn was_forbidden(reading: &Reading) -> bool {
    let Ok(Seen::DryRun(tried)) = &reading.seen else {
        return false;
    };
    let folders = tried
        .channels
        .iter()
        .flat_map(|c| c.subdirs.iter().flatten());
    folders
        .into_iter()
        .any(|s| matches!(s.state, SubdirState::Forbidden(_)))
}

/// What the queue role was refused and may be allowed by now. That there are no credentials of it may pass too, where its
/// trust is what was changed. What succeeded, and what no waiting cures, is not tried twice.
pub fn to_retry(studio: &Studio, spreading: Spreading) -> Vec<Probe> {
    let refused = |probe: &Probe, reading: &Reading| match &reading.seen {
        Ok(Seen::Index { lists }) => *lists == Some(false),
        Err(p) if p.kind == ProblemKind::Denied => {
            p.permission.is_none() || spreading == Spreading::Trust
        }
        // It counts only beside a channel that is read and listed, so it is told again with it.
        Ok(Seen::Beside(false)) => {
            let Probe::BesideChannelAsQueueRole(key, channel) = probe else {
                return false;
            };
            let own = Probe::ChannelAsQueueRole(key.clone(), channel.clone());
            let own = studio.readings.get(&own).map(|r| &r.seen);
            !matches!(own, Some(Ok(Seen::Index { lists: Some(true) })))
        }
        _ => false,
    };
    let as_role = |p: &Probe| p.vantage() == Vantage::QueueRole && !matches!(p, Probe::DryRun(_));
    let all = studio.readings.iter();
    all.filter(|(p, r)| as_role(p) && refused(p, r))
        .map(|(p, _)| p.clone())
        .collect()
}
