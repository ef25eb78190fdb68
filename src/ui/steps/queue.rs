//! 2. Farm, queue, fleets: pick them from the lists, see what is associated with the queue.

use super::super::model::Model;
use super::super::screen::{Block, Cell, Field, Key, List, Screen, Takes, Told, Tone};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::domain::fact::Fact;
use crate::domain::farm::Listed;
use crate::domain::finding::{Topic, Verdict};
use crate::domain::ids::{FarmId, QueueKey};
use crate::questions::{FarmList, QueueList};

#[derive(Default)]
pub(super) struct QueueStep {
    filter: String,
    /// The queues that were chosen when the list was last made: they come first, whatever the filter. Those that are marked
    /// later stay where they are, so that no row moves under the cursor.
    first: Vec<String>,
}

impl QueueStep {
    fn shown<'a>(&self, fact: &'a Fact<Vec<Listed>>) -> Vec<&'a Listed> {
        let filter = self.filter.to_lowercase();
        let fits = |l: &Listed| {
            filter.is_empty()
                || l.name.raw().to_lowercase().contains(&filter)
                || l.id.contains(&filter)
        };
        let is_first = |l: &&Listed| self.first.contains(&l.id);
        let all = || fact.known().into_iter().flatten();
        let rest = all().filter(|l| !is_first(l) && fits(l));
        all().filter(is_first).chain(rest).collect()
    }

    fn chosen_first(&mut self, model: &Model) {
        let queues = model.draft.queues.iter();
        self.first = queues.map(|q| q.queue.to_string()).collect();
    }

    /// The queues of the chosen farm, or the farms.
    fn list(model: &Model) -> &Fact<Vec<Listed>> {
        match &model.draft.farm {
            None => model.fact(&FarmList),
            Some(farm) => model.fact(&QueueList(farm.clone())),
        }
    }

    fn rows(&self, model: &Model) -> Vec<Listed> {
        self.shown(Self::list(model)).into_iter().cloned().collect()
    }
}

impl Step for QueueStep {
    fn title(&self) -> &'static str {
        "Farm, queue"
    }

    fn word(&self, model: &Model) -> &'static str {
        if model.draft.queues.is_empty() {
            "-"
        } else {
            word_of(model, Topic::Queue)
        }
    }

    fn enter(&mut self, model: &mut Model) -> Vec<Effect> {
        self.chosen_first(model);
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Set {
                field: "filter",
                text,
            } => {
                self.filter = text.trim().to_owned();
                self.chosen_first(model);
            }
            // A list that may not be read does not end the wizard: an id can be typed.
            Msg::Set { field: "id", text } => {
                let text = text.trim();
                match model.draft.farm.clone() {
                    None => match text.parse() {
                        Ok(farm) => model.draft.farm = Some(farm),
                        Err(e) => model.note = Some((Verdict::Fail, e.to_string().into())),
                    },
                    Some(farm) => match text.parse() {
                        Ok(queue) => model.draft.queues = vec![QueueKey { farm, queue }],
                        Err(e) => model.note = Some((Verdict::Fail, e.to_string().into())),
                    },
                }
            }
            Msg::Act { id: "farms", .. } => {
                // The choice stands until another queue is picked.
                model.draft.farm = None;
                self.filter.clear();
            }
            Msg::Act {
                id: id @ ("pick" | "mark"),
                row: Some(row),
            } => {
                let Some(listed) = self.rows(model).into_iter().nth(*row) else {
                    return Vec::new();
                };
                match model.draft.farm.clone() {
                    None => {
                        model.draft.farm = listed.id.parse::<FarmId>().ok();
                        self.filter.clear();
                    }
                    Some(farm) => {
                        let Ok(queue) = listed.id.parse() else {
                            return Vec::new();
                        };
                        let key = QueueKey { farm, queue };
                        let at = model.draft.queues.iter().position(|q| *q == key);
                        match (*id, at) {
                            // Enter on the chosen queue goes on; on another one it chooses that one alone.
                            ("pick", Some(_)) => return vec![Effect::Next],
                            ("pick", None) if model.draft.queues.len() > 1 => {
                                return vec![Effect::Next];
                            }
                            ("pick", _) => model.draft.queues = vec![key],
                            (_, Some(at)) => {
                                model.draft.queues.remove(at);
                            }
                            (_, None) => {
                                // One studio file describes one farm.
                                model.draft.queues.retain(|q| q.farm == key.farm);
                                model.draft.queues.push(key);
                            }
                        }
                        model.leave_out(std::collections::BTreeSet::clear);
                        if model.draft.only_proposed {
                            model.draft.channels = None;
                        }
                    }
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let Some(view) = model.view() else {
            return Screen::new("Farm and queue");
        };
        let farm = model.draft.farm.as_ref();
        let mut screen = match farm {
            None => Screen::new("Farms of this account and region"),
            Some(farm) => Screen::new(format!("Queues of {}", view.farm_name(farm).to_width(40))),
        };
        let fact = Self::list(model);
        let all = fact.known().map_or(0, Vec::len);
        let rows = self.shown(fact);
        let chosen = model.draft.queues.len();
        screen.note = match fact {
            Fact::Known(_) if farm.is_some() && chosen > 0 => {
                format!("{chosen} of {all} chosen").into()
            }
            Fact::Known(_) if rows.len() < all => format!("{} of {all}", rows.len()).into(),
            Fact::Known(_) => format!("{all}").into(),
            _ => "".into(),
        };
        if farm.is_some() && chosen > 1 {
            let names = model.draft.queues.iter().take(6);
            let names: Vec<String> = names.map(|q| view.queue_name(q).to_string()).collect();
            let more = if chosen > 6 { ", ..." } else { "" };
            screen.say(format!("Chosen: {}{more}", names.join(", ")));
        }
        if all > 8 || !self.filter.is_empty() {
            screen.add(Block::Field(Field {
                id: "filter",
                label: "Filter",
                value: self.filter.as_str().into(),
                secret: false,
                hint: "part of a name or an id",
                takes: Takes::Each,
                options: Vec::new(),
            }));
        }
        let chosen = |l: &Listed| model.draft.queues.iter().any(|q| q.queue.as_str() == l.id);
        let start = rows.iter().position(|l| chosen(l)).unwrap_or(0);
        let cells = |l: &&Listed| {
            vec![
                Cell::new(if chosen(l) { "chosen" } else { "" }),
                Cell::new(l.name.show().to_width(44)),
                Cell::toned(shortened(&l.id), Tone::Dim),
            ]
        };
        if let Some(problem) = fact.problem() {
            let told = Told::problem(Verdict::Unknown, problem);
            screen.add(Block::Findings(vec![told]));
            let label = if farm.is_some() {
                "Queue id"
            } else {
                "Farm id"
            };
            screen.add(Block::Field(Field {
                id: "id",
                label,
                value: "".into(),
                secret: false,
                hint: "as the console shows it",
                takes: Takes::Whole,
                options: Vec::new(),
            }));
        } else if fact.known().is_none() {
            screen.say("Listing ...");
        } else {
            let empty = match (farm, all) {
                (None, 0) => {
                    "this account has no farm in this region: check the region and the account of step 1"
                }
                (Some(_), 0) => "this farm has no queue",
                _ => "nothing fits the filter",
            };
            screen.add(Block::List(List {
                id: if farm.is_some() { "queues" } else { "farms" },
                header: vec![
                    "".into(),
                    if farm.is_some() { "queue" } else { "farm" }.into(),
                    "id".into(),
                ],
                rows: rows.iter().map(cells).collect(),
                enter: Some("pick"),
                empty,
                start,
                made: None,
            }));
        }
        if farm.is_some() {
            screen.row_action("mark", Key::Space, "mark several");
            screen.action("farms", Key::Char('f'), "other farm");
        }
        if !model.draft.queues.is_empty() {
            screen.blank();
            screen.add(told(model.of_topic(Topic::Queue)));
            screen.next = Some("channels");
        }
        screen
    }
}

/// An id with its middle left out; enough of both ends that two queues of a farm can be told apart.
fn shortened(id: &str) -> String {
    match id.split_once('-') {
        Some((kind, hex)) if hex.len() > 16 && hex.is_ascii() => {
            format!("{kind}-{}…{}", &hex[..8], &hex[hex.len() - 6..])
        }
        _ => id.to_owned(),
    }
}
