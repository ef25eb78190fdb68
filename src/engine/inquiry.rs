//! Observe and check: what is to be asked, what the answers come to. Each check of each subject is run once, and again only
//! when something changes that it read. Pure: the driver asks the world and hands the answers in.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::call::Vantage;
use crate::domain::config::StudioConfig;
use crate::domain::finding::Finding;
use crate::domain::ids::Region;
use crate::domain::subject::{Subject, SubjectKind};
use crate::probes::{AnyProbe, AnySeen, Observation};
use crate::questions::{Answered, AnyQuestion, Check, Demand, Key, Part, Purpose, Snapshot, View};

/// So many queues are under way at once; the others wait, so that their facts need not be held together.
pub const WINDOW: usize = 16;

/// What there is to run. The engine knows none of it by name.
#[derive(Clone, Copy)]
pub struct Catalogue {
    pub checks: &'static [&'static Check],
    /// What a subject leads to.
    pub expand: fn(&View, &Subject) -> Vec<Subject>,
}

/// The expansion of a subject, or a check of it by its place in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Expand,
    Check(usize),
}

type TaskId = usize;

#[derive(Clone)]
struct Task {
    subject: Arc<Subject>,
    job: Job,
    /// Interned keys.
    reads: Vec<usize>,
    /// Few, so that a list is smaller than a set.
    pending: Box<[Demand]>,
    findings: Vec<Finding>,
    alive: bool,
}

/// Keys by number: each is kept once, however many tasks read it.
#[derive(Clone, Default)]
struct Keys {
    numbers: HashMap<Arc<Key>, usize>,
    all: Vec<Arc<Key>>,
    readers: Vec<BTreeSet<TaskId>>,
}

impl Keys {
    fn number(&mut self, key: Key) -> usize {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let (key, number) = (Arc::new(key), self.readers.len());
        self.all.push(key.clone());
        self.numbers.insert(key, number);
        self.readers.push(BTreeSet::new());
        number
    }

    fn readers(&self, key: &Key) -> impl Iterator<Item = TaskId> {
        let number = self.numbers.get(key);
        let readers = number.map(|n| &self.readers[*n]);
        readers.into_iter().flatten().copied()
    }
}

#[derive(Clone)]
pub struct Inquiry {
    catalogue: Catalogue,
    purpose: Purpose,
    config: StudioConfig,
    snapshot: Snapshot,
    tasks: Vec<Task>,
    by_subject: BTreeMap<Subject, Vec<TaskId>>,
    keys: Keys,
    dirty: BTreeSet<TaskId>,
    /// Asked for, and not handed out yet.
    fresh: BTreeSet<Demand>,
    /// Handed out and not answered yet.
    in_flight: BTreeSet<Demand>,
    /// Queues that wait for their turn, and those that have it.
    waiting: VecDeque<Subject>,
    open: BTreeSet<Subject>,
    /// Done since somebody last asked.
    just_done: Vec<Subject>,
    /// Facts of a queue are dropped when its checks are done: only where nothing is planned from them.
    drops: bool,
}

impl Inquiry {
    /// `drops`: the findings are all that is wanted, so that what they rest on need not be held.
    pub fn new(
        catalogue: Catalogue,
        region: Region,
        config: StudioConfig,
        purpose: Purpose,
        drops: bool,
    ) -> Self {
        let mut inquiry = Self {
            catalogue,
            purpose,
            config,
            snapshot: Snapshot::new(region),
            tasks: Vec::new(),
            by_subject: BTreeMap::new(),
            keys: Keys::default(),
            dirty: BTreeSet::new(),
            fresh: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            waiting: VecDeque::new(),
            open: BTreeSet::new(),
            just_done: Vec::new(),
            drops,
        };
        inquiry.admit(Subject::Account);
        inquiry.settle();
        inquiry
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub fn config(&self) -> &StudioConfig {
        &self.config
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What is known, to read through. What is read so is not recorded.
    pub fn view(&self) -> View<'_> {
        View::new(&self.snapshot, &self.config, self.purpose)
    }

    /// What is to be asked now, each once; `holds`: not yet.
    pub fn demands(&mut self, holds: &dyn Fn(&Demand) -> bool) -> Vec<Demand> {
        let fresh = std::mem::take(&mut self.fresh);
        let mut demands = Vec::new();
        for demand in fresh {
            if !self.is_wanted(&demand) || self.in_flight.contains(&demand) {
                continue;
            }
            if holds(&demand) {
                self.fresh.insert(demand);
            } else {
                self.in_flight.insert(demand.clone());
                demands.push(demand);
            }
        }
        demands
    }

    /// What somebody else than a check asks for: handed out once, where the answer is not known and may be asked.
    pub fn also(&mut self, demands: impl IntoIterator<Item = Demand>) -> Vec<Demand> {
        let mut new = Vec::new();
        for demand in demands {
            let is_known = match &demand {
                Demand::Question(q) => self.snapshot.facts.has(q),
                Demand::Probe(p, from) => self.snapshot.observations.has(p, from),
            };
            if is_known || self.in_flight.contains(&demand) {
                continue;
            }
            self.in_flight.insert(demand.clone());
            new.push(demand);
        }
        self.settle();
        new
    }

    /// The queues whose findings will not change any more, each once.
    pub fn take_done(&mut self) -> Vec<Subject> {
        std::mem::take(&mut self.just_done)
    }

    /// Is this still waited for? What nobody reads any more need not be answered.
    pub fn is_wanted(&self, demand: &Demand) -> bool {
        let key = demand.key();
        let mut readers = self.keys.readers(&key);
        readers.any(|id| self.tasks[id].alive && self.tasks[id].pending.contains(demand))
    }

    pub fn is_in_flight(&self, demand: &Demand) -> bool {
        self.in_flight.contains(demand)
    }

    pub fn in_flight(&self) -> impl Iterator<Item = &Demand> {
        self.in_flight.iter()
    }

    pub fn learn(&mut self, question: &AnyQuestion, answered: Answered) {
        let demand = Demand::Question(question.clone());
        self.in_flight.remove(&demand);
        self.snapshot.facts.learn(question, answered);
        self.touch(&demand.key());
        self.settle();
    }

    pub fn observe(&mut self, probe: &AnyProbe, from: &Vantage, seen: Observation<AnySeen>) {
        let demand = Demand::Probe(probe.clone(), from.clone());
        self.in_flight.remove(&demand);
        self.snapshot.observations.keep(probe, from, seen);
        self.touch(&demand.key());
        self.settle();
    }

    /// Everything that is known, under way once more; what was seen counts until the answer comes.
    pub fn all_again(&mut self) -> Vec<Demand> {
        let facts = self.snapshot.facts.asked().into_iter();
        let asked = facts.map(|(question, _)| Demand::Question(question));
        let tried = self.snapshot.observations.all().into_iter();
        let tried = tried.map(|(probe, from)| Demand::Probe(probe, from));
        let all: Vec<Demand> = asked.chain(tried).collect();
        let again: Vec<Demand> = all
            .into_iter()
            .filter(|d| !self.in_flight.contains(d))
            .collect();
        self.in_flight.extend(again.iter().cloned());
        again
    }

    /// Nobody waits for it any more: it may be asked again later.
    pub fn cancel(&mut self, demand: &Demand) {
        self.in_flight.remove(demand);
    }

    /// Another studio file: what read the parts that differ is run again.
    pub fn edit(&mut self, config: StudioConfig) {
        let parts = Part::that_differ(&self.config, &config);
        self.config = config;
        for part in parts {
            self.touch(&Key::Config(part));
        }
        self.settle();
    }

    /// What was asked and observed before no longer counts; it is asked again.
    pub fn forget(&mut self, which: &dyn Fn(&Demand) -> bool) {
        let asked = self.snapshot.facts.asked().into_iter();
        let asked = asked.map(|(question, _)| Demand::Question(question));
        let seen = self.snapshot.observations.all().into_iter();
        let seen = seen.map(|(probe, from)| Demand::Probe(probe, from));
        let gone: Vec<Demand> = asked.chain(seen).filter(|d| which(d)).collect();
        for demand in gone {
            self.drop_key(&demand.key());
            self.touch(&demand.key());
        }
        self.settle();
    }

    /// What these checks have read no longer counts; it is asked again.
    pub fn forget_of(&mut self, checks: &[&str]) {
        let is_theirs = |task: &&Task| match task.job {
            Job::Check(at) => checks.contains(&self.catalogue.checks[at].id),
            Job::Expand => false,
        };
        let theirs = self.tasks.iter().filter(|t| t.alive).filter(is_theirs);
        let numbers: BTreeSet<usize> = theirs.flat_map(|t| t.reads.iter().copied()).collect();
        for number in numbers {
            let key = self.keys.all[number].clone();
            self.drop_key(&key);
            self.touch(&key);
        }
        self.settle();
    }

    fn drop_key(&mut self, key: &Key) {
        match key {
            Key::Question(question) => self.snapshot.facts.forget(question),
            Key::Observation(probe, from) => self.snapshot.observations.forget(probe, from),
            Key::Config(_) | Key::Parents(_) => {}
        }
    }

    /// Changes the snapshot as a change of the plan would, and runs again what read of it. The tasks that were run.
    pub fn suppose(
        &mut self,
        change: impl FnOnce(&mut Snapshot),
        changed: &[Key],
        stale: &[Key],
    ) -> BTreeSet<TaskId> {
        change(&mut self.snapshot);
        for key in stale {
            self.drop_key(key);
        }
        for key in changed.iter().chain(stale) {
            self.touch(key);
        }
        self.settle()
    }

    fn touch(&mut self, key: &Key) {
        self.dirty.extend(self.keys.readers(key));
    }

    /// Runs what is dirty until nothing is. The tasks that were run.
    fn settle(&mut self) -> BTreeSet<TaskId> {
        let mut ran = BTreeSet::new();
        loop {
            while let Some(id) = self.dirty.pop_first() {
                if self.tasks[id].alive {
                    self.run(id);
                    ran.insert(id);
                }
            }
            if !self.move_window() {
                return ran;
            }
        }
    }

    fn run(&mut self, id: TaskId) {
        let (subject, job) = (self.tasks[id].subject.clone(), self.tasks[id].job);
        for number in std::mem::take(&mut self.tasks[id].reads) {
            self.keys.readers[number].remove(&id);
        }
        let view = View::new(&self.snapshot, &self.config, self.purpose);
        let (mut findings, mut leads_to) = (Vec::new(), Vec::new());
        match job {
            Job::Expand => leads_to = (self.catalogue.expand)(&view, &subject),
            Job::Check(at) => findings = self.catalogue.checks[at].run(&view, &subject),
        }
        let (reads, mut demands) = view.recorded();
        // What the studio file does not say, nothing is compared with.
        let wish = |key: &Key| matches!(key, Key::Config(part) if part.is_wish());
        if self.config.only_marks && job != Job::Expand && reads.iter().any(wish) {
            findings.clear();
            demands.clear();
        }
        let pending: Box<[Demand]> = demands.into_iter().collect();
        let mut numbers = Vec::with_capacity(reads.len());
        for key in reads {
            let number = self.keys.number(key);
            self.keys.readers[number].insert(id);
            numbers.push(number);
        }
        let fresh = pending.iter().filter(|d| !self.in_flight.contains(d));
        self.fresh.extend(fresh.cloned());
        let task = &mut self.tasks[id];
        task.reads = numbers;
        task.pending = pending;
        findings.shrink_to_fit();
        task.findings = findings;
        if job == Job::Expand {
            self.expanded(&subject, leads_to);
        }
    }

    fn expanded(&mut self, subject: &Subject, leads_to: Vec<Subject>) {
        let changed = self.snapshot.roster.set(subject, leads_to);
        let mut changed: VecDeque<Subject> = changed.into();
        while let Some(next) = changed.pop_front() {
            self.touch(&Key::Parents(next.clone()));
            if self.snapshot.roster.is_reached(&next) {
                self.admit(next);
            } else {
                changed.extend(self.drop_subject(&next));
            }
        }
    }

    /// Makes the tasks of a subject; a queue may have to wait for its turn.
    fn admit(&mut self, subject: Subject) {
        if self.by_subject.contains_key(&subject) || self.waiting.contains(&subject) {
            return;
        }
        if subject.kind() == SubjectKind::Queue && self.drops {
            if self.open.len() >= WINDOW {
                self.waiting.push_back(subject);
                return;
            }
            self.open.insert(subject.clone());
        }
        let (kind, purpose) = (subject.kind(), self.purpose);
        let shared = Arc::new(subject.clone());
        let own = |(_, c): &(usize, &&Check)| {
            c.kind() == kind && (purpose == Purpose::Setup || c.in_audit)
        };
        let checks = self.catalogue.checks.iter().enumerate().filter(own);
        let jobs: Vec<Job> = std::iter::once(Job::Expand)
            .chain(checks.map(|(at, _)| Job::Check(at)))
            .collect();
        let mut ids = Vec::with_capacity(jobs.len());
        for job in jobs {
            let id = self.tasks.len();
            self.tasks.push(Task {
                subject: shared.clone(),
                job,
                reads: Vec::new(),
                pending: Box::default(),
                findings: Vec::new(),
                alive: true,
            });
            self.dirty.insert(id);
            ids.push(id);
        }
        self.by_subject.insert(subject, ids);
    }

    /// Forgets a subject that nothing leads to any more. The subjects that have lost a parent by it.
    fn drop_subject(&mut self, subject: &Subject) -> Vec<Subject> {
        self.waiting.retain(|s| s != subject);
        self.open.remove(subject);
        for id in self.by_subject.remove(subject).unwrap_or_default() {
            let task = &mut self.tasks[id];
            task.alive = false;
            task.findings = Vec::new();
            task.pending = Box::default();
            for number in std::mem::take(&mut task.reads) {
                self.keys.readers[number].remove(&id);
            }
        }
        self.snapshot.roster.remove(subject)
    }

    /// Closes the queues whose checks are done, and gives their turn to others; `false`: nothing moved.
    fn move_window(&mut self) -> bool {
        let complete: Vec<Subject> = self
            .open
            .iter()
            .filter(|s| self.is_complete(s))
            .cloned()
            .collect();
        let moved = !complete.is_empty();
        for subject in complete {
            self.open.remove(&subject);
            self.drop_facts(&subject);
            self.just_done.push(subject);
            if let Some(next) = self.waiting.pop_front() {
                self.admit(next);
            }
        }
        moved
    }

    /// A queue's own facts: large, and of use to nobody when its findings are out.
    fn drop_facts(&mut self, subject: &Subject) {
        let Subject::Queue(key) = subject else {
            return;
        };
        let ids = self.by_subject.get(subject).cloned().unwrap_or_default();
        let mut own: BTreeSet<usize> = BTreeSet::new();
        for id in ids {
            for number in std::mem::take(&mut self.tasks[id].reads) {
                self.keys.readers[number].remove(&id);
                if matches!(&*self.keys.all[number], Key::Question(q) if q.queue() == Some(key)) {
                    own.insert(number);
                }
            }
        }
        for number in own {
            let gone = self.keys.all[number].clone();
            self.drop_key(&gone);
        }
    }

    /// Are all answers in that its checks and what it leads to depend on?
    pub fn is_complete(&self, subject: &Subject) -> bool {
        self.by_subject
            .get(subject)
            .is_some_and(|ids| ids.iter().all(|id| self.tasks[*id].pending.is_empty()))
    }

    /// The subjects in the order of a report.
    pub fn subjects(&self) -> Vec<Subject> {
        self.snapshot.roster.all()
    }

    /// What is said of a subject so far, in the order of the catalogue.
    pub fn of_subject(&self, subject: &Subject) -> impl Iterator<Item = &Finding> {
        let ids = self.by_subject.get(subject).into_iter().flatten();
        ids.flat_map(|id| &self.tasks[*id].findings)
    }

    /// Everything that can be said so far, subject by subject.
    pub fn findings(&self) -> Vec<Finding> {
        self.each_finding().cloned().collect()
    }

    /// The same, where they are.
    pub fn each_finding(&self) -> impl Iterator<Item = &Finding> {
        let ids = |s: Subject| self.by_subject.get(&s).cloned().unwrap_or_default();
        let ids = self.subjects().into_iter().flat_map(ids);
        ids.flat_map(|id| &self.tasks[id].findings)
    }

    /// Has the task all that it asked for?
    pub(super) fn is_judged(&self, id: TaskId) -> bool {
        self.tasks.get(id).is_some_and(|t| t.pending.is_empty())
    }

    /// What one task says; nothing where there is no such task.
    pub(super) fn task(&self, id: TaskId) -> &[Finding] {
        self.tasks.get(id).map_or(&[], |t| t.findings.as_slice())
    }
}
