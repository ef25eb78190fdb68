//! The causes that a log shows, as text and as JSON, next to what the studio's checks say now.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::in_order;
use super::text::Ink;
use crate::domain::causes::{Explained, known};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::QueueKey;
use crate::domain::job::{Job, SessionAction};
use crate::domain::secrets::without_log_secrets;
use crate::domain::text::Printable;

/// The findings of the checks that look at the same thing.
fn related<'a>(cause: &Explained, findings: &'a [Finding]) -> Vec<&'a Finding> {
    let own = |f: &&Finding| cause.checks.iter().any(|c| c == f.check);
    in_order(findings.iter().filter(own))
}

/// What the checks say of the cause, as one word of JSON.
fn agreement(related: &[&Finding]) -> &'static str {
    let bad = |f: &&Finding| {
        matches!(
            f.verdict,
            Verdict::Fail | Verdict::Warn | Verdict::ToDo | Verdict::NotReached
        )
    };
    if related.iter().any(bad) {
        "confirmed"
    } else if related.iter().any(|f| f.verdict == Verdict::Ok)
        && !related
            .iter()
            .any(|f| matches!(f.verdict, Verdict::Unknown | Verdict::WorkerOnly))
    {
        "not-seen-now"
    } else {
        "unknown"
    }
}

pub fn as_json(causes: &[Explained], findings: Option<&[Finding]>) -> Value {
    let one = |cause: &Explained| {
        let related = findings.map(|all| related(cause, all));
        let mut value = json!(cause);
        value["studio"] = match &related {
            None => json!({ "says": "not-asked", "findings": [] }),
            Some(related) => json!({
                "says": agreement(related),
                "findings": super::json::findings(related.iter().copied()),
            }),
        };
        value
    };
    Value::Array(causes.iter().map(one).collect())
}

/// Does the line say that the process of an action, or a step of a queue environment, has failed?
pub fn says_that_it_failed(line: &str) -> bool {
    let code = line.split_once("exited with code: ").map(|(_, rest)| rest);
    code.is_some_and(|code| !code.starts_with('0')) || line.contains("openjd_fail:")
}

/// What the process that failed wrote last, for a person to read.
pub fn before_the_end(lines: &[String]) -> String {
    let ended = |line: &String| {
        let code = line.split_once("exited with code: ").map(|(_, rest)| rest);
        code.is_some_and(|code| !code.starts_with('0'))
    };
    let end = lines.iter().position(ended).unwrap_or(lines.len());
    let said = lines[..end].iter().rev().map(|l| l.trim());
    let said = said.filter(|l| !l.is_empty()).take(LAST_LINES);
    let said: Vec<String> = said
        .map(|l| format!("  {}", Printable::short(&without_log_secrets(l), 240)))
        .collect();
    let said: Vec<&str> = said.iter().rev().map(String::as_str).collect();
    format!("The last lines before it ended:\n{}", said.join("\n"))
}

const LAST_LINES: usize = 6;

/// Which job, and where it failed, before the causes.
pub fn job(queue: &QueueKey, job: &Job, ink: Ink) -> String {
    let mut text = format!(
        "{} {} in queue {}",
        ink.strong(job.name.show().as_str()),
        job.status.word(),
        queue.queue.brief()
    );
    if let Some(why) = &job.lifecycle_message {
        let _ = write!(text, "\n  {}: {}", job.lifecycle.show(), why.show());
    }
    let Some((session, action)) = job.failed() else {
        return text
            + "\n  no session of it ran: see the queue and its fleets in `studiolink audit`\n";
    };
    let fleet = session
        .fleet
        .as_ref()
        .map(|f| format!(" of fleet {}", f.brief()));
    let _ = write!(
        text,
        "\n  session {} on worker {}{}",
        session.id.show(),
        session.worker.show(),
        fleet.unwrap_or_default()
    );
    if let Some(action) = action {
        let _ = write!(
            text,
            "\n  {} while {}",
            action.status.show(),
            action.words()
        );
        if let Some(code) = action.exit_code {
            let _ = write!(text, ", exit code {code}");
        }
        if let Some(message) = &action.message {
            let said = without_log_secrets(message.raw());
            let _ = write!(text, ": {}", Printable::short(&said, 240));
        }
    }
    text.push('\n');
    text
}

pub fn job_as_json(queue: &QueueKey, job: &Job) -> Value {
    let failed = job.failed();
    let action = failed.and_then(|(_, action)| action);
    json!({
        "queue": queue,
        "name": job.name.show(),
        "status": job.status.word(),
        "unmet": super::probe::unmet(job),
        "session": failed.map(|(s, _)| s.id.show()),
        "worker": failed.map(|(s, _)| s.worker.show()),
        "fleet": failed.and_then(|(s, _)| s.fleet.clone()),
        "failed_while": action.map(SessionAction::words),
        "exit_code": action.and_then(|a| a.exit_code),
    })
}

/// What the studio's own checks say now of the cause: what is wrong by them, or that they see nothing of it.
pub fn studio_says(cause: &Explained, findings: &[Finding]) -> Vec<(Option<Verdict>, String)> {
    let related = related(cause, findings);
    match agreement(&related) {
        "confirmed" => {
            let bad = related.iter().filter(|f| f.verdict != Verdict::Ok);
            let words = |f: &&Finding| {
                let words = format!("{}: {} ({})", f.name, f.message, f.check);
                (Some(f.verdict), words)
            };
            bad.take(SHOWN).map(words).collect()
        }
        "not-seen-now" => {
            // Of a check that had nothing to look at nothing is said.
            let mut names: Vec<&str> = related.iter().map(|f| f.check).collect();
            names.dedup();
            let words = format!(
                "OK by {}: it was put right since, or differs on the worker",
                names.join(", ")
            );
            vec![(None, words)]
        }
        _ => vec![(None, "the studio's checks can't tell from here".to_owned())],
    }
}

/// So many findings of one cause are shown; all of them are in the JSON.
const SHOWN: usize = 3;

pub fn text(causes: &[Explained], lines: usize, findings: Option<&[Finding]>, ink: Ink) -> String {
    if causes.is_empty() {
        let as_of = &known().as_of;
        return format!(
            "Nothing in these {lines} lines is a known cause (as of {as_of}); that does not say that the job was right"
        );
    }
    let mut text = String::new();
    for (at, cause) in causes.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let label = format!("{}. ", at + 1);
        let words = format!("{} ({})", cause.cause, cause.stage.word());
        let _ = writeln!(text, "{}", ink.folded(&label, label.len(), &words));
        let more = match cause.lines {
            1 => String::new(),
            n => format!(", and {} more", n - 1),
        };
        let quote = format!("{}{more}: {}", cause.line, cause.quote);
        let from = format!("{} ({})", cause.source, cause.id);
        for (label, words) in [
            ("line", &quote),
            ("fix ", &cause.fix.to_string()),
            ("from", &from),
        ] {
            let label = format!("  {label}  ");
            let _ = writeln!(text, "{}", ink.folded(&label, label.len(), words));
        }
        for (verdict, words) in findings
            .map(|all| studio_says(cause, all))
            .unwrap_or_default()
        {
            let _ = match verdict {
                Some(verdict) => writeln!(text, "  now   {}  {words}", ink.verdict(verdict)),
                None => writeln!(text, "{}", ink.folded("  now   ", 8, &words)),
            };
        }
    }
    text.trim_end().to_owned()
}
