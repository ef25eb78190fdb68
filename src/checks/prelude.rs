//! What every check needs: the types, and a few lines that would stand in each.

pub(super) use crate::domain::finding::{Finding, Fix, Grade, Severity, Topic};
pub(super) use crate::questions::{Check, Run, View};

use url::Url;

use crate::derived::channel_refusal::why_no_credentials;
use crate::derived::server_hops::{Hop, broken_before};
use crate::domain::call::Vantage;
use crate::domain::config::PathId;
use crate::domain::fact::Fact;
use crate::domain::finding::{Evidence, Verdict};
use crate::domain::ids::QueueKey;
use crate::domain::text::Printable;
use crate::probes::{self, Probe};
use crate::questions::{Part, QueueDetails};

/// The finding, where there is one, with its evidence.
pub(super) fn with_evidence(finding: Option<Finding>, evidence: Evidence) -> Vec<Finding> {
    finding.map(|f| f.from(evidence)).into_iter().collect()
}

/// What a live test's observation means, as a finding; or why there is none.
pub(super) fn assessed<P: probes::Listed + Probe>(
    view: &View,
    probe: &P,
    from: &Vantage,
) -> Vec<Finding> {
    let sight = view.seen(probe, from);
    match sight.seen() {
        Some(observation) => {
            let finding = probe.assess(from, observation).finding();
            vec![finding.seen_from(from).from(view.evidence_of(probe, from))]
        }
        None => {
            let lack: Fact<()> = sight.lack();
            let finding = Finding::unread(&probe.words(from), &lack);
            finding.into_iter().map(|f| f.seen_from(from)).collect()
        }
    }
}

/// The same with the queue role's own credentials; nothing where the queue has no role, which queue-role says. Why no
/// credentials were handed out, the role's trust policy may tell.
pub(super) fn as_queue_role<P: probes::Listed + Probe>(
    view: &View,
    key: &QueueKey,
    probe: &P,
) -> Vec<Finding> {
    let queue = view.fact(&QueueDetails(key.clone())).known();
    if queue.is_none_or(|q| q.role.is_none()) {
        return Vec::new();
    }
    let findings = assessed(view, probe, &Vantage::QueueRole(key.clone()));
    let explained = |finding: Finding| match why_no_credentials(view, key) {
        Some((why, fix)) if finding.code == "no-credentials" => finding.why(why).fix(fix),
        _ => finding,
    };
    findings.into_iter().map(explained).collect()
}

/// A hop of the way to the server. What is behind a broken hop is not reached; saying "failed" of it would name the wrong
/// place.
pub(super) fn hop<P: probes::Listed + Probe>(
    view: &View,
    url: &Url,
    hop: Hop,
    probe: &P,
) -> Vec<Finding> {
    let config = view.config(Part::Server);
    // From here the same is seen as by workers on the same network, or on the internet.
    if !config.chooses(PathId::Direct) && !config.chooses(PathId::Lan) {
        return Vec::new(); // connection-path says that this one is not built
    }
    let here = Vantage::Here;
    let broken = broken_before(view, url, hop);
    match (view.seen(probe, &here).seen(), broken) {
        (Some(observation), Some(broken)) if observation.problem().is_some() => {
            let words = probe.words(&here);
            let finding = Finding::new(
                Verdict::NotReached,
                "not-reached",
                format!("Not reached: {words}"),
            )
            .why(format!("the hop before it is broken: {broken}"))
            .seen_from(&here);
            vec![finding.from(view.evidence_of(probe, &here))]
        }
        _ => assessed(view, probe, &here),
    }
}

/// A few things in a sentence; many as a count, and all of them in the details.
pub(super) fn listed(list: &[&str], what: &str) -> String {
    if list.len() <= 3 {
        list.join(", ")
    } else {
        format!("{} {what}", list.len())
    }
}

/// For the details: all of them, where a sentence does not hold them.
pub(super) fn lines(list: &[&str]) -> Vec<Printable> {
    let all = list.iter().map(|l| Printable::from(*l));
    if list.len() <= 3 {
        Vec::new()
    } else {
        all.collect()
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}
