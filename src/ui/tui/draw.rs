//! The frame: header, steps, page, status, keys. Drawing takes references and looks nothing up.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::app::Search;
use super::focus::{Focus, Hit, Item, Target, items};
use super::overlay::{self, Overlay};
use super::page;
use super::theme::{Theme, of_word};
use crate::domain::call::Call;
use crate::domain::finding::Verdict;
use crate::domain::text::Printable;
use crate::ui::pages::Place;
use crate::ui::screen::{Key, Screen, Tone, fold};
use crate::ui::wizard::Wizard;

/// From this width on the steps stand in a column at the left, and the live checks at the right.
const WIDE: u16 = 110;

pub(super) struct View<'a> {
    pub wizard: &'a Wizard,
    pub screen: &'a Screen,
    pub theme: Theme,
    pub overlay: Option<Overlay>,
    pub overlay_scroll: usize,
    pub calls: &'a [Call],
    pub total_calls: usize,
    pub search: &'a Search,
}

/// What lies over the page, as it was drawn.
pub(super) struct Over {
    /// The scroll that was possible.
    pub most: usize,
    pub height: usize,
    pub text: Vec<String>,
}

pub(super) fn draw(frame: &mut Frame<'_>, view: &View<'_>, focus: &mut Focus) -> Option<Over> {
    focus.hits.clear();
    let area = frame.area();
    let has_steps = view.wizard.place == Place::Setup;
    let wide = area.width >= WIDE;
    let note_lines = view
        .wizard
        .model
        .note
        .as_ref()
        .map_or(1, |(verdict, words)| {
            let room = usize::from(area.width)
                .saturating_sub(verdict.word().len() + 4)
                .max(1);
            u16::try_from(fold(words.as_str(), room).len().clamp(1, 3)).unwrap_or(1)
        });
    let [header, steps, rule, body, rule2, status, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(!wide && has_steps)),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(note_lines),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_header(frame, view, header);
    if !wide && has_steps {
        draw_steps_line(frame, view, focus, steps);
    }
    let line = "─".repeat(usize::from(area.width));
    for at in [rule, rule2] {
        frame.render_widget(
            Paragraph::new(Span::styled(line.clone(), view.theme.tone(Tone::Dim))),
            at,
        );
    }
    let mut over = None;
    if let Some(overlay) = view.overlay {
        over = Some(draw_overlay(frame, view, overlay, body));
    } else if wide && has_steps {
        // What was tested stands in the page; the tests themselves are worth the room while they are under way.
        let live = !view.wizard.model.waiting.is_empty();
        let right = match (live, area.width) {
            (false, _) => 0,
            (true, ..150) => 36,
            (true, _) => 56,
        };
        let [left, gap, middle, gap2, right] = Layout::horizontal([
            Constraint::Length(23),
            Constraint::Length(2),
            Constraint::Min(0),
            Constraint::Length(if live { 2 } else { 0 }),
            Constraint::Length(right),
        ])
        .areas(body);
        draw_steps_column(frame, view, focus, left);
        let bar: Vec<Line<'_>> = (0..body.height)
            .map(|_| Line::from(Span::styled("│", view.theme.tone(Tone::Dim))))
            .collect();
        frame.render_widget(Paragraph::new(bar.clone()), gap);
        draw_page(frame, view, focus, middle);
        if live {
            frame.render_widget(Paragraph::new(bar), gap2);
            draw_live(frame, view, right);
        }
    } else {
        draw_page(frame, view, focus, body);
    }
    draw_status(frame, view, status);
    draw_keys(frame, view, focus, keys);
    over
}

fn draw_header(frame: &mut Frame<'_>, view: &View<'_>, area: Rect) {
    let width = usize::from(area.width);
    let right = match view.wizard.place {
        Place::Setup => {
            let steps = view.wizard.overview().len();
            format!("step {} of {steps} ", view.wizard.at + 1)
        }
        place => format!("{} ", place.title()),
    };
    let left = " studiolink   ";
    let room = width.saturating_sub(left.width() + right.width() + 1);
    let place = view.wizard.model.place().to_width(room);
    let gap = width.saturating_sub(left.width() + place.columns() + right.width());
    let line = Line::from(vec![
        Span::styled(left, view.theme.tone(Tone::Strong)),
        Span::raw(place.to_string()),
        Span::raw(" ".repeat(gap)),
        Span::styled(right, view.theme.tone(Tone::Dim)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// The steps with their names, where there is room for all of them; else the names of the others are their digits.
fn draw_steps_line(frame: &mut Frame<'_>, view: &View<'_>, focus: &mut Focus, area: Rect) {
    let steps = view.wizard.overview();
    let named: usize = steps.iter().map(|(t, w)| t.width() + w.width() + 3).sum();
    let all_named = named <= usize::from(area.width);
    let mut spans = Vec::new();
    let mut column = area.x;
    for (i, (title, word)) in steps.into_iter().enumerate() {
        let here = i == view.wizard.at;
        let lead = if here { "▸" } else { " " };
        let name = match (here, all_named) {
            (_, true) => format!("{title} "),
            (true, false) => format!("{} {title} ", i + 1),
            (false, false) => format!("{} ", i + 1),
        };
        let style = if here {
            view.theme.focus()
        } else {
            view.theme.tone(Tone::Plain)
        };
        let tail = if all_named { " " } else { "  " };
        let width = lead.width() + name.width() + word.width() + tail.len();
        spans.push(Span::styled(format!("{lead}{name}"), style));
        spans.push(Span::styled(
            format!("{word}{tail}"),
            view.theme.tone(of_word(word)),
        ));
        let to = column.saturating_add(u16::try_from(width).unwrap_or(0));
        focus.hits.push(Hit {
            line: area.y,
            from: column,
            to,
            what: Target::Step(i),
        });
        column = to;
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn draw_steps_column(frame: &mut Frame<'_>, view: &View<'_>, focus: &mut Focus, area: Rect) {
    let mut lines = Vec::new();
    for (i, (title, word)) in view.wizard.overview().into_iter().enumerate() {
        let here = i == view.wizard.at;
        let lead = if here { "▸" } else { " " };
        let style = if here {
            view.theme.focus()
        } else {
            view.theme.tone(Tone::Plain)
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{lead} {} {title:<11}", i + 1), style),
            Span::styled(format!(" {word}"), view.theme.tone(of_word(word))),
        ]));
        focus.hits.push(Hit {
            line: area.y.saturating_add(u16::try_from(i).unwrap_or(0)),
            from: area.x,
            to: area.right(),
            what: Target::Step(i),
        });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_page(frame: &mut Frame<'_>, view: &View<'_>, focus: &mut Focus, area: Rect) {
    let height = usize::from(area.height);
    let page = page::page(view.screen, usize::from(area.width), view.theme, focus);
    let most = page.lines.len().saturating_sub(height);
    focus.height = height;
    if view.screen.confirms {
        focus.scroll = 0;
    } else if focus.follow
        && let Some((first, last)) = page.focus
    {
        if last >= focus.scroll + height.saturating_sub(1) {
            focus.scroll = (last + 2).saturating_sub(height);
        }
        if first < focus.scroll + 1 {
            focus.scroll = first.saturating_sub(1);
        }
        // A list near the top shows its title too.
        if first < height.saturating_sub(1) {
            focus.scroll = 0;
        }
    }
    focus.scroll = focus.scroll.min(most);
    let scroll = focus.scroll;
    let seen = page
        .hits
        .iter()
        .filter(|h| (scroll..scroll + height).contains(&h.line));
    let on_screen = |h: &page::Hit| {
        let at = |column: usize| area.x + u16::try_from(column).unwrap_or(0).min(area.width);
        Hit {
            line: area.y + u16::try_from(h.line - scroll).unwrap_or(0),
            from: at(h.from),
            to: at(h.to),
            what: h.what,
        }
    };
    focus.hits.extend(seen.map(on_screen));
    let shown: Vec<Line<'_>> = page.lines.into_iter().skip(scroll).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
    // On the rule below the page, so that it hides nothing of it.
    if most > 0 && area.width > 12 && height > 0 && area.bottom() < frame.area().bottom() {
        let words = match (scroll, most - scroll) {
            (0, below) => format!(" {below} more ▼ "),
            (above, 0) => format!(" ▲ {above} more "),
            (above, below) => format!(" ▲ {above} more  {below} more ▼ "),
        };
        let width = u16::try_from(words.width())
            .unwrap_or(area.width)
            .min(area.width);
        let corner = Rect {
            x: area.right() - width,
            y: area.bottom(),
            width,
            height: 1,
        };
        frame.render_widget(
            Paragraph::new(Span::styled(words, view.theme.focus())),
            corner,
        );
    }
    if let Some((column, line)) = page.cursor
        && line >= scroll
        && line < scroll + height
    {
        let x = area.x
            + u16::try_from(column)
                .unwrap_or(0)
                .min(area.width.saturating_sub(1));
        frame.set_cursor_position(Position {
            x,
            y: area.y + u16::try_from(line - scroll).unwrap_or(0),
        });
    }
}

/// Every live test and every question, with its vantage point and milliseconds; what is under way comes first.
fn draw_live(frame: &mut Frame<'_>, view: &View<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines = vec![Line::from(Span::styled(
        format!("{:<1$}from   ms", "Live checks", width.saturating_sub(9)),
        view.theme.tone(Tone::Dim),
    ))];
    let mut rows: Vec<(&str, Tone, String, &str, String)> = Vec::new();
    let mut row = |word, tone, what: String, from, right: String| {
        rows.push((word, tone, what, from, right));
    };
    let model = &view.wizard.model;
    for waiting in model.waiting.values() {
        let seconds = model.now.saturating_sub(waiting.since) / 1000;
        let slow = if seconds > 0 {
            format!("{seconds} s")
        } else {
            String::new()
        };
        row("....", Tone::Dim, waiting.words.to_string(), "", slow);
    }
    let most = usize::from(area.height);
    if let Some(work) = &model.work {
        let snapshot = work.snapshot();
        for (probe, from) in snapshot.observations.all().into_iter().take(most) {
            if let Some((assessment, millis)) = model.verdict_of(&probe, &from) {
                let verdict = assessment.verdict;
                let (what, right) = (probe.words(&from), format!("{millis:>4}"));
                row(verdict.word(), verdict.into(), what, from.word(), right);
            }
        }
        for (question, calls) in snapshot.facts.asked().into_iter().take(most) {
            let Some(last) = calls.last() else { continue };
            let verdict = if calls.iter().all(Call::succeeded) {
                Verdict::Ok
            } else {
                Verdict::Unknown
            };
            let millis: u64 = calls.iter().map(|c| c.millis).max().unwrap_or(0);
            let (what, right) = (question.words(), format!("{millis:>4}"));
            row(
                verdict.word(),
                verdict.into(),
                what,
                last.vantage.word(),
                right,
            );
        }
    }
    rows.truncate(most);
    let column = rows.iter().map(|r| r.0.width()).max().unwrap_or(0);
    for (word, tone, what, from, right) in rows {
        let room = width.saturating_sub(column + from.width() + right.width() + 3);
        let what = Printable::short(&what, room);
        let gap = room.saturating_sub(what.columns());
        lines.push(Line::from(vec![
            Span::styled(format!("{word:<column$}"), view.theme.tone(tone)),
            Span::raw(format!(" {what}{} ", " ".repeat(gap))),
            Span::styled(format!("{from} {right}"), view.theme.tone(Tone::Dim)),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_overlay(frame: &mut Frame<'_>, view: &View<'_>, overlay: Overlay, area: Rect) -> Over {
    let width = usize::from(area.width);
    let lines = match overlay {
        Overlay::Help => overlay::help(view.screen, width, view.theme),
        Overlay::Log => overlay::log(view.calls, width, view.theme),
        Overlay::Details => overlay::details(view.wizard, width, view.theme),
    };
    let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let [head, _, body] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(area);
    let height = usize::from(body.height);
    let most = lines.len().saturating_sub(height);
    let scroll = view.overlay_scroll.min(most);
    let more = if most > 0 {
        format!(
            "   {} of {} lines",
            (scroll + height).min(lines.len()),
            lines.len()
        )
    } else {
        String::new()
    };
    let search = match view.search {
        Search {
            typing: true, text, ..
        } => format!("   search: {text}▏"),
        Search { text, .. } if !text.is_empty() => {
            let found = lines
                .iter()
                .filter(|l| view.search.finds(&l.to_string()))
                .count();
            format!("   \"{text}\": {found} lines, n next, N previous")
        }
        Search { .. } => String::new(),
    };
    let title = Line::from(vec![
        Span::styled(
            format!(" {}", overlay.title()),
            view.theme.tone(Tone::Strong),
        ),
        Span::styled(more, view.theme.tone(Tone::Dim)),
        Span::raw(search),
    ]);
    frame.render_widget(Paragraph::new(title), head);
    let shown = lines.into_iter().enumerate().skip(scroll).take(height);
    let mark = |(n, line): (usize, Line<'static>)| match view.search.at {
        Some(at) if at == n => line.style(view.theme.found()),
        _ if view.search.finds(&line.to_string()) => line.style(view.theme.focus()),
        _ => line,
    };
    let shown: Vec<Line<'_>> = shown.map(mark).collect();
    frame.render_widget(Paragraph::new(shown), body);
    Over { most, height, text }
}

fn draw_status(frame: &mut Frame<'_>, view: &View<'_>, area: Rect) {
    let model = &view.wizard.model;
    let width = usize::from(area.width);
    if let Some((verdict, words)) = &model.note {
        let word = verdict.word();
        let lead = word.len() + 4;
        let mut lines: Vec<Line<'_>> = Vec::new();
        for (i, part) in fold(words.as_str(), width.saturating_sub(lead).max(1))
            .into_iter()
            .enumerate()
        {
            let mark = if i == 0 {
                format!(" {word}  ")
            } else {
                " ".repeat(lead - 1)
            };
            lines.push(Line::from(vec![
                Span::styled(mark, view.theme.tone((*verdict).into())),
                Span::raw(part),
            ]));
        }
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let line = if let Some(oldest) = model.waiting.values().min_by_key(|w| w.since) {
        let seconds = model.now.saturating_sub(oldest.since) / 1000;
        let slow = if seconds > 0 {
            format!(", {seconds} s")
        } else {
            String::new()
        };
        let words = Printable::short(
            &format!(
                "{}{slow}  ({} under way)",
                oldest.words,
                model.waiting.len()
            ),
            width.saturating_sub(8),
        );
        Line::from(vec![
            Span::styled(" ....  ", view.theme.tone(Tone::Dim)),
            Span::raw(words.to_string()),
        ])
    } else {
        let words = if view.total_calls == 0 {
            String::new()
        } else {
            format!(" {} calls answered; l lists them", view.total_calls)
        };
        Line::from(Span::styled(
            Printable::short(&words, width).to_string(),
            view.theme.tone(Tone::Dim),
        ))
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// What goes on, the way back and the help are the last that find no room.
const FIRST: [&str; 6] = ["Enter", "Esc", "[", "?", "q", "d"];

fn draw_keys(frame: &mut Frame<'_>, view: &View<'_>, focus: &Focus, area: Rect) {
    let mut keys: Vec<(String, String)> = Vec::new();
    let mut key = |k: &str, what: &str| keys.push((k.to_owned(), what.to_owned()));
    if view.overlay.is_some() {
        key("↑↓", "scroll");
        key("/", "search");
        key("c", "copy");
        key("Esc", "close");
    } else if focus.is_typing(view.screen) {
        key("Enter", "take it");
        key("Esc", "leave the field");
        key("Tab", "next");
        key("Ctrl-U", "empty");
    } else {
        let on = items(view.screen).into_iter().find(|i| focus.is_on(i.id()));
        match on {
            Some(Item::List(list)) => {
                key("↑↓", "move");
                if list.enter.is_some() {
                    key("Enter", "pick");
                }
            }
            Some(Item::Choice(_)) => key("←→", "change"),
            _ => {}
        }
        let picks = matches!(on, Some(Item::List(l)) if l.enter.is_some());
        if view.screen.next.is_some() && !picks {
            key("Enter", "next");
        }
        for action in &view.screen.actions {
            let on_list = matches!(on, Some(Item::List(_)));
            if action.key != Key::Left && (!action.on_row || on_list) {
                let name = if action.key == Key::Right {
                    "←→".to_owned()
                } else {
                    action.key.name()
                };
                key(&name, action.label);
            }
        }
        if view.wizard.has_origin() {
            key("Esc", "back");
        } else if view.wizard.has_back() {
            key("[", "back");
        }
        key("d", "details");
        key("?", "help");
        if !view.screen.actions.iter().any(|a| a.key == Key::Char('q')) {
            key("q", "quit");
        }
    }
    let wide = |(name, what): &(String, String)| name.width() + what.width() + 3;
    let rank = |name: &str| FIRST.iter().position(|f| *f == name).unwrap_or(FIRST.len());
    let mut by_rank: Vec<&(String, String)> = keys.iter().collect();
    by_rank.sort_by_key(|(name, _)| rank(name));
    let mut room = usize::from(area.width).saturating_sub(1);
    let mut fits: BTreeSet<String> = BTreeSet::new();
    for key in by_rank {
        if wide(key) <= room {
            room -= wide(key);
            fits.insert(key.0.clone());
        }
    }
    keys.retain(|(name, _)| fits.contains(name));
    let last = |name: &str| matches!(name, "Esc" | "[" | "d" | "?" | "q");
    let (tail, shown): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(name, _)| last(name));
    let mut spans = vec![Span::raw(" ")];
    for (name, what) in shown.into_iter().chain(tail) {
        spans.push(Span::styled(name, view.theme.focus()));
        spans.push(Span::styled(
            format!(" {what}  "),
            view.theme.tone(Tone::Dim),
        ));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}
