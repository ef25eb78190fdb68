//! What a check, a goal or a derived value reads through. It records what was read, and what is still to be asked: so
//! what a check needs and what it judges can't disagree.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{AnyQuestion, FarmDetails, FarmList, FleetDetails, Listed, QueueDetails, Snapshot};
use crate::domain::call::Vantage;
use crate::domain::config::StudioConfig;
use crate::domain::fact::{Fact, NotAsked};
use crate::domain::finding::Evidence;
use crate::domain::ids::{FarmId, FleetKey, QueueKey, Region};
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::probes::{self, AnyProbe, Observation};

/// What the checks are run for. An audit takes no queue-role credentials and starts no session, and leaves out what only
/// changes need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Setup,
    Audit(Consent),
}

/// What somebody has asked an audit to try all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consent {
    /// It takes the queue role's credentials, and reads with them.
    pub queue_role: bool,
    /// It opens a session of Systems Manager as the queue role, and ends it.
    pub session: bool,
}

impl Consent {
    pub fn is_any(self) -> bool {
        self.queue_role || self.session
    }
}

impl Purpose {
    /// An audit as it is where nobody asks for more.
    pub const AUDIT: Self = Self::Audit(Consent {
        queue_role: false,
        session: false,
    });

    pub fn is_audit(self) -> bool {
        matches!(self, Self::Audit(_))
    }

    /// May it read with the queue role's credentials?
    pub fn acts_as_queue_role(self) -> bool {
        match self {
            Self::Setup => true,
            Self::Audit(consent) => consent.queue_role,
        }
    }
}

/// A part of the studio file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Queues,
    Channels,
    /// Whose buckets are, and with which key YNPUT's is encrypted.
    Owners,
    /// The strategy and the pin.
    Packages,
    Server,
    Secret,
    Tunnel,
    Iam,
    WorkerAttributes,
}

impl Part {
    /// Does it say what the studio should be, and not only which queues are meant?
    pub fn is_wish(self) -> bool {
        self != Self::Queues
    }

    /// The parts in which two studio files differ.
    pub fn that_differ(a: &StudioConfig, b: &StudioConfig) -> Vec<Self> {
        let owners = |c: &StudioConfig| {
            (
                c.channel_account.clone(),
                c.bucket_owners.clone(),
                c.channel_key.clone(),
            )
        };
        let mut parts = Vec::new();
        for (part, same) in [
            (
                Self::Queues,
                (&a.queues, a.only_some_queues, a.lists_all, &a.only_farms)
                    == (&b.queues, b.only_some_queues, b.lists_all, &b.only_farms),
            ),
            (Self::Channels, a.channels == b.channels),
            (Self::Owners, owners(a) == owners(b)),
            (Self::Packages, (a.strategy, &a.pin) == (b.strategy, &b.pin)),
            (
                Self::Server,
                a.server == b.server
                    && a.connections == b.connections
                    && (&a.lattice, &a.vpn) == (&b.lattice, &b.vpn),
            ),
            (Self::Secret, a.secret == b.secret),
            (Self::Tunnel, a.tunnel == b.tunnel),
            (Self::Iam, a.iam == b.iam),
            (
                Self::WorkerAttributes,
                a.worker_attributes == b.worker_attributes,
            ),
        ] {
            if !same {
                parts.push(part);
            }
        }
        parts
    }
}

/// What was read: when it changes, the check that read it is run again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Question(AnyQuestion),
    Observation(AnyProbe, Vantage),
    Config(Part),
    Parents(Subject),
}

/// What is to be asked or tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    Question(AnyQuestion),
    Probe(AnyProbe, Vantage),
}

impl Demand {
    pub fn words(&self) -> String {
        match self {
            Self::Question(question) => question.words(),
            Self::Probe(probe, from) => probe.words(from),
        }
    }

    pub fn key(&self) -> Key {
        match self {
            Self::Question(question) => Key::Question(question.clone()),
            Self::Probe(probe, from) => Key::Observation(probe.clone(), from.clone()),
        }
    }
}

/// An observation, or why there is none.
#[derive(Debug, Clone)]
pub enum Sight<'a, T> {
    Seen(&'a Observation<T>),
    NotAsked(NotAsked),
}

impl<'a, T> Sight<'a, T> {
    pub fn seen(&self) -> Option<&'a Observation<T>> {
        match self {
            Self::Seen(observation) => Some(observation),
            Self::NotAsked(_) => None,
        }
    }

    /// What was seen, where the test saw something.
    pub fn value(&self) -> Option<&'a T> {
        self.seen().and_then(|o| o.seen.as_ref().ok())
    }

    pub fn is_pending(&self) -> bool {
        matches!(self, Self::NotAsked(NotAsked::Pending))
    }

    /// As a fact: what the test could not see is a lack of knowledge.
    pub fn lack(&self) -> Fact<()> {
        match self {
            Self::Seen(observation) => match observation.problem() {
                None => Fact::Known(()),
                Some(problem) => Fact::from(Err(problem.clone())),
            },
            Self::NotAsked(why) => Fact::NotAsked(why.clone()),
        }
    }
}

const NO_QUEUE_ROLE: &str = "an audit takes no queue-role credentials by itself; it reads the role's documents instead; \
    --as-queue-role tries it";
const NO_SESSION: &str = "an audit opens no session by itself; it reads the role's documents instead; --open-session tries it";

pub struct View<'a> {
    snapshot: &'a Snapshot,
    config: &'a StudioConfig,
    purpose: Purpose,
    reads: RefCell<BTreeSet<Key>>,
    demands: RefCell<BTreeSet<Demand>>,
}

impl<'a> View<'a> {
    pub fn new(snapshot: &'a Snapshot, config: &'a StudioConfig, purpose: Purpose) -> Self {
        Self {
            snapshot,
            config,
            purpose,
            reads: RefCell::default(),
            demands: RefCell::default(),
        }
    }

    /// The same studio, with nothing recorded.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.snapshot, self.config, self.purpose)
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub fn region(&self) -> &'a Region {
        &self.snapshot.region
    }

    /// What was read and what is to be asked, once the reader is done.
    pub fn recorded(self) -> (BTreeSet<Key>, BTreeSet<Demand>) {
        (self.reads.into_inner(), self.demands.into_inner())
    }

    /// The fact that answers a question; what is pending is asked for.
    pub fn fact<Q: Listed>(&self, question: &Q) -> &'a Fact<Q::Answer> {
        let fact = self.peek(question);
        if fact.is_pending() {
            self.demands
                .borrow_mut()
                .insert(Demand::Question(question.any()));
        }
        fact
    }

    /// The same for what is good to know and not worth asking for.
    pub fn peek<Q: Listed>(&self, question: &Q) -> &'a Fact<Q::Answer> {
        self.reads
            .borrow_mut()
            .insert(Key::Question(question.any()));
        match self.snapshot.facts.get(question) {
            Some(fact) => fact,
            None => &Fact::NotAsked(NotAsked::Pending),
        }
    }

    /// What a live test saw from a vantage point; what is pending is asked for.
    pub fn seen<P: probes::Listed>(&self, probe: &P, from: &Vantage) -> Sight<'a, P::Observed> {
        let sight = self.peek_seen(probe, from);
        if sight.is_pending() {
            let demand = Demand::Probe(probe.any(), from.clone());
            self.demands.borrow_mut().insert(demand);
        }
        sight
    }

    /// The same for what is good to know and not worth asking for.
    pub fn peek_seen<P: probes::Listed>(
        &self,
        probe: &P,
        from: &Vantage,
    ) -> Sight<'a, P::Observed> {
        let key = Key::Observation(probe.any(), from.clone());
        self.reads.borrow_mut().insert(key);
        match self.snapshot.observations.get(probe, from) {
            Some(observation) => Sight::Seen(observation),
            None => Sight::NotAsked(self.why_not(&probe.any(), from)),
        }
    }

    fn why_not(&self, probe: &AnyProbe, from: &Vantage) -> NotAsked {
        match (self.purpose, from) {
            (Purpose::Audit(consent), Vantage::QueueRole(_)) => {
                let (allowed, words) = if probe.side_effects().is_some() {
                    (consent.session, NO_SESSION)
                } else {
                    (consent.queue_role, NO_QUEUE_ROLE)
                };
                if allowed {
                    NotAsked::Pending
                } else {
                    NotAsked::Declined(words.into())
                }
            }
            (_, Vantage::Worker(_)) => NotAsked::NeedsWorker,
            _ => NotAsked::Pending,
        }
    }

    /// The studio file; `part` is what is read of it.
    pub fn config(&self, part: Part) -> &'a StudioConfig {
        self.reads.borrow_mut().insert(Key::Config(part));
        self.config
    }

    /// The subjects that lead to this one: the queues and fleets that use a role, the queues of a fleet.
    pub fn parents(&self, subject: &Subject) -> Vec<&'a Subject> {
        self.reads
            .borrow_mut()
            .insert(Key::Parents(subject.clone()));
        self.snapshot.roster.parents(subject).collect()
    }

    /// A question as evidence.
    pub fn evidence<Q: Listed>(&self, question: &Q) -> Evidence {
        let any = question.any();
        let calls = self.snapshot.facts.calls(&any).cloned();
        Evidence {
            what: any.words().into(),
            calls: calls.unwrap_or_else(|| [].into()),
        }
    }

    /// A live test as evidence.
    pub fn evidence_of<P: probes::Listed>(&self, probe: &P, from: &Vantage) -> Evidence {
        let any = probe.any();
        let calls = self.snapshot.observations.calls(&any, from).cloned();
        Evidence {
            what: any.words(from).into(),
            calls: calls.unwrap_or_else(|| [].into()),
        }
    }

    pub fn queue_name(&self, key: &QueueKey) -> Printable {
        let known = self.peek(&QueueDetails(key.clone())).known();
        known.map_or_else(|| key.queue.brief().into(), |q| q.name.show())
    }

    pub fn fleet_name(&self, key: &FleetKey) -> Printable {
        let known = self.peek(&FleetDetails(key.clone())).known();
        known.map_or_else(|| key.fleet.brief().into(), |f| f.name.show())
    }

    pub fn farm_name(&self, farm: &FarmId) -> Printable {
        let read = self.peek(&FarmDetails(farm.clone())).known();
        let listed = || {
            let farms = self.peek(&FarmList).known()?;
            let row = farms.iter().find(|l| l.id == farm.as_str())?;
            Some(row.name.show())
        };
        read.map(|f| f.name.show())
            .or_else(listed)
            .unwrap_or_else(|| farm.brief().into())
    }

    /// A subject as people call it.
    pub fn name(&self, subject: &Subject) -> Printable {
        match subject {
            Subject::Account => "AWS account".into(),
            Subject::Farm(farm) => format!("Farm {}", self.farm_name(farm)).into(),
            Subject::Queue(key) => format!("Queue {}", self.queue_name(key)).into(),
            Subject::Fleet(key) => format!("Fleet {}", self.fleet_name(key)).into(),
            Subject::Role(arn) => format!("Role {}", arn.name()).into(),
            Subject::Channel(channel) => format!("Channel {}", channel.show()).into(),
            Subject::Server(url) => format!("Server {}", url.host_str().unwrap_or_default()).into(),
            Subject::Connection(key) => {
                format!("Connection of fleet {}", self.fleet_name(key)).into()
            }
        }
    }
}
