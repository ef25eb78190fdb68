//! 3. Channels: what the queue has, what it should have, in which order, and who can read what.

use super::super::model::{Model, is_server_test};
use super::super::screen::{Block, Cell, Choice, Field, Key, List, Screen, Takes, Told, Tone};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::derived::job_packages::job_packages;
use crate::derived::solve_questions::channels_read;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place, merged, proposed, split};
use crate::domain::conda_solve::size_words;
use crate::domain::config::{Pin, Strategy};
use crate::domain::fact::NotAsked;
use crate::domain::finding::{Finding, Topic, Verdict};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, without_url_secrets};
use crate::probes::ReadIndex;
use crate::questions::{Demand, QueueEnvironments, Sight, View};

#[derive(Default)]
pub(super) struct Channels {
    adding: bool,
    /// The page of help on the chosen strategy is open.
    helping: bool,
    /// The channel that was added last.
    added: Option<Channel>,
    /// The channel of the queue that `x` was pressed on: a second one takes it out.
    removing: Option<Channel>,
}

/// What is known of the first queue's conda environment.
enum Today {
    Reading,
    /// Not readable, or not wholly: no proposal is made from a part.
    NotKnown(Told),
    Known {
        channels: Vec<Channel>,
        /// Words of the list that are no channels here.
        others: Vec<String>,
        name: String,
        kind: String,
    },
}

fn today(model: &Model) -> Today {
    let Some(key) = model.draft.queues.first() else {
        return Today::Reading;
    };
    let fact = model.fact(&QueueEnvironments(key.clone()));
    if fact.is_pending() {
        return Today::Reading;
    }
    let Some(list) = fact.known() else {
        return Today::NotKnown(why(fact.problem()));
    };
    if let Some(unread) = list.iter().find(|e| e.known().is_none()) {
        return Today::NotKnown(why(unread.problem()));
    }
    for (at, environment) in list.iter().filter_map(|e| e.known()).enumerate() {
        let Ok(template) = &environment.template.parsed else {
            continue;
        };
        if template.kind.is_conda() {
            let text = template.channels.clone().flatten().unwrap_or_default();
            let (good, other): (Vec<&str>, Vec<&str>) = split(&text)
                .into_iter()
                .partition(|c| c.parse::<Channel>().is_ok());
            let channels = good.iter().filter_map(|c| c.parse().ok()).collect();
            let others = other.into_iter().map(without_url_secrets).collect();
            let runs = if at == 0 {
                "runs first".to_owned()
            } else {
                format!("runs as number {}", at + 1)
            };
            let kind = format!(
                "{}, {runs} (priority {})",
                template.kind.words(),
                environment.priority
            );
            return Today::Known {
                channels,
                others,
                name: environment.name.show().to_string(),
                kind,
            };
        }
    }
    let kind = "the queue has no conda environment: one will be created".to_owned();
    Today::Known {
        channels: Vec::new(),
        others: Vec::new(),
        name: String::new(),
        kind,
    }
}

fn why(problem: Option<&Problem>) -> Told {
    match problem {
        Some(p) => Told::problem(Verdict::Unknown, p),
        None => Told {
            about: Printable::default(),
            verdict: Verdict::Fail,
            message: "The queue does not exist".into(),
            why: None,
            fix: Some("go back and pick another one".into()),
        },
    }
}

impl Channels {
    fn set_pin(model: &mut Model, text: &str) {
        let Some(pin) = Pin::of_text(text) else {
            let words = Printable::short(text, 40);
            model.note = Some((
                Verdict::Fail,
                format!(
                    "\"{words}\" is not a version: write bundle:production, bundle:staging, latest, or one such as \
                    ==1.6.1"
                )
                .into(),
            ));
            return;
        };
        model.draft.rest.pin = pin;
    }

    fn add(&mut self, model: &mut Model, text: &str) {
        let listed = |c: &Channel| model.draft.channels.as_ref().is_some_and(|l| l.contains(c));
        match text.parse::<Channel>() {
            Ok(channel) if listed(&channel) => {
                let words = format!("{channel} is in the list already");
                model.note = Some((Verdict::Fail, words.into()));
            }
            Ok(channel) => {
                model.draft.removals.remove(channel.as_str());
                self.added = Some(channel.clone());
                Self::edit(model, |c| c.push(channel));
                self.adding = false;
            }
            Err(e) => model.note = Some((Verdict::Fail, e.to_string().into())),
        }
    }

    /// YNPUT's channel is another one from now on: in its old place, where it had one.
    fn set_ynput(model: &mut Model, text: &str) -> Vec<Effect> {
        let channel = match text.parse::<Channel>() {
            Ok(channel) => channel,
            Err(e) => {
                model.note = Some((Verdict::Fail, e.to_string().into()));
                return Vec::new();
            }
        };
        let old = std::mem::replace(&mut model.draft.ynput, channel.clone());
        model.draft.removals.remove(channel.as_str());
        let on_queue =
            matches!(today(model), Today::Known { channels, .. } if channels.contains(&old));
        if on_queue && old != channel {
            model.draft.removals.insert(old.as_str().to_owned());
        }
        Self::edit(model, |list| match list.iter().position(|c| *c == old) {
            Some(_) if list.contains(&channel) && channel != old => list.retain(|c| *c != old),
            Some(at) => list[at] = channel.clone(),
            None if !list.contains(&channel) => list.push(channel.clone()),
            None => {}
        });
        vec![Effect::Remember("ynput-channel", channel.to_string())]
    }

    /// The list is proposed where there is none. What the queue has and a list from a file lacks joins it: a file that does
    /// not name a channel does not say that it goes.
    fn decide(model: &mut Model) {
        let Today::Known { channels, .. } = today(model) else {
            return;
        };
        let Some(list) = &model.draft.channels else {
            model.draft.channels = Some(proposed(&channels, &model.draft.ynput));
            model.draft.only_proposed = true;
            return;
        };
        let stays = |c: &&Channel| !model.draft.removals.contains(c.as_str());
        let stays: Vec<&str> = channels.iter().filter(stays).map(Channel::as_str).collect();
        let listed: Vec<&str> = list.iter().map(Channel::as_str).collect();
        let all = merged(&stays, &listed);
        if all != listed {
            let more: Vec<&str> = all
                .iter()
                .copied()
                .filter(|c| !listed.contains(c))
                .collect();
            let words = format!(
                "{} is on the queue and was not in the list: it stays, and is in the list now; x takes it out",
                more.join(", ")
            );
            model.draft.channels = Some(all.iter().filter_map(|c| c.parse().ok()).collect());
            model.note = Some((Verdict::Warn, words.into()));
        }
    }

    /// A channel of the queue goes only when it is said twice: jobs may install from it.
    fn remove(&mut self, model: &mut Model, row: usize, removing: Option<&Channel>) {
        let list = model.draft.channels.as_ref();
        let Some(channel) = list.and_then(|c| c.get(row)).cloned() else {
            return;
        };
        if list.is_some_and(|c| c.len() == 1) {
            model.note = Some((
                Verdict::Fail,
                "a queue needs a channel: add another one before this one goes".into(),
            ));
            return;
        }
        let on_queue =
            matches!(today(model), Today::Known { channels, .. } if channels.contains(&channel));
        if on_queue && removing != Some(&channel) {
            let words = format!(
                "{channel} is on the queue: jobs that install from it would no longer find it. The same key again takes it out"
            );
            model.note = Some((Verdict::Warn, words.into()));
            self.removing = Some(channel);
            return;
        }
        if on_queue {
            model.draft.removals.insert(channel.as_str().to_owned());
        }
        Self::edit(model, |c| c.retain(|c| *c != channel));
    }

    fn edit(model: &mut Model, change: impl FnOnce(&mut Vec<Channel>)) {
        if let Some(channels) = &mut model.draft.channels {
            change(channels);
            model.draft.only_proposed = false;
            model.leave_out(std::collections::BTreeSet::clear);
        }
    }
}

impl Step for Channels {
    fn title(&self) -> &'static str {
        "Channels"
    }

    fn word(&self, model: &Model) -> &'static str {
        if model.reached < 2 {
            "-"
        } else {
            word_of(model, Topic::Channels)
        }
    }

    fn enter(&mut self, model: &mut Model) -> Vec<Effect> {
        Self::decide(model);
        Vec::new()
    }

    fn enter_if_waiting(&mut self, model: &mut Model) -> Vec<Effect> {
        self.enter(model)
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        Self::decide(model);
        let removing = self.removing.take();
        if matches!(msg, Msg::Act { .. } | Msg::Set { .. }) {
            self.added = None;
        }
        match msg {
            Msg::Act {
                id: "up",
                row: Some(row),
            } if *row > 0 => Self::edit(model, |c| {
                if *row < c.len() {
                    c.swap(*row, *row - 1);
                }
            }),
            Msg::Act {
                id: "down",
                row: Some(row),
            } => Self::edit(model, |c| {
                if *row + 1 < c.len() {
                    c.swap(*row, *row + 1);
                }
            }),
            Msg::Act {
                id: "remove",
                row: Some(row),
            } => self.remove(model, *row, removing.as_ref()),
            Msg::Act { id: "help", .. } => self.helping = !self.helping,
            Msg::Act { id: "again", .. } => {
                let stopped = model.stop_solves();
                model.forget(&|d| matches!(d, Demand::Probe(p, _) if !is_server_test(p)));
                return stopped.into_iter().map(Effect::Work).collect();
            }
            Msg::Choose {
                choice: "strategy",
                at,
            } => {
                if let Some(strategy) = Strategy::ALL.get(*at) {
                    model.draft.rest.strategy = *strategy;
                }
            }
            Msg::Set { field: "pin", text } => Self::set_pin(model, text.trim()),
            Msg::Act { id: "add", .. } => self.adding = !self.adding,
            Msg::Set { field: "new", text } if text.trim().is_empty() => self.adding = false,
            Msg::Act { id: "proposal", .. } => {
                model.draft.channels = None;
                model.draft.removals.clear();
                model.leave_out(std::collections::BTreeSet::clear);
                Self::decide(model);
            }
            Msg::Set { field: "new", text } => self.add(model, text.trim()),
            Msg::Set {
                field: "ynput",
                text,
            } => return Self::set_ynput(model, text.trim()),
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let (today, others, name, kind) = match today(model) {
            Today::Known {
                channels,
                others,
                name,
                kind,
            } => (channels, others, name, kind),
            other => {
                let mut screen = Screen::new("Channels");
                if let Today::NotKnown(told) = other {
                    screen.add(Block::Findings(vec![told]));
                    screen.say("Without the queue's environments no channel is proposed and none is changed; the other steps go on.");
                    screen.next = Some("roles");
                } else {
                    screen.say("Reading the queue's environments ...");
                }
                return screen;
            }
        };
        let mut screen = if name.is_empty() {
            Screen::new("Channels")
        } else {
            Screen::new(format!("Channels of the queue environment \"{name}\""))
        };
        screen.note = kind.into();
        if let (Some(view), [first, .., _]) = (model.view(), model.draft.queues.as_slice()) {
            let (name, more) = (view.queue_name(first), model.draft.queues.len() - 1);
            screen.say(format!("This is queue {name}. The other chosen queues ({more}) get the same list; what they have besides stays."));
        }
        let channels = model.draft.channels.clone().unwrap_or_default();
        let findings = model.of_topic(Topic::Channels);
        let rows = channels
            .iter()
            .enumerate()
            .map(|(i, c)| row(model, i, c, !today.contains(c)))
            .collect();
        let header = ["#", "channel", "", "here", "queue role"]
            .map(Into::into)
            .to_vec();
        screen.add(Block::List(List {
            id: "channels",
            header,
            rows,
            enter: None,
            empty: "no channel yet",
            start: 0,
            made: self
                .added
                .as_ref()
                .and_then(|a| channels.iter().position(|c| c == a)),
        }));
        for gone in today.iter().filter(|c| !channels.contains(c)) {
            let words = format!(
                "{gone} leaves the queue, with a change of its own; a adds it again, p goes back to the proposal"
            );
            screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
        }
        for other in others {
            let words = format!(
                "{other} is on the queue and can't be listed here (a password, a token, or not a \
                    channel): it stays; take it out in the AWS console"
            );
            screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
        }
        if self.adding {
            screen.add(Block::Field(Field {
                id: "new",
                label: "New channel",
                value: "".into(),
                secret: false,
                hint: "s3://bucket/prefix, https://…, or a name",
                takes: Takes::AtOnce,
                options: Vec::new(),
            }));
        }
        screen.add(Block::Field(Field {
            id: "ynput",
            label: "YNPUT's channel",
            value: model.draft.ynput.show(),
            secret: false,
            hint: "s3://… or https://…, as YNPUT tells you",
            takes: Takes::Whole,
            options: Vec::new(),
        }));
        self.packages(&mut screen, model);
        downloads(&mut screen, model);
        screen.blank();
        screen.add(told(findings.into_iter().filter(|f| is_shown(f))));
        to_paste(&mut screen, model);
        screen
            .row_action("up", Key::Char('K'), "move up")
            .row_action("down", Key::Char('J'), "move down");
        screen
            .action("add", Key::Char('a'), "add")
            .row_action("remove", Key::Char('x'), "remove")
            .action("proposal", Key::Char('p'), "proposal")
            .action("help", Key::Char('i'), "about the packages")
            .action("again", Key::Char('r'), "read again");
        screen.next = Some("roles");
        screen
    }
}

impl Channels {
    /// Which packages a publish job gets, in which version.
    fn packages(&self, screen: &mut Screen, model: &Model) {
        let strategy = model.draft.rest.strategy;
        let options = Strategy::ALL
            .iter()
            .map(|s| (s.word().into(), s.help().line.into()))
            .collect();
        let chosen = Strategy::ALL
            .iter()
            .position(|s| *s == strategy)
            .unwrap_or(0);
        screen.add(Block::Choice(Choice {
            id: "strategy",
            label: "Packages",
            options,
            chosen,
        }));
        screen.add(Block::Field(Field {
            id: "pin",
            label: "Version",
            value: model.draft.rest.pin.text().into(),
            secret: false,
            hint: "bundle:production, bundle:staging, latest, ==1.6.1",
            takes: Takes::Whole,
            options: pins(model),
        }));
        if self.helping {
            let help = strategy.help();
            screen.heading(help.title);
            for paragraph in help.page.split("\n\n") {
                screen.say(paragraph.trim());
            }
        }
    }
}

/// The table shows each channel already; the text below it is for what is more than that.
fn is_shown(f: &Finding) -> bool {
    let in_table = matches!(
        f.check,
        "channel-index" | "channel-folders" | "channel-region" | "channel-public"
    );
    let matters = matches!(f.verdict, Verdict::Fail | Verdict::Unknown);
    !in_table || matters
}

/// The packages of a publish job, as its CondaPackages take them.
fn to_paste(screen: &mut Screen, model: &Model) {
    let Some(view) = model.view() else {
        return;
    };
    match job_packages(&view) {
        Ok(packages) => {
            screen.say_dim("Jobs that publish install these through CondaPackages; the queue's default stays as it is. To paste:");
            screen.add(Block::Paste(packages.join(" ").into()));
        }
        Err(why) => {
            screen.say_dim(format!("No version yet: {why}."));
        }
    }
}

/// What may be typed as a version: the bundles, and what the channels hold.
fn pins(model: &Model) -> Vec<String> {
    let mut list: Vec<String> = ["bundle:production", "bundle:staging", "latest"]
        .map(str::to_owned)
        .to_vec();
    let main = model.draft.rest.strategy.main_package();
    let (Some(view), Some(key)) = (model.view(), model.draft.queues.first()) else {
        return list;
    };
    let Some((_, report)) = channels_read(&view, key) else {
        return list;
    };
    let versions = report.channels.iter().flat_map(|c| &c.versions);
    for version in versions
        .filter(|(name, _)| name == main)
        .flat_map(|(_, list)| list)
    {
        let pin = format!("=={}", version.show());
        if !list.contains(&pin) {
            list.push(pin);
        }
    }
    list
}

/// Long downloads with a bar; Esc stops them.
fn downloads(screen: &mut Screen, model: &Model) {
    const WIDE: u64 = 20;
    let rows: Vec<(Cell, Printable, Printable)> = model
        .downloads
        .iter()
        .take(4)
        .map(|d| {
            let got = size_words(d.got);
            if d.waits {
                return (Cell::toned("....", Tone::Dim), d.what.clone(), "".into());
            }
            let (bar, figures) = match d.of.filter(|of| *of > 0) {
                Some(of) => {
                    let full = usize::try_from(d.got.min(of) * WIDE / of).unwrap_or_default();
                    let bar = format!("{}{}", "#".repeat(full), ".".repeat(20 - full));
                    (format!("[{bar}] "), format!("{got} of {}", size_words(of)))
                }
                None => (String::new(), got),
            };
            let what = format!("{bar}{}", d.what);
            (Cell::toned("....", Tone::Dim), what.into(), figures.into())
        })
        .collect();
    if !rows.is_empty() {
        screen.say_dim("Reading channels; Esc stops it");
        screen.add(Block::Progress(rows));
    }
}

/// What a live test of the channel's index comes to, in few letters.
fn cell(model: &Model, view: &View, channel: &Channel, from: &Vantage) -> Cell {
    let probe = ReadIndex(channel.clone());
    match view.peek_seen(&probe, from) {
        Sight::Seen(seen) => {
            let Some((assessment, _)) = model.verdict_of(&probe.into(), from) else {
                return Cell::new("");
            };
            let word = assessment.verdict.word();
            let words = match assessment.verdict {
                Verdict::Ok => format!("{word} {:>5} ms", seen.millis),
                Verdict::Fail | Verdict::Unknown | Verdict::ToDo => {
                    format!("{word} {}", assessment.code.replace('-', " "))
                }
                _ => word.to_owned(),
            };
            Cell::toned(words, assessment.verdict.into())
        }
        Sight::NotAsked(NotAsked::Pending) => Cell::toned("....", Tone::Dim),
        Sight::NotAsked(NotAsked::Declined(_)) => Cell::verdict(Verdict::Skipped),
        Sight::NotAsked(NotAsked::NeedsWorker) => Cell::verdict(Verdict::WorkerOnly),
    }
}

fn row(model: &Model, at: usize, channel: &Channel, new: bool) -> Vec<Cell> {
    let seen = |from: &Vantage| match model.view() {
        Some(view) => cell(model, &view, channel, from),
        None => Cell::toned("....", Tone::Dim),
    };
    let (here, role) = match channel.place() {
        Place::AwsAlias => (
            Cell::verdict(Verdict::WorkerOnly),
            Cell::verdict(Verdict::WorkerOnly),
        ),
        Place::S3 { .. } => {
            let key = model.draft.queues.first();
            let role = key.map(|k| seen(&Vantage::QueueRole(k.clone())));
            (seen(&Vantage::Here), role.unwrap_or_else(|| Cell::new("-")))
        }
        Place::Url(_) | Place::Path(_) | Place::Name(_) => {
            (seen(&Vantage::Here), Cell::toned("not needed", Tone::Dim))
        }
    };
    vec![
        Cell::toned((at + 1).to_string(), Tone::Dim),
        Cell::new(channel.show()),
        Cell::toned(if new { "new" } else { "" }, Tone::Strong),
        here,
        role,
    ]
}
