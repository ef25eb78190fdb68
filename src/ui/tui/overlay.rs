//! What lies over the page for a while: help, the call log, details with evidence. Each is only lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::keymap::EVERYWHERE;
use super::theme::{Theme, of_word};
use crate::domain::call::Call;
use crate::ui::report::{by_subject, text};
use crate::ui::screen::{Screen, Tone, fold};
use crate::ui::wizard::Wizard;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    Help,
    Log,
    Details,
}

/// The words of state, for the help.
const WORDS: &[(&str, &str)] = &[
    ("OK", "checked, and right; the evidence is in the details"),
    ("WARN", "checked, and doubtful; nothing is blocked"),
    ("FAIL", "checked, and wrong"),
    (
        "TO DO",
        "wrong or unknown now; the plan puts it right, or it is tried again after it",
    ),
    (
        "UNKNOWN",
        "this machine could have seen it, but did not: denied, or no answer",
    ),
    (
        "WORKER ONLY",
        "only a worker can see it; nothing here can say more",
    ),
    ("NOT REACHED", "behind a broken hop"),
    ("SKIPPED", "not checked, for the reason given"),
    ("....", "being checked"),
    ("DONE", "the change was made"),
    ("RUNNING", "the change is being made"),
    ("NOT DONE", "the change was not made; why is said below"),
    (
        "IN DOUBT",
        "the call got no answer; the next run checks what came of it",
    ),
    ("-", "not reached yet"),
];

impl Overlay {
    pub fn title(self) -> &'static str {
        match self {
            Self::Help => "Keys",
            Self::Log => "Calls, newest last",
            Self::Details => "Details and evidence",
        }
    }
}

pub(super) fn help(screen: &Screen, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut row = |keys: &str, what: &str| {
        for (i, part) in fold(what, width.saturating_sub(14).max(1))
            .into_iter()
            .enumerate()
        {
            let keys = if i == 0 {
                format!(" {keys:<12} ")
            } else {
                " ".repeat(14)
            };
            lines.push(Line::from(vec![
                Span::styled(keys, theme.focus()),
                Span::raw(part),
            ]));
        }
    };
    for action in &screen.actions {
        row(&action.key.name(), action.label);
    }
    if let Some(next) = screen.next {
        row("Enter", &format!("go on: {next}"));
    }
    for (keys, what) in EVERYWHERE {
        row(keys, what);
    }
    row("", "");
    for (word, what) in WORDS {
        row(word, what);
    }
    lines
}

pub(super) fn log(calls: &[Call], width: usize, theme: Theme) -> Vec<Line<'static>> {
    if calls.is_empty() {
        return vec![Line::from(" no call was made yet")];
    }
    calls
        .iter()
        .map(|c| {
            let tone = if c.succeeded() { Tone::Good } else { Tone::Bad };
            let id = c
                .request_id
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string);
            let outcome = format!("{:<14.14}", c.outcome.as_str());
            let name = format!("{} {}", c.service, c.operation);
            let room = width.saturating_sub(10 + 11 + 10 + 16).max(8);
            Line::from(vec![
                Span::styled(
                    format!(" {} ", &crate::domain::time::clock(c.at)[..8]),
                    theme.tone(Tone::Dim),
                ),
                Span::raw(format!("{:<11}", c.vantage.word())),
                Span::raw(format!("{:>6} ms  ", c.millis)),
                Span::styled(outcome, theme.tone(tone)),
                Span::raw(format!(
                    " {}",
                    crate::domain::text::Printable::short(&format!("{name}  {id}"), room)
                )),
            ])
        })
        .collect()
}

pub(super) fn details(wizard: &Wizard, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let topic = wizard.topic();
    let findings = wizard.model.findings().iter();
    let findings = findings.filter(|f| topic.is_none_or(|t| f.topic == t));
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut put = |indent: usize, label: &str, style: Style, words: &str| {
        let hang = indent + label.chars().count();
        for (i, part) in fold(words, width.saturating_sub(hang).max(1))
            .into_iter()
            .enumerate()
        {
            let lead = if i == 0 {
                format!("{}{label}", " ".repeat(indent))
            } else {
                " ".repeat(hang)
            };
            lines.push(Line::from(vec![Span::styled(lead, style), Span::raw(part)]));
        }
    };
    let dim = theme.tone(Tone::Dim);
    let mut about = None;
    for finding in by_subject(findings).into_iter().flatten() {
        if about != Some(&finding.subject) {
            about = Some(&finding.subject);
            put(1, "", Style::new(), finding.name.as_str());
        }
        let word = finding.verdict.word();
        let tone = theme.tone(of_word(word));
        put(1, &format!("{word:<12}"), tone, finding.message.as_str());
        let title = crate::checks::by_id(finding.check).map_or("", |c| c.title);
        let check = format!("{}: {title}", finding.check);
        put(3, "check  ", dim, &check);
        put(3, "grade  ", dim, finding.grade.word());
        for (label, words) in [
            ("why    ", &finding.why),
            ("fix    ", &finding.fix_in_setup()),
        ] {
            if let Some(words) = words {
                put(3, label, dim, words.as_str());
            }
        }
        for line in &finding.details {
            put(5, "", Style::new(), line.as_str());
        }
        for line in text::evidence(finding, true) {
            put(3, "seen   ", dim, &line);
        }
    }
    if lines.is_empty() {
        lines.push(Line::from(" nothing was checked yet"));
    }
    lines
}
