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
use crate::derived::probe_request::{ProbeRequest, probe_requests};
use crate::domain::causes::explain;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::farm::Management;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::{Job, JobStatus};
use crate::domain::probe_job::{NAME, PARAMETER, Reading, family, readings, worst};
use crate::domain::text::Printable;
use crate::engine::workflow::Workflow;
use crate::goals::Wishes;
use crate::questions::{AnyAnswer, JobRun, ProbeJobs, Purpose};
use crate::resources::{Change, Plan, ProbeJob};
use crate::ui::report::{explain as causes_report, json as json_report, probe as report};
use crate::world::World;

/// How often the job is looked at.
const PAUSE: Duration = Duration::from_secs(5);
/// A job that nobody takes is explained after so long.
const PATIENCE: Duration = Duration::from_mins(2);

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
    let what = (catalogues(), Purpose::Audit, Wishes::default());
    let mut work = observed_by(args, world, &config, what, &stop).await?;
    let mut jobs = Vec::new();
    let mut exit = Exit::Clean;
    if let Some(id) = &command.job {
        let (queue, _) = of_job(args, id).await?;
        jobs.push((queue, id.clone()));
    } else {
        let (plan, marks) = planned(&work, command)?;
        let made = make(args, world, &mut work, &plan, how(asks), &stop).await?;
        if let Some(stopped) = &made.applied.stop {
            talk(&stop_words(stopped));
            if let Some(run) = &made.applied.run {
                talk(&format!(
                    "What was sent before runs on; `studiolink rollback {run}` cancels it"
                ));
            }
            return Ok(stopped.exit());
        }
        for (queue, mark) in marks {
            match found(world, &queue, &mark).await {
                Some(id) => jobs.push((queue, id)),
                None => {
                    exit = exit.and(Exit::NotChecked);
                    talk(&format!(
                        "The job was sent, and was not found again: look for \"{NAME}\" with {PARAMETER} = {mark} in the monitor; it may run"
                    ));
                }
            }
        }
        if let Some(run) = &made.applied.run {
            talk(&format!(
                "Ctrl-C leaves the job running; `studiolink rollback {run}` cancels it"
            ));
        }
    }
    let mut documents = Vec::new();
    for (queue, id) in &jobs {
        let job = watched(world, &work, (queue, id), command.minutes, &stop).await?;
        let lines = lines(&job);
        let read = readings(lines.iter().map(String::as_str));
        exit = exit.and(judged(&job, &read, &stop));
        let here: Vec<&Finding> = work.observed_findings().collect();
        if args.format == Format::Json {
            documents.push(report::as_json((queue, id), &job, &read, &here));
        } else {
            data(&report::text((queue, id), &job, &read, &here, ink(args)));
            if !job.status.is_final() {
                talk(&format!("`studiolink probe --job {id}` goes on looking"));
            } else if !read.iter().any(Reading::is_end) {
                tell_why(args, &lines, command);
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
    Ok(exit)
}

fn how(asks: bool) -> How<'static> {
    static NO_RISK: args::Insist = args::Insist {
        accept_risk: Vec::new(),
    };
    How {
        command: "probe",
        insist: &NO_RISK,
        asks,
    }
}

type Marks = Vec<(QueueKey, String)>;

/// A job for each queue and operating system; what it starts is said before it is asked for.
fn planned(work: &Workflow, command: &args::Probe) -> Result<(Plan, Marks), Failure> {
    let view = work.view();
    let requests = probe_requests(&view, command.fleet.as_ref());
    if requests.is_empty() {
        let what = command.fleet.as_ref().map_or_else(
            || "No fleet that publishes is known".to_owned(),
            |f| format!("Fleet {f} is none that publishes for the studio's queues"),
        );
        return Err(Failure::Usage(format!(
            "{what}\n  fix   look at queue-fleets and fleet-attributes in `studiolink audit`: a probe needs what a publish step needs"
        )));
    }
    let (mut plan, mut marks) = (Plan::default(), Vec::new());
    for request in requests {
        tell_price(&request);
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let text = request.text(&view, &mark, command.variant, !command.without_conda);
        let (queue, os) = (request.queue.clone(), family(&request.os));
        let resource = ProbeJob {
            queue: queue.clone(),
            mark: mark.clone(),
            job: None,
        };
        let because = "what a worker sees, only a worker can tell";
        let id = format!("probe/{}/{os}", queue.queue);
        plan.changes.push(
            Change::new(id, resource, None, Some(text), because).named(view.queue_name(&queue)),
        );
        marks.push((queue, mark));
    }
    Ok((plan, marks))
}

fn tell_price(request: &ProbeRequest) {
    let names: Vec<String> = request
        .fleets
        .iter()
        .map(|(_, f)| f.name.show().to_string())
        .collect();
    let names = Printable::short(&names.join(" or "), 120);
    let service = request
        .fleets
        .iter()
        .any(|(_, f)| f.management == Management::Service);
    let price = if service {
        "a service-managed worker that is not running yet is started, and billed until it is idle again; usually 5 to 20 minutes"
    } else {
        "it takes a machine of yours for some minutes"
    };
    talk(&format!(
        "One probe job ({}) runs on a worker of {names}: {price}",
        family(&request.os)
    ));
}

async fn found(world: &dyn World, queue: &QueueKey, mark: &str) -> Option<JobId> {
    let question = ProbeJobs(queue.clone(), mark.to_owned()).into();
    match world.look(&question).await.answer {
        AnyAnswer::ProbeJobs(Fact::Known(jobs)) => jobs.into_iter().next().map(|(id, _)| id),
        _ => None,
    }
}

/// The job until it is over, each stage said when it changes; or until the time is up, or somebody stops looking.
async fn watched(
    world: &dyn World,
    work: &Workflow,
    (queue, id): (&QueueKey, &JobId),
    minutes: u64,
    stop: &Stop,
) -> Result<Job, Failure> {
    let began = Instant::now();
    let (mut last, mut explained) = (String::new(), false);
    loop {
        let question = JobRun(queue.clone(), id.clone()).into();
        let job = match world.look(&question).await.answer {
            AnyAnswer::JobRun(Fact::Known(job)) => job,
            AnyAnswer::JobRun(Fact::Denied(problem) | Fact::NoAnswer(problem)) => {
                return Err(Failure::from(*problem));
            }
            _ => return Err(Failure::Usage(format!("There is no job {id} any more"))),
        };
        let stage = stage(&job);
        if stage != last {
            talk(&format!("{:>5} s  {stage}", began.elapsed().as_secs()));
            last = stage;
        }
        let over = began.elapsed() >= Duration::from_secs(minutes * 60);
        if job.status.is_final() || over || stop.is_asked() {
            return Ok(job);
        }
        if !explained && job.sessions.is_empty() && began.elapsed() >= PATIENCE {
            explained = true;
            for words in stuck(work) {
                talk(&format!("         {words}"));
            }
        }
        let _ = stop.or(tokio::time::sleep(PAUSE)).await;
    }
}

fn stage(job: &Job) -> String {
    let Some(session) = job.sessions.last() else {
        return format!("{}: no worker has taken it yet", job.status.word());
    };
    let worker = session.worker.show();
    match session.actions.last() {
        Some(action) => format!(
            "{}: {} on {worker}: {}",
            job.status.word(),
            action.words(),
            action.status.show()
        ),
        None => format!("{}: {worker} begins", job.status.word()),
    }
}

/// Why nobody takes it, as far as AWS tells.
fn stuck(work: &Workflow) -> Vec<String> {
    let own = |f: &&Finding| {
        matches!(f.verdict, Verdict::Fail | Verdict::Warn)
            && [
                "queue-status",
                "queue-fleets",
                "fleet-status",
                "fleet-attributes",
                "fleet-role",
                "fleet-role-needs",
            ]
            .contains(&f.check)
    };
    let mut words: Vec<String> = work
        .observed_findings()
        .filter(own)
        .map(|f| format!("{} {}: {}", f.verdict.word(), f.name, f.message))
        .collect();
    if words.is_empty() {
        words.push("nothing of queue, fleets and roles says why nobody takes it: a worker may still be starting, or the account's vCPU quota is used up (Service Quotas)".to_owned());
    }
    words
}

fn lines(job: &Job) -> Vec<String> {
    let logs = job.sessions.iter().filter_map(|s| s.log.as_ref().ok());
    logs.flatten().map(|l| l.raw().to_owned()).collect()
}

fn judged(job: &Job, read: &[Reading], stop: &Stop) -> Exit {
    if stop.is_asked() {
        return Exit::Interrupted;
    }
    let whole = read.iter().any(Reading::is_end);
    let failed = matches!(job.status, JobStatus::Failed | JobStatus::NotCompatible);
    let worst = worst(read);
    Exit::Clean
        .and_if(
            failed || matches!(worst, Some(Verdict::Fail)),
            Exit::Problem,
        )
        .and_if(
            !whole || matches!(worst, Some(Verdict::Unknown)),
            Exit::NotChecked,
        )
}

/// The probe told nothing, or not all: what the log comes from.
fn tell_why(args: &Args, lines: &[String], command: &args::Probe) {
    let causes = explain(lines.iter().map(String::as_str));
    if !causes.is_empty() {
        data(&causes_report::text(&causes, lines.len(), None, ink(args)));
    }
    if !command.without_conda && causes.iter().any(|c| c.stage.word() == "conda") {
        talk(
            "`studiolink probe --without-conda` looks at the rest without the packages, so that this fault hides no other",
        );
    }
}
