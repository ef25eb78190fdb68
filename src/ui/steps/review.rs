//! 6. Review: every change as a diff, its reason, its call, its undo. Nothing is written before two deliberate keys.

use super::super::model::{Making, Model};
use super::super::screen::{Block, Cell, Key, Screen, Tone};
use super::super::wizard::{Effect, Msg};
use super::Step;
use crate::domain::change::Change;
use crate::domain::finding::Verdict;
use crate::domain::text::Printable;
use crate::ui::report::diff::{diff, size};

#[derive(Default)]
pub struct Review {
    at: usize,
    wrap: bool,
    armed: bool,
}

impl Review {
    fn changes(model: &Model) -> Vec<(Change, bool)> {
        let kept = model.plan().changes;
        let is_kept = |c: &Change| kept.iter().any(|k| k.key == c.key);
        // What was left out is shown as the whole plan has it; the rest as it will be made.
        let whole = model.whole_plan().changes;
        whole
            .into_iter()
            .map(|c| {
                kept.iter()
                    .find(|k| k.key == c.key)
                    .map_or_else(|| (c.clone(), false), |k| (k.clone(), is_kept(k)))
            })
            .collect()
    }
}

impl Step for Review {
    fn title(&self) -> &'static str {
        "Review"
    }

    fn word(&self, model: &Model) -> &'static str {
        match (&model.making, model.reached) {
            (Making::Made { .. }, _) => "OK",
            (_, 0..5) => "-",
            _ if !model.plan().refused.is_empty() => Verdict::Fail.word(),
            _ if !model.plan().unread.is_empty() => Verdict::Unknown.word(),
            _ => "ready",
        }
    }

    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        self.armed = false;
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        let changes = Self::changes(model);
        let Msg::Act { id, .. } = msg else {
            return Vec::new();
        };
        let armed = std::mem::take(&mut self.armed);
        match *id {
            "left" => self.at = self.at.saturating_sub(1),
            "right" => self.at = (self.at + 1).min(changes.len().saturating_sub(1)),
            "wrap" => self.wrap = !self.wrap,
            "leave-out" => {
                if let Some((change, kept)) = changes.get(self.at) {
                    if *kept {
                        model.left_out.insert(change.key.clone());
                    } else {
                        model.left_out.remove(&change.key);
                    }
                }
            }
            "export" => return vec![Effect::Export],
            "arm" if !model.plan().changes.is_empty() && matches!(model.making, Making::NotYet) => {
                self.armed = true
            }
            "yes" if armed => return vec![Effect::Apply],
            "finish"
                if model.plan().changes.is_empty() && matches!(model.making, Making::NotYet) =>
            {
                return vec![Effect::Apply];
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let changes = Self::changes(model);
        let plan = model.plan();
        let made = !matches!(model.making, Making::NotYet);
        let mut screen = match changes.len() {
            _ if made => Screen::new("The changes were made; see the next page"),
            0 if plan.unread.is_empty() && plan.refused.is_empty() => {
                Screen::new("Nothing to change")
            }
            0 => Screen::new("No change can be planned"),
            1 => Screen::new("1 change, nothing written yet"),
            n => Screen::new(format!("{n} changes, nothing written yet")),
        };
        for refused in &plan.refused {
            screen.add(Block::Text(Cell::toned(
                format!("FAIL  {refused}"),
                Tone::Bad,
            )));
        }
        for unread in &plan.unread {
            screen.add(Block::Text(Cell::toned(
                format!("UNKNOWN  the plan may lack a change: {unread}"),
                Tone::Doubtful,
            )));
        }
        if made {
            return screen;
        }
        if self.armed {
            let what = if plan.changes.len() == 1 {
                "this change".to_owned()
            } else {
                format!("these {} changes", plan.changes.len())
            };
            screen.add(Block::Text(Cell::toned(
                format!("ARMED: y makes {what} now; any other key disarms"),
                Tone::Strong,
            )));
        }
        let at = self.at.min(changes.len().saturating_sub(1));
        if let Some((change, kept)) = changes.get(at) {
            screen.note = format!("change {} of {}", at + 1, changes.len()).into();
            let out = if *kept { "" } else { "LEFT OUT  " };
            screen.heading(format!(
                "{out}{}  {}",
                change.operation(),
                change.thing.words()
            ));
            screen.say(format!("because {}", change.because));
            if let Some(warning) = &change.warning {
                screen.add(Block::Text(Cell::toned(
                    format!("WARN  {warning}"),
                    Tone::Doubtful,
                )));
            }
            screen.say_dim(change.undo());
            screen.add(Block::Diff {
                lines: diff(change),
                wrap: self.wrap,
            });
            if changes.len() > 1 {
                screen.blank();
                for (n, (other, kept)) in changes.iter().enumerate().filter(|(n, _)| *n != at) {
                    let (minus, plus) = size(other);
                    let out = if *kept { "" } else { "left out  " };
                    let line: Printable = format!(
                        "{}  {out}{}  {}  -{minus} +{plus}",
                        n + 1,
                        other.operation(),
                        other.thing.words()
                    )
                    .into();
                    screen.say_dim(line);
                }
                screen.action("left", Key::Left, "previous").action(
                    "right",
                    Key::Right,
                    "next change",
                );
            }
            screen
                .action(
                    "leave-out",
                    Key::Space,
                    if *kept { "leave out" } else { "take in" },
                )
                .action("wrap", Key::Char('w'), "wrap")
                .action("export", Key::Char('e'), "export");
        }
        if plan.changes.is_empty() {
            screen.blank();
            screen.say(if changes.is_empty() { "What is there is what is wanted, as far as it could be read. The last page looks once more." } else { "Every change is left out: nothing will be written." });
            screen.action("finish", Key::Char('y'), "look once more");
        } else if self.armed {
            screen.action("yes", Key::Char('y'), "apply now");
        } else {
            screen.action("arm", Key::Char('a'), "apply all (then y)");
        }
        screen
    }
}
