//! What a probe told from its worker, as text and as JSON, next to what is seen of the same hops from here.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::Ink;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::Job;
use crate::domain::probe_reading::{Reading, is_whole};
use crate::domain::step_needs::Unmet;
use crate::domain::text::Untrusted;

/// The check that looks at the same hop from here.
fn from_here<'a>(reading: &Reading, here: &[&'a Finding]) -> Option<&'a Finding> {
    let check = match reading.name.as_str() {
        "dns" => "server-name",
        "tcp" => "server-port",
        "tls" => "server-certificate",
        "info" => "server-info",
        "key" => "server-key",
        _ => return None,
    };
    let own = here.iter().filter(|f| f.check == check);
    own.min_by_key(|f| f.verdict).copied()
}

fn ran_on(job: &Job) -> String {
    let session = job.sessions.last();
    session.map_or_else(
        || "no worker took it".to_owned(),
        |s| {
            let fleet = s.fleet.as_ref().map(|f| format!(" of fleet {}", f.brief()));
            format!("{}{}", s.worker.show(), fleet.unwrap_or_default())
        },
    )
}

/// Why no fleet takes the job; `None`: that is not said of it.
pub fn not_compatible(job: &Job, ink: Ink) -> Option<String> {
    let (head, lines, fix) = crate::ui::probing::not_compatible(job)?;
    let mut text = format!("  {}  {head}\n", ink.verdict(Verdict::Fail));
    for line in lines {
        let _ = writeln!(text, "{}", ink.folded("    why   ", 10, &line));
    }
    let _ = writeln!(text, "{}", ink.folded("    fix   ", 10, fix));
    Some(text)
}

pub fn text(
    (queue, id): (&QueueKey, &JobId),
    job: &Job,
    readings: &[Reading],
    here: &[&Finding],
    ink: Ink,
) -> String {
    let head = format!("Worker {}", ran_on(job));
    let mut text = format!(
        "{}\n  seen from the worker, by job {id} in queue {}: {}\n",
        ink.strong(&head),
        queue.queue.brief(),
        job.status.word()
    );
    if job.could_not_be_made() {
        let why = job.lifecycle_message.as_ref().map(Untrusted::show);
        let _ = writeln!(
            text,
            "  {}  Deadline Cloud did not take the job: {}",
            ink.verdict(Verdict::Fail),
            why.unwrap_or_else(|| "it says no reason".into())
        );
    }
    if let Some(lines) = not_compatible(job, ink) {
        text.push_str(&lines);
    }
    for session in &job.sessions {
        if let Err(why) = &session.log {
            let _ = writeln!(
                text,
                "  {}  The log of {} was not read: {why}",
                ink.verdict(Verdict::Unknown),
                session.id.show()
            );
        }
    }
    for reading in readings {
        let Some(assessment) = reading.assess(readings) else {
            continue;
        };
        let label = format!("  {}  ", ink.verdict(assessment.verdict));
        let columns = assessment.verdict.word().len() + 4;
        let _ = writeln!(
            text,
            "{}",
            ink.folded(&label, columns, assessment.message.as_str())
        );
        if let Some(why) = &assessment.why {
            let _ = writeln!(text, "{}", ink.folded("    why   ", 10, why.as_str()));
        }
        if let Some(fix) = &assessment.fix {
            let _ = writeln!(text, "{}", ink.folded("    fix   ", 10, fix.as_str()));
        }
        // That both say the same needs no line.
        if let Some(here) = from_here(reading, here).filter(|h| h.verdict != assessment.verdict) {
            let words = format!("{}: {}", here.verdict.word(), here.message);
            let _ = writeln!(text, "{}", ink.folded("    here  ", 10, &words));
        }
    }
    if !is_whole(readings) {
        let words = match (job.is_over(), readings.is_empty()) {
            (false, _) => "the job is not over: more may come",
            (true, true) => {
                "the probe told nothing: it did not come to its script, or its log was not read"
            }
            (true, false) => {
                "the probe did not come to its end, or its last lines are missing in the log"
            }
        };
        let _ = writeln!(text, "  {}  {words}", ink.verdict(Verdict::Unknown));
    }
    text
}

/// What each fleet lacks for each step, as `explain --job` has it too; null where the job is not NOT_COMPATIBLE.
pub fn unmet(job: &Job) -> Value {
    let one =
        |u: &Unmet| json!({ "step": u.step.show(), "fleet": u.fleet.show(), "lacks": u.lacks });
    match &job.unmet {
        Some(Ok(all)) => all.iter().map(one).collect(),
        Some(Err(why)) => json!({ "unread": why }),
        None => Value::Null,
    }
}

pub fn as_json(
    (queue, id): (&QueueKey, &JobId),
    job: &Job,
    readings: &[Reading],
    here: &[&Finding],
) -> Value {
    let reading = |r: &Reading| {
        let assessment = r.assess(readings)?;
        Some(json!({
            "reading": r.name,
            "verdict": assessment.verdict.id(),
            "code": assessment.code,
            "message": assessment.message,
            "why": assessment.why,
            "fix": assessment.fix,
            "from_here": from_here(r, here).map(|f| f.verdict.id()),
        }))
    };
    let session = job.sessions.last();
    json!({
        "queue": queue,
        "job": id,
        "status": job.status.word(),
        "unmet": unmet(job),
        "whole": is_whole(readings),
        "fleet": session.and_then(|s| s.fleet.clone()),
        "worker": session.map(|s| s.worker.show()),
        "log_read": job.sessions.iter().all(|s| s.log.is_ok()),
        "readings": readings.iter().filter_map(reading).collect::<Vec<_>>(),
    })
}
