//! `studiolink explain`: what a failed job's log comes from, by what is known of such logs, and whether the studio shows the
//! same now. Read-only, as an audit is.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use serde_json::json;

use super::args::{self, Args, Format};
use super::open::catalogues;
use super::out::{data, ink, talk};
use super::setup::{account, calls, told_while};
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::causes::{Explained, explain, lines_of};
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::Finding;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::{Job, JobStatus};
use crate::domain::problem::{Problem, ProblemKind};
use crate::engine::Progress;
use crate::engine::drive::observe;
use crate::engine::workflow::Workflow;
use crate::questions::{AnyAnswer, JobRun};
use crate::ui::probing::failed_log;
use crate::ui::report::probe::not_compatible as not_compatible_text;
use crate::ui::report::{explain as report, json as json_report};
use crate::world::World;
use crate::world::local::files;

/// No log that a person saves is longer.
const LONGEST: u64 = 256 << 20;

pub(super) async fn run(args: &Args, command: &args::Explain) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let (lines, job) = match (&command.job, &command.log) {
        (Some(job), _) => {
            let config = open::needed(args, &open::studio_file(args)?)?;
            let world = open::world(args, Some(&config)).await?;
            let (queue, job) = of_job(args, world.as_ref(), &config, job).await?;
            (said_of(args, &queue, &job)?, Some((queue, job)))
        }
        (None, Some(log)) => (lines_of(&read(log).await?), None),
        (None, None) => (Vec::new(), None),
    };
    let causes = explain(lines.iter().map(String::as_str));
    let status = job.as_ref().map(|(_, j)| j.status);
    let not_compatible = status == Some(JobStatus::NotCompatible);
    let failed = status == Some(JobStatus::Failed)
        || (job.is_none() && lines.iter().any(|l| report::says_that_it_failed(l)));
    // That it failed, and by no cause that is known here, is not the same as that nothing is wrong.
    let exit = Exit::Clean
        .and_if(!causes.is_empty() || not_compatible, Exit::Problem)
        .and_if(failed && causes.is_empty(), Exit::NotChecked);
    let now = if command.offline || causes.is_empty() {
        None
    } else {
        compared(args, &causes, &stop).await?
    };
    let exit = exit.and_if(stop.is_asked(), Exit::Interrupted);
    if args.format == Format::Json {
        let (work, findings) = match &now {
            Some(now) => (Some(&now.work), now.findings.as_slice()),
            None => (None, &[][..]),
        };
        let parts = json!({
            "lines": lines.len(),
            "job": job.as_ref().map(|(queue, job)| report::job_as_json(queue, job)),
            "causes": report::as_json(&causes, now.as_ref().map(|_| findings)),
        });
        let account = work.and_then(|w| account(w.snapshot()));
        let region = work.map(|w| &w.snapshot().region);
        data(&json_report::document("explain", account.as_ref(), region, exit, parts).to_string());
        return Ok(exit);
    }
    if let Some((queue, job)) = &job {
        data(&report::job(queue, job, ink(args)));
    }
    let findings = now.as_ref().map(|n| n.findings.as_slice());
    let refused = job
        .as_ref()
        .and_then(|(_, job)| not_compatible_text(job, ink(args)));
    if let Some(text) = refused {
        data(text.trim_end());
        if causes.is_empty() {
            return Ok(exit);
        }
    }
    data(&report::text(&causes, lines.len(), findings, ink(args)));
    if failed && causes.is_empty() {
        data(&report::before_the_end(&lines));
    }
    Ok(exit)
}

/// What is known of why a job ended: the worker agent's own words on the action that failed, then the log of its session. Where the
/// log can't be read, the words are told all the same.
fn said_of(args: &Args, queue: &QueueKey, job: &Job) -> Result<Vec<String>, Failure> {
    let action = job.failed().and_then(|(_, action)| action);
    let message = action.and_then(|a| a.message.as_ref());
    let message: Vec<String> = message
        .map(|m| m.raw().lines().map(str::to_owned).collect())
        .unwrap_or_default();
    match failed_log(job) {
        Ok(lines) => Ok(message.into_iter().chain(lines).collect()),
        Err(problem) if message.is_empty() => {
            if args.format != Format::Json {
                data(&report::job(queue, job, ink(args)));
            }
            Err(problem.into())
        }
        Err(problem) => {
            talk(&problem.to_string());
            Ok(message)
        }
    }
}

/// The job, in the first of the studio's queues that has it.
pub(super) async fn of_job(
    args: &Args,
    world: &dyn World,
    config: &StudioConfig,
    id: &JobId,
) -> Result<(QueueKey, Job), Failure> {
    let mut unread = None;
    for queue in &config.queues {
        let question = JobRun(queue.clone(), id.clone()).into();
        let AnyAnswer::JobRun(fact) = world.look(&question).await.answer else {
            continue;
        };
        match fact {
            Fact::Known(job) => return Ok((queue.clone(), job)),
            Fact::Absent | Fact::NotAsked(_) => {}
            Fact::Denied(problem) | Fact::NoAnswer(problem) => unread = Some(problem),
        }
    }
    calls(args, world, 0);
    Err(match unread {
        Some(problem) => Failure::from(*problem),
        None => Failure::Usage(format!(
            "No queue of the studio file has the job {id}\n  fix   compare its id in the monitor; --farm and --queue name another queue"
        )),
    })
}

/// The text of the log. Windows writes UTF-16 where a shell redirects into a file.
async fn read(path: &Path) -> Result<String, Failure> {
    if path != Path::new("-") {
        return of_file(path).map_err(|p| Failure::Usage(p.to_string()));
    }
    if std::io::stdin().is_terminal() {
        talk("reading the log from this terminal; end it with Ctrl-D");
    }
    let read = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        let all = std::io::stdin().take(LONGEST + 1).read_to_end(&mut bytes);
        all.map(|_| bytes)
    });
    let read = read.await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    let bytes = read.map_err(|e| {
        Failure::Usage(format!(
            "stdin can't be read: {e}\n  fix   give the log as a file"
        ))
    })?;
    not_too_long(&bytes).map_err(|p| Failure::Usage(p.to_string()))?;
    Ok(as_text(&bytes))
}

/// The text of a log that somebody has saved.
pub(super) fn of_file(path: &Path) -> Result<String, Problem> {
    let bytes = files::read(path)?.ok_or_else(|| {
        Problem::new(
            ProblemKind::Missing,
            format!("There is no log {}", path.display()),
            "no file of that name is here",
            "save the session's log from the monitor, or pipe it: … | studiolink explain -",
        )
    })?;
    not_too_long(&bytes)?;
    Ok(as_text(&bytes))
}

fn not_too_long(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.len() as u64 <= LONGEST {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::Invalid,
        "The log was not read",
        "it is longer than 256 MB",
        "give the part around the failure",
    ))
}

fn as_text(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|c| of([c[0], c[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

struct Now {
    work: Workflow,
    findings: Vec<Finding>,
}

/// What the studio's own checks say of the same things now. `None`: they were not asked, and why was said.
async fn compared(args: &Args, causes: &[Explained], stop: &Stop) -> Result<Option<Now>, Failure> {
    let wanted: BTreeSet<&str> = causes
        .iter()
        .flat_map(|c| c.checks)
        .map(String::as_str)
        .collect();
    let file = open::studio_file(args)?;
    let Some(config) = file.config.clone().filter(|_| !wanted.is_empty()) else {
        if !wanted.is_empty() {
            talk("note: there is no studio file here, so the studio was not looked at");
        }
        return Ok(None);
    };
    let world = match open::world(args, Some(&config)).await {
        Ok(world) => world,
        Err(Failure::Problem(problem, _)) => {
            talk(&format!(
                "note: the studio was not looked at: {}",
                problem.because
            ));
            return Ok(None);
        }
        Err(other) => return Err(other),
    };
    let world = world.as_ref();
    let mut work = Workflow::audit(catalogues(), world.region().clone(), config);
    let tell = |progress: Progress| {
        if let Progress::WaitingFor(words) = progress {
            talk(words.as_str());
        }
    };
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    calls(args, world, 0);
    let findings = work.observed_findings();
    let findings = findings
        .filter(|f| wanted.contains(f.check))
        .cloned()
        .collect();
    Ok(Some(Now { work, findings }))
}
