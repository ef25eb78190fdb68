//! One run from its beginning to its end, as a state machine: observe, check, plan, apply, verify, wait for IAM. It alone
//! decides the order; the command line drives it to its end, and the wizard drives it with keys in between.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::apply::{Applied, Stop};
use super::inquiry::{Catalogue, Inquiry};
use super::plan::{manual_steps, plan, plan_demands, without};
use super::todo::{Cured, say_what_is_held_back};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::conda_solve::SubdirState;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Verdict, could_not_check};
use crate::domain::ids::{QueueKey, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::risk::Gate;
use crate::goals::{Goal, ManualStep, Wishes};
use crate::probes::{
    AnyProbe, AnySeen, Carried, Observation, Observations, OpenSession, ReadAttachments, ReadIndex,
    ReadOutside, ReadSecret, Solve, has_no_credentials,
};
use crate::questions::{
    Answered, AnyQuestion, Consent, Demand, Purpose, QueueDetails, Snapshot, View,
};
use crate::resources::{Change, Plan, Propagation};

/// IAM is eventually consistent; after so many milliseconds its answer counts.
pub const IAM_PATIENCE: u64 = 60_000;
/// Between two tries while IAM propagates a change.
const PAUSE: u64 = 2_000;
/// Between two tries while a bucket's owner is waited for: people take longer than IAM.
pub const LONG_PAUSE: u64 = 15_000;

/// What a run is made of, handed in by its caller.
#[derive(Clone, Copy)]
pub struct Catalogues {
    pub observe: Catalogue,
    /// May a queue name a channel, by what is known?
    pub gate: fn(&View, &QueueKey, &Channel) -> Gate,
    pub goals: &'static [&'static Goal],
}

/// What is to be done in the world. Answers carry the generation they were asked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Ask(u64, AnyQuestion),
    Try(u64, AnyProbe, Vantage),
    /// Nobody waits for it any more.
    Cancel(Demand),
    Apply(Vec<Change>),
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Look at what there is to ask.
    Begin,
    Learned(u64, AnyQuestion, Answered),
    Observed(u64, AnyProbe, Vantage, Observation<AnySeen>),
    /// Another studio file.
    Edited(Box<StudioConfig>),
    /// Apply the plan as it was shown.
    Approved,
    Applied(Result<Box<Applied>, Box<Problem>>),
    Tick,
}

/// Where applying stands.
#[derive(Debug, Clone, Default)]
pub enum Phase {
    #[default]
    Observing,
    Applying,
    /// What was applied, since when it is being seen again, and when what was refused was last tried.
    Verifying {
        applied: Box<Applied>,
        since: u64,
        tried: u64,
    },
    /// Nothing was applied.
    Refused(Box<Problem>),
}

#[allow(clippy::struct_excessive_bools)] // each says one thing that the others do not
pub struct Workflow {
    catalogues: Catalogues,
    inquiry: Inquiry,
    pub phase: Phase,
    wishes: Wishes,
    /// How long the queue role is tried again where it is refused; more than IAM's own time where somebody is waited for.
    pub patience: u64,
    /// Nothing propagates in the sandbox, so nothing is waited for.
    sandbox: bool,
    generation: u64,
    now: u64,
    /// Demands that are not handed out yet.
    holds: fn(&Demand, usize) -> bool,
    /// How far the administrator has come, for `holds`.
    pub reached: usize,
    /// Is a plan wanted? Then what the goals read is asked for too.
    plans: bool,
    /// The goals were run since something changed, and asked for nothing more.
    plan_asked: bool,
    /// The studio file was edited after the plan was applied.
    edited: bool,
    whole: OnceCell<Plan>,
    plan: OnceCell<Plan>,
    cured: OnceCell<Cured>,
}

impl Request {
    fn of(generation: u64, demand: Demand) -> Self {
        match demand {
            Demand::Question(question) => Self::Ask(generation, question),
            Demand::Probe(probe, from) => Self::Try(generation, probe, from),
        }
    }
}

impl Workflow {
    pub fn new(
        catalogues: Catalogues,
        region: Region,
        config: StudioConfig,
        purpose: Purpose,
        sandbox: bool,
    ) -> Self {
        let inquiry = Inquiry::new(catalogues.observe, region, config, purpose, false);
        Self::on(catalogues, inquiry, sandbox)
    }

    fn on(catalogues: Catalogues, inquiry: Inquiry, sandbox: bool) -> Self {
        Self {
            catalogues,
            inquiry,
            phase: Phase::Observing,
            wishes: Wishes::default(),
            patience: IAM_PATIENCE,
            sandbox,
            generation: 0,
            now: 0,
            holds: |_, _| false,
            reached: usize::MAX,
            plans: true,
            plan_asked: false,
            edited: false,
            whole: OnceCell::new(),
            plan: OnceCell::new(),
            cured: OnceCell::new(),
        }
    }

    /// An audit: it plans nothing, so a queue's facts are dropped when its findings are out.
    pub fn audit(catalogues: Catalogues, region: Region, config: StudioConfig) -> Self {
        Self::trying(catalogues, region, config, Consent::default())
    }

    /// The same, where somebody has asked for more than reading.
    pub fn trying(
        catalogues: Catalogues,
        region: Region,
        config: StudioConfig,
        consent: Consent,
    ) -> Self {
        let drops = true;
        Self::reading(catalogues, region, config, (consent, drops))
    }

    /// Reads as an audit reads, and keeps everything that it has read: for a screen that stays.
    pub fn looking(
        catalogues: Catalogues,
        region: Region,
        config: StudioConfig,
        consent: Consent,
    ) -> Self {
        let drops = false;
        Self::reading(catalogues, region, config, (consent, drops))
    }

    fn reading(
        catalogues: Catalogues,
        region: Region,
        config: StudioConfig,
        (consent, drops): (Consent, bool),
    ) -> Self {
        let purpose = Purpose::Audit(consent);
        let inquiry = Inquiry::new(catalogues.observe, region, config, purpose, drops);
        Self {
            plans: false,
            ..Self::on(catalogues, inquiry, true)
        }
    }

    /// Everything that was read, to be read once more; what was seen before counts until the answers come.
    pub fn all_again(&mut self) -> Vec<Request> {
        let generation = self.generation;
        let again = self.inquiry.all_again().into_iter();
        again.map(|d| Request::of(generation, d)).collect()
    }

    /// The answers to what this one asks carry its number: those to an earlier one, perhaps of another account, are none of its.
    #[must_use]
    pub fn numbered(mut self, n: u64) -> Self {
        self.generation = n << 32;
        self
    }

    /// Holds back what a page that was not reached yet would ask.
    #[must_use]
    pub fn holding(mut self, holds: fn(&Demand, usize) -> bool) -> Self {
        self.holds = holds;
        self.reached = 0;
        self
    }

    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    pub fn snapshot(&self) -> &Snapshot {
        self.inquiry.snapshot()
    }

    pub fn config(&self) -> &StudioConfig {
        self.inquiry.config()
    }

    pub fn view(&self) -> View<'_> {
        self.inquiry.view()
    }

    /// Milliseconds of the driver's clock at the last step.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// One step: what happened, and what is to be done for it.
    pub fn step(&mut self, now: u64, event: Event) -> Vec<Request> {
        self.now = now;
        let mut requests = Vec::new();
        match event {
            Event::Begin => {}
            Event::Learned(generation, question, answered) if generation == self.generation => {
                self.inquiry.learn(&question, answered);
                self.changed();
            }
            Event::Observed(generation, probe, from, seen) if generation == self.generation => {
                let demand = Demand::Probe(probe.clone(), from.clone());
                if self.inquiry.is_in_flight(&demand) {
                    let proves = matches!(probe, AnyProbe::ReadIndex(_)) && seen.seen.is_ok();
                    self.inquiry.observe(&probe, &from, seen);
                    if proves && matches!(self.phase, Phase::Verifying { .. }) {
                        self.solve_again(&from);
                    }
                    self.changed();
                }
            }
            Event::Learned(..) | Event::Observed(..) => {}
            Event::Edited(config) => {
                if *config != *self.inquiry.config() {
                    self.inquiry.edit(*config);
                    self.edited = true;
                    self.changed();
                    requests.extend(self.unwanted());
                }
            }
            Event::Approved => {
                let changes = self.plan().changes.clone();
                self.phase = Phase::Applying;
                self.edited = false;
                return vec![Request::Apply(changes)];
            }
            Event::Applied(Ok(applied)) => {
                self.phase = Phase::Verifying {
                    applied,
                    since: now,
                    tried: now,
                };
                self.look_again();
            }
            Event::Applied(Err(problem)) => self.phase = Phase::Refused(problem),
            Event::Tick => self.tick(),
        }
        requests.extend(self.requests());
        requests
    }

    /// What is to be asked now, each once.
    fn requests(&mut self) -> Vec<Request> {
        let (holds, reached, generation) = (self.holds, self.reached, self.generation);
        let mut demands = self.inquiry.demands(&|d| holds(d, reached));
        let settled = demands.is_empty() && self.inquiry.in_flight().next().is_none();
        if self.plans && !self.plan_asked && settled {
            let wanted = plan_demands(&self.inquiry.view(), self.catalogues.goals, &self.wishes);
            let wanted = wanted.into_iter().filter(|d| !holds(d, reached));
            let wanted: Vec<Demand> = wanted.collect();
            demands = self.inquiry.also(wanted);
            self.plan_asked = demands.is_empty();
            self.plan_again();
        }
        demands
            .into_iter()
            .map(|d| Request::of(generation, d))
            .collect()
    }

    /// The solves under way that nobody waits for any more: the list that they are about has changed.
    fn unwanted(&mut self) -> Vec<Request> {
        let solves = |d: &&Demand| matches!(d, Demand::Probe(AnyProbe::Solve(_), _));
        let gone = self.inquiry.in_flight().filter(solves);
        let gone: Vec<Demand> = gone
            .filter(|d| !self.inquiry.is_wanted(d))
            .cloned()
            .collect();
        for demand in &gone {
            self.inquiry.cancel(demand);
        }
        gone.into_iter().map(Request::Cancel).collect()
    }

    /// Asks for something that no check reads, where the answer is not known.
    pub fn want(&mut self, question: impl Into<AnyQuestion>) -> Vec<Request> {
        let demands = self.inquiry.also([Demand::Question(question.into())]);
        let generation = self.generation;
        demands
            .into_iter()
            .map(|d| Request::of(generation, d))
            .collect()
    }

    /// The same question once more; until it is answered, the answer of before stays.
    pub fn ask_again(&self, question: impl Into<AnyQuestion>) -> Request {
        Request::Ask(self.generation, question.into())
    }

    fn changed(&mut self) {
        self.plan_asked = false;
        self.plan_again();
    }

    fn plan_again(&mut self) {
        self.whole.take();
        self.plan.take();
        self.cured.take();
    }

    /// The plan without what was left out, worked out once until something changes.
    pub fn plan(&self) -> &Plan {
        let whole = self.whole_plan();
        if self.wishes.left_out.is_empty() {
            return whole;
        }
        let (view, goals) = (self.inquiry.view(), self.catalogues.goals);
        let make = || without(&view, goals, &self.wishes, whole);
        self.plan.get_or_init(make)
    }

    /// The plan as if nothing had been left out, worked out once until something changes.
    pub fn whole_plan(&self) -> &Plan {
        let make = || plan(&self.inquiry.view(), self.catalogues.goals, &self.wishes);
        self.whole.get_or_init(make)
    }

    pub fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// Another wish for the same studio. What was only left out needs no other whole plan.
    pub fn wish(&mut self, wishes: Wishes) {
        if self.wishes == wishes {
            return;
        }
        let only_left_out = Wishes {
            left_out: self.wishes.left_out.clone(),
            ..wishes.clone()
        } == self.wishes;
        self.wishes = wishes;
        self.plan.take();
        self.cured.take();
        if !only_left_out {
            self.changed();
        }
    }

    pub fn leave_out(&mut self, left_out: BTreeSet<String>) {
        let wishes = self.wishes.clone();
        self.wish(Wishes { left_out, ..wishes });
    }

    pub fn manual_steps(&self) -> Vec<ManualStep> {
        let whole = self.whole_plan();
        let Some(applied) = self.applied().filter(|a| !a.done.is_empty()) else {
            return manual_steps(&self.view(), self.catalogues.goals, whole);
        };
        // What a change asks of people stays to be done when it was made.
        let mut whole = whole.clone();
        whole.changes.extend(applied.done.iter().cloned());
        manual_steps(&self.view(), self.catalogues.goals, &whole)
    }

    /// What an audit has found, where it is kept: nothing is cured by a command that changes nothing.
    pub fn observed_findings(&self) -> impl Iterator<Item = &Finding> {
        self.inquiry.each_finding()
    }

    /// Everything that can be said so far. Before the plan is applied, what it cures is TO DO.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.inquiry.findings();
        if self.inquiry.purpose().is_audit() {
            return findings;
        }
        let before = matches!(self.phase, Phase::Observing | Phase::Refused(_)) || self.edited;
        if before {
            let make = || Cured::by(&self.inquiry, self.plan());
            findings = self.cured.get_or_init(make).mark(findings);
        }
        if self.plan_asked {
            say_what_is_held_back(&mut findings, before);
        }
        findings
    }

    /// The findings of the queues that were completed since this was last asked, queue by queue.
    pub fn complete(&mut self) -> Vec<Vec<Finding>> {
        let done = self.inquiry.take_done();
        let of = |subject| self.inquiry.of_subject(subject).cloned().collect();
        done.iter().map(of).collect()
    }

    /// Asked and tried again: what was seen before no longer counts.
    pub fn forget(&mut self, which: &dyn Fn(&Demand) -> bool) {
        self.inquiry.forget(which);
        self.changed();
    }

    /// What these checks rest on is seen again.
    pub fn forget_of(&mut self, checks: &[&str]) {
        self.inquiry.forget_of(checks);
        self.changed();
    }

    /// Everything is seen again, as by a new run.
    fn look_again(&mut self) {
        self.generation += 1;
        let config = self.inquiry.config().clone();
        let region = self.snapshot().region.clone();
        let purpose = self.inquiry.purpose();
        self.inquiry = Inquiry::new(self.catalogues.observe, region, config, purpose, false);
        self.changed();
    }

    /// What was applied, once it was.
    pub fn applied(&self) -> Option<&Applied> {
        match &self.phase {
            Phase::Verifying { applied, .. } => Some(applied),
            _ => None,
        }
    }

    fn propagation(&self) -> Propagation {
        self.applied()
            .map_or(Propagation::Nothing, Applied::propagation)
    }

    /// How a run ends that made this plan, or stopped: for the command line and the wizard alike.
    pub fn exit(&self, plan: &Plan, stop: Option<&Stop>) -> Exit {
        let stopped = stop.map_or(Exit::Clean, Stop::exit);
        let findings = self.findings();
        let fails = findings.iter().any(|f| f.verdict == Verdict::Fail);
        let held = self.applied().is_some_and(|a| !a.held.is_empty());
        let held_back = held || !plan.refused.is_empty();
        let unread = !plan.unread.is_empty() || could_not_check(&findings);
        stopped
            .and_if(self.names_unknown_queue(), Exit::Usage)
            .and_if(fails || held_back, Exit::Problem)
            .and_if(unread, Exit::NotChecked)
    }

    /// Is one of the queues unknown to the service? That is wrong input, not a fault of the studio.
    pub fn names_unknown_queue(&self) -> bool {
        let facts = &self.snapshot().facts;
        let absent = |key| facts.get(&QueueDetails(key)).is_some_and(Fact::is_absent);
        self.config().queues.iter().cloned().any(absent)
    }

    /// Is the queue role refused what it may be allowed by now?
    pub fn is_refused(&self) -> bool {
        let propagation = self.propagation();
        !refused(&self.snapshot().observations, propagation).is_empty()
    }

    /// IAM may still be propagating what was just written, or somebody is waited for: so many milliseconds of at most
    /// so many.
    pub fn waits(&self) -> Option<(u64, u64)> {
        let Phase::Verifying { since, .. } = &self.phase else {
            return None;
        };
        let waited = self.now.saturating_sub(*since);
        // What was waited for in vain, before a change was held back, is not waited for again.
        let asked = self.patience > IAM_PATIENCE;
        if !asked && self.applied().is_some_and(|a| !a.held.is_empty()) {
            return None;
        }
        let propagates = self.propagation() != Propagation::Nothing && !self.sandbox;
        ((propagates || asked) && waited < self.patience && self.is_refused())
            .then_some((waited, self.patience))
    }

    fn tick(&mut self) {
        let Some((waited, _)) = self.waits() else {
            return;
        };
        let pause = if waited < IAM_PATIENCE {
            PAUSE
        } else {
            LONG_PAUSE
        };
        let now = self.now;
        let due = match &mut self.phase {
            Phase::Verifying { tried, .. } if now.saturating_sub(*tried) >= pause => {
                *tried = now;
                true
            }
            _ => false,
        };
        if due && self.inquiry.in_flight().next().is_none() {
            self.try_refused_again();
        }
    }

    /// What the queue role was refused is tried once more; what it was allowed is not.
    pub fn try_refused_again(&mut self) {
        let propagation = match self.propagation() {
            Propagation::Nothing => Propagation::Permissions,
            other => other,
        };
        let again = refused(&self.snapshot().observations, propagation);
        self.forget(
            &|d| matches!(d, Demand::Probe(p, v) if again.contains(&(p.clone(), v.clone()))),
        );
    }

    /// Solves that say that the queue role was refused are made again: it may read by now.
    fn solve_again(&mut self, from: &Vantage) {
        let all = self.snapshot().observations.of::<Solve>();
        let stale: Vec<Solve> = all
            .iter()
            .filter(|((_, vantage), seen)| vantage == from && was_forbidden(seen))
            .map(|((solve, _), _)| solve.clone())
            .collect();
        self.inquiry.forget(
            &|d| matches!(d, Demand::Probe(AnyProbe::Solve(s), v) if v == from && stale.contains(s)),
        );
    }

    /// Somebody stopped the solves: what they would have said is unknown, and is not asked again by itself.
    pub fn stop_solves(&mut self, at: jiff::Timestamp) -> Vec<Request> {
        let solves = |d: &&Demand| matches!(d, Demand::Probe(AnyProbe::Solve(_), _));
        let open: Vec<Demand> = self.inquiry.in_flight().filter(solves).cloned().collect();
        for demand in &open {
            let Demand::Probe(probe, from) = demand else {
                continue;
            };
            let problem = Problem::new(
                ProblemKind::Unreached,
                "The conda solve was stopped",
                "it was stopped before the channels were read",
                "press r to read them again",
            );
            let stopped = Observation {
                at,
                millis: 0,
                seen: Err(Box::new(problem)),
                calls: [].into(),
            };
            self.inquiry.observe(probe, from, stopped);
        }
        self.changed();
        open.into_iter().map(Request::Cancel).collect()
    }
}

/// Did S3 refuse a channel in this solve?
pub fn was_forbidden(seen: &Observation<crate::domain::conda_solve::SolveReport>) -> bool {
    let Ok(report) = &seen.seen else {
        return false;
    };
    let rows = report
        .channels
        .iter()
        .flat_map(|c| c.subdirs.iter().flatten());
    let mut rows = rows.into_iter();
    rows.any(|s| matches!(s.state, SubdirState::Forbidden(_)))
}

/// What the queue role was refused and may be allowed by now. That there are no credentials may pass too, where the role's
/// trust is what was changed. What succeeded, and what no waiting cures, is not tried twice.
pub fn refused(all: &Observations, propagation: Propagation) -> Vec<(AnyProbe, Vantage)> {
    let passing = |problem: &Problem| {
        let denied = problem.kind == ProblemKind::Denied;
        denied && (!has_no_credentials(problem) || propagation == Propagation::Trust)
    };
    let mut list: Vec<(AnyProbe, Vantage)> = Vec::new();
    for ((probe, from), seen) in all.of::<ReadIndex>() {
        let again = match &seen.seen {
            Ok(index) => index.lists == Some(false),
            Err(problem) => passing(problem),
        };
        if from.is_queue_role() && again {
            list.push((probe.clone().into(), from.clone()));
        }
    }
    for ((probe, from), seen) in all.of::<ReadOutside>() {
        // It counts only where the channel itself is read.
        let again = match &seen.seen {
            Ok(outside) => !outside.inside,
            Err(problem) => passing(problem),
        };
        if again {
            list.push((probe.clone().into(), from.clone()));
        }
    }
    for ((probe, from), seen) in all.of::<ReadAttachments>() {
        if seen.problem().is_some_and(passing) {
            list.push((probe.clone().into(), from.clone()));
        }
    }
    for ((probe, from), seen) in all.of::<ReadSecret>() {
        if seen.problem().is_some_and(passing) {
            list.push((probe.clone().into(), from.clone()));
        }
    }
    for ((probe, from), seen) in all.of::<OpenSession>() {
        // IAM may not know yet that the role may open its channel.
        let channel = seen.seen.as_ref();
        let forbidden = channel.is_ok_and(|s| matches!(s.carried, Carried::Forbidden(_)));
        if forbidden || seen.problem().is_some_and(passing) {
            list.push((probe.clone().into(), from.clone()));
        }
    }
    list
}
