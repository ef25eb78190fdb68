//! Roll back: the changes that restore what a run found, and what AWS can't restore.

use super::journal::{Journals, Run, late, to_undo};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::resources::Change;

/// The run to undo: the one that is named, or the last that has something to undo; `None`: none has. A journal that can't be read hides what
/// its run did, so nothing newer than it is chosen without its name.
pub fn chosen<'a>(journals: &'a Journals, named: Option<&str>) -> Result<Option<&'a Run>, Problem> {
    let runs = &journals.runs;
    if let Some(id) = named {
        let unreadable = journals.unreadable.iter().find(|(other, _)| other == id);
        if let Some((_, why)) = unreadable {
            return Err(Problem::new(
                ProblemKind::Invalid,
                format!("Run {} can't be undone", Printable::short(id, 60)),
                format!("its journal can't be read: {why}"),
                "undo it with the version of studiolink that wrote it, or by hand; the journal holds the old texts",
            ));
        }
        let run = runs.iter().find(|r| r.header.id == id);
        return run.map(Some).ok_or_else(|| {
            Problem::new(
                ProblemKind::Missing,
                format!("There is no run {}", Printable::short(id, 60)),
                "no journal of that name is kept on this machine",
                "`studiolink runs` lists them",
            )
        });
    }
    if let Some((id, why)) = journals.unreadable.last() {
        return Err(Problem::new(
            ProblemKind::Invalid,
            "Nothing is undone: which run was the last is not known",
            format!(
                "the journal of run {} can't be read: {why}",
                Printable::short(id, 60)
            ),
            "name the run to undo: `studiolink runs` lists them",
        ));
    }
    let open = |r: &&Run| {
        let unsure = r.in_doubt().next().is_some() || late(r, runs).next().is_some();
        r.header.undoes.is_none() && (!to_undo(r, runs).is_empty() || unsure)
    };
    Ok(runs.iter().rev().find(open))
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
