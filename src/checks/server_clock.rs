//! This machine and the AYON server agree on the time.

use url::Url;

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::time::CLOCKS_AGREE;
use crate::probes::AyonInfo;

pub(super) const CHECK: Check = Check {
    id: "server-clock",
    title: "This machine and the AYON server agree on the time",
    why: "with a wrong clock a good certificate seems expired, and AWS refuses requests that are signed more than 5 minutes off",
    topic: Topic::Server,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, url: &Url) -> Vec<Finding> {
    let (probe, here) = (AyonInfo(url.clone()), Vantage::Here);
    // A server that tells no time, or is not reached, says nothing of it.
    let seen = view.peek_seen(&probe, &here).value();
    let Some(ahead) = seen.and_then(|info| info.ahead) else {
        return Vec::new();
    };
    let apart = ahead.unsigned_abs();
    if apart <= CLOCKS_AGREE {
        let line =
            format!("The AYON server's clock and this machine's agree within {CLOCKS_AGREE} s");
        let finding = Finding::ok(line).seen_from(&here);
        return vec![finding.from(view.evidence_of(&probe, &here))];
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let line = format!(
        "The AYON server's clock is {:#} {side} this machine's",
        jiff::SignedDuration::from_secs(i64::try_from(apart).unwrap_or(i64::MAX)),
    );
    let finding = Finding::warn("skew", line)
        .why(CHECK.why)
        .fix("compare both with a time server (Linux: timedatectl; Windows: w32tm /query /status), and set the one that is wrong")
        .seen_from(&here);
    vec![finding.from(view.evidence_of(&probe, &here))]
}
