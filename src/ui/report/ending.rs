//! The end of a run, the same in every mode: the verdict first, what no worker has confirmed, and how to undo.

use crate::domain::call::Vantage;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::engine::Progress;
use crate::engine::apply::{Applied, Stop};
use crate::engine::workflow::IAM_PATIENCE;
use crate::resources::Plan;

/// What a run waits for, where it waits.
pub fn waiting(progress: &Progress) -> Option<Printable> {
    match progress {
        Progress::WaitingFor(words) => Some(words.clone()),
        Progress::WaitingForIam { seconds, most } if most * 1_000 <= IAM_PATIENCE => Some(
            format!("IAM is propagating the change: tried as the queue role for {seconds} s of at most {most} s").into(),
        ),
        Progress::WaitingForIam { seconds, most } => Some(
            format!("waiting for the bucket's owner to grant the role access: tried as the queue role for {seconds} s of at most {most} s").into(),
        ),
        _ => None,
    }
}

/// In one sentence: what was applied, and what remains.
pub fn headline(plan: &Plan, applied: Option<&Applied>, findings: &[Finding]) -> (Verdict, String) {
    let all = plan.changes.len();
    let made = applied.map_or(0, |a| all.saturating_sub(a.left));
    let held = applied.map_or(0, |a| a.held.len());
    let stop = applied.and_then(|a| a.stop.as_ref());
    let changes = if all == 1 { "change" } else { "changes" };
    let what = match (all, stop) {
        (0, _) if !plan.refused.is_empty() => "Nothing could be applied".to_owned(),
        (0, _) if !plan.unread.is_empty() => "Nothing to change in what could be read".to_owned(),
        (0, _) => "Nothing to change".to_owned(),
        (_, Some(Stop::Interrupted)) => format!("Stopped: applied {made} of {all} {changes}"),
        (_, Some(_)) => format!("Stopped at a problem: applied {made} of {all} {changes}"),
        (_, None) if held > 0 => format!("Applied {made} of {all} {changes}, {held} held back"),
        (_, None) => format!("Applied {made} of {all} {changes}"),
    };
    let count = |verdicts: &[Verdict]| {
        findings
            .iter()
            .filter(|f| verdicts.contains(&f.verdict))
            .count()
    };
    let problems = count(&[Verdict::Fail, Verdict::ToDo]);
    let unknown = count(&[Verdict::Unknown, Verdict::NotReached]) + plan.unread.len();
    let warnings = count(&[Verdict::Warn]);
    let mut rest = Vec::new();
    let mut say = |n: usize, one: &str, many: &str| {
        if n > 0 {
            rest.push(if n == 1 {
                format!("1 {one}")
            } else {
                format!("{n} {many}")
            });
        }
    };
    say(problems, "problem remains", "problems remain");
    say(
        unknown,
        "thing could not be checked",
        "things could not be checked",
    );
    say(warnings, "warning", "warnings");
    let verdict = match (
        stop,
        problems + plan.refused.len() + held,
        unknown,
        warnings,
    ) {
        (Some(_), ..) => Verdict::Fail,
        (None, 0, 0, 0) => Verdict::Ok,
        (None, 0, 0, _) => Verdict::Warn,
        (None, 0, _, _) => Verdict::Unknown,
        (None, ..) => Verdict::Fail,
    };
    if !findings.is_empty() && rest.is_empty() {
        rest.push("no problem found".to_owned());
    }
    rest.insert(0, what);
    (verdict, rest.join(", "))
}

/// What was only read or tried from here, where a worker alone could tell.
pub fn not_confirmed(findings: &[Finding]) -> String {
    let of_worker = findings
        .iter()
        .filter(|f| f.verdict == Verdict::WorkerOnly)
        .count();
    let by_worker = |f: &&Finding| matches!(f.vantage, Vantage::Worker(_));
    if of_worker == 0 && findings.iter().any(|f| by_worker(&f)) {
        return "A worker has told what it sees: see the findings that name its job".to_owned();
    }
    let things = match of_worker {
        0 => String::new(),
        1 => " (1 check is WORKER ONLY)".to_owned(),
        n => format!(" ({n} checks are WORKER ONLY)"),
    };
    format!(
        "Still open: no worker has confirmed this yet{things}: `studiolink probe` asks one, which is billed where AWS runs it"
    )
}

/// Is it to be shown where what is fine is folded away? What was tried as the queue role is what the run was made for.
pub fn is_shown(finding: &Finding) -> bool {
    match finding.verdict {
        Verdict::Ok => is_proof(finding),
        Verdict::WorkerOnly => false,
        _ => true,
    }
}

fn is_proof(finding: &Finding) -> bool {
    finding.vantage.is_queue_role()
}

/// What the journal's place means.
pub const JOURNAL: &str = "its journal is on this machine, and only from here can it be undone; `studiolink runs RUN --export FILE` carries it over";
