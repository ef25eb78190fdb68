//! What all steps of the wizard share: the draft of the studio file, the workflow, what is under way.

use secrecy::SecretString;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::report::ending;
use super::watch::Probes;
use crate::domain::call::Vantage;
use crate::domain::conda_solve::Download;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::{Assessment, Finding, Grade, Topic, Verdict, worst};
use crate::domain::ids::{AccountId, JobId, Region, with_brief_ids};
use crate::domain::mark::Marks;
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::engine::apply::Applied;
use crate::engine::gate::Rules;
use crate::engine::workflow::{Catalogues, Event, Phase, Request, Workflow};
use crate::engine::{ChangeState, Progress};
use crate::goals::{ManualStep, Removals, Wishes};
use crate::probes::AnyProbe;
use crate::questions::{
    AnyQuestion, CallerIdentity, Consent, Demand, FarmList, JobRun, Listed, Purpose, QueueList,
    View,
};
use crate::resources::{Change, Plan};

/// Where the sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    UnderWay,
    Failed(Box<Problem>),
    Yes { profile: Printable, region: Region },
}

/// A thing that was asked and has not answered, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub words: Printable,
    pub since: u64,
}

/// What is planned while nobody is signed in.
static NO_PLAN: Plan = Plan {
    changes: Vec::new(),
    unread: Vec::new(),
    refused: Vec::new(),
    left_along: Vec::new(),
};

/// The administrator's login for AYON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admin {
    Nobody,
    /// Given, and not answered by AYON yet.
    Asked,
    Held,
}

/// A run whose journal has no end: it can be resumed or undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    pub run: Printable,
    pub started: Printable,
    pub done: usize,
}

/// A run of this machine, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub id: Printable,
    pub started: Printable,
    pub command: Printable,
    pub queues: Printable,
    pub by: Printable,
    /// Account and region.
    pub place: Printable,
    pub state: Printable,
    pub undo: Printable,
    /// Something of it can be undone.
    pub can_undo: bool,
    /// It has no end, or a call of it got no answer.
    pub is_cut: bool,
    /// What came of each change, and which.
    pub changes: Vec<(Printable, Printable)>,
}

/// The lines of a log, or why there are none.
pub type Log = Result<Vec<String>, Box<Problem>>;

/// A finding, whatever it says at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    check: &'static str,
    subject: String,
    item: Option<Printable>,
}

impl Aim {
    pub fn of(finding: &Finding) -> Self {
        Self {
            check: finding.check,
            subject: finding.subject.id(),
            item: finding.item.clone(),
        }
    }

    pub fn is(&self, finding: &Finding) -> bool {
        let same = finding.check == self.check && finding.item == self.item;
        same && finding.subject.id() == self.subject
    }
}

pub struct Model {
    pub sandbox: bool,
    /// What `studiolink rollback RUN` needs besides; `None`: the sandbox forgets its runs.
    pub undo_flags: Option<String>,
    /// The studio file's name, where one will be written.
    pub file: Option<Printable>,
    pub draft: Draft,
    pub sign_in: SignIn,
    pub profiles: Result<Vec<String>, Box<Problem>>,
    catalogues: Catalogues,
    /// The run, once somebody is signed in.
    pub work: Option<Workflow>,
    /// What an earlier run of this session applied.
    pub earlier: Option<Box<Applied>>,
    /// The changes that are made whatever is seen of their risk.
    pub insisted: BTreeSet<String>,
    /// Whose change the review shows as soon as the plan is there.
    pub aim: Option<Aim>,
    pub progress: Vec<(Change, ChangeState)>,
    /// When the changes were begun, on the clock of `now`.
    pub applying_since: u64,
    /// What the run waits for within a change.
    pub run_waits: Option<Printable>,
    pub run: Option<Printable>,
    /// A run that was cut short before, in words: which, and when.
    pub interrupted: Option<Interrupted>,
    /// The choices are those of a wizard that was left before its end; what they would be without them.
    pub first_draft: Option<Box<Draft>>,
    /// The file was written, or why not.
    pub saved: Option<Result<(), Box<Problem>>>,
    pub has_key: bool,
    /// A key that was typed, on its way to the keyring.
    pub typed_key: Option<SecretString>,
    pub note: Option<(Verdict, Printable)>,
    pub now: u64,
    /// How often somebody signed in; only the last one counts.
    pub sign_ins: u64,
    pub waiting: BTreeMap<Demand, Waiting>,
    /// What is being downloaded just now.
    pub downloads: Vec<Download>,
    pub admin: Admin,
    pub probes: Probes,
    /// It reads as an audit reads: for the pages that plan nothing.
    looks: bool,
    /// How a run of setup has ended that was left for another page.
    pub ended: Option<Exit>,
    /// How often reading was begun.
    begun: u64,
    /// The runs of this machine, newest first, once they were read.
    pub runs: Option<Result<Vec<RunRow>, Box<Problem>>>,
    /// The log that is being read.
    pub log_asked: Option<String>,
    /// The log that is explained, by the name that was asked for.
    pub log: Option<(String, Log)>,
    /// The name to sign in to AYON with; a password makes it a login.
    pub admin_name: String,
    /// How far the administrator has come; what a later step needs is not asked before.
    pub reached: usize,
    /// Worked out once per message, however often it is drawn.
    findings_now: OnceCell<Vec<Finding>>,
    audited_now: OnceCell<Vec<Finding>>,
    manual_now: OnceCell<Vec<ManualStep>>,
    to_do_now: OnceCell<BTreeSet<Printable>>,
}

/// What the pages that were not reached yet would ask is held back.
fn held(demand: &Demand, reached: usize) -> bool {
    match demand {
        Demand::Question(AnyQuestion::CallerIdentity(_) | AnyQuestion::CallerPermissions(_)) => {
            false
        }
        Demand::Question(_) => reached < 1,
        Demand::Probe(..) => reached < 2,
    }
}

/// Is it a live test of the server's page?
pub fn is_server_test(probe: &AnyProbe) -> bool {
    matches!(
        probe,
        AnyProbe::Resolve(_)
            | AnyProbe::AskDns(_)
            | AnyProbe::Connect(_)
            | AnyProbe::Handshake(_)
            | AnyProbe::AyonInfo(_)
            | AnyProbe::AyonKey(_)
    )
}

fn is_solve(demand: &Demand) -> bool {
    matches!(demand, Demand::Probe(AnyProbe::Solve(_), _))
}

impl Model {
    pub fn new(
        draft: Draft,
        sandbox: bool,
        file: Option<Printable>,
        catalogues: Catalogues,
    ) -> Self {
        Self {
            undo_flags: (!sandbox).then(String::new),
            sandbox,
            file,
            draft,
            sign_in: SignIn::UnderWay,
            profiles: Ok(Vec::new()),
            catalogues,
            work: None,
            earlier: None,
            insisted: BTreeSet::new(),
            aim: None,
            progress: Vec::new(),
            applying_since: 0,
            run_waits: None,
            run: None,
            interrupted: None,
            first_draft: None,
            saved: None,
            has_key: false,
            typed_key: None,
            note: None,
            now: 0,
            sign_ins: 0,
            waiting: BTreeMap::new(),
            downloads: Vec::new(),
            admin: Admin::Nobody,
            probes: Probes::default(),
            looks: false,
            ended: None,
            log_asked: None,
            begun: 0,
            runs: None,
            log: None,
            audited_now: OnceCell::new(),
            admin_name: String::new(),
            reached: 0,
            findings_now: OnceCell::new(),
            manual_now: OnceCell::new(),
            to_do_now: OnceCell::new(),
        }
    }

    /// A new run: somebody signed in.
    pub fn begin(&mut self, region: Region) {
        self.waiting.clear();
        self.begun += 1;
        let catalogues = self.catalogues;
        if self.reads() {
            let config = self.of_file().config(Some(&region));
            let work = Workflow::looking(catalogues, region, config, Consent::default());
            self.work = Some(work.numbered(self.begun));
            return;
        }
        let config = self.draft.config(Some(&region));
        let work = Workflow::new(catalogues, region, config, Purpose::Setup, self.sandbox);
        self.work = Some(work.numbered(self.begun).holding(held));
    }

    /// From now on it reads as an audit does, or for a plan; what was read for the other is read again.
    pub fn look(&mut self, looks: bool) {
        if self.looks == looks {
            return;
        }
        self.looks = looks;
        // What was applied is still to be said at the end.
        if let Some(applied) = self.applied() {
            self.earlier = Some(Box::new(applied.clone()));
        }
        if let SignIn::Yes { region, .. } = &self.sign_in {
            self.begin(region.clone());
        }
    }

    /// Is what an audit would say on its way, or here? Without a queue there is nothing to say.
    pub fn reads(&self) -> bool {
        self.looks && !self.of_file().queues.is_empty()
    }

    /// What is audited is what the studio file says, not choices of last time that were never applied.
    fn of_file(&self) -> &Draft {
        self.first_draft.as_deref().unwrap_or(&self.draft)
    }

    /// Everything once more; what was seen counts until the answers come.
    pub fn look_again(&mut self) -> Vec<Request> {
        let again = self.work.as_mut().map(Workflow::all_again);
        self.listed(again.unwrap_or_default())
    }

    /// Asks for a job, in each queue of the studio file.
    pub fn ask_job(&mut self, job: &JobId) -> Vec<Request> {
        let queues = self.of_file().queues.iter();
        let asked = self.work.as_ref().map(|w| {
            let each = queues.map(|q| w.ask_again(JobRun(q.clone(), job.clone())));
            each.collect()
        });
        self.listed(asked.unwrap_or_default())
    }

    /// What an audit says by now, with the studio file's own words on it.
    pub fn audited(&self) -> &[Finding] {
        self.audited_now.get_or_init(|| {
            if !self.reads() {
                return Vec::new();
            }
            let Some(work) = &self.work else {
                return Vec::new();
            };
            let config = work.config();
            let today = jiff::Zoned::now().date();
            let mut marks = Marks::new(&config.marks, today);
            let mut all = self.findings().to_vec();
            for finding in &mut all {
                marks.put_on(finding);
            }
            let whole = self.waiting.is_empty() && !all.is_empty() && !config.only_some_queues;
            all.extend(marks.findings(whole));
            all
        })
    }

    /// Are the choices those of a wizard that was left before its end?
    pub fn is_draft(&self) -> bool {
        self.first_draft.is_some()
    }

    /// The choices of last time are left: the studio file counts, or nothing does.
    pub fn forget_draft(&mut self) {
        if let Some(first) = self.first_draft.take() {
            self.draft = *first;
        }
        self.reached = 0;
    }

    /// Is a fact still on its way? Then the plan may yet change.
    pub fn is_asking(&self) -> bool {
        self.waiting
            .keys()
            .any(|d| matches!(d, Demand::Question(_)))
    }

    pub fn phase(&self) -> &Phase {
        self.work.as_ref().map_or(&Phase::Observing, |w| &w.phase)
    }

    pub fn is_applying(&self) -> bool {
        matches!(self.phase(), Phase::Applying)
    }

    pub fn applied(&self) -> Option<&Applied> {
        self.work.as_ref().and_then(Workflow::applied)
    }

    /// What was worked out of an earlier state is worked out again.
    pub fn changed(&mut self) {
        self.findings_now.take();
        self.audited_now.take();
        self.manual_now.take();
        self.to_do_now.take();
    }

    /// One step of the run. What is under way by it is listed.
    pub fn step(&mut self, event: Event) -> Vec<Request> {
        let now = self.now;
        let reached = if self.reads() {
            usize::MAX
        } else {
            self.reached
        };
        let Some(work) = &mut self.work else {
            return Vec::new();
        };
        work.reached = reached;
        let requests = work.step(now, event);
        self.listed(requests)
    }

    /// Takes in an edited draft, and asks for what is needed by now.
    pub fn ask(&mut self) -> Vec<Request> {
        let (reached, farm) = (self.reached, self.draft.farm.clone());
        if self.reads() {
            return self.step(Event::Begin);
        }
        let Some(work) = &mut self.work else {
            return Vec::new();
        };
        let removals = &self.draft.removals;
        let removals = if removals.is_empty() {
            Removals::None
        } else {
            Removals::Named(removals.clone())
        };
        let wishes = work.wishes().clone();
        // On the screen the administrator sees that one will be created, and confirms it.
        work.wish(Wishes {
            removals,
            creates: true,
            // The review says that it was not tried.
            unproven_key: true,
            ..wishes
        });
        let config = self.draft.config(Some(&work.snapshot().region));
        let event = if config == *work.config() {
            Event::Begin
        } else {
            Event::Edited(Box::new(config))
        };
        let mut lists = Vec::new();
        if reached >= 1 {
            lists.extend(work.want(FarmList));
            lists.extend(farm.into_iter().flat_map(|f| work.want(QueueList(f))));
        }
        let mut requests = self.listed(lists);
        requests.extend(self.step(event));
        requests
    }

    /// What is asked for is listed as under way.
    pub(super) fn listed(&mut self, requests: Vec<Request>) -> Vec<Request> {
        for request in &requests {
            let demand = match request {
                Request::Ask(_, question) => Demand::Question(question.clone()),
                Request::Try(_, probe, from) => Demand::Probe(probe.clone(), from.clone()),
                Request::Cancel(demand) => {
                    self.waiting.remove(demand);
                    continue;
                }
                Request::Apply(_) => continue,
            };
            let waiting = Waiting {
                words: with_brief_ids(&demand.words()).into(),
                since: self.now,
            };
            self.waiting.insert(demand, waiting);
        }
        requests
    }

    /// The answer is in.
    pub fn arrived(&mut self, demand: &Demand) {
        self.waiting.remove(demand);
        // No tick comes after the last answer: what was on its way is not shown for ever.
        if !self.waiting.keys().any(is_solve) {
            self.downloads.clear();
        }
    }

    /// How it is decided whether a change that could stop jobs is made.
    pub fn rules(&self) -> Rules {
        Rules {
            config: self.config(),
            expand: self.catalogues.observe.expand,
            judge: self.catalogues.gate,
            patience: self.work.as_ref().map_or(0, |w| w.patience),
            accepted: BTreeSet::new(),
            insisted: self.insisted.clone(),
        }
    }

    /// Since when the longest conda solve is under way.
    pub fn solving_since(&self) -> Option<u64> {
        let solves = self.waiting.iter().filter(|(d, _)| is_solve(d));
        solves.map(|(_, w)| w.since).min()
    }

    /// Somebody stopped the conda solves.
    pub fn stop_solves(&mut self) -> Vec<Request> {
        let requests = self
            .work
            .as_mut()
            .map(|w| w.stop_solves(jiff::Timestamp::now()));
        self.downloads.clear();
        self.listed(requests.unwrap_or_default())
    }

    /// Asks and tries these once more, on purpose. What was seen before no longer counts.
    pub fn forget(&mut self, which: &dyn Fn(&Demand) -> bool) {
        if let Some(work) = &mut self.work {
            work.forget(which);
        }
    }

    /// AYON is asked again with another key.
    pub fn forget_ayon(&mut self) {
        self.forget(&|d| match d {
            Demand::Question(question) => question.server().is_some(),
            Demand::Probe(probe, _) => matches!(probe, AnyProbe::AyonKey(_)),
        });
    }

    /// Is the queue role refused what it may be allowed by now?
    pub fn is_refused(&self) -> bool {
        self.work.as_ref().is_some_and(Workflow::is_refused)
    }

    /// The studio, to read through.
    pub fn view(&self) -> Option<View<'_>> {
        self.work.as_ref().map(Workflow::view)
    }

    /// What is known of a question; pending where nobody is signed in.
    pub fn fact<Q: Listed>(&self, question: &Q) -> &Fact<Q::Answer> {
        let known = self
            .work
            .as_ref()
            .and_then(|w| w.snapshot().facts.get(question));
        known.unwrap_or(&Fact::PENDING)
    }

    /// The studio file as it would be written now.
    pub fn config(&self) -> StudioConfig {
        let region = self.work.as_ref().map(|w| &w.snapshot().region);
        self.draft.config(region)
    }

    /// Everything that can be said by now. What nobody has asked for yet is not said.
    pub fn findings(&self) -> &[Finding] {
        self.findings_now.get_or_init(|| {
            self.work
                .as_ref()
                .map(Workflow::findings)
                .unwrap_or_default()
        })
    }

    /// What a live test comes to, in the words of the page: a refusal that the plan cures is to do, not a failure. With the
    /// milliseconds that it took.
    pub fn verdict_of(&self, probe: &AnyProbe, from: &Vantage) -> Option<(Assessment, u64)> {
        let observations = &self.work.as_ref()?.snapshot().observations;
        let (mut assessment, millis) = observations.assess(probe, from)?;
        let to_do = self.to_do_now.get_or_init(|| {
            let cured = self.findings().iter();
            let cured = cured.filter(|f| f.verdict == Verdict::ToDo && f.grade == Grade::Tried);
            let tests = cured.flat_map(|f| &f.evidence);
            tests.map(|e| e.what.clone()).collect()
        });
        if assessment.verdict.is_bad() && to_do.contains(&probe.words(from).into()) {
            assessment.verdict = Verdict::ToDo;
        }
        Some((assessment, millis))
    }

    pub fn of_topic(&self, topic: Topic) -> Vec<&Finding> {
        let all = self.findings().iter();
        all.filter(|f| f.topic == topic).collect()
    }

    pub fn worst_of(&self, topic: Topic) -> Option<Verdict> {
        // What only a worker can see, or what was skipped, is not the state of a step.
        let counts = |f: &&Finding| {
            !matches!(
                f.verdict,
                Verdict::WorkerOnly | Verdict::Skipped | Verdict::NotReached
            )
        };
        worst(self.of_topic(topic).into_iter().filter(counts))
    }

    pub fn plan(&self) -> &Plan {
        self.work.as_ref().map_or(&NO_PLAN, Workflow::plan)
    }

    /// The plan as if nothing had been left out, to show what was.
    pub fn whole_plan(&self) -> &Plan {
        self.work.as_ref().map_or(&NO_PLAN, Workflow::whole_plan)
    }

    /// Leaves a change out, or takes it in again.
    pub fn leave_out(&mut self, edit: impl FnOnce(&mut BTreeSet<String>)) {
        if let Some(work) = &mut self.work {
            let mut left_out = work.wishes().left_out.clone();
            edit(&mut left_out);
            work.leave_out(left_out);
        }
    }

    pub fn manual_steps(&self) -> &[ManualStep] {
        let make = || self.work.as_ref().map(Workflow::manual_steps);
        self.manual_now.get_or_init(|| make().unwrap_or_default())
    }

    pub fn hear(&mut self, progress: Progress) {
        match progress {
            Progress::Run { id, .. } => self.run = Some(id),
            Progress::Change { at, change, state } => {
                if let Some(slot) = self.progress.get_mut(at) {
                    *slot = (*change, state);
                }
                self.run_waits = None;
            }
            other => self.run_waits = ending::waiting(&other).or(self.run_waits.take()),
        }
    }

    /// Profile, region, farm and queue in one line.
    pub fn place(&self) -> Printable {
        let mut parts: Vec<String> = Vec::new();
        if self.sandbox {
            parts.push("SANDBOX".to_owned());
        }
        if let SignIn::Yes { profile, region } = &self.sign_in {
            if !self.sandbox {
                parts.push(profile.to_string());
            }
            if let Some(caller) = self.fact(&CallerIdentity).known() {
                parts.push(dashed(&caller.account));
            }
            parts.push(region.to_string());
        }
        if let (Some(view), Some(key)) = (self.view(), self.draft.queues.first()) {
            let more = if self.draft.queues.len() > 1 {
                format!(" and {} more", self.draft.queues.len() - 1)
            } else {
                String::new()
            };
            let name = |p: Printable| p.to_width(28);
            parts.push(format!(
                "{} / {}{more}",
                name(view.farm_name(&key.farm)),
                name(view.queue_name(key))
            ));
        }
        parts.join(" · ").into()
    }
}

/// As AWS shows it: 1111-2222-3333.
fn dashed(account: &AccountId) -> String {
    let text = account.to_string();
    let group = |at: usize| text.get(at..at + 4);
    match (group(0), group(4), group(8)) {
        (Some(a), Some(b), Some(c)) if text.len() == 12 => format!("{a}-{b}-{c}"),
        _ => text,
    }
}
