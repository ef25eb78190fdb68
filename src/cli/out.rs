//! Data to stdout, talk to stderr. A reader that has gone away is not our error.

use std::io::{IsTerminal as _, Write as _};

use super::args::Args;
use crate::domain::text::Printable;
use crate::ui::report::text::Ink;

pub(super) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

pub(super) fn talk(text: &str) {
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
        width: terminal.then(crate::ui::tui::columns).flatten(),
    }
}

/// Several lines, each made printable.
pub(super) fn lines(text: &str) -> String {
    text.lines()
        .map(|l| Printable::new(l).to_string())
        .collect::<Vec<_>>()
        .join("\n")
}
