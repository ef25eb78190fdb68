//! The audit on the screen: what is wrong first, or thing by thing; each finding with its evidence, and the way to its fix.

use std::fmt::Write as _;

use super::super::model::Model;
use super::super::screen::{Block, Cell, Choice, Field, Key, List, Screen, Takes};
use super::super::steps::Step;
use super::super::wizard::{Effect, Msg};
use super::counted;
use super::finding::{self, Shown};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::ui::report::{by_subject, in_order};

#[derive(Debug, Default)]
pub(super) struct Audit {
    filter: String,
    by_subject: bool,
    /// What is fine, and what only a worker can see, is shown too.
    all: bool,
    shown: Option<Shown>,
}

impl Audit {
    fn rows<'a>(&self, model: &'a Model) -> Vec<&'a Finding> {
        let words = self.filter.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&words);
        let wanted = |f: &&Finding| {
            let counts = self.all
                || matches!(
                    f.verdict,
                    Verdict::Fail | Verdict::ToDo | Verdict::Warn | Verdict::Unknown
                );
            let found = words.is_empty()
                || [
                    f.check,
                    f.name.as_str(),
                    f.message.as_str(),
                    f.verdict.word(),
                ]
                .iter()
                .any(|t| holds(t));
            counts && found
        };
        let all = model.audited().iter().filter(wanted);
        if self.by_subject {
            by_subject(all).into_iter().flatten().collect()
        } else {
            in_order(all)
        }
    }
}

impl Step for Audit {
    fn title(&self) -> &'static str {
        "Audit"
    }

    fn word(&self, _: &Model) -> &'static str {
        "-"
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act {
                id: "finding",
                row: Some(row),
            } => {
                self.shown = self.rows(model).get(*row).map(|f| Shown::of(f));
            }
            Msg::Act { id: "again", .. } => {
                return model.look_again().into_iter().map(Effect::Work).collect();
            }
            Msg::Act { id: "all", .. } => self.all = !self.all,
            Msg::Act { id, .. } => {
                let found = self.shown.as_ref().and_then(|s| s.find(model.audited()));
                return finding::act(id, found);
            }
            Msg::Set {
                field: "filter",
                text,
            } => text.trim().clone_into(&mut self.filter),
            Msg::Choose {
                choice: "order",
                at,
            } => self.by_subject = *at == 1,
            Msg::Escape | Msg::Back if self.shown.take().is_some() => return vec![Effect::Stay],
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        if let Some(shown) = &self.shown {
            return finding::view(model, shown);
        }
        let findings = model.audited();
        let mut screen = Screen::new("Audit");
        screen.note = counted(findings).into();
        let rows = self.rows(model);
        let mut last = None;
        let cells = rows.iter().map(|f| {
            let name = if last == Some(&f.subject) && self.by_subject {
                Printable::default()
            } else {
                f.name.clone()
            };
            last = Some(&f.subject);
            vec![
                Cell::verdict(f.verdict),
                Cell::new(name.to_width(22)),
                Cell::new(f.message.clone()),
            ]
        });
        screen.add(Block::List(List {
            id: "findings",
            header: vec!["finding".into(), "of".into(), "".into()],
            rows: cells.collect(),
            enter: Some("finding"),
            empty: empty(self, model),
            start: 0,
            made: None,
        }));
        screen.blank();
        screen.add(Block::Choice(Choice {
            id: "order",
            label: "Order",
            options: vec![
                ("worst first".into(), "whatever it is about".into()),
                (
                    "thing by thing".into(),
                    "and in each the worst first".into(),
                ),
            ],
            chosen: usize::from(self.by_subject),
        }));
        screen.add(Block::Field(Field {
            id: "filter",
            label: "Filter",
            value: self.filter.as_str().into(),
            secret: false,
            hint: "a word of the finding, its check, its name or its state",
            takes: Takes::Each,
            options: Vec::new(),
        }));
        let mut words = String::new();
        let hidden = findings.len() - rows.len();
        if hidden > 0 {
            let _ = write!(
                words,
                "{hidden} more are not shown{}. ",
                if self.all {
                    ""
                } else {
                    ": \"all\" shows what is fine, too"
                }
            );
        }
        words.push_str("`studiolink audit` prints the same, for CI and tickets.");
        screen.say_dim(words);
        screen.action(
            "all",
            Key::Char('a'),
            if self.all {
                "only what is wrong"
            } else {
                "all"
            },
        );
        screen.action("again", Key::Char('r'), "read again");
        screen
    }
}

fn empty(page: &Audit, model: &Model) -> &'static str {
    if !model.reads() {
        "nothing can be read: sign in, and name a queue in the studio file (Set up a queue)"
    } else if !page.filter.is_empty() {
        "nothing of what was found has this word"
    } else if model.waiting.is_empty() && !model.audited().is_empty() {
        "nothing is wrong, as far as it was seen; \"all\" shows what is fine"
    } else {
        "reading ..."
    }
}
