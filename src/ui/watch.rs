//! The probes that a wizard watches: asked for in their time, read once when an answer comes, found again when they were sent
//! elsewhere.

use std::time::Duration;

use super::model::Model;
use super::probing::{Heard, LOOK, WORKERS, is_settled};
use crate::derived::connections::publishing;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::problem::Problem;
use crate::engine::workflow::Request;
use crate::questions::{AnyQuestion, Demand, FleetWorkers, JobRun, LastProbes};

/// A probe that is being sent.
#[derive(Debug, Clone, Default)]
pub enum Sending {
    #[default]
    No,
    Asked,
    Failed(Box<Problem>),
}

/// A probe's job that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    pub queue: QueueKey,
    pub job: JobId,
    /// This wizard sent it.
    pub own: bool,
    /// Since when, and when it was last asked for, in milliseconds of the driver's clock.
    pub since: u64,
    asked: u64,
    /// When the workers of its fleets were last asked for while it waits.
    workers_asked: u64,
    /// Since when it is over.
    over: Option<u64>,
    settled: bool,
    pub heard: Heard,
}

impl Watched {
    pub fn question(&self) -> JobRun {
        JobRun(self.queue.clone(), self.job.clone())
    }
}

/// The probes of this wizard.
#[derive(Debug, Default)]
pub struct Probes {
    pub sending: Sending,
    pub jobs: Vec<Watched>,
}

impl Model {
    /// The jobs are watched from now on.
    pub fn watch(&mut self, jobs: Vec<(QueueKey, JobId)>, own: bool) -> Vec<Request> {
        let since = self.now;
        let known = &mut self.probes.jobs;
        for (queue, job) in jobs {
            if !known.iter().any(|w| w.job == job) {
                known.push(Watched {
                    queue,
                    job,
                    own,
                    since,
                    asked: 0,
                    workers_asked: 0,
                    over: None,
                    settled: false,
                    heard: Heard::default(),
                });
            }
        }
        self.look_at_probes()
    }

    /// Is a probe under way? Then time passes without anybody's key.
    pub fn is_watching(&self) -> bool {
        self.probes.jobs.iter().any(|w| !w.settled)
    }

    /// A probe that somebody sent before, and that is not over yet, is watched too.
    pub fn find_probes(&mut self) -> Vec<Request> {
        let mut found = Vec::new();
        for queue in &self.draft.queues {
            let probes = self.fact(&LastProbes(queue.clone())).known();
            let open = probes.into_iter().flatten().filter(|p| !p.is_over());
            found.extend(open.map(|p| (queue.clone(), p.job.clone())));
        }
        self.watch(found, false)
    }

    /// An answer about one of them is in: it is read, and where nothing more comes, what the probes told is asked for.
    pub fn hear_probe(&mut self, question: &AnyQuestion) {
        let now = self.now;
        let mut jobs = std::mem::take(&mut self.probes.jobs);
        let own = |w: &&mut Watched| AnyQuestion::from(w.question()) == *question;
        if let Some(watched) = jobs.iter_mut().find(own)
            && let Some(job) = self.fact(&watched.question()).known()
        {
            watched.heard = Heard::of(job);
            if job.is_over() {
                let since = *watched.over.get_or_insert(now);
                let over_for = Duration::from_millis(now.saturating_sub(since));
                watched.settled = is_settled(job, over_for);
            }
            if watched.settled {
                let last = AnyQuestion::from(LastProbes(watched.queue.clone()));
                self.forget(&|d| matches!(d, Demand::Question(q) if *q == last));
            }
        }
        self.probes.jobs = jobs;
    }

    /// Asks for the watched jobs again, each in its time.
    pub fn look_at_probes(&mut self) -> Vec<Request> {
        let now = self.now;
        let mut jobs = std::mem::take(&mut self.probes.jobs);
        let mut requests = Vec::new();
        for watched in jobs.iter_mut().filter(|w| !w.settled) {
            let question = watched.question();
            let waits = Demand::Question(question.clone().into());
            let due = Duration::from_millis(now.saturating_sub(watched.asked)) >= LOOK;
            if !self.waiting.contains_key(&waits) && (watched.asked == 0 || due) {
                watched.asked = now.max(1);
                requests.extend(self.work.as_ref().map(|w| w.ask_again(question)));
            }
            let waits_for = now.saturating_sub(watched.workers_asked.max(watched.since));
            if watched.heard.is_waiting && Duration::from_millis(waits_for) >= WORKERS {
                watched.workers_asked = now;
                requests.extend(self.work.iter().flat_map(|w| {
                    let fleets = publishing(&w.view(), &watched.queue).into_iter();
                    let asked = fleets.map(|(fleet, _)| w.ask_again(FleetWorkers(fleet)));
                    asked.collect::<Vec<_>>()
                }));
            }
        }
        self.probes.jobs = jobs;
        self.listed(requests)
    }
}
