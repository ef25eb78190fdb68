//! A probe from its plan to its end, as values: what is sent and what it starts, how far a job is and what is usual, why
//! nobody takes it. For the command and the wizard alike; nothing here does IO.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::screen::{Cell, Told, Tone};
use crate::derived::probe_request::{ProbeRequest, probe_requests};
use crate::domain::ayon::Variant;
use crate::domain::causes::{Stage, explain};
use crate::domain::farm::Management;
use crate::domain::finding::{Assessment, Finding, Verdict};
use crate::domain::ids::{FleetId, JobId, QueueKey, with_brief_ids};
use crate::domain::job::{ActionKind, Job, JobStatus, SessionAction};
use crate::domain::probe_job::{PRIORITY, family};
use crate::domain::probe_reading::{is_reading, is_whole, readings};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::secrets::{has_secret, without_log_secrets};
use crate::domain::step_needs::Unmet;
use crate::domain::text::{Printable, Untrusted};
use crate::domain::worker::{Worker, WorkerStatus};
use crate::questions::View;
use crate::resources::{AnyResource, Change, Plan, ProbeJob};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Of this fleet alone.
    pub fleet: Option<&'a FleetId>,
    pub variant: Variant,
    /// With the packages of a publish job.
    pub conda: bool,
}

/// A job for each queue and operating system, and in words what each starts.
#[derive(Debug, Default)]
pub struct Probing {
    pub plan: Plan,
    pub starts: Vec<String>,
}

/// `id` makes a new name for each job, by which it is found again.
pub fn probing(
    view: &View,
    wish: Wish,
    mut id: impl FnMut() -> String,
) -> Result<Probing, Problem> {
    let doing = "No probe was sent";
    let requests = probe_requests(view, wish.fleet);
    if requests.is_empty() {
        let why = wish.fleet.map_or_else(
            || "No fleet that publishes is known".to_owned(),
            |f| format!("Fleet {f} does not publish for the studio's queues"),
        );
        let fix = "look at queue-fleets and fleet-attributes in `studiolink audit`: a probe needs what a publish step needs";
        return Err(Problem::new(ProblemKind::Invalid, doing, why, fix));
    }
    let mut all = Probing::default();
    for request in requests {
        all.starts.push(starts(&request));
        let mark = request.mark(view, id(), wish.variant, wish.conda);
        let text = request.text(view, &mark);
        if has_secret(&text) {
            let why = "The addon's conda_channels hold a password or token in an address, \
                and no plan and no journal keeps one: such a probe is not sent";
            let fix = "studiolink probe --without-conda; or let the channel take the role's credentials in place of a token";
            return Err(Problem::new(ProblemKind::Invalid, doing, why, fix));
        }
        let (queue, os) = (request.queue.clone(), family(&request.os));
        let name = view.queue_name(&queue);
        let id = format!("probe/{}/{os}", queue.queue);
        let resource = ProbeJob {
            queue,
            mark: mark.to_string(),
            job: None,
        };
        let because = "what a worker sees, only a worker can tell";
        all.plan
            .changes
            .push(Change::new(id, resource, None, Some(text), because).named(name));
    }
    Ok(all)
}

/// What a probe starts, and what that costs.
fn starts(request: &ProbeRequest) -> String {
    let names = request.fleets.iter();
    let names: Vec<String> = names.map(|(_, f)| f.name.show().to_string()).collect();
    let names = Printable::short(&names.join(" or "), 120);
    let mut fleets = request.fleets.iter();
    let price = if fleets.any(|(_, f)| f.management == Management::Service) {
        "a service-managed worker that is not running yet is started, and billed until it is idle again; usually 5 to 20 minutes"
    } else {
        "it takes a machine of yours for some minutes"
    };
    format!(
        "One probe job ({}, priority {PRIORITY}) runs on a worker of {names}: {price}",
        family(&request.os)
    )
}

/// How far it is, in a line.
pub fn stage(job: &Job) -> String {
    let Some(session) = job.sessions.last() else {
        return format!("{}: no worker has taken it yet", job.status.word());
    };
    let worker = with_brief_ids(session.worker.show().as_str());
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

/// Why no fleet takes a job that is NOT_COMPATIBLE: a head, a line for each step and fleet, and what to do.
pub fn not_compatible(job: &Job) -> Option<(&'static str, Vec<String>, &'static str)> {
    if job.status != JobStatus::NotCompatible {
        return None;
    }
    let lines = match &job.unmet {
        Some(Ok(all)) if all.is_empty() => vec![
            "of what its first steps ask for and the fleets say of their workers, nothing was seen to be missing; the queue may have no fleet"
                .to_owned(),
        ],
        Some(Ok(all)) => all.iter().map(Unmet::words).collect(),
        Some(Err(why)) => vec![format!("what its steps ask for was not read: {why}")],
        None => Vec::new(),
    };
    Some((
        if job.sessions.is_empty() {
            "No worker was asked: no fleet of the queue has what its steps ask for"
        } else {
            "No fleet of the queue has what some of its steps ask for"
        },
        lines,
        "give a fleet what is asked for, or let the step ask for less: its roles are the addon's settings, and a fleet's attributes \
         are in its configuration (fleet-attributes in `studiolink audit`)",
    ))
}

/// The same, as a page shows it.
pub fn told_not_compatible(job: &Job) -> Option<Told> {
    let (head, lines, fix) = not_compatible(job)?;
    Some(Told {
        about: Printable::default(),
        verdict: Verdict::Fail,
        message: head.into(),
        why: Some(lines.join(". ").into()),
        fix: Some(fix.into()),
    })
}

/// One line of what a job went through: a word, what, and how long it took.
pub type Row = (Cell, Printable, Printable);

/// From its queue to its end, with what is usual for each stage; `now`: when it was last looked at.
pub fn timeline(job: &Job, now: Option<Timestamp>) -> Vec<Row> {
    let mut rows = Vec::new();
    let taken = job.sessions.first().and_then(|s| s.started);
    let waits = taken.is_none() && !job.is_over();
    let word = match (job.status, job.could_not_be_made()) {
        (_, true) | (JobStatus::NotCompatible, _) => Cell::verdict(Verdict::Fail),
        _ if waits => running(),
        _ if taken.is_none() => Cell::toned(job.status.word(), Tone::Dim),
        _ => done(),
    };
    let what = if waits {
        format!(
            "{}: waits for a worker; one that has to be started usually takes 3 to 10 minutes",
            job.status.word()
        )
    } else if taken.is_none() {
        format!("{}: no worker took it", job.status.word())
    } else {
        "waited for a worker".to_owned()
    };
    let end = taken.or(job.ended).or(now);
    rows.push((word, what.into(), lasted(job.created, end)));
    for session in &job.sessions {
        let fleet = session.fleet.as_ref();
        let fleet = fleet.map(|f| format!(" of fleet {}", f.brief()));
        let worker = with_brief_ids(session.worker.show().as_str());
        let line = format!("{worker}{}", fleet.unwrap_or_default());
        let lasted = lasted(session.started, session.ended.or(now));
        let word = if session.ended.is_some() || job.is_over() {
            done()
        } else {
            running()
        };
        rows.push((word, line.into(), lasted));
        rows.extend(session.actions.iter().map(|a| row(a, now)));
    }
    rows
}

/// The workers of these fleets that were started after the job was sent and take no tasks yet, each in a line: what it waits for
/// while no worker has taken it.
pub fn starting<'a>(
    job: &Job,
    now: Timestamp,
    workers: impl Iterator<Item = (Printable, &'a Worker)>,
) -> Vec<String> {
    let age = job
        .created
        .map_or(0, |c| now.duration_since(c).as_secs() / 60);
    let line = |(fleet, worker): (Printable, &Worker)| {
        // It may have been started a moment before, for the same job.
        let minutes = worker.minutes.filter(|m| *m <= age + 1)?;
        let what = match (&worker.status, worker.script_end()) {
            (_, Some(end)) if end.exit != 0 => format!(
                "its host configuration script has ended with exit code {} ({})",
                end.exit, end.said
            ),
            (WorkerStatus::Created | WorkerStatus::Started, None)
                if worker.script_runs().is_some() =>
            {
                match worker.script_runs().unwrap_or_default() {
                    t if t.as_str().is_empty() => "its host configuration script runs".to_owned(),
                    t => format!("its host configuration script runs ({t})"),
                }
            }
            (WorkerStatus::Created, _) => {
                "AWS starts it, or its host configuration script runs".to_owned()
            }
            (WorkerStatus::Started, None) => {
                "it has started; a host configuration script may still run".to_owned()
            }
            (WorkerStatus::Started | WorkerStatus::Idle, _) => "it is ready".to_owned(),
            _ => return None,
        };
        let id = with_brief_ids(worker.id.show().as_str());
        let status = worker.status.word();
        Some(format!(
            "{id} of fleet {fleet} is {status} for {minutes} min: {what}"
        ))
    };
    workers.filter_map(line).collect()
}

/// What a job's sessions have written so far that is not a reading of the probe, printable and without secrets.
pub fn said(job: &Job) -> Vec<Printable> {
    let logs = job.sessions.iter().filter_map(|s| s.log.as_ref().ok());
    let lines = logs.flatten().map(Untrusted::raw);
    let lines = lines.filter(|l| !l.trim().is_empty() && !is_reading(l));
    lines
        .map(|l| Printable::short(without_log_secrets(l).trim_end(), 160))
        .collect()
}

fn running() -> Cell {
    Cell::toned("RUNNING", Tone::Strong)
}

fn done() -> Cell {
    Cell::toned("DONE", Tone::Good)
}

fn row(action: &SessionAction, now: Option<Timestamp>) -> Row {
    let word = match action.status.raw() {
        "SUCCEEDED" => done(),
        "RUNNING" => running(),
        _ if action.has_failed() => Cell::verdict(Verdict::Fail),
        other => Cell::toned(Printable::short(other, 20), Tone::Dim),
    };
    let usual = match (&action.what, action.ended) {
        (_, Some(_)) => "",
        (ActionKind::EnterEnvironment(_), None) => "; conda usually takes 1 to 5 minutes",
        (ActionKind::Task, None) => "; longer where AYON has to download first",
        _ => "",
    };
    let mut line = format!("  {}{usual}", action.words());
    if action.has_failed() {
        if let Some(code) = action.exit_code {
            let _ = write!(line, ": exit code {code}");
        }
        if let Some(message) = &action.message {
            let _ = write!(line, ": {}", Printable::short(message.raw(), 160));
        }
    }
    let end = action.ended.or(now);
    (word, line.into(), lasted(action.started, end))
}

/// `4 min 7 s`; nothing where it has not begun.
fn lasted(from: Option<Timestamp>, to: Option<Timestamp>) -> Printable {
    let (Some(from), Some(to)) = (from, to) else {
        return Printable::default();
    };
    let seconds = to.duration_since(from).as_secs().max(0);
    if seconds < 60 {
        format!("{seconds} s").into()
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60).into()
    }
}

/// The lines of all of a job's sessions, as far as their logs were read.
pub fn lines(job: &Job) -> Vec<String> {
    let logs = job.sessions.iter().filter_map(|s| s.log.as_ref().ok());
    logs.flatten().map(|l| l.raw().to_owned()).collect()
}

/// What the session that failed has written; of a job where none failed, the last.
pub fn failed_log(job: &Job) -> Result<Vec<String>, Problem> {
    let Some((session, _)) = job.failed() else {
        return Ok(Vec::new());
    };
    match &session.log {
        Ok(lines) => Ok(lines.iter().map(|l| l.raw().to_owned()).collect()),
        Err(why) => Err(Problem::new(
            ProblemKind::Unreached,
            format!("The log of session {} was not read", session.id.show()),
            why.as_str(),
            "save it from the monitor, and give it as a file",
        )),
    }
}

/// How often a job is looked at.
pub const LOOK: Duration = Duration::from_secs(5);
/// How often the fleets' workers are listed again while no worker has taken the job.
pub const WORKERS: Duration = Duration::from_mins(1);
/// So much later than its end a job's last lines are in its log, at the latest (inferred).
const LOG_DELAY: Duration = Duration::from_secs(30);
/// A job that nobody takes is explained after so long.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Is there nothing more to come of it? `over_for`: for how long it is over.
pub fn is_settled(job: &Job, over_for: Duration) -> bool {
    let fails = job.status != JobStatus::Succeeded;
    job.is_over() && (fails || over_for >= LOG_DELAY || Heard::of(job).whole)
}

/// What a job told so far; worked out once for each look at it, because a log may have many lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// As a page shows it; where it told nothing, what its log comes from.
    pub told: Vec<Told>,
    /// It told all that a probe tells.
    pub whole: bool,
    /// Would the same without the conda packages tell more? One fault hides what lies behind it.
    pub hides: bool,
    /// No worker has taken it yet.
    pub is_waiting: bool,
    /// The last lines of its log, while it runs.
    pub last: Vec<Printable>,
}

/// So many lines of a log that grows are shown.
const LAST_LINES: usize = 4;

impl Heard {
    pub fn of(job: &Job) -> Self {
        let lines = lines(job);
        let lines = || lines.iter().map(String::as_str);
        let read = readings(lines());
        let tell = |a: Assessment| Told {
            about: Printable::default(),
            verdict: a.verdict,
            message: a.message,
            why: a.why,
            fix: a.fix,
        };
        let mut told: Vec<Told> = read
            .iter()
            .filter_map(|r| r.assess(&read))
            .map(tell)
            .collect();
        told.sort_by_key(|t| t.verdict);
        let whole = is_whole(&read);
        let causes = if job.is_over() && !whole {
            explain(lines())
        } else {
            Vec::new()
        };
        let hides = causes.iter().any(|c| c.stage == Stage::Conda);
        told.extend(causes.into_iter().map(|cause| Told {
            about: Printable::default(),
            verdict: Verdict::Fail,
            message: cause.cause,
            why: Some(format!("line {}: {}", cause.line, cause.quote).into()),
            fix: Some(cause.fix),
        }));
        let is_waiting = job.sessions.is_empty() && !job.is_over();
        let last = if job.is_over() {
            Vec::new()
        } else {
            let mut all = said(job);
            all.split_off(all.len().saturating_sub(LAST_LINES))
        };
        Self {
            told,
            whole,
            hides,
            is_waiting,
            last,
        }
    }
}

/// Why nobody takes a job of the queue, as far as the studio shows it.
pub fn obstacles<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
    let own = |f: &&Finding| {
        matches!(f.verdict, Verdict::Fail | Verdict::Warn) && OF_WAITING.contains(&f.check)
    };
    findings
        .filter(own)
        .map(|f| format!("{} {}: {}", f.verdict.word(), f.name, f.message))
        .collect()
}

/// What is said of a job that waits for long where nothing shows why.
pub const NO_OBSTACLE: &str = "nothing in queue, fleets, workers and roles explains why no worker takes it: \
    one may still be starting, or the account's vCPU quota is used up, which no call tells (Service Quotas)";

/// The checks that say why a job waits.
pub const OF_WAITING: &[&str] = &[
    "queue-status",
    "queue-fleets",
    "fleet-status",
    "fleet-attributes",
    "fleet-workers",
    "fleet-role",
    "fleet-role-needs",
];

/// The jobs that a run has sent, each with its queue: a search of jobs may not know them yet.
pub fn sent(changes: &[Change]) -> Vec<(QueueKey, JobId)> {
    let job = |change: &Change| match &change.resource {
        AnyResource::ProbeJob(r) => Some((r.queue.clone(), r.job.clone()?)),
        _ => None,
    };
    changes.iter().filter_map(job).collect()
}
