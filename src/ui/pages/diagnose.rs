//! Why can't a worker reach the server? The hops of each connection as they are seen now, with their latencies while it repeats, and
//! since when a state is what it is, as far as this screen has seen it change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::model::Model;
use super::super::report::baseline::without_numbers;
use super::super::report::diagnosis::{Way, conclusion, sparkline, ways};
use super::super::screen::{Block, Cell, Key, List, Screen, Told, Tone};
use super::super::steps::Step;
use super::super::wizard::{Effect, Msg};
use super::finding::{self, Shown};
use crate::connections;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::text::Printable;
use crate::domain::time::clock;
use crate::ui::diagram;

#[derive(Debug, Default)]
pub(super) struct Diagnose {
    shown: Option<Shown>,
    mermaid: bool,
    /// It is read again and again.
    watches: bool,
    /// When the last whole round ended, on the clock of `now`.
    ended: Option<u64>,
    /// A round is under way.
    is_reading: bool,
    /// By path, fleets and check.
    hops: BTreeMap<String, Hop>,
    rounds: usize,
}

/// What a hop was like in the rounds so far.
#[derive(Debug, Clone)]
struct Hop {
    verdict: Verdict,
    said: String,
    /// When it was seen to become so.
    since: Option<Timestamp>,
    millis: Vec<Option<u64>>,
}

/// Between two rounds.
const PAUSE: u64 = 30_000;
/// So many rounds are drawn.
const ROUNDS: usize = 8;
/// Fleets that see the same come together in one way, so that few studios have as many.
const LISTS: [&str; 16] = [
    "way-1", "way-2", "way-3", "way-4", "way-5", "way-6", "way-7", "way-8", "way-9", "way-10",
    "way-11", "way-12", "way-13", "way-14", "way-15", "way-16",
];

fn again(model: &mut Model) -> Vec<Effect> {
    model.look_again().into_iter().map(Effect::Work).collect()
}

fn name(way: &Way, hop: &Finding) -> String {
    let fleets: Vec<&str> = way.fleets.iter().map(Printable::as_str).collect();
    format!("{} {} {}", way.path, fleets.join(" "), hop.check)
}

fn in_millis(hop: &Finding) -> Option<u64> {
    let tried = !matches!(
        hop.verdict,
        Verdict::NotReached | Verdict::WorkerOnly | Verdict::Skipped
    );
    connections::millis(hop).filter(|_| tried)
}

impl Diagnose {
    /// A round is whole: what has changed since the one before, and how long each hop took.
    fn take_in(&mut self, model: &Model) {
        let Some(view) = model.view() else { return };
        let findings: Vec<&Finding> = model.findings().iter().collect();
        let now = Timestamp::now();
        for way in ways(&view, &findings) {
            for hop in &way.hops {
                let said = without_numbers(hop);
                let own = self.hops.entry(name(&way, hop)).or_insert_with(|| Hop {
                    verdict: hop.verdict,
                    said: said.clone(),
                    since: None,
                    millis: Vec::new(),
                });
                let flipped =
                    own.verdict != hop.verdict || (hop.verdict.is_bad() && own.said != said);
                if flipped {
                    own.since = Some(now);
                    own.verdict = hop.verdict;
                    own.said = said;
                }
                own.millis.push(in_millis(hop));
                let more = own.millis.len().saturating_sub(ROUNDS);
                own.millis.drain(..more);
            }
        }
        self.rounds += 1;
    }

    fn hop_of<'a>(model: &'a Model, list: &str, row: usize) -> Option<&'a Finding> {
        let at = LISTS.iter().position(|l| *l == list)?;
        let view = model.view()?;
        let findings: Vec<&Finding> = model.findings().iter().collect();
        ways(&view, &findings).get(at)?.hops.get(row).copied()
    }
}

impl Step for Diagnose {
    fn title(&self) -> &'static str {
        "Diagnose"
    }

    fn word(&self, _: &Model) -> &'static str {
        "-"
    }

    fn is_watching(&self) -> bool {
        self.watches
    }

    /// What was read by now is the first round.
    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        self.is_reading |= self.rounds == 0;
        Vec::new()
    }

    fn heard(&mut self, model: &mut Model) -> Vec<Effect> {
        if !model.reads() {
            return Vec::new();
        }
        if !model.waiting.is_empty() {
            self.is_reading = true;
            return Vec::new();
        }
        if std::mem::take(&mut self.is_reading) {
            self.ended = Some(model.now);
            self.take_in(model);
        }
        let since = self
            .ended
            .map_or(0, |ended| model.now.saturating_sub(ended));
        if self.watches && since >= PAUSE {
            self.ended = Some(model.now);
            return again(model);
        }
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act { id: "again", .. } => return again(model),
            Msg::Act { id: "watch", .. } => self.watches = !self.watches,
            Msg::Act { id: "mermaid", .. } => self.mermaid = true,
            Msg::Act { id, row: Some(row) } => {
                self.shown = Self::hop_of(model, id, *row).map(Shown::of);
            }
            Msg::Act { id, .. } => {
                let found = self.shown.as_ref().and_then(|s| s.find(model.audited()));
                return finding::act(id, found);
            }
            Msg::Escape | Msg::Back
                if self.shown.take().is_some() || std::mem::take(&mut self.mermaid) =>
            {
                return vec![Effect::Stay];
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        if let Some(shown) = &self.shown {
            return finding::view(model, shown);
        }
        let findings: Vec<&Finding> = model.findings().iter().collect();
        let view = model.view().filter(|_| model.reads());
        let all = view
            .as_ref()
            .map(|v| ways(v, &findings))
            .unwrap_or_default();
        if self.mermaid {
            return mermaid(model, &findings);
        }
        let mut screen = Screen::new("The connections, hop by hop");
        if self.watches {
            screen.note = format!("read every {} s, round {}", PAUSE / 1_000, self.rounds).into();
        }
        if all.is_empty() {
            screen.say(if !model.reads() {
                "Nothing can be read: sign in, and name a queue and a server in the studio file (Set up a queue)."
            } else if model.waiting.is_empty() {
                "No connection is known: the fleets that publish could not be told, or no server is named. Audit says what was found."
            } else {
                "Reading ..."
            });
        }
        for (way, list) in all.iter().zip(LISTS) {
            self.way(&mut screen, way, list);
        }
        if all.len() > LISTS.len() {
            screen.say(format!(
                "{} more connections: `studiolink diagnose` prints all.",
                all.len() - LISTS.len()
            ));
        }
        screen.action("again", Key::Char('r'), "read now");
        screen.action(
            "watch",
            Key::Char('w'),
            if self.watches { "stop" } else { "repeat" },
        );
        if !all.is_empty() {
            screen.action("mermaid", Key::Char('m'), "Mermaid");
        }
        screen
    }
}

impl Diagnose {
    fn way(&self, screen: &mut Screen, way: &Way, list: &'static str) {
        let fleets: Vec<&str> = way.fleets.iter().map(Printable::as_str).collect();
        screen.heading(format!("{}, from {}", way.path, fleets.join(", ")));
        if way.impossible.is_some() {
            screen.add(Block::Findings(vec![told(way)])).blank();
            return;
        }
        let broken = way.broken();
        let shows_rounds = self.rounds > 1;
        let changes = |hop: &Finding| self.hops.get(&name(way, hop)).and_then(|h| h.since);
        let has_changed = way.hops.iter().any(|h| changes(h).is_some());
        let rows = way.hops.iter().enumerate().map(|(n, hop)| {
            let here = broken.is_some_and(|(at, _)| at == n);
            let tone = if here { Tone::Strong } else { Tone::Plain };
            let millis = in_millis(hop).map_or_else(String::new, |ms| ms.to_string());
            let mut row = vec![
                Cell::new((n + 1).to_string()),
                Cell::verdict(hop.verdict),
                Cell::toned(hop.vantage.word(), Tone::Dim),
                Cell::toned(format!("{millis:>5}"), Tone::Dim),
            ];
            if shows_rounds {
                let own = self.hops.get(&name(way, hop));
                row.push(Cell::new(
                    own.map_or_else(String::new, |h| sparkline(&h.millis)),
                ));
            }
            if has_changed {
                let since = changes(hop).map(|at| clock(at)[..8].to_owned());
                row.push(Cell::new(since.unwrap_or_default()));
            }
            row.push(Cell::toned(hop.message.clone(), tone));
            row
        });
        let mut header: Vec<Printable> =
            vec!["hop".into(), "state".into(), "from".into(), "   ms".into()];
        header.extend(shows_rounds.then(|| Printable::from("rounds")));
        header.extend(has_changed.then(|| Printable::from("since")));
        header.push("".into());
        screen.add(Block::List(List {
            id: list,
            header,
            rows: rows.collect(),
            enter: Some(list),
            empty: "no hop was seen",
            start: broken.map_or(0, |(at, _)| at),
            made: None,
        }));
        screen.blank();
        screen.add(Block::Findings(vec![told(way)])).blank();
    }
}

fn told(way: &Way) -> Told {
    let said = conclusion(way);
    Told {
        about: Printable::default(),
        verdict: said.verdict,
        message: said.message,
        why: said.why.or(said.behind.map(Printable::from)),
        fix: said.fix,
    }
}

fn mermaid(model: &Model, findings: &[&Finding]) -> Screen {
    let mut screen = Screen::over(
        "mermaid",
        "The connections as Mermaid, for your documentation",
    );
    if let Some(view) = model.view() {
        let text = diagram::mermaid(&diagram::of(&view, findings));
        let lines = text.trim_end().lines().map(Printable::from);
        screen.add(Block::PasteLines(lines.collect()));
    }
    screen.say_dim(
        "c copies it; `studiolink diagram --format mermaid` prints it, `--format svg` draws it.",
    );
    screen
}
