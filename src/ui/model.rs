//! What all steps of the wizard share: the draft of the studio file, what was seen, what is under way.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::draft::Draft;
use crate::domain::ask::Ask;
use crate::domain::call::Vantage;
use crate::domain::change::{Change, Plan};
use crate::domain::conda_solve::Download;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Topic, Verdict, worst};
use crate::domain::ids::Region;
use crate::domain::probe::{Probe, Reading};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::Studio;
use crate::domain::text::{Printable, Secret};
use crate::domain::config::StudioConfig;
use crate::engine::apply::Applied;
use crate::engine::check::check_all;
use crate::engine::left::{Left, left_for_you};
use crate::engine::observe::needed;
use crate::engine::plan::plan;
use crate::engine::verify::{Propagation, to_retry, was_forbidden};
use crate::engine::{Event, Purpose, State};

/// Where the sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    UnderWay,
    Failed(Box<Problem>),
    Yes { profile: Printable, region: Region },
}

/// Where making the changes stands.
#[derive(Debug, Clone, Default)]
pub enum Making {
    #[default]
    NotYet,
    UnderWay,
    /// The run's id, what came of it, and whether the fresh look is complete.
    Made {
        applied: Box<Applied>,
        since: u64,
    },
    Refused(Box<Problem>),
}

/// A thing that was asked and has not answered, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub words: Printable,
    /// A fact that the plan may hang on; a live test is not.
    pub is_fact: bool,
    pub since: u64,
}

pub struct Model {
    pub sandbox: bool,
    /// The studio file's name, where one will be written.
    pub file: Option<Printable>,
    pub draft: Draft,
    pub sign_in: SignIn,
    pub profiles: Result<Vec<String>, Box<Problem>>,
    pub studio: Option<Studio>,
    pub left_out: BTreeSet<String>,
    pub making: Making,
    /// What an earlier run of this session made.
    pub earlier: Option<Box<Applied>>,
    pub progress: Vec<(Change, State)>,
    pub run: Option<Printable>,
    /// The file was written, or why not.
    pub saved: Option<Result<(), Box<Problem>>>,
    pub has_key: bool,
    /// A key that was typed, on its way to the keyring.
    pub typed_key: Option<Secret<String>>,
    pub note: Option<(Verdict, Printable)>,
    pub now: u64,
    pub generation: u64,
    /// How often somebody signed in; only the last one counts.
    pub sign_ins: u64,
    pub waiting: BTreeMap<String, Waiting>,
    /// What is being downloaded just now.
    pub downloads: Vec<Download>,
    /// An administrator of AYON is signed in.
    pub has_admin: bool,
    /// The name to sign in to AYON with; a password makes it a login.
    pub admin_name: String,
    /// Somebody waits here until the queue role is no longer refused; when it was last tried for that.
    pub owner_wait: Option<u64>,
    asked: HashSet<Ask>,
    tried: HashSet<Probe>,
    /// How far the administrator has come; what a later step needs is not looked at before.
    pub reached: usize,
    /// Judged once per message, however often it is drawn.
    findings_now: OnceCell<Vec<Finding>>,
    plan_now: OnceCell<Plan>,
    left_now: OnceCell<Vec<Left>>,
}

fn of_server(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::Bundles(_) | Ask::Addon(..) | Ask::AddonChannels(..)
    )
}

pub fn is_channel_probe(probe: &Probe) -> bool {
    matches!(
        probe,
        Probe::ChannelHere(_)
            | Probe::ChannelAsQueueRole(..)
            | Probe::ChannelOpen(_)
            | Probe::BucketRegion(_)
            | Probe::ChannelOwner(..)
            | Probe::BesideChannelAsQueueRole(..)
            | Probe::SecretAsQueueRole(..)
            | Probe::TunnelAsQueueRole(..)
            | Probe::CondaSolve(_)
    )
}

impl Model {
    pub fn new(draft: Draft, sandbox: bool, file: Option<Printable>) -> Self {
        Self {
            sandbox,
            file,
            draft,
            sign_in: SignIn::UnderWay,
            profiles: Ok(Vec::new()),
            studio: None,
            left_out: BTreeSet::new(),
            making: Making::NotYet,
            earlier: None,
            progress: Vec::new(),
            run: None,
            saved: None,
            has_key: false,
            typed_key: None,
            note: None,
            now: 0,
            generation: 0,
            sign_ins: 0,
            waiting: BTreeMap::new(),
            downloads: Vec::new(),
            has_admin: false,
            admin_name: String::new(),
            owner_wait: None,
            asked: HashSet::new(),
            tried: HashSet::new(),
            reached: 0,
            findings_now: OnceCell::new(),
            plan_now: OnceCell::new(),
            left_now: OnceCell::new(),
        }
    }

    /// Is a fact still on its way? Then the plan may yet change.
    pub fn is_looking(&self) -> bool {
        self.waiting.values().any(|w| w.is_fact)
    }

    /// Forgets what was seen: another sign-in, or a fresh look after the changes.
    pub fn look_afresh(&mut self, region: Region) {
        self.generation += 1;
        self.studio = Some(Studio::new(region));
        self.asked.clear();
        self.tried.clear();
        self.waiting.clear();
    }

    /// What was judged of an earlier state is judged anew.
    pub fn changed(&mut self) {
        self.findings_now.take();
        self.plan_now.take();
        self.left_now.take();
    }

    /// Tries these once more, on purpose. What they read before no longer counts.
    pub fn try_again(&mut self, which: impl Fn(&Probe) -> bool) {
        self.tried.retain(|p| !which(p));
        if let Some(studio) = &mut self.studio {
            studio.readings.retain(|p, _| !which(p));
        }
    }

    /// The dry runs that are under way and that nobody waits for any more: the list they are about has changed.
    pub fn outdated(&mut self) -> Vec<Probe> {
        let under_way = self.dry_runs();
        let (Some(studio), false) = (&self.studio, under_way.is_empty()) else {
            return Vec::new();
        };
        let (_, needed) = needed(studio, &self.wanted(), Purpose::Setup);
        let gone: Vec<Probe> = under_way
            .into_iter()
            .filter(|p| !needed.contains(p))
            .collect();
        for probe in &gone {
            self.tried.remove(probe);
            self.waiting.remove(&format!("{probe:?}"));
        }
        gone
    }

    /// The dry runs that are under way.
    pub fn dry_runs(&self) -> Vec<Probe> {
        let is_open = |p: &&Probe| {
            matches!(p, Probe::CondaSolve(_)) && self.waiting.contains_key(&format!("{p:?}"))
        };
        self.tried.iter().filter(is_open).cloned().collect()
    }

    /// The queue role may read by now what it was refused a moment ago: dry runs that say so are made again.
    pub fn try_refused_again(&mut self) {
        let readings = self.studio.iter().flat_map(|s| &s.readings);
        let again: Vec<Probe> = readings
            .filter(|(p, r)| p.vantage() == Vantage::QueueRole && was_forbidden(r))
            .map(|(p, _)| p.clone())
            .collect();
        self.try_again(|p| again.contains(p));
    }

    /// Is the queue role refused what it may be allowed by now?
    pub fn is_refused(&self, spreading: Propagation) -> bool {
        let retry = |s: &Studio| !to_retry(s, spreading).is_empty();
        self.studio.as_ref().is_some_and(retry)
    }

    /// What the queue role was refused is tried once more; what it was allowed is not.
    pub fn try_refused_roles_again(&mut self) {
        let spreading = match &self.making {
            Making::Made { applied, .. } => applied.spreading(),
            _ => Propagation::CallerPermissions,
        };
        let again: Vec<Probe> = self
            .studio
            .iter()
            .flat_map(|s| to_retry(s, spreading))
            .collect();
        self.try_again(|p| again.contains(p));
    }

    /// Somebody stopped them: what they would have said is unknown, and is not asked again by itself.
    pub fn stop_dry_runs(&mut self) -> Vec<Probe> {
        let stopped = self.dry_runs();
        for probe in &stopped {
            self.waiting.remove(&format!("{probe:?}"));
            let problem = Problem::new(
                ProblemKind::Unreached,
                "The dry run was stopped",
                "you stopped it before the channels were read",
                "r reads them again",
            );
            if let Some(studio) = &mut self.studio {
                let reading = Reading {
                    vantage: probe.vantage(),
                    millis: 0,
                    seen: Err(Box::new(problem)),
                    calls: Vec::new(),
                };
                studio.readings.insert(probe.clone(), reading);
            }
        }
        self.downloads.clear();
        stopped
    }

    /// AYON is asked anew: another server, or another key. What was read before no longer counts.
    pub fn forget_ayon(&mut self) {
        self.forget(of_server);
        if let Some(studio) = &mut self.studio {
            studio.bundles = Fact::NotAsked;
            studio.addon.clear();
            studio.addon_channels.clear();
        }
    }

    pub fn forget(&mut self, which: impl Fn(&Ask) -> bool) {
        self.asked.retain(|a| !which(a));
    }

    /// The facts and tests that are wanted by now and were not asked for yet; each is handed out once.
    pub fn to_look_at(&mut self) -> (Vec<Ask>, Vec<Probe>) {
        let Some(studio) = &self.studio else {
            return (Vec::new(), Vec::new());
        };
        let wanted = self.wanted();
        let (mut asks, mut probes) = needed(studio, &wanted, Purpose::Setup);
        if let (Some(farm), true) = (&self.draft.farm, self.reached >= 1) {
            asks.push(Ask::Queues(farm.clone()));
        }
        if self.reached >= 1 {
            asks.push(Ask::Farms);
        }
        let reached = self.reached;
        let has_url = self.draft.url.is_some();
        asks.retain(|a| {
            let now = reached >= 1 || matches!(a, Ask::Caller | Ask::CallerPermissions);
            // Several checks ask for the same fact; it is handed out once.
            now && (!of_server(a) || has_url) && self.asked.insert(a.clone())
        });
        probes.retain(|p| {
            reached >= 2 && (is_channel_probe(p) || has_url) && self.tried.insert(p.clone())
        });
        (asks, probes)
    }

    /// The studio file as it would be written now.
    pub fn wanted(&self) -> StudioConfig {
        self.draft.wanted(self.studio.as_ref().map(|s| &s.region))
    }

    /// Everything that can be said by now. What nobody has asked for yet is not said.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_now.get_or_init(|| self.judge()).clone()
    }

    fn judge(&self) -> Vec<Finding> {
        let Some(studio) = &self.studio else {
            return Vec::new();
        };
        let mut findings = check_all(studio, &self.wanted(), Purpose::Setup);
        findings.retain(|f| f.verdict != Verdict::Skipped || !self.is_open(f));
        if self.draft.url.is_none() {
            findings.retain(|f| {
                f.topic != Topic::Server
                    && !matches!(
                        f.check.as_str(),
                        "addon-channels" | "bundle-launcher" | "compatibility"
                    )
            });
        }
        findings
    }

    /// Skipped only because its answer is still on the way.
    fn is_open(&self, finding: &Finding) -> bool {
        use crate::domain::finding::Source;
        finding.sources.iter().any(|s| match s {
            Source::Fact(ask) => {
                self.waiting.contains_key(&format!("{ask:?}")) || !self.asked.contains(ask)
            }
            Source::Test(probe) => {
                self.waiting.contains_key(&format!("{probe:?}")) || !self.tried.contains(probe)
            }
        }) || (finding.sources.is_empty() && !self.waiting.is_empty())
    }

    pub fn of_topic(&self, topic: Topic) -> Vec<Finding> {
        self.findings()
            .into_iter()
            .filter(|f| f.topic == topic)
            .collect()
    }

    pub fn worst_of(&self, topic: Topic) -> Option<Verdict> {
        let findings = self.of_topic(topic);
        // What only a worker can see, or what was skipped, is not the state of a step.
        worst(
            findings
                .iter()
                .filter(|f| !matches!(f.verdict, Verdict::WorkerOnly | Verdict::Skipped)),
        )
    }

    pub fn plan(&self) -> Plan {
        let make = || {
            self.studio
                .as_ref()
                .map(|s| plan(s, &self.wanted(), &self.left_out))
        };
        self.plan_now
            .get_or_init(|| make().unwrap_or_default())
            .clone()
    }

    /// The plan as if nothing had been left out, to show what was.
    pub fn whole_plan(&self) -> Plan {
        self.studio
            .as_ref()
            .map(|s| plan(s, &self.wanted(), &BTreeSet::new()))
            .unwrap_or_default()
    }

    pub fn left(&self) -> Vec<Left> {
        let make = || {
            self.studio
                .as_ref()
                .map(|s| left_for_you(s, &self.wanted()))
        };
        self.left_now
            .get_or_init(|| make().unwrap_or_default())
            .clone()
    }

    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Run { id, .. } => self.run = Some(id),
            Event::Change { at, change, state } => {
                if let Some(slot) = self.progress.get_mut(at) {
                    *slot = (*change, state);
                }
            }
            _ => {}
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
            parts.push(region.to_string());
        }
        if let (Some(studio), Some(key)) = (&self.studio, self.draft.queues.first()) {
            let more = if self.draft.queues.len() > 1 {
                format!(" and {} more", self.draft.queues.len() - 1)
            } else {
                String::new()
            };
            let name = |p: Printable| p.to_width(28);
            parts.push(format!(
                "{} / {}{more}",
                name(studio.farm_name(&key.farm)),
                name(studio.queue_name(key))
            ));
        }
        parts.join(" · ").into()
    }
}

/// What should still be there when the screen is gone: what was made, how to undo it, what is left to do.
pub fn farewell(model: &Model) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(run) = model.earlier.as_ref().and_then(|a| a.run.as_ref()) {
        lines.push(format!(
            "made before: run {run}; undo: studiolink rollback {run}"
        ));
    }
    match &model.making {
        Making::Made { applied, .. } => {
            for change in &applied.done {
                lines.push(format!(
                    "DONE  {}  {}",
                    change.operation(),
                    change.thing.words()
                ));
            }
            if let Some(run) = applied.run.as_ref().filter(|_| !model.sandbox) {
                lines.push(format!("undo: studiolink rollback {run}"));
            }
            if applied.done.is_empty() {
                lines.push("nothing was changed".to_owned());
            }
            if model.sandbox && model.file.is_none() {
                lines.push(
                    "the sandbox wrote no studiolink.toml; --studio FILE keeps one".to_owned(),
                );
            }
            for left in model.left() {
                lines.push(format!("for {}: {}", left.for_whom, left.what));
                lines.extend(left.paste.iter().map(|l| format!("    {l}")));
            }
        }
        Making::UnderWay => lines.push("stopped; run the same command again to go on".to_owned()),
        Making::Refused(problem) => lines.push(format!("{}: {}", problem.doing, problem.because)),
        Making::NotYet => lines.push("nothing was changed".to_owned()),
    }
    lines.join("\n")
}
