//! `studiolink probe`: a small job tells, from a worker, what a publish step would meet there. It starts a billed worker, so it
//! asks first; the job is found again by its id.

use std::time::{Duration, Instant};

use serde_json::json;

use super::args::{self, Args, Format};
use super::explain::of_job;
use super::open::catalogues;
use super::out::{data, ink, talk};
use super::setup::{How, account, make, observed_by, stop_words};
use super::stop::Stop;
use super::{Failure, ask, open};
use crate::derived::connections::publishing;
use crate::derived::job_packages::variant;
use crate::domain::causes::{Stage, explain};
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::{Job, JobStatus};
use crate::domain::probe_reading::{Reading, is_whole, readings, worst};
use crate::domain::probe_run::{ProbeMark, ProbeRun};
use crate::domain::problem::{Problem, ProblemKind};
use crate::engine::drive::observe;
use crate::engine::workflow::Workflow;
use crate::engine::{journal, unheard};
use crate::goals::Wishes;
use crate::questions::{AnyAnswer, FleetWorkers, JobRun, LastProbes, Purpose};
use crate::resources::Plan;
use crate::ui::probing::{
    LOOK, NO_OBSTACLE, OF_WAITING, PATIENCE, WORKERS, Wish, is_settled, lines, obstacles, probing,
    said, sent, stage, starting,
};
use crate::ui::report::{explain as causes_report, json as json_report, probe as report};
use crate::world::World;

pub(super) async fn run(args: &Args, command: &args::Probe) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let config = open::needed(args, &open::studio_file(args)?)?;
    let asks = !command.yes && command.job.is_none();
    if asks && !ask::is_answered(args) {
        return Err(Failure::Usage(
            "probe starts a worker, which is billed, and there is no terminal to ask on\n  fix   add --yes"
                .to_owned(),
        ));
    }
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let Followed {
        work,
        jobs,
        mut exit,
    } = follow(args, world, &config, (command, asks), &stop).await?;
    let mut documents = Vec::new();
    let mut hides = false;
    for (queue, id, job) in &jobs {
        let lines = lines(job);
        let read = readings(lines.iter().map(String::as_str));
        exit = exit.and(judged(job, &read, &stop));
        let here: Vec<&Finding> = work.observed_findings().collect();
        if args.format == Format::Json {
            documents.push(report::as_json((queue, id), job, &read, &here));
        } else {
            data(&report::text((queue, id), job, &read, &here, ink(args)));
            if !job.is_over() {
                talk(&format!("`studiolink probe --job {id}` goes on looking"));
            } else if !is_whole(&read) {
                hides |= tell_why(args, &lines, command);
            }
        }
    }
    if args.format == Format::Json {
        let account = account(work.snapshot());
        let region = &work.snapshot().region;
        let parts = json!({ "probes": documents });
        let document = json_report::document("probe", account.as_ref(), Some(region), exit, parts);
        data(&document.to_string());
    }
    if hides && !asks {
        talk(
            "`studiolink probe --without-conda` looks at the rest without the packages, so that this fault hides no other",
        );
    } else if hides
        && ask::confirm(
            "Send a second job without the packages, to see what this fault hides?".to_owned(),
        )
        .await?
    {
        let second = args::Probe {
            without_conda: true,
            again: true,
            ..command.clone()
        };
        return Ok(exit.and(Box::pin(run(args, &second)).await?));
    }
    Ok(exit)
}

/// The jobs as they ended, or as they were when nobody looked any more.
pub(super) struct Followed {
    work: Workflow,
    jobs: Vec<(QueueKey, JobId, Job)>,
    pub exit: Exit,
}

/// Sends the probes, or finds those that are under way, and looks until they are over. `asks`: before one is sent.
pub(super) async fn follow(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    (command, asks): (&args::Probe, bool),
    stop: &Stop,
) -> Result<Followed, Failure> {
    let what = (catalogues(), Purpose::AUDIT, Wishes::default());
    let mut work = observed_by(args, world, config, what, stop).await?;
    let mut jobs = Vec::new();
    let mut exit = Exit::Clean;
    if let Some(id) = &command.job {
        let (queue, _) = of_job(args, world, config, id).await?;
        jobs.push((queue, id.clone()));
    } else if let Some(open) = under_way(&work, command) {
        // Another one would be a second worker, billed like the first.
        for (_, id) in &open {
            talk(&format!(
                "a probe is under way already, and is watched: {id} (--again sends another)"
            ));
        }
        jobs = open;
    } else {
        let plan = planned(&work, command)?;
        let how = How::plain("probe", asks);
        let made = make(args, world, &mut work, &plan, how, stop).await?;
        if let Some(stopped) = &made.applied.stop {
            talk(&stop_words(stopped));
            exit = exit.and(stopped.exit());
        }
        if let Some(run) = &made.applied.run {
            jobs = sent(&journal::changes_of(world.local(), run)?);
            talk(&format!(
                "Ctrl-C leaves the job running; `studiolink rollback {run}` cancels it"
            ));
        }
        if jobs.is_empty() {
            exit = exit.and(Exit::NotChecked);
        }
    }
    let mut ended = Vec::new();
    for (queue, id) in jobs {
        match watched(world, &mut work, (&queue, &id), command.minutes, stop).await {
            Ok(job) => ended.push((queue, id, job)),
            Err(problem) => {
                // The other jobs are told all the same.
                exit = exit.and(Exit::NotChecked);
                talk(&format!(
                    "{problem}\nthe job may run on; `studiolink probe --job {id}` reads it"
                ));
            }
        }
    }
    Ok(Followed {
        work,
        jobs: ended,
        exit,
    })
}

/// The probes of the same wish that were sent before and are not over yet; `None`: there is none, or another one is wanted.
fn under_way(work: &Workflow, command: &args::Probe) -> Option<Vec<(QueueKey, JobId)>> {
    if command.again {
        return None;
    }
    let fleet = command.fleet.as_ref().map(ProbeMark::fleet);
    let wanted = command.variant.unwrap_or_else(|| variant(work.config()));
    let facts = &work.snapshot().facts;
    let mut open = Vec::new();
    for queue in &work.config().queues {
        let probes = facts.get(&LastProbes(queue.clone())).and_then(Fact::known);
        // One of a fleet alone names no other.
        let of_fleet = |p: &ProbeRun| {
            let named = p.mark.rests_on.keys().filter(|n| ProbeMark::is_fleet(n));
            let named: Vec<&String> = named.collect();
            fleet.as_ref().is_none_or(|own| named == [own])
        };
        let same = |p: &&ProbeRun| {
            let alike = p.mark.variant == wanted && p.mark.conda != command.without_conda;
            !p.is_over() && alike && of_fleet(p)
        };
        let own = probes.into_iter().flatten().filter(same);
        open.extend(own.map(|p| (queue.clone(), p.job.clone())));
    }
    (!open.is_empty()).then_some(open)
}

/// What it starts is said before it is asked for.
fn planned(work: &Workflow, command: &args::Probe) -> Result<Plan, Failure> {
    let wish = Wish {
        fleet: command.fleet.as_ref(),
        variant: command.variant.unwrap_or_else(|| variant(work.config())),
        conda: !command.without_conda,
    };
    let id = || uuid::Uuid::new_v4().simple().to_string();
    let probing = probing(&work.view(), wish, id)
        .map_err(|p| Failure::Usage(format!("{}\n  fix   {}", p.because, p.fix)))?;
    for words in &probing.starts {
        talk(words);
    }
    for words in obstacles(work.observed_findings()) {
        talk(&format!("it may wait: {words}"));
    }
    Ok(probing.plan)
}

/// The job until it is over, each stage said when it changes; or until the time is up, or somebody stops looking. A look that
/// gets no answer is made again.
async fn watched(
    world: &dyn World,
    work: &mut Workflow,
    (queue, id): (&QueueKey, &JobId),
    minutes: u64,
    stop: &Stop,
) -> Result<Job, Box<Problem>> {
    let began = Instant::now();
    let (mut last, mut over_since) = (String::new(), None::<Instant>);
    let (mut hindered, mut due) = (None, PATIENCE);
    let (mut told, mut listed) = (0, Starting::default());
    loop {
        let question = JobRun(queue.clone(), id.clone()).into();
        let fact = match world.look(&question).await.answer {
            AnyAnswer::JobRun(fact) => fact,
            _ => Fact::PENDING,
        };
        let late = began.elapsed() >= Duration::from_secs(minutes * 60) || stop.is_asked();
        let job = match fact {
            Fact::Known(job) => job,
            Fact::NoAnswer(problem) if !late => {
                say_once(&mut last, format!("no answer: {}", problem.because), began);
                let _ = stop.or(tokio::time::sleep(LOOK)).await;
                continue;
            }
            Fact::Denied(problem) | Fact::NoAnswer(problem) => return Err(problem),
            Fact::Absent | Fact::NotAsked(_) => {
                return Err(Box::new(Problem::new(
                    ProblemKind::Missing,
                    "The probe's job was not read",
                    format!("there is no job {id} any more"),
                    "probe again",
                )));
            }
        };
        say_once(&mut last, stage(&job), began);
        told = say_more(&job, told);
        if late {
            return Ok(job);
        }
        let over_for = job
            .is_over()
            .then(|| over_since.get_or_insert_with(Instant::now).elapsed());
        if over_for.is_some_and(|over_for| is_settled(&job, over_for)) {
            return Ok(job);
        }
        if job.sessions.is_empty() && !job.is_over() {
            listed.say(world, work, queue, &job).await;
        }
        if job.sessions.is_empty() && began.elapsed() >= due {
            due = began.elapsed() + PATIENCE;
            // What queue, fleets and workers were like before it was sent does not say why it waits now.
            work.forget_of(OF_WAITING);
            observe(world, work, &stop.flag, &unheard).await;
            let known = obstacles(work.observed_findings());
            if hindered.as_ref() != Some(&known) {
                let none = known.is_empty().then(|| NO_OBSTACLE.to_owned());
                for words in known.iter().chain(&none) {
                    talk(&format!("         {words}"));
                }
                hindered = Some(known);
            }
        }
        let _ = stop.or(tokio::time::sleep(LOOK)).await;
    }
}

/// So many new lines of a log are told at each look.
const NEW_LINES: usize = 6;

/// The lines of the log that were not told yet; how many there are now.
fn say_more(job: &Job, told: usize) -> usize {
    let all = said(job);
    let new = all.get(told..).unwrap_or_default();
    if let Some(more) = new.len().checked_sub(NEW_LINES).filter(|n| *n > 0) {
        talk(&format!("         | ... {more} lines"));
    }
    for line in &new[new.len().saturating_sub(NEW_LINES)..] {
        talk(&format!("         | {line}"));
    }
    all.len()
}

/// The workers that are being started for a job that nobody has taken.
#[derive(Default)]
struct Starting {
    asked: Option<Instant>,
    said: Vec<String>,
}

impl Starting {
    async fn say(&mut self, world: &dyn World, work: &Workflow, queue: &QueueKey, job: &Job) {
        if self.asked.is_some_and(|at| at.elapsed() < WORKERS) {
            return;
        }
        self.asked = Some(Instant::now());
        let mut lines = Vec::new();
        for (key, fleet) in publishing(&work.view(), queue) {
            let question = FleetWorkers(key).into();
            if let AnyAnswer::FleetWorkers(Fact::Known(all)) = world.look(&question).await.answer {
                let named = all.iter().map(|w| (fleet.name.show(), w));
                lines.extend(starting(job, jiff::Timestamp::now(), named));
            }
        }
        for line in lines.iter().filter(|l| !self.said.contains(l)) {
            talk(&format!("         {line}"));
        }
        self.said = lines;
    }
}

fn say_once(last: &mut String, words: String, began: Instant) {
    if words != *last {
        talk(&format!("{:>5} s  {words}", began.elapsed().as_secs()));
        *last = words;
    }
}

fn judged(job: &Job, read: &[Reading], stop: &Stop) -> Exit {
    if stop.is_asked() {
        return Exit::Interrupted;
    }
    let failed = matches!(job.status, JobStatus::Failed | JobStatus::NotCompatible)
        || job.could_not_be_made();
    let worst = worst(read);
    Exit::Clean
        .and_if(
            failed || matches!(worst, Some(Verdict::Fail)),
            Exit::Problem,
        )
        .and_if(
            !is_whole(read) || matches!(worst, Some(Verdict::Unknown)),
            Exit::NotChecked,
        )
}

/// The probe told nothing, or not all: what the log comes from. Is it a fault of conda, which hides what lies behind it?
fn tell_why(args: &Args, lines: &[String], command: &args::Probe) -> bool {
    let causes = explain(lines.iter().map(String::as_str));
    if !causes.is_empty() {
        data(&causes_report::text(&causes, lines.len(), None, ink(args)));
    }
    !command.without_conda && causes.iter().any(|c| c.stage == Stage::Conda)
}
