//! What is still there when the screen is gone.

use super::model::Model;
use super::report::ending;
use crate::engine::workflow::Phase;

/// How a run is undone, behind its id.
pub fn undo_words(model: &Model, run: &str) -> String {
    match &model.undo_flags {
        Some(flags) => format!("; undo: studiolink rollback {run}{flags}"),
        None => "; it ends with this sandbox, which --sandbox-state FILE would keep".to_owned(),
    }
}

/// What should still be there when the screen is gone: what was applied, how to undo it, what is left to do.
pub fn farewell(model: &Model) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(run) = model.earlier.as_ref().and_then(|a| a.run.as_ref()) {
        lines.push(format!(
            "applied before: run {run}{}",
            undo_words(model, run)
        ));
    }
    match model.phase() {
        Phase::Verifying { applied, .. } => {
            let mut plan = model.plan().clone();
            plan.changes = model.progress.iter().map(|(c, _)| c.clone()).collect();
            lines.push(ending::headline(&plan, Some(applied), model.findings()).1);
            for change in &applied.done {
                lines.push(format!("DONE  {}  {}", change.operation(), change.words()));
            }
            if applied.stop.is_some() {
                let words =
                    "stopped before the end; run the same command again to see why and to resume";
                lines.push(words.to_owned());
            }
            if !model.manual_steps().is_empty() {
                lines.push("Manual steps".to_owned());
            }
            for (n, step) in model.manual_steps().iter().enumerate() {
                lines.push(format!("{}  for {}: {}", n + 1, step.for_whom, step.what));
                lines.extend(step.paste.iter().map(|l| format!("       {l}")));
            }
            if let (Some(Ok(())), Some(file)) = (&model.saved, &model.file) {
                lines.push(format!("saved {file}"));
            }
            if model.sandbox && model.file.is_none() {
                let words = "the sandbox wrote no studiolink.toml; --studio FILE keeps one";
                lines.push(words.to_owned());
            }
            lines.push(ending::not_confirmed(model.findings()));
            if let Some(run) = &applied.run {
                lines.push(format!("run {run}{}", undo_words(model, run)));
                if !model.sandbox {
                    lines.push(ending::JOURNAL.replace("RUN", run));
                }
            }
        }
        Phase::Applying => lines.push("stopped; run the same command again to resume".to_owned()),
        Phase::Refused(problem) => lines.push(format!("{}: {}", problem.doing, problem.because)),
        Phase::Observing if model.earlier.is_some() => {}
        Phase::Observing => lines.push("nothing was changed".to_owned()),
    }
    lines.join("\n")
}
