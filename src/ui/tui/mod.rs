//! The full screen: a `Screen` drawn with ratatui. Only this folder names ratatui and crossterm.
//!
//! ```text
//! header    studiolink   profile · region · farm / queue          3 of 7
//! steps     1 OK  2 OK ▸3 Channels WARN ...      (a column at the left where there is room)
//! page      the step                             (live checks at the right where there is room)
//! status    what is under way, or a note
//! keys      the keys that work now
//! ```

mod app;
mod draw;
mod focus;
mod keymap;
mod overlay;
mod page;
mod terminal;
mod theme;

pub use app::{App, run};
pub use keymap::Input;
pub use terminal::{Guard, install_panic_hook};
pub use theme::Theme;

#[cfg(test)]
mod tests;

/// How wide the terminal is, where there is one.
pub fn columns() -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(usize::from(columns))
}
