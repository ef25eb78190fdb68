//! Data to stdout, talk to stderr. A reader that has gone away is not our error.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use super::args::Args;
use crate::derived::names::names;
use crate::domain::finding::Finding;
use crate::domain::redact::{Kind, Redactor};
use crate::domain::text::Printable;
use crate::questions::Snapshot;
use crate::ui::report::text::Ink;

/// With --redact nothing is printed before all names are known that it leaves out.
static REDACTED: Mutex<Option<Redacted>> = Mutex::new(None);

#[derive(Default)]
struct Redacted {
    redactor: Redactor,
    held: Vec<(Stream, String)>,
}

#[derive(Clone, Copy)]
enum Stream {
    Data,
    Talk,
}

fn redacted<T>(of: impl FnOnce(&mut Option<Redacted>) -> T) -> T {
    of(&mut REDACTED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// From now on everything is held back until `flush`.
pub(super) fn redact() {
    redacted(|all| *all = Some(Redacted::default()));
}

/// The names that this snapshot tells are left out from now on.
pub(super) fn leaves_out(snapshot: &Snapshot) {
    redacted(|all| {
        // Collected only where they are needed.
        if let Some(all) = all {
            all.redactor.know_all(names(snapshot));
        }
    });
}

/// The names of the studio file, and of flags: also of what fails before anything is read.
pub(super) fn leaves_out_names(list: Vec<(Kind, String)>) {
    redacted(|all| {
        if let Some(all) = all {
            all.redactor.know_all(list);
        }
    });
}

/// A finding without names, for a form in which they would be written otherwise. As it is where nothing is to be left out.
pub(super) fn shared(finding: &Finding) -> Cow<'_, Finding> {
    redacted(|all| {
        let Some(all) = all else {
            return Cow::Borrowed(finding);
        };
        let mut own = finding.clone();
        let mut mask = |text: &mut Printable| *text = all.redactor.mask(text.as_str()).into();
        mask(&mut own.name);
        mask(&mut own.message);
        let more = [&mut own.item, &mut own.why, &mut own.fix];
        more.into_iter().flatten().for_each(&mut mask);
        own.details.iter_mut().for_each(&mut mask);
        for evidence in &mut own.evidence {
            mask(&mut evidence.what);
            let mut calls = evidence.calls.to_vec();
            for call in &mut calls {
                mask(&mut call.about);
            }
            evidence.calls = calls.into();
        }
        Cow::Owned(own)
    })
}

/// Prints what was held back.
pub(super) fn flush() {
    let held = redacted(|all| {
        let Some(all) = all else { return Vec::new() };
        let held = std::mem::take(&mut all.held);
        let mut masked = Vec::new();
        for (to, text) in held {
            let document = text
                .starts_with('{')
                .then(|| serde_json::from_str::<serde_json::Value>(&text).ok());
            let text = match document.flatten() {
                Some(mut document) => {
                    all.redactor.mask_json(&mut document);
                    document.to_string()
                }
                None => all.redactor.mask(&text),
            };
            masked.push((to, text));
        }
        masked
    });
    for (to, text) in held {
        match to {
            Stream::Data => print(&text),
            Stream::Talk => say(&text),
        }
    }
}

/// Is it held back?
fn held(to: Stream, text: &str) -> bool {
    redacted(|all| {
        let all = all.as_mut();
        all.map(|all| all.held.push((to, text.to_owned())))
            .is_some()
    })
}

pub(super) fn data(text: &str) {
    if !held(Stream::Data, text) {
        print(text);
    }
}

pub(super) fn talk(text: &str) {
    if !held(Stream::Talk, text) {
        say(text);
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

pub(super) fn wants_colour(args: &Args, terminal: bool) -> bool {
    terminal
        && !args.no_color
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::env::var("TERM").as_deref() != Ok("dumb")
}

pub(super) fn ink(args: &Args) -> Ink {
    let terminal = std::io::stdout().is_terminal();
    Ink {
        colour: wants_colour(args, terminal),
        // A name that is folded at its spaces would not be found again.
        width: (terminal && !args.redact)
            .then(crate::ui::tui::columns)
            .flatten(),
    }
}

/// Several lines, each made printable.
pub(super) fn lines(text: &str) -> String {
    text.lines()
        .map(|l| Printable::new(l).to_string())
        .collect::<Vec<_>>()
        .join("\n")
}
