//! Verify: a fresh look, never the call's own "OK". IAM takes a while, so a role that was just given rights is tried
//! again until a visible deadline.

use std::time::{Duration, Instant};

use super::check::check_all;
use super::observe::observe;
use super::{Event, Purpose, Tell};
use crate::domain::dry_run::SubdirState;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::probe::{Probe, Reading, Seen};
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
    let mut findings = check_all(&studio, wanted, Purpose::Setup);
    let began = Instant::now();
    let waits = spreading != Spreading::Nothing || patience > IAM_PATIENCE;
    while waits
        && !world.is_sandbox()
        && is_refused(&findings, spreading)
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
        let probes: Vec<Probe> = studio
            .readings
            .keys()
            .filter(|p| is_tried_as_role(p))
            .cloned()
            .collect();
        for probe in probes {
            let reading = world.try_out(&probe).await;
            studio.readings.insert(probe, reading);
        }
        findings = check_all(&studio, wanted, Purpose::Setup);
    }
    // What the role was refused while IAM was still spreading the change is read again with what it may do now.
    let stale: Vec<Probe> = studio
        .readings
        .iter()
        .filter(|(p, r)| matches!(p, Probe::DryRun(_)) && was_refused(r))
        .map(|(p, _)| p.clone())
        .collect();
    if waits && !stale.is_empty() {
        for probe in stale {
            let reading = world.try_out(&probe).await;
            studio.readings.insert(probe, reading);
        }
        findings = check_all(&studio, wanted, Purpose::Setup);
    }
    (studio, findings)
}

/// Did S3 refuse a channel in this dry run?
fn was_refused(reading: &Reading) -> bool {
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

/// A test that needs the queue role's own credentials and is over at once.
pub fn is_tried_as_role(probe: &Probe) -> bool {
    matches!(
        probe,
        Probe::ChannelAsQueueRole(..)
            | Probe::SecretAsQueueRole(..)
            | Probe::BesideChannelAsQueueRole(..)
    )
}

/// Is the queue role still refused what it was just given? That there are no credentials of it may pass too, where its
/// trust is what was changed.
pub fn is_refused(findings: &[Finding], spreading: Spreading) -> bool {
    findings.iter().any(|f| {
        let tried = ["channel-as-queue-role", "secret-as-queue-role"].contains(&f.check.as_str());
        let unknown = f.verdict == Verdict::Unknown && spreading == Spreading::Trust;
        tried && (f.verdict == Verdict::Fail || unknown)
    })
}
