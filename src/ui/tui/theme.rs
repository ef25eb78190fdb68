//! Colours repeat what the words say; without them nothing is lost.

use ratatui::style::{Color, Modifier, Style};

use crate::ui::report::diff::LineKind;
use crate::ui::screen::Tone;

#[derive(Debug, Clone, Copy)]
pub struct Theme {
    pub colour: bool,
}

impl Theme {
    fn fg(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    pub fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
            // Colour 8 can't be read on several palettes; dim is the terminal's own affair.
            Tone::Dim if self.colour => Style::new().add_modifier(Modifier::DIM),
            Tone::Dim => Style::new(),
            Tone::Good => self.fg(Color::Green),
            Tone::Doubtful => self.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Tone::Bad => self.fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    /// The one accent, for what has the focus.
    pub fn focus(self) -> Style {
        self.fg(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// What a search has found.
    pub fn found(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn line(self, kind: LineKind) -> Style {
        match kind {
            LineKind::Hunk => self.fg(Color::Cyan),
            LineKind::Context => Style::new(),
            LineKind::Removed => self.fg(Color::Red),
            LineKind::Added => self.fg(Color::Green),
        }
    }
}

/// The tone of a state word, as steps and lists use them.
pub(super) fn of_word(word: &str) -> Tone {
    match word {
        "OK" | "DONE" => Tone::Good,
        "WARN" | "UNKNOWN" | "IN DOUBT" => Tone::Doubtful,
        "FAIL" | "NOT DONE" => Tone::Bad,
        "TO DO" | "RUNNING" => Tone::Strong,
        _ => Tone::Dim,
    }
}
