//! Keys to inputs; the help page is made from the same table.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Tab,
    BackTab,
    Enter,
    Escape,
    Backspace,
    Delete,
    /// Clears the field.
    Clear,
    Char(char),
    Interrupt,
    Suspend,
    Redraw,
}

pub(super) fn input(key: KeyEvent) -> Option<Input> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('c') if control => Input::Interrupt,
        KeyCode::Char('z') if control => Input::Suspend,
        KeyCode::Char('l') if control => Input::Redraw,
        KeyCode::Char('u') if control => Input::Clear,
        KeyCode::Char(_) if control || alt => return None,
        KeyCode::Char(c) => Input::Char(c),
        KeyCode::Up => Input::Up,
        KeyCode::Down => Input::Down,
        KeyCode::Left => Input::Left,
        KeyCode::Right => Input::Right,
        KeyCode::Home => Input::Home,
        KeyCode::End => Input::End,
        KeyCode::PageUp => Input::PageUp,
        KeyCode::PageDown => Input::PageDown,
        KeyCode::Tab => Input::Tab,
        KeyCode::BackTab => Input::BackTab,
        KeyCode::Enter => Input::Enter,
        KeyCode::Esc => Input::Escape,
        KeyCode::Backspace => Input::Backspace,
        KeyCode::Delete => Input::Delete,
        _ => return None,
    })
}

/// What works on every page, for the help.
pub(super) const EVERYWHERE: &[(&str, &str)] = &[
    ("↑ ↓", "move in a list; scroll where there is none"),
    ("PgUp PgDn", "a page up or down"),
    ("Home End", "the first row or line, the last one"),
    ("Tab", "next list, field or choice; then the page itself"),
    ("← →", "change a choice; move in a field"),
    ("Enter", "pick the row, take the field, or go on"),
    (
        "Esc",
        "close details, a field, this help, or a page that home opened",
    ),
    ("[ ]", "the step before, the step after; or its digit"),
    ("d", "details: every finding of this step with its evidence"),
    ("l", "the call log"),
    ("/ n N", "in details and the log: search, next, previous"),
    (
        "c",
        "copy a value or command of the page; again for the next",
    ),
    (
        "mouse",
        "the wheel scrolls, a click chooses; with Shift the terminal selects",
    ),
    ("?", "this help"),
    ("q", "quit (twice where something would be lost)"),
    (
        "Ctrl-C",
        "quit at once; while changes are made, stop after the current call",
    ),
    ("Ctrl-U", "empty the field"),
    ("Ctrl-Z", "suspend; `fg` comes back"),
];
