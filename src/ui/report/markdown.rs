//! A run as Markdown, for a ticket: who, when, what, undo state.

use std::fmt::Write as _;

use super::diff::diff;
use crate::domain::text::Printable;
use crate::domain::time::{clock, day_and_clock};
use crate::engine::journal::{Came, Entry, Run, to_undo};

/// Text in a table or a line of Markdown: nothing of it may start markup of its own, nor a link, nor call somebody by name.
pub(super) fn plain(text: &str) -> String {
    let shown = Printable::new(text);
    let mut out = String::with_capacity(shown.as_str().len());
    let mut rest = shown.as_str().chars().peekable();
    while let Some(c) = rest.next() {
        let opens_address = c == ':' && rest.peek() == Some(&'/');
        if opens_address || "|`*_<>[]\\~&#".contains(c) {
            out.push('\\');
        }
        out.push(c);
        if c == '@' {
            // A space without a width: a reader sees none, and nobody is notified.
            out.push('\u{200b}');
        }
    }
    out
}

pub fn came(entry: &Entry) -> &'static str {
    match entry.came {
        None => "in doubt",
        Some(Came::Done) => "done",
        Some(Came::FoundDone) => "done (found so when it was read again)",
        Some(Came::NotDone) => {
            "no answer; not done when it was read again. It may yet be carried out: the next run and a rollback read it again"
        }
        Some(Came::Failed) => "failed, nothing changed",
        Some(Came::Moved) => "stopped: somebody else had changed it",
    }
}

/// In one phrase: what of the run still stands.
pub fn undo_state(run: &Run, all: &[Run]) -> String {
    let (done, open) = (run.done().count(), to_undo(run, all).len());
    match (run.header.undoes.as_deref(), done, open) {
        (Some(id), ..) => format!("undoes {id}"),
        (None, 0, _) if run.tries.iter().any(|t| t.open) => {
            "tried; a session may be open".to_owned()
        }
        (None, 0, _) if !run.tries.is_empty() => "tried, and changed nothing".to_owned(),
        (None, 0, _) => "changed nothing".to_owned(),
        (None, _, 0) => "undone".to_owned(),
        (None, done, open) if done == open => "can be undone".to_owned(),
        (None, done, open) => format!("{open} of {done} changes can be undone"),
    }
}

pub fn state(run: &Run) -> &'static str {
    let late = run.may_be_done_late().next().is_some();
    if run.tries.iter().any(|t| t.came.is_none()) {
        return "interrupted, what came of a try is not known";
    }
    match (run.in_doubt().next().is_some(), run.ended) {
        (true, _) => "interrupted, a change is in doubt",
        (false, true) if late => "ended, a call got no answer",
        (false, false) => "interrupted",
        (false, true) => "ended",
    }
}

pub fn run(run: &Run, all: &[Run]) -> String {
    let h = &run.header;
    let mut out = String::new();
    let _ = writeln!(out, "# studiolink run {}\n", plain(&h.id));
    let queues: Vec<String> = h.queues.iter().map(ToString::to_string).collect();
    let rows = [
        ("started", day_and_clock(h.started)),
        ("command", h.command.clone()),
        ("by", h.by.to_string()),
        ("AWS identity", h.caller.to_string()),
        ("account, region", format!("{}, {}", h.account, h.region)),
        (
            "endpoint",
            h.endpoint
                .as_ref()
                .map_or_else(|| "AWS".to_owned(), ToString::to_string),
        ),
        ("queues", queues.join(", ")),
        ("state", state(run).to_owned()),
        ("undo", undo_state(run, all)),
        ("studiolink", h.version.clone()),
    ];
    let _ = writeln!(out, "| | |\n|---|---|");
    for (label, value) in rows {
        let _ = writeln!(out, "| {label} | {} |", plain(&value));
    }
    for wait in &run.waits {
        let what = plain(wait.words.as_str());
        let came = match &wait.held {
            Some(why) => format!("held back: {}", plain(why.as_str())),
            None => "it could be read then".to_owned(),
        };
        let _ = writeln!(out, "\nWaited {} s, {what}: {came}", wait.seconds);
    }
    for it in &run.tries {
        let cut = if it.open {
            "the run was cut short: what came of it is not known; a session that it opened is ended on the way out where that was \
             possible, and may be open until it is idle for long enough"
        } else {
            "the run was cut short: what came of it is not known"
        };
        let came = it.came.as_ref().map_or(cut, Printable::as_str);
        let (n, words, at) = (it.n, plain(it.words.as_str()), clock(it.at));
        let _ = writeln!(out, "\n## {n}. Tried: {words}\n\n{at}, {}", plain(came));
        for call in &it.calls {
            let from = call.vantage.word();
            let _ = writeln!(out, "\nSeen from {from}: {}", plain(&call.line()));
        }
    }
    for entry in &run.entries {
        let _ = writeln!(
            out,
            "\n## {}. {} {}\n",
            entry.n,
            entry.change.operation(),
            plain(entry.change.words().as_str())
        );
        let _ = writeln!(
            out,
            "{}, {}. {}",
            clock(entry.at),
            came(entry),
            plain(entry.change.because.as_str())
        );
        if let Some(told) = &entry.told {
            let _ = writeln!(out, "\nThe call said: {}", plain(told.as_str()));
        }
        if let Some(call) = &entry.call {
            let _ = writeln!(
                out,
                "\nSeen from {}: {}",
                call.vantage.word(),
                plain(&call.line())
            );
        }
        let _ = writeln!(out, "\n````diff");
        for line in diff(&entry.change) {
            let _ = writeln!(out, "{}", line.whole());
        }
        let _ = writeln!(out, "````");
    }
    out
}

/// One line per run, for the list.
pub fn row(run: &Run, all: &[Run]) -> String {
    let h = &run.header;
    let queues: Vec<String> = h.queues.iter().map(|q| q.queue.brief()).collect();
    format!(
        "{}  {}  {}  {} {}  {}  {}  {}",
        h.id,
        day_and_clock(h.started),
        queues.join(","),
        h.account,
        h.region,
        match run.done().count() {
            1 => "1 change".to_owned(),
            many => format!("{many} changes"),
        },
        state(run),
        undo_state(run, all)
    )
}
