//! For people on a terminal. Every state is a word; colour only repeats it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::by_subject;
use super::diff::{LineKind, diff};
use crate::domain::finding::{Finding, Since, Verdict};
use crate::domain::risk::RiskKind;
use crate::goals::ManualStep;
use crate::resources::{Change, Plan};

/// With or without colour, and how wide a terminal is.
#[derive(Debug, Clone, Copy)]
pub struct Ink {
    pub colour: bool,
    /// `None`: no terminal, so lines stay whole.
    pub width: Option<usize>,
}

impl Ink {
    fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Folded at words behind a label of so many columns, which stands at the front. A word that is longer than the line, as an
    /// ARN may be, stays whole.
    pub fn folded(self, label: &str, columns: usize, text: &str) -> String {
        let room = self.width.unwrap_or(usize::MAX).max(columns + 20);
        if columns + text.width() <= room {
            return format!("{label}{text}");
        }
        let options = textwrap::Options::new(room - columns)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options);
        let hang = format!("\n{}", " ".repeat(columns));
        format!("{label}{}", lines.join(&hang))
    }

    pub fn verdict(self, verdict: Verdict) -> String {
        let colour = match verdict {
            Verdict::Ok => AnsiColor::Green,
            Verdict::Warn | Verdict::Unknown => AnsiColor::Yellow,
            Verdict::Fail => AnsiColor::Red,
            Verdict::ToDo => AnsiColor::Cyan,
            // Colour 8 can't be read on several palettes.
            Verdict::WorkerOnly
            | Verdict::NotReached
            | Verdict::Confirmed
            | Verdict::Ignored
            | Verdict::Skipped => {
                return self.dim(verdict.word());
            }
        };
        self.paint(colour.on_default().bold(), verdict.word())
    }

    pub fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn line(self, kind: LineKind, text: &str) -> String {
        match kind {
            LineKind::Hunk => self.paint(AnsiColor::Cyan.on_default(), text),
            LineKind::Context => format!(" {text}"),
            LineKind::Removed => self.paint(AnsiColor::Red.on_default(), &format!("-{text}")),
            LineKind::Added => self.paint(AnsiColor::Green.on_default(), &format!("+{text}")),
        }
    }
}

/// Subject by subject, and in each the worst first.
pub fn findings(list: &[Finding], ink: Ink, all_evidence: bool) -> String {
    let groups = by_subject(list).into_iter();
    groups.map(|g| group(&g, ink, all_evidence)).collect()
}

/// What is said of one subject, with its name above it.
pub fn group(list: &[&Finding], ink: Ink, all_evidence: bool) -> String {
    let mut out = String::new();
    let Some(first) = list.first() else {
        return out;
    };
    let _ = writeln!(out, "{}", ink.strong(first.name.as_str()));
    for finding in list {
        let label = format!("  {}  ", ink.verdict(finding.verdict));
        let columns = finding.verdict.word().len() + 4;
        let _ = writeln!(
            out,
            "{}",
            ink.folded(&label, columns, finding.message.as_str())
        );
        for (label, text) in [("why", &finding.why), ("fix", &finding.fix)] {
            if let Some(text) = text {
                let label = format!("    {label}   ");
                let _ = writeln!(out, "{}", ink.folded(&label, label.len(), text.as_str()));
            }
        }
        if let Some(since) = finding.since.filter(|s| *s != Since::Same) {
            let _ = writeln!(out, "    since the baseline: {}", since.word());
        }
        if let Some(change) = &finding.cured_by {
            let _ = writeln!(out, "    plan  {change} cures it");
        }
        if all_evidence {
            for line in &finding.details {
                let _ = writeln!(out, "          {line}");
            }
        }
        if all_evidence || finding.verdict != Verdict::Ok {
            for line in evidence(finding, all_evidence) {
                let _ = writeln!(out, "    {}", ink.dim(&format!("seen  {line}")));
            }
            let id = format!("id    {}", finding.check);
            let _ = writeln!(out, "    {}", ink.dim(&id));
        }
    }
    out
}

/// The calls behind a finding, each with its vantage point; of many, those that failed and the last.
pub fn evidence(finding: &Finding, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for evidence in &finding.evidence {
        let last = evidence.calls.len().saturating_sub(1);
        for (i, call) in evidence.calls.iter().enumerate() {
            if all || !call.succeeded() || i == last {
                let line = format!("{}: {}", call.vantage.word(), call.line());
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    lines
}

/// "7 OK, 2 WORKER ONLY": each word with its count, worst first.
pub fn summary<'a>(list: impl IntoIterator<Item = &'a Finding>) -> String {
    let verdicts: Vec<Verdict> = list.into_iter().map(|f| f.verdict).collect();
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter_map(|v| {
            let n = verdicts.iter().filter(|of| **of == v).count();
            (n > 0).then(|| format!("{n} {}", v.word()))
        })
        .collect();
    if counts.is_empty() {
        "nothing was checked".to_owned()
    } else {
        counts.join(", ")
    }
}

fn change(change: &Change, (at, of): (usize, usize), can_undo: bool, ink: Ink) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}",
        ink.strong(&format!(
            "change {} of {of}  {}  {}",
            at + 1,
            change.operation(),
            change.words()
        ))
    );
    let because = ink.folded("  because   ", 12, change.because.as_str());
    let _ = writeln!(out, "{because}");
    if let Some(warning) = &change.warning {
        let _ = writeln!(out, "  {}   {warning}", ink.verdict(Verdict::Warn));
    }
    if change.risk.is_some_and(RiskKind::breaks_jobs) {
        let _ = writeln!(
            out,
            "         an unattended run holds it back until the queue role reads the channel"
        );
    }
    if let Some(words) = change.otherwise() {
        let _ = writeln!(out, "{}", ink.folded("  else      ", 12, words.as_str()));
    }
    if can_undo {
        let _ = writeln!(out, "  {}", change.undo());
    }
    let name = change.words();
    let side = |there: bool, word: &str| {
        if there {
            format!("{word}/{name}")
        } else {
            "/dev/null".to_owned()
        }
    };
    let _ = writeln!(
        out,
        "--- {}\n+++ {}",
        side(change.before.is_some(), "now"),
        side(change.after.is_some(), "then")
    );
    for line in diff(change) {
        let _ = writeln!(out, "{}", ink.line(line.kind, line.text.as_str()));
    }
    out
}

/// A plan of a rollback: what it undoes can't be undone again.
pub fn rollback(plan: &Plan, ink: Ink) -> String {
    changes(plan, false, ink)
}

fn changes(plan: &Plan, can_undo: bool, ink: Ink) -> String {
    let mut out = String::new();
    for (at, one) in plan.changes.iter().enumerate() {
        let place = (at, plan.changes.len());
        let _ = writeln!(out, "{}", change(one, place, can_undo, ink));
    }
    out
}

pub fn plan(plan: &Plan, ink: Ink) -> String {
    let mut out = changes(plan, true, ink);
    if plan.changes.is_empty() && plan.unread.is_empty() && plan.refused.is_empty() {
        let _ = writeln!(out, "nothing to change");
    }
    for refused in &plan.refused {
        let _ = writeln!(out, "{}  {refused}", ink.verdict(Verdict::Fail));
    }
    if !plan.unread.is_empty() {
        let _ = writeln!(
            out,
            "{}  the plan may be incomplete; not read:",
            ink.verdict(Verdict::Unknown)
        );
        for unread in &plan.unread {
            let _ = writeln!(out, "  {unread}");
        }
    }
    out
}

/// Numbered, each with the lines to paste.
pub fn manual_steps(list: &[ManualStep], ink: Ink) -> String {
    let mut out = String::new();
    if list.is_empty() {
        return out;
    }
    let _ = writeln!(out, "{}", ink.strong("Manual steps"));
    for (n, one) in list.iter().enumerate() {
        let label = format!("  {}  ", n + 1);
        let words = format!("for {}: {}", one.for_whom, one.what);
        let _ = writeln!(out, "{}", ink.folded(&label, label.len(), &words));
        for line in &one.paste {
            let _ = writeln!(out, "      {line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_folds_at_words_and_an_arn_stays_whole() {
        let arn = "arn:aws:iam::111122223333:role/studio/NordlichtPublishQueueRoleForLighting";
        let text = format!("lacks a permission on {arn} and on others");
        let narrow = Ink {
            colour: false,
            width: Some(60),
        };
        let folded = narrow.folded("  FAIL  ", 8, &text);
        assert!(folded.lines().any(|l| l.trim() == arn), "{folded}");
        assert!(
            folded.lines().skip(1).all(|l| l.starts_with("        ")),
            "{folded}"
        );
        assert_eq!(
            folded.split_whitespace().count(),
            text.split_whitespace().count() + 1
        );
        let whole = Ink {
            colour: false,
            width: None,
        };
        assert_eq!(
            whole.folded("  FAIL  ", 8, &text),
            format!("  FAIL  {text}")
        );
    }
}
