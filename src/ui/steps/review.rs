//! 6. Review: every change as a diff, its reason, its call, its undo. Nothing is written before two deliberate keys.

use std::collections::BTreeMap;

use super::super::model::{Admin, Model};
use super::super::screen::{Block, Cell, Key, Screen, Tone};
use super::super::wizard::{Effect, Msg};
use super::Step;
use crate::domain::finding::Verdict;
use crate::domain::risk::RiskKind;
use crate::domain::text::Printable;
use crate::engine::workflow::Phase;
use crate::questions::CallerPermissions;
use crate::resources::{Change, Plan};
use crate::ui::report::diff::{diff, size};

#[derive(Default)]
pub(super) struct Review {
    at: usize,
    /// Long lines are cut; otherwise they are wrapped, so that nothing that will be written is hidden.
    cut: bool,
    /// The plan as it was shown when `a` was pressed; another one is not made.
    armed: Option<Plan>,
}

impl Review {
    /// The changes, and whether each will be made. What was left out is shown as the whole plan has it.
    fn changes(model: &Model) -> Vec<(&Change, bool)> {
        let kept = model.plan().changes.iter();
        let kept: BTreeMap<&str, &Change> = kept.map(|c| (c.id.as_str(), c)).collect();
        let whole = model.whole_plan().changes.iter();
        whole
            .map(|c| kept.get(c.id.as_str()).map_or((c, false), |k| (*k, true)))
            .collect()
    }

    /// Somebody came here for one finding: its change is shown, once the plan is whole.
    fn take_aim(&mut self, model: &mut Model) {
        if model.is_asking() {
            return;
        }
        let Some(aim) = &model.aim else {
            return;
        };
        let cures = model.findings().iter().filter(|f| aim.is(f));
        let mut cures = cures.filter_map(|f| f.cured_by.as_ref());
        let changes = Self::changes(model);
        let at = cures.find_map(|id| changes.iter().position(|(c, _)| c.id == *id));
        if let Some(at) = at {
            self.at = at;
            model.aim = None;
        }
    }

    /// The change at that place, and the others in a line each.
    fn show(&self, screen: &mut Screen, model: &Model, changes: &[(&Change, bool)], at: usize) {
        let (change, kept) = changes[at];
        if changes.len() > 1 {
            all(screen, changes, at);
        }
        let out = if kept { "" } else { "LEFT OUT  " };
        screen.heading(format!("{out}{}  {}", change.operation(), change.words()));
        screen.say(format!("because {}", change.because));
        if let Some(warning) = &change.warning {
            screen.add(Block::Text(Cell::toned(
                format!("WARN  {warning}"),
                Tone::Doubtful,
            )));
        }
        if kept && !change.reads.is_empty() && change.risk.is_some_and(RiskKind::breaks_jobs) {
            let insisted = model.insisted.contains(&change.id);
            screen.add(Block::Text(Cell::toned(
                if insisted {
                    "You insist: it is made even if the queue role can't read the channel"
                } else {
                    "It is held back until the queue role reads the channel, unless you insist (i)"
                },
                Tone::Doubtful,
            )));
            let label = if insisted { "do not insist" } else { "insist" };
            screen.action("insist", Key::Char('i'), label);
        }
        let permission = change.permission();
        let simulated = model.fact(&CallerPermissions).known();
        if simulated.is_some_and(|r| r.refused.contains(&permission)) {
            let words = format!(
                "WARN  IAM's simulator does not allow {permission} to this identity: it may fail"
            );
            screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
        }
        if let Some(words) = change.otherwise() {
            screen.say_dim(words);
        }
        screen.say_dim(change.undo());
        depends(screen, model, change, kept);
        screen.add(Block::Diff {
            lines: diff(change),
            wrap: !self.cut,
        });
        screen
            .action(
                "leave-out",
                Key::Space,
                if kept { "leave out" } else { "take in" },
            )
            .action(
                "wrap",
                Key::Char('w'),
                if self.cut { "wrap" } else { "cut lines" },
            )
            .action("export", Key::Char('e'), "export");
    }
}

impl Step for Review {
    fn title(&self) -> &'static str {
        "Review"
    }

    fn word(&self, model: &Model) -> &'static str {
        let plan = model.plan();
        match (model.phase(), model.reached) {
            (_, 0..5) => "-",
            (Phase::Applying, _) => "....",
            _ if model.is_asking() => "....",
            _ if !plan.refused.is_empty() => Verdict::Fail.word(),
            _ if !plan.unread.is_empty() => Verdict::Unknown.word(),
            _ if !plan.changes.is_empty() => Verdict::ToDo.word(),
            // Nothing is planned, and something is wrong that no change of setup puts right.
            _ if problems(model) > 0 => Verdict::Fail.word(),
            _ => Verdict::Ok.word(),
        }
    }

    fn enter(&mut self, model: &mut Model) -> Vec<Effect> {
        self.armed = None;
        self.take_aim(model);
        Vec::new()
    }

    fn heard(&mut self, model: &mut Model) -> Vec<Effect> {
        self.take_aim(model);
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        let armed = std::mem::take(&mut self.armed);
        // Whoever presses a key here has found the way.
        if matches!(msg, Msg::Act { .. } | Msg::Next | Msg::Choose { .. }) {
            model.aim = None;
        }
        let idle = !model.is_applying();
        let nothing = model.plan().changes.is_empty();
        let asking = model.is_asking();
        let id = match msg {
            // With nothing to change there is nothing to confirm: going on looks once more.
            Msg::Next | Msg::Act { id: "arm", .. } if asking => {
                let words = "Answers are still on their way; the plan may yet change".into();
                model.note = Some((Verdict::Warn, words));
                return vec![Effect::Stay];
            }
            // What the login may change belongs to the plan.
            Msg::Act {
                id: "arm" | "yes", ..
            } if model.admin == Admin::Asked => {
                let words = "AYON has not answered your login yet; the plan may yet change".into();
                model.note = Some((Verdict::Warn, words));
                return vec![Effect::Stay];
            }
            Msg::Next if nothing && matches!(model.phase(), Phase::Observing) => {
                return vec![Effect::Apply];
            }
            Msg::Act { id, .. } => *id,
            _ => return Vec::new(),
        };
        let changes = Self::changes(model);
        // There may be fewer than when the page was left.
        self.at = self.at.min(changes.len().saturating_sub(1));
        match id {
            "left" => self.at = self.at.saturating_sub(1),
            "right" => self.at = (self.at + 1).min(changes.len().saturating_sub(1)),
            "wrap" => self.cut = !self.cut,
            "leave-out" => {
                if let Some((change, kept)) = changes.get(self.at) {
                    let (id, kept) = (change.id.clone(), *kept);
                    model.leave_out(|out| {
                        if kept {
                            out.insert(id);
                        } else {
                            out.remove(&id);
                        }
                    });
                }
            }
            "insist" => {
                if let Some((change, _)) = changes.get(self.at) {
                    let id = change.id.clone();
                    if !model.insisted.remove(&id) {
                        model.insisted.insert(id);
                    }
                }
            }
            "export" => return vec![Effect::Export],
            "arm" if !nothing && idle => self.armed = Some(model.plan().clone()),
            "yes" if idle && armed.is_some() => {
                if armed.as_ref() == Some(model.plan()) {
                    return vec![Effect::Apply];
                }
                let words =
                    "The plan has changed since you pressed a: read it again, then a, then y";
                model.note = Some((Verdict::Warn, words.into()));
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let changes = Self::changes(model);
        let plan = model.plan();
        let under_way = model.is_applying();
        let made = model.applied().is_some();
        let all = changes.len();
        let mut screen = Screen::new(match all {
            _ if under_way => "The changes are being applied; see the next page".to_owned(),
            _ if model.is_asking() => "Still checking; the plan may yet change".to_owned(),
            _ => title(model, all, made),
        });
        if self.armed.is_some() && !under_way {
            confirm(&mut screen, plan);
        }
        notices(&mut screen, plan);
        if made || under_way {
            screen.next = Some("what was applied");
        }
        if under_way {
            return screen;
        }
        if self.armed.is_some() {
            screen.action("yes", Key::Char('y'), "apply now");
        } else if !plan.changes.is_empty() {
            // The one that matters comes first, for a narrow screen shows only some.
            screen.action("arm", Key::Char('a'), "apply, then y");
        }
        let at = self.at.min(all.saturating_sub(1));
        if !changes.is_empty() {
            self.show(&mut screen, model, &changes, at);
        }
        if model.is_asking() {
            screen.say("Answers are still on their way; the changes are listed when they are in.");
        } else if plan.changes.is_empty() {
            screen.blank();
            let held_back = !plan.refused.is_empty();
            screen.say(if changes.is_empty() && held_back {
                "What is above is held back, so nothing will be written. Going on checks once more."
            } else if changes.is_empty() && !plan.unread.is_empty() {
                "Not everything could be read, so a change may be missing here. Going on checks once more."
            } else if changes.is_empty() && problems(model) > 0 {
                "What is wrong, the steps before say; setup has no change for it. Going on checks once more."
            } else if changes.is_empty() {
                "Everything is as chosen, as far as it could be read. Going on checks once more."
            } else {
                "Every change is left out: nothing will be written."
            });
            screen.next = Some(if made {
                "what was applied"
            } else {
                "check once more"
            });
        }
        screen
    }
}

/// What is wrong and stays so after the plan.
fn problems(model: &Model) -> usize {
    let all = model.findings().iter();
    all.filter(|f| f.verdict == Verdict::Fail).count()
}

fn title(model: &Model, all: usize, made: bool) -> String {
    let plan = model.plan();
    let kept = plan.changes.len();
    // What was left out might have put it right.
    let whose = if kept < all {
        ""
    } else {
        " that setup can't put right"
    };
    let problems = match problems(model) {
        0 => String::new(),
        1 => format!("; 1 problem stays{whose}"),
        n => format!("; {n} problems stay{whose}"),
    };
    let out = if kept < all {
        format!(", {} left out", all - kept)
    } else {
        String::new()
    };
    match all {
        0 if plan.unread.is_empty() && plan.refused.is_empty() => {
            format!("Nothing to change{problems}")
        }
        0 => "No change can be planned".to_owned(),
        _ if made => format!("{kept} more to change{out}; nothing of it is written"),
        _ if kept == 1 => format!("1 change{out}, nothing written yet{problems}"),
        _ => format!("{kept} changes{out}, nothing written yet{problems}"),
    }
}

/// What is held back, could not be read, or goes along with what was left out.
fn notices(screen: &mut Screen, plan: &Plan) {
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
    // What goes along with a change that was left out is said with it.
    for along in &plan.left_along {
        let words = format!("LEFT OUT  {}: it needs {}", along.words, along.needs);
        screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
    }
}

fn confirm(screen: &mut Screen, plan: &Plan) {
    screen.confirms = true;
    let what = if plan.changes.len() == 1 {
        "this change".to_owned()
    } else {
        format!("these {} changes", plan.changes.len())
    };
    screen.add(Block::Text(Cell::toned(
        format!("CONFIRM: y applies {what} now; any other key goes back"),
        Tone::Strong,
    )));
    for (tone, words) in cautions(plan) {
        screen.add(Block::Text(Cell::toned(words, tone)));
    }
}

/// What would be missed on another page of the review, and is said once more before it is confirmed.
pub fn cautions(plan: &Plan) -> Vec<(Tone, Printable)> {
    let one = |change: &Change| {
        let call = format!("{}  {}", change.operation(), change.words());
        if change.is_final() {
            return Some((Tone::Bad, format!("NO UNDO  {call}").into()));
        }
        let warning = change.warning.as_ref()?;
        Some((Tone::Doubtful, format!("WARN  {call}: {warning}").into()))
    };
    plan.changes.iter().filter_map(one).collect()
}

/// Every change in a line, and which of them is shown below.
fn all(screen: &mut Screen, changes: &[(&Change, bool)], at: usize) {
    for (n, (other, kept)) in changes.iter().enumerate() {
        let (minus, plus) = size(other);
        let mark = if n == at { "▸" } else { " " };
        let out = if *kept { "" } else { "left out  " };
        let line: Printable = format!(
            "{mark} {}  {out}{}  {}  -{minus} +{plus}",
            n + 1,
            other.operation(),
            other.words()
        )
        .into();
        let tone = if n == at { Tone::Strong } else { Tone::Plain };
        screen.add(Block::Text(Cell::toned(line, tone)));
    }
    screen
        .blank()
        .action("left", Key::Left, "previous")
        .action("right", Key::Right, "next change");
}

/// Which changes need this one, and what becomes of them without it: some go too, some are made without a part.
fn depends(screen: &mut Screen, model: &Model, change: &Change, kept: bool) {
    let whole = model.whole_plan().changes.iter();
    let needing = whole.filter(|c| c.needs.contains(&change.id));
    let stays = |c: &Change| model.plan().changes.iter().any(|k| k.id == c.id);
    for other in needing {
        let words = format!("{} {}", other.operation(), other.words());
        screen.say_dim(match (kept, stays(other)) {
            (true, _) => format!(
                "needed by: {words}. Left out together with it, or the part of it that needs this"
            ),
            (false, true) => {
                format!("needed by: {words}, which is made without the part that needs this")
            }
            (false, false) => format!("needed by: {words}, which is left out too"),
        });
    }
}
