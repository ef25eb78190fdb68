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

pub async fn verify(
    world: &dyn World,
    wanted: &Wanted,
    wait_for_iam: bool,
    tell: Tell<'_>,
) -> (Studio, Vec<Finding>) {
    let mut studio = observe(world, wanted, Purpose::Setup, tell).await;
    let mut findings = check_all(&studio, wanted, Purpose::Setup);
    let began = Instant::now();
    while wait_for_iam
        && !world.is_sandbox()
        && refused(&findings)
        && began.elapsed() < IAM_PATIENCE
    {
        tell(Event::WaitingForIam {
            seconds: began.elapsed().as_secs(),
            most: IAM_PATIENCE.as_secs(),
        });
        tokio::time::sleep(PAUSE.min(IAM_PATIENCE.saturating_sub(began.elapsed()))).await;
        let probes: Vec<Probe> = studio
            .readings
            .keys()
            .filter(|p| matches!(p, Probe::ChannelAsQueueRole(..)))
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
    if wait_for_iam && !stale.is_empty() {
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

/// Is the queue role still refused by what it was just allowed?
fn refused(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|f| f.check == "channel-as-queue-role" && f.verdict == Verdict::Fail)
}
