//! What every check needs: the types, and a few lines that would stand in each.

pub(super) use crate::domain::finding::{Finding, Fix, Grade, Severity, Topic};
pub(super) use crate::questions::{Check, Run, View};

use url::Url;

use crate::derived::channel_refusal::why_no_credentials;
use crate::derived::job_packages::server;
use crate::derived::server_hops::{Hop, broken_before, endpoint};
use crate::derived::worker_reading::{Told, newest, queues_of, told};
use crate::domain::address::Scheme;
use crate::domain::call::Vantage;
use crate::domain::config::{Location, PathId};
use crate::domain::fact::Fact;
use crate::domain::finding::{Evidence, Verdict};
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::probe_run::Basis;
use crate::domain::text::Printable;
use crate::probes::{self, AyonInfo, AyonKey, Connect, Handshake, Probe, Resolve};
use crate::questions::{LastProbes, Part, QueueDetails};

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

/// Of something that an audit can do without: that it could not be read makes no run end otherwise.
pub(super) fn lightly(finding: Finding) -> Finding {
    Finding {
        severity: Severity::Warn,
        ..finding
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

/// What to do where only a worker can tell.
pub(super) const ASK_A_WORKER: &str = "studiolink probe, which sends a small job to a worker; \
    a service-managed one is billed while it runs";

/// What a worker of the fleet said of something last, queue by queue, with the job and its date.
pub(super) fn from_worker(view: &View, fleet: &FleetKey, name: &str) -> Vec<Finding> {
    let queues = queues_of(view, fleet);
    let several = queues.len() > 1;
    let one = |queue: &QueueKey| {
        let said = match told(view, queue, fleet, name) {
            Some(told) => worker_finding(view, &told)?,
            None => behind(view, queue, fleet, name)?,
        };
        let said = said
            .seen_from(&Vantage::Worker(fleet.clone()))
            .from(view.evidence(&LastProbes(queue.clone())));
        Some(if several {
            said.about(view.queue_name(queue))
        } else {
            said
        })
    };
    queues.iter().filter_map(one).collect()
}

/// A reading is stale where what it rests on has changed since: it says nothing of now.
fn worker_finding(view: &View, told: &Told) -> Option<Finding> {
    let assessment = told.reading.assess(told.run.readings())?;
    let when = told.run.when();
    let changed = &told.since.changed;
    if !changed.is_empty() {
        return Some(stale(
            assessment.verdict,
            &assessment.message,
            &when,
            changed,
        ));
    }
    let verdict = assessment.verdict;
    let mut finding = assessment.finding();
    finding.message = format!("{} ({when})", finding.message).into();
    let beside = seen_from_here(view, &told.reading.name, verdict);
    for more in beside.into_iter().chain(unsure(&told.since.unsure)) {
        let why = finding.why.take();
        let why = why.map_or_else(|| more.clone(), |w| format!("{w}; {more}"));
        finding.why = Some(why.into());
    }
    Some(finding)
}

/// What may have changed since, for all that is known.
fn unsure(of: &[Basis]) -> Option<String> {
    let of: Vec<&str> = of.iter().map(|b| b.words()).collect();
    (!of.is_empty()).then(|| {
        format!(
            "whether it still holds is not known: {} could not be compared",
            of.join(", ")
        )
    })
}

/// What was seen before something changed.
pub(super) fn stale(then: Verdict, message: &Printable, when: &str, changed: &[Basis]) -> Finding {
    let changed: Vec<&str> = changed.iter().map(|b| b.words()).collect();
    let line = format!("Stale, was {}: {message} ({when})", then.word());
    Finding::worker_only("stale", line)
        .why(format!("changed since: {}", changed.join(", ")))
        .fix(ASK_A_WORKER)
}

/// The readings that need the one before, in their order.
const ON_THE_WAY: &[&str] = &["dns", "tcp", "tls", "info", "key", "bundle", "roots"];

/// What the worker did not come to, because something before it was broken.
fn behind(view: &View, queue: &QueueKey, fleet: &FleetKey, name: &str) -> Option<Finding> {
    let at = ON_THE_WAY.iter().position(|n| *n == name)?;
    let run = newest(view, queue, fleet, name)?;
    let before = run.readings().iter();
    let mut before = before.filter(|r| ON_THE_WAY[..at].contains(&r.name.as_str()));
    let broken = before.find(|r| !r.ok)?;
    let message = broken.assess(run.readings())?.message;
    let line = format!("Not reached by the worker ({})", run.when());
    let finding = Finding::new(Verdict::NotReached, "not-reached", line);
    Some(finding.why(format!("what is before it is broken: {message}")))
}

/// Where this machine and the worker see something differently, or meet the same fault: what that means.
fn seen_from_here(view: &View, reading: &str, there: Verdict) -> Option<String> {
    let url = server(view)?;
    let (host, port) = endpoint(&url);
    let scheme = Scheme::of(&url);
    // A server that only a network has is not reached from everywhere else.
    let location = view.config(Part::Server).server.location;
    let is_open = matches!(location, Location::Public | Location::AyonCloud);
    let here = match reading {
        "dns" => verdict_here(view, &Resolve(host, scheme)),
        "tcp" => verdict_here(view, &Connect(host, port, scheme)),
        "tls" => verdict_here(view, &Handshake(host, port)),
        "info" => verdict_here(view, &AyonInfo(url)),
        "key" => verdict_here(view, &AyonKey(url)),
        _ => None,
    }?;
    let means = match (reading, here, there) {
        (_, Verdict::Ok, Verdict::Ok) => return None,
        ("key", Verdict::Ok, Verdict::Fail) => {
            "the worker has another key than this machine: see the secret's value, and rotate it"
        }
        ("key", Verdict::Fail, Verdict::Ok) => "this machine holds another key than the workers",
        (_, Verdict::Ok, Verdict::Fail) => {
            "the server works, so what differs is the worker's network, name servers or trusted authorities"
        }
        (_, Verdict::Fail, Verdict::Ok) => {
            "workers get through where this machine does not: what is broken here is this machine's own way"
        }
        (_, Verdict::Fail, Verdict::Fail) if is_open => {
            "the fault is the server's or its name's, not the fleet's"
        }
        _ => return None,
    };
    Some(format!("from here it is {}: {means}", here.word()))
}

fn verdict_here<P: probes::Listed + Probe>(view: &View, probe: &P) -> Option<Verdict> {
    let seen = view.peek_seen(probe, &Vantage::Here).seen()?;
    Some(probe.assess(&Vantage::Here, seen).verdict)
}
