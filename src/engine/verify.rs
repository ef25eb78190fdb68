//! Verify: a fresh look, never the call's own "OK". IAM takes a while, so a role that was just given rights is tried
//! again until a visible deadline.

use std::time::{Duration, Instant};

use super::check::check_all;
use super::observe::observe;
use super::{Event, Purpose, Tell};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::probe::Probe;
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
    (studio, findings)
}

/// Is the queue role still refused by what it was just allowed?
fn refused(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|f| f.check == "channel-as-queue-role" && f.verdict == Verdict::Fail)
}
