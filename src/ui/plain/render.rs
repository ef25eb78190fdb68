//! A `Screen` as sentences.

use std::fmt::Write as _;

use crate::domain::finding::Verdict;
use crate::ui::pages::Place;
use crate::ui::report::diff::DiffLine;
use crate::ui::report::{by_subject, text};
use crate::ui::screen::{Block, Cell, List, Screen, Told};
use crate::ui::wizard::Wizard;

pub(crate) fn lines(wizard: &Wizard, screen: &Screen) -> Vec<String> {
    let mut out = vec![if wizard.place == Place::Setup {
        let overview = wizard.overview();
        let (title, word) = overview[wizard.at];
        format!(
            "Step {} of {}, {title}. State: {}.",
            wizard.at + 1,
            overview.len(),
            said(word)
        )
    } else {
        format!("Page: {}.", wizard.place.title())
    }];
    let place = wizard.model.place();
    if !place.as_str().is_empty() {
        out.push(format!("{place}."));
    }
    let note = if screen.note.as_str().is_empty() {
        String::new()
    } else {
        format!("; {}", screen.note)
    };
    let stop = if screen.title.as_str().ends_with('?') && note.is_empty() {
        ""
    } else {
        "."
    };
    out.push(format!("{}{note}{stop}", screen.title));
    for block in &screen.blocks {
        push(&mut out, block);
    }
    if let Some((verdict, words)) = &wizard.model.note {
        out.push(format!("{}: {words}.", problem_word(*verdict)));
    }
    out
}

fn said(word: &str) -> &str {
    match word {
        "-" => "not checked",
        "...." => "checking",
        other => other,
    }
}

fn problem_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "Problem",
        Verdict::ToDo => "To do",
        Verdict::Warn => "Warning",
        Verdict::Unknown => "Not known",
        Verdict::NotReached => "Not reached",
        Verdict::Confirmed => "Looked at by hand",
        Verdict::Ignored => "Ignored",
        Verdict::WorkerOnly => "Only a worker can see",
        Verdict::Skipped => "Skipped",
        Verdict::Ok => "OK",
    }
}

fn push(out: &mut Vec<String>, block: &Block) {
    match block {
        // What the screen marks by an arrow is said.
        Block::Text(cell) => out.push(match cell.text.as_str().strip_prefix("▸ ") {
            Some(marked) => format!("{marked}, shown below"),
            None => cell.text.to_string(),
        }),
        Block::Blank => {}
        Block::Heading(text) => out.push(format!("{text}.")),
        Block::Paste(text) => out.push(format!("    {text}")),
        Block::PasteLines(lines) => out.extend(lines.iter().map(|l| format!("    {l}"))),
        Block::List(list) => push_list(out, list),
        Block::Field(field) => {
            let value = if field.value.as_str().is_empty() {
                "not set"
            } else {
                field.value.as_str()
            };
            let known = if field.options.is_empty() {
                String::new()
            } else {
                format!("; known: {}", field.options.join(", "))
            };
            out.push(format!("{}: {value}. ({}{known})", field.label, field.hint));
        }
        Block::Choice(choice) => {
            if let Some((name, words)) = choice.options.get(choice.chosen) {
                out.push(format!("{}: {name}, {words}.", choice.label));
            }
        }
        Block::Findings(list) => out.extend(list.iter().map(sentence)),
        Block::Diff { lines, .. } => out.extend(lines.iter().map(diff_line)),
        Block::Picture(parts) => {
            let told = parts.iter().filter(|p| !p.said.as_str().is_empty());
            out.extend(told.map(|p| match p.word.text.as_str() {
                "" => format!("{}.", p.said),
                word => format!("{}: {}.", p.said, said(word)),
            }));
        }
        Block::Progress(rows) => out.extend(rows.iter().map(|(word, what, right)| {
            let right = if right.as_str().is_empty() {
                String::new()
            } else {
                format!(", {right}")
            };
            format!("{}: {what}{right}.", said(word.text.as_str()))
        })),
    }
}

fn push_list(out: &mut Vec<String>, list: &List) {
    if list.rows.is_empty() {
        out.push(format!("{}.", list.empty));
    }
    for (i, row) in list.rows.iter().enumerate() {
        let cell = |(c, cell): (usize, &Cell)| {
            let header = list
                .header
                .get(c)
                .map(crate::domain::text::Printable::as_str)
                .unwrap_or_default();
            match (header, cell.text.as_str()) {
                (_, "") | ("#", _) => None,
                ("" | "farm" | "queue" | "profile" | "channel", text) => Some(text.to_owned()),
                (header, text) => Some(format!("{header}: {text}")),
            }
        };
        let cells: Vec<String> = row.iter().enumerate().filter_map(cell).collect();
        out.push(format!("Row {}: {}.", i + 1, cells.join(", ")));
    }
}

fn sentence(told: &Told) -> String {
    let about = if told.about.as_str().is_empty() {
        String::new()
    } else {
        format!("{}: ", told.about)
    };
    let mut line = format!("{}: {about}{}.", problem_word(told.verdict), told.message);
    for (label, text) in [("Why", &told.why), ("Fix", &told.fix)] {
        if let Some(text) = text {
            let _ = write!(line, " {label}: {text}.");
        }
    }
    line
}

fn diff_line(line: &DiffLine) -> String {
    line.whole()
}

pub(super) fn details(wizard: &Wizard) -> Vec<String> {
    let groups = by_subject(wizard.model.findings());
    let mut out = Vec::new();
    for finding in groups.into_iter().flatten() {
        let told = Told {
            about: finding.name.clone(),
            verdict: finding.verdict,
            message: finding.message.clone(),
            why: finding.why.clone(),
            fix: finding.fix_in_setup(),
        };
        out.push(format!("{} Check: {}.", sentence(&told), finding.check));
        let evidence = text::evidence(finding, true).into_iter();
        out.extend(evidence.map(|l| format!("    seen from {l}")));
    }
    out
}
