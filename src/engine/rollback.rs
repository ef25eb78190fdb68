//! Roll back: the changes that put back what a run found, and what AWS can't put back.

use super::journal::{Run, to_undo};
use crate::domain::change::Change;
use crate::domain::problem::{Problem, ProblemKind};

/// The run to undo: the one that is named, or the last that has something to undo.
pub fn chosen<'a>(runs: &'a [Run], named: Option<&str>) -> Result<&'a Run, Problem> {
    match named {
        Some(id) => runs.iter().find(|r| r.header.id == id).ok_or_else(|| {
            let shown = crate::domain::text::Printable::short(id, 60);
            Problem::new(
                ProblemKind::Missing,
                format!("There is no run {shown}"),
                "no journal of that name is kept on this machine",
                "`studiolink runs` lists them",
            )
        }),
        None => runs
            .iter()
            .rev()
            .find(|r| {
                r.header.undoes.is_none()
                    && (!to_undo(r, runs).is_empty() || r.in_doubt().next().is_some())
            })
            .ok_or_else(|| {
                Problem::new(
                    ProblemKind::Missing,
                    "There is nothing to undo",
                    "no run on this machine has a change that was not undone",
                    "`studiolink runs` lists the runs",
                )
            }),
    }
}

/// What stays as it is even so, to be said before it begins.
pub fn cannot_undo<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<&'static str> {
    let mut said: Vec<&'static str> = Vec::new();
    for words in changes.into_iter().filter_map(Change::cannot_undo) {
        if !said.contains(&words) {
            said.push(words);
        }
    }
    said
}
