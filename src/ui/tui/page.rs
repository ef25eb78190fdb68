//! A `Screen` as lines of a width: folded, aligned, with the line that has the focus. Any width from 1 works.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::focus::{Focus, Target};
use super::theme::Theme;
use crate::domain::text::Printable;
use crate::ui::screen::{Block, Cell, Choice, Field, List, Part, Screen, Told, Tone, fold};

pub(super) struct Page {
    pub lines: Vec<Line<'static>>,
    /// First and last line of what has the focus.
    pub focus: Option<(usize, usize)>,
    /// Column and line of the text cursor.
    pub cursor: Option<(usize, usize)>,
    /// What a click means, by line and column of the page.
    pub hits: Vec<Hit>,
}

pub(super) struct Hit {
    pub line: usize,
    pub from: usize,
    pub to: usize,
    pub what: Target,
}

struct Writer<'a> {
    page: Page,
    width: usize,
    theme: Theme,
    focus: &'a Focus,
}

pub(super) fn page(screen: &Screen, width: usize, theme: Theme, focus: &Focus) -> Page {
    let mut writer = Writer {
        page: Page {
            lines: Vec::new(),
            focus: None,
            cursor: None,
            hits: Vec::new(),
        },
        width: width.max(1),
        theme,
        focus,
    };
    writer.title(screen);
    for block in &screen.blocks {
        writer.block(block);
    }
    writer.page
}

fn cut(text: &str, width: usize) -> String {
    Printable::short(text, width).to_string()
}

fn pad(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let used = text.width();
    format!("{text}{}", " ".repeat(width.saturating_sub(used)))
}

impl Writer<'_> {
    fn push(&mut self, spans: Vec<Span<'static>>) {
        self.page.lines.push(Line::from(spans));
    }

    fn text(&mut self, indent: usize, label: (&str, Style), text: &str, style: Style) {
        let hang = indent + label.0.width();
        let room = self.width.saturating_sub(hang).max(1);
        for (i, line) in fold(text, room).into_iter().enumerate() {
            if i == 0 {
                self.push(vec![
                    Span::raw(" ".repeat(indent.min(self.width))),
                    Span::styled(label.0.to_owned(), label.1),
                    Span::styled(line, style),
                ]);
            } else {
                self.push(vec![
                    Span::raw(" ".repeat(hang.min(self.width))),
                    Span::styled(line, style),
                ]);
            }
        }
    }

    fn title(&mut self, screen: &Screen) {
        let strong = self.theme.tone(Tone::Strong);
        let dim = self.theme.tone(Tone::Dim);
        let (title, note) = (screen.title.as_str(), screen.note.as_str());
        if title.width() + note.width() + 4 <= self.width {
            let gap = self.width - title.width() - note.width() - 2;
            self.push(vec![
                Span::raw(" "),
                Span::styled(title.to_owned(), strong),
                Span::raw(" ".repeat(gap)),
                Span::styled(note.to_owned(), dim),
            ]);
        } else {
            self.text(1, ("", Style::new()), title, strong);
            if !note.is_empty() {
                self.text(1, ("", Style::new()), note, dim);
            }
        }
        self.push(Vec::new());
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Text(cell) => self.cell(cell),
            Block::Blank => self.push(Vec::new()),
            Block::Heading(text) => self.text(
                1,
                ("", Style::new()),
                text.as_str(),
                self.theme.tone(Tone::Strong),
            ),
            Block::Paste(text) => self.paste(text.as_str()),
            Block::PasteLines(lines) => lines.iter().for_each(|l| self.paste(l.as_str())),
            Block::List(list) => self.list(list),
            Block::Field(field) => self.field(field),
            Block::Choice(choice) => self.choice(choice),
            Block::Findings(list) => self.findings(list),
            Block::Diff { lines, wrap } => self.diff(lines, *wrap),
            Block::Picture(parts) => self.picture(parts),
            Block::Progress(rows) => self.progress(rows),
        }
    }

    /// Where a state is said first, its word alone is coloured: colours are hard to read as text on many palettes.
    fn cell(&mut self, cell: &Cell) {
        let (text, style) = (cell.text.as_str(), self.theme.tone(cell.tone));
        let coloured = matches!(cell.tone, Tone::Good | Tone::Doubtful | Tone::Bad);
        match text.split_once("  ") {
            Some((word, rest)) if coloured && word.width() <= 14 => {
                let label = format!("{word}  ");
                self.text(1, (&label, style), rest.trim_start(), Style::new());
            }
            // A label in front, set apart by spaces: what folds stays under what follows it.
            Some(("", rest)) if rest.trim_start().contains("  ") => {
                let rest = rest.trim_start();
                let lead = text.len() - rest.len();
                let (word, words) = rest.split_once("  ").unwrap_or((rest, ""));
                let gap = rest.len() - word.len() - words.trim_start().len();
                let label = format!("{word}{}", " ".repeat(gap));
                self.text(1 + lead, (&label, style), words.trim_start(), style);
            }
            _ if coloured => self.text(1, ("", style), text, self.theme.tone(Tone::Strong)),
            _ => self.text(1, ("", style), text, style),
        }
    }

    fn hit(&mut self, from: usize, to: usize, what: Target) {
        let line = self.page.lines.len();
        self.page.hits.push(Hit {
            line,
            from,
            to,
            what,
        });
    }

    /// To be copied: its own spaces stay, and only what is too long for the line goes on in the next.
    fn paste(&mut self, text: &str) {
        let own = text.len() - text.trim_start().len();
        let lead = (5 + own).min(self.width.saturating_sub(10));
        let style = self.theme.tone(Tone::Strong);
        self.text(lead, ("", Style::new()), text.trim_start(), style);
    }

    fn findings(&mut self, list: &[Told]) {
        let dim = self.theme.tone(Tone::Dim);
        let mut about = "";
        for told in list {
            if told.about.as_str() != about {
                about = told.about.as_str();
                self.text(1, ("", Style::new()), about, self.theme.tone(Tone::Strong));
            }
            let word = format!("{:<12}", told.verdict.word());
            self.text(
                1,
                (&word, self.theme.tone(told.verdict.into())),
                told.message.as_str(),
                Style::new(),
            );
            for (label, text) in [("why   ", &told.why), ("fix   ", &told.fix)] {
                if let Some(text) = text {
                    self.text(3, (label, dim), text.as_str(), Style::new());
                }
            }
        }
    }

    fn diff(&mut self, lines: &[crate::ui::report::diff::DiffLine], wrap: bool) {
        for line in lines {
            let style = self.theme.line(line.kind);
            let sign = format!("{} ", line.kind.sign());
            let room = self.width.saturating_sub(5).max(1);
            if wrap && line.text.columns() > room {
                // Spaces at the front are part of what is written: they stay.
                let text = line.text.as_str();
                let indent = text.len() - text.trim_start().len();
                let parts = fold(text.trim_start(), room.saturating_sub(indent).max(1));
                for (i, part) in parts.into_iter().enumerate() {
                    let sign = if i == 0 {
                        sign.clone()
                    } else {
                        "  ".to_owned()
                    };
                    self.push(vec![
                        Span::raw("  "),
                        Span::styled(sign, style),
                        Span::styled(format!("{}{part}", " ".repeat(indent)), style),
                    ]);
                }
            } else {
                self.push(vec![
                    Span::raw("  "),
                    Span::styled(sign, style),
                    Span::styled(cut(line.text.as_str(), room), style),
                ]);
            }
        }
    }

    fn picture(&mut self, parts: &[Part]) {
        for part in parts {
            let word = part.word.text.as_str();
            let room = self.width.saturating_sub(word.width() + 3).max(1);
            self.push(vec![
                Span::raw(" "),
                Span::raw(pad(part.drawn.as_str(), room)),
                Span::raw(" "),
                Span::styled(word.to_owned(), self.theme.tone(part.word.tone)),
            ]);
        }
    }

    fn progress(&mut self, rows: &[(Cell, Printable, Printable)]) {
        for (word, what, right) in rows {
            let tone = self.theme.tone(word.tone);
            let right_width = right.columns();
            let room = self.width.saturating_sub(14 + right_width + 1).max(1);
            self.push(vec![
                Span::raw(" "),
                Span::styled(pad(word.text.as_str(), 12), tone),
                Span::raw(pad(what.as_str(), room)),
                Span::raw(" "),
                Span::styled(right.to_string(), self.theme.tone(Tone::Dim)),
            ]);
        }
    }

    fn list(&mut self, list: &List) {
        if list.rows.is_empty() {
            return self.text(
                1,
                ("", Style::new()),
                list.empty,
                self.theme.tone(Tone::Dim),
            );
        }
        let columns = widths(list, self.width.saturating_sub(3));
        let on = self.focus.is_on(list.id);
        let at = self.focus.row(list);
        if list.header.iter().any(|h| !h.as_str().is_empty()) {
            let dim = self.theme.tone(Tone::Dim);
            let mut spans = vec![Span::raw("   ")];
            for (text, width) in list.header.iter().zip(&columns) {
                spans.push(Span::styled(
                    format!("{}  ", pad(text.as_str(), *width)),
                    dim,
                ));
            }
            self.push(spans);
        }
        let first = self.page.lines.len();
        for (i, row) in list.rows.iter().enumerate() {
            let here = on && i == at;
            let mark = if here { " ▸ " } else { "   " };
            let mut spans = vec![Span::styled(mark, self.theme.focus())];
            for (cell, width) in row.iter().zip(&columns) {
                let style = if here && cell.tone == Tone::Plain {
                    self.theme.focus()
                } else {
                    self.theme.tone(cell.tone)
                };
                spans.push(Span::styled(
                    format!("{}  ", pad(cell.text.as_str(), *width)),
                    style,
                ));
            }
            self.hit(0, self.width, Target::Row(list.id, i));
            self.push(spans);
        }
        if on {
            self.page.focus = Some((first + at, first + at));
        }
    }

    fn field(&mut self, field: &Field) {
        let on = self.focus.is_on(field.id);
        let edit = self.focus.edit.as_ref().filter(|e| e.field == field.id);
        let label = format!("{} {:<16}", if on { " ▸" } else { "  " }, field.label);
        let shown = match (edit, field.secret) {
            (Some(edit), true) => format!("({} characters, not shown)", edit.text.len()),
            (Some(edit), false) => Printable::new(edit.text.iter().collect::<String>()).to_string(),
            (None, _) => field.value.to_string(),
        };
        let room = self.width.saturating_sub(label.width()).max(1);
        // While typing, the end of a long text is what must be seen.
        let skip = shown.width().saturating_sub(room.saturating_sub(1));
        let shown: String = if edit.is_some() && skip > 0 {
            shown.chars().skip(skip).collect()
        } else {
            shown
        };
        let label_style = if on {
            self.theme.focus()
        } else {
            self.theme.tone(Tone::Dim)
        };
        let line = self.page.lines.len();
        if on {
            self.page.focus = Some((line, line));
            let column = edit.map_or(0, |e| {
                if field.secret {
                    0
                } else {
                    e.at.saturating_sub(skip)
                }
            });
            self.page.cursor = Some((label.width() + column.min(room.saturating_sub(1)), line));
        }
        let hint_fits = shown.width() + field.hint.width() + 5 <= room;
        let mut spans = vec![
            Span::styled(label, label_style),
            Span::raw(cut(&shown, room)),
        ];
        if let Some(rest) = self.focus.completion(field) {
            let rest = format!("{rest}  → completes");
            let left = room.saturating_sub(shown.width() + 1);
            spans.push(Span::styled(cut(&rest, left), self.theme.tone(Tone::Dim)));
        }
        if edit.is_none() && (shown.is_empty() || (hint_fits && field.secret)) {
            let gap = if shown.is_empty() { "" } else { "   " };
            // In brackets, so that it is never taken for a value.
            let hint = cut(field.hint, room.saturating_sub(gap.len() + 2));
            spans.push(Span::styled(
                format!("{gap}({hint})"),
                self.theme.tone(Tone::Dim),
            ));
        }
        self.hit(0, self.width, Target::Field(field.id));
        self.push(spans);
    }

    fn choice(&mut self, choice: &Choice) {
        let on = self.focus.is_on(choice.id);
        let label = format!("{} {:<16}", if on { " ▸" } else { "  " }, choice.label);
        let label_style = if on {
            self.theme.focus()
        } else {
            self.theme.tone(Tone::Dim)
        };
        let line = self.page.lines.len();
        let mut spans = vec![Span::styled(label.clone(), label_style)];
        let mut used = label.width();
        for (i, (name, _)) in choice.options.iter().enumerate() {
            // The chosen one stands in brackets: that is seen without colour too.
            let text = if i == choice.chosen {
                format!("[{name}] ")
            } else {
                format!(" {name}  ")
            };
            let style = if i == choice.chosen {
                self.theme.tone(Tone::Strong)
            } else {
                self.theme.tone(Tone::Dim)
            };
            if used + text.width() > self.width && used > label.width() {
                self.push(std::mem::take(&mut spans));
                spans.push(Span::raw(" ".repeat(label.width())));
                used = label.width();
            }
            self.hit(used, used + text.width(), Target::Choice(choice.id, i));
            used += text.width();
            spans.push(Span::styled(text, style));
        }
        self.push(spans);
        if let Some((_, words)) = choice.options.get(choice.chosen) {
            self.text(
                label.width().min(self.width.saturating_sub(10)),
                ("", Style::new()),
                words.as_str(),
                self.theme.tone(Tone::Dim),
            );
        }
        if on {
            self.page.focus = Some((line, self.page.lines.len().saturating_sub(1)));
        }
    }
}

/// Each column as wide as its widest cell; where that is too much, the widest ones give way.
fn widths(list: &List, room: usize) -> Vec<usize> {
    let count = list
        .rows
        .iter()
        .map(Vec::len)
        .chain([list.header.len()])
        .max()
        .unwrap_or(0);
    let mut widths: Vec<usize> = (0..count)
        .map(|c| {
            let cells = list
                .rows
                .iter()
                .filter_map(|r| r.get(c))
                .map(|cell| cell.text.columns());
            cells
                .chain(list.header.get(c).map(Printable::columns))
                .max()
                .unwrap_or(0)
        })
        .collect();
    // Between the columns; nothing comes after the last.
    let gaps = 2 * count.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room.max(gaps + count) {
        let Some(widest) = widths.iter_mut().max_by_key(|w| **w) else {
            break;
        };
        if *widest <= 1 {
            break;
        }
        *widest -= 1;
    }
    widths
}
