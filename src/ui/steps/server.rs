//! 5. The AYON server: its address, where it lives, which connection path, and the API key.

use super::super::model::{Admin, Model, is_server_test};
use super::super::screen::{Block, Cell, Choice, Field, Key, List, Screen, Takes, Tone};
use super::super::wizard::{Effect, Msg};
use super::ask_worker::{self, AskWorker};
use super::hops::{is_hop, timelines};
use super::{Step, path_fields, told, word_of};
use crate::connections::{self, chooser};
use crate::derived::connections::{self as connections_of, Connection};
use crate::domain::config::{LatticeTls, Location, PathId, server_url};
use crate::domain::finding::{Finding, Topic, Verdict};
use crate::domain::ids::FleetId;
use crate::domain::login::AyonLogin;
use crate::domain::reach::{self, Fit, MachinePlace, WorkerPlace};
use crate::questions::Demand;
use secrecy::SecretString;

#[derive(Default)]
pub(super) struct ServerStep {
    /// The keyring could not keep the key: keep it for this run only?
    offered: bool,
    /// The fields for an administrator's own login are open.
    signing_in: bool,
    /// The paths are compared in place of the page.
    compares: bool,
    worker: AskWorker,
}

impl Step for ServerStep {
    fn title(&self) -> &'static str {
        "Server"
    }

    fn word(&self, model: &Model) -> &'static str {
        if model.reached < 4 || model.draft.url.is_none() {
            "-"
        } else {
            word_of(model, Topic::Server)
        }
    }

    fn enter(&mut self, _: &mut Model) -> Vec<Effect> {
        self.compares = false;
        self.worker.open = false;
        Vec::new()
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        if let Some(effects) = self.worker.update(msg, model) {
            return effects;
        }
        match msg {
            Msg::Set { field: "url", text } => match server_url(text.trim()) {
                Ok(url) => {
                    if model.draft.url.as_ref() != Some(&url) {
                        // A login is of one server.
                        model.admin = Admin::Nobody;
                        model.admin_name.clear();
                    }
                    model.draft.url = Some(url);
                    return vec![Effect::FindKey];
                }
                Err(why) => {
                    model.note = Some((
                        Verdict::Fail,
                        format!("That address can't be used: {why}").into(),
                    ))
                }
            },
            Msg::Set { field, text } if path_fields::set(model, field, text) => {}
            Msg::Choose { choice, at } => choose(model, choice, *at),
            Msg::Act {
                id: id @ ("own-path" | "place"),
                row: Some(row),
            } => turn(model, id, *row),
            Msg::Act { id: "compare", .. } => self.compares = !self.compares,
            Msg::Escape if self.compares => {
                self.compares = false;
                return vec![Effect::Stay];
            }
            Msg::Set { field: "key", text } if text.trim().contains(char::is_whitespace) => {
                model.note = Some((
                    Verdict::Fail,
                    "That is not an API key: a key has no spaces".into(),
                ));
            }
            Msg::Set { field: "key", text } if !text.trim().is_empty() => {
                let key = SecretString::from(text.trim().to_owned());
                model.typed_key = Some(key.clone());
                self.offered = false;
                return vec![Effect::HoldKey(key.clone()), Effect::StoreKey(key)];
            }
            Msg::Set {
                field: "admin-name",
                text,
            } => model.admin_name = text.trim().to_owned(),
            Msg::Set {
                field: "admin",
                text,
            } if !text.trim().is_empty() => {
                let secret = SecretString::from(text.trim().to_owned());
                let login = if model.admin_name.is_empty() {
                    AyonLogin::Key(secret)
                } else {
                    AyonLogin::Password {
                        name: model.admin_name.clone(),
                        password: secret,
                    }
                };
                model.admin = Admin::Asked;
                return vec![Effect::HoldAdmin(login)];
            }
            Msg::KeyStored(Ok(())) => {
                model.typed_key = None;
                self.offered = false;
                model.note = Some((Verdict::Ok, "The key is in this machine's keyring".into()));
            }
            Msg::KeyStored(Err(problem)) => {
                self.offered = true;
                model.note = Some((
                    Verdict::Warn,
                    format!("{}: {}", problem.doing, problem.because).into(),
                ));
            }
            Msg::Act {
                id: "keep-for-now", ..
            } => {
                model.typed_key = None;
                self.offered = false;
                model.note = Some((
                    Verdict::Ok,
                    "The key is used for this run and kept nowhere".into(),
                ));
            }
            Msg::Act { id: "drop-key", .. } => {
                model.typed_key = None;
                self.offered = false;
                return vec![Effect::DropKey];
            }
            Msg::Act { id: "admin", .. } => self.signing_in = !self.signing_in,
            Msg::AdminHeld(Ok(())) => self.signing_in = false,
            Msg::Act { id: "again", .. } => {
                model.forget(&|d| matches!(d, Demand::Probe(p, _) if is_server_test(p)));
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        if self.worker.open {
            return self.worker.view(model);
        }
        if self.compares {
            return comparison(model);
        }
        let mut screen = Screen::new("The AYON server");
        let url = model
            .draft
            .url
            .as_ref()
            .map(|u| u.as_str().trim_end_matches('/').to_owned())
            .unwrap_or_default();
        screen.add(Block::Field(Field {
            id: "url",
            label: "Address",
            value: url.into(),
            secret: false,
            hint: "https://ayon.example.com",
            takes: Takes::Whole,
            options: Vec::new(),
        }));
        choices(&mut screen, model);
        path_fields::fields(&mut screen, model);
        screen.action("compare", Key::Char('m'), "compare");
        if model.draft.url.is_some() {
            screen.action(ask_worker::OPEN, ask_worker::KEY, ask_worker::LABEL);
        }
        let hint = if model.has_key {
            "type to replace it"
        } else {
            "of a service user; it goes to this machine's keyring"
        };
        let value = if model.has_key { "held" } else { "" };
        screen.add(Block::Field(Field {
            id: "key",
            label: "API key",
            value: value.into(),
            secret: true,
            hint,
            takes: Takes::Whole,
            options: Vec::new(),
        }));
        path_fields::key_field(&mut screen, model);
        fleets(&mut screen, model);
        if self.signing_in {
            admin(&mut screen, model);
        }
        if self.offered {
            screen.say("There is no keyring for the key. Keep it for this run only, in memory?");
            screen
                .action("keep-for-now", Key::Char('k'), "keep for this run")
                .action("drop-key", Key::Char('n'), "drop the key");
        }
        screen.blank();
        if model.draft.url.is_some() {
            tested(&mut screen, model);
            screen.action("again", Key::Char('r'), "test again").action(
                "admin",
                Key::Char('u'),
                "AYON login",
            );
            screen.next = Some("review");
        } else {
            screen.say_dim("Type the server's address to have it tested: name, port, certificate, AYON itself, the key.");
        }
        screen
    }
}

/// Where the server lives, and the path of every fleet that has none of its own.
fn choices(screen: &mut Screen, model: &Model) {
    let where_words = |l: &Location| match l {
        Location::Lan => "in the studio's network",
        Location::AyonCloud => "hosted by YNPUT",
        Location::Ec2 => "on an EC2 instance of yours",
        Location::Public => "elsewhere, with a public name",
    };
    let options = Location::ALL
        .iter()
        .map(|l| (l.word().into(), where_words(l).into()))
        .collect();
    let chosen = Location::ALL
        .iter()
        .position(|l| *l == model.draft.location)
        .unwrap_or(0);
    screen.add(Block::Choice(Choice {
        id: "location",
        label: "It lives",
        options,
        chosen,
    }));
    let path_words = |p: &PathId| {
        let path = connections::path(*p);
        format!("{}: {}", path.title, path.purpose)
    };
    let options = PathId::ALL
        .iter()
        .map(|p| (p.word().into(), path_words(p).into()))
        .collect();
    let chosen = PathId::ALL
        .iter()
        .position(|p| *p == model.draft.path)
        .unwrap_or(0);
    screen.add(Block::Choice(Choice {
        id: "path",
        label: "Path",
        options,
        chosen,
    }));
}

fn publishers(model: &Model) -> Vec<Connection> {
    let view = model.view();
    view.map(|v| connections_of::connections(&v))
        .unwrap_or_default()
}

fn choose(model: &mut Model, choice: &str, at: usize) {
    match choice {
        "location" => {
            let chosen = Location::ALL.get(at).copied();
            model.draft.location = chosen.unwrap_or(model.draft.location);
        }
        "path" => {
            let chosen = PathId::ALL.get(at).copied();
            model.draft.path = chosen.unwrap_or(model.draft.path);
        }
        "tls" => model.draft.rest.lattice.tls = LatticeTls::ALL.get(at).copied(),
        _ => {}
    }
}

/// The next path for one fleet, or the next place where its machines stand.
fn turn(model: &mut Model, id: &str, row: usize) {
    let Some(Connection { key, chosen, .. }) = publishers(model).into_iter().nth(row) else {
        return;
    };
    let mut config = model.config();
    let stands = config.machines_of(&key.fleet);
    let (path, at) = if id == "place" {
        if !matches!(
            chosen.place,
            WorkerPlace::Vpc | WorkerPlace::Lan | WorkerPlace::Unsaid
        ) {
            let words = "Where such workers run is known: only a customer-managed fleet's machines stand somewhere";
            model.note = Some((Verdict::Warn, words.into()));
            return;
        }
        let next = match stands {
            None => Some(MachinePlace::Vpc),
            Some(MachinePlace::Vpc) => Some(MachinePlace::Lan),
            Some(MachinePlace::Lan) => None,
        };
        (chosen.path, next)
    } else {
        let all = PathId::ALL;
        let now = all.iter().position(|p| *p == chosen.path).unwrap_or(0);
        (all[(now + 1) % all.len()], stands)
    };
    config.connect(&key.fleet, path, at);
    model.draft.rest.connections = config.connections;
}

/// By which path each fleet that publishes reaches the server, and whether that can work.
fn fleets(screen: &mut Screen, model: &Model) {
    let all = publishers(model);
    let Some(view) = model.view().filter(|_| !all.is_empty()) else {
        return;
    };
    let config = model.config();
    let own = |fleet: &FleetId, path: PathId| {
        let own = config
            .connections
            .iter()
            .any(|c| c.fleet == *fleet && c.path.is_some());
        format!("{}{}", path.word(), if own { ", its own" } else { "" })
    };
    let row = |Connection { key, chosen, .. }: &Connection| {
        let tone = match chosen.reach.fit {
            Fit::Recommended => Tone::Good,
            Fit::Possible => Tone::Plain,
            Fit::Impossible => Tone::Bad,
            Fit::Unknown => Tone::Doubtful,
        };
        let place = match (chosen.place, chosen.reach.stands) {
            (WorkerPlace::Service, _) => "service-managed",
            (WorkerPlace::Vpc, _) => "in the VPC",
            (WorkerPlace::Lan, _) => "on the LAN",
            (WorkerPlace::Unsaid, Some(MachinePlace::Vpc)) => "if in the VPC",
            (WorkerPlace::Unsaid, Some(MachinePlace::Lan)) => "if on the LAN",
            (WorkerPlace::Unsaid, None) => "customer-managed",
            (WorkerPlace::Unknown, _) => "unknown",
        };
        vec![
            Cell::new(view.fleet_name(key)),
            Cell::new(place),
            Cell::toned(own(&key.fleet, chosen.path), Tone::Strong),
            Cell::toned(chosen.reach.fit.word(), tone),
        ]
    };
    screen.blank().add(Block::List(List {
        id: "fleets",
        header: ["fleet that publishes", "its workers", "path", ""]
            .map(Into::into)
            .to_vec(),
        rows: all.iter().map(row).collect(),
        enter: None,
        empty: "",
        start: 0,
        made: None,
    }));
    // Of what is impossible a finding says why.
    for Connection { chosen, .. } in all.iter().filter(|c| c.chosen.reach.fit == Fit::Possible) {
        screen.say_dim(format!("{}: {}", chosen.path.word(), chosen.reach.why));
    }
    screen.row_action("own-path", Key::Char('p'), "its path");
    if all
        .iter()
        .any(|c| !matches!(c.chosen.place, WorkerPlace::Service | WorkerPlace::Unknown))
    {
        screen.row_action("place", Key::Char('t'), "its place");
    }
}

/// What each path would take, for the workers that there are.
fn comparison(model: &Model) -> Screen {
    let location = model.draft.location;
    let mut screen = Screen::over(
        "compare",
        format!("The paths to a server of location \"{}\"", location.word()),
    );
    let mut places: Vec<WorkerPlace> = publishers(model).iter().map(|c| c.chosen.place).collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        places = vec![WorkerPlace::Service, WorkerPlace::Vpc, WorkerPlace::Lan];
    }
    let from_aws = places.iter().any(|p| *p != WorkerPlace::Lan);
    for path in PathId::ALL {
        screen.heading(connections::path(*path).title);
        let mut works = false;
        for place in &places {
            let reach = reach::of(location, *place, *path);
            works |= reach.fit != Fit::Impossible;
            let tone = match reach.fit {
                Fit::Recommended => Tone::Good,
                Fit::Impossible => Tone::Dim,
                _ => Tone::Plain,
            };
            let line = format!("{} from {}: {}", reach.fit.word(), place.words(), reach.why);
            screen.add(Block::Text(Cell::toned(line, tone)));
        }
        if works {
            let effort = chooser::effort(location, *path, from_aws);
            screen.say(format!("  to make    {}", effort.make));
            let goals = connections::path(*path).goals();
            let titles: Vec<&str> = goals.iter().map(|g| g.title).collect();
            screen.say(if titles.is_empty() {
                "  setup      makes nothing: what is wrong is named, with the command to paste"
                    .to_owned()
            } else {
                format!("  setup      sees to it: {}", titles.join("; "))
            });
            for (n, cost) in effort.costs.iter().enumerate() {
                screen.say(format!(
                    "  {}  {cost}",
                    if n == 0 { "costs    " } else { "         " }
                ));
            }
            screen.say(format!("  carries    {}", effort.carries));
            screen.say(format!("  firewall   {}", effort.firewall));
            screen.say(format!("  to ask     {}", effort.ask));
        }
        screen.blank();
    }
    screen.say_dim(chooser::CLIENT_VPN);
    let prices = chooser::prices();
    screen.say_dim(format!(
        "Prices of {}, as of {}, as written about in public (assets/prices.toml says where); no call of AWS tells them: look at AWS's pricing pages.",
        prices.region, prices.as_of
    ));
    screen.action("compare", Key::Char('m'), "back to the server");
    screen
}

/// What was found, then how it all hangs together.
fn tested(screen: &mut Screen, model: &Model) {
    // The list of the fleets says which path fits, and the timelines say what is well.
    let told_below = |f: &&Finding| match f.verdict {
        // What is well is told by the timelines; the rest of it is counted.
        Verdict::Ok => true,
        Verdict::NotReached | Verdict::WorkerOnly => is_hop(f),
        _ => false,
    };
    let findings = model.of_topic(Topic::Server);
    let (below, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(told_below);
    let fine = below
        .iter()
        .filter(|f| f.verdict == Verdict::Ok && !is_hop(f));
    let fine = fine.count();
    if !findings.is_empty() {
        screen.add(told(findings)).blank();
    }
    timelines(screen, model);
    super::picture::draw(screen, model);
    if fine > 0 {
        screen.say_dim(format!("{fine} more checks are OK; d lists them"));
    }
    screen.say_dim("Not looked at yet, in AYON: other extra_job_parameters than CondaChannels and CondaPackages, and dev bundles.");
}

/// An administrator's own login, for what the workers' key may not change.
fn admin(screen: &mut Screen, model: &Model) {
    screen.say_dim(
        "To change the addon's settings, your own AYON login: name and password, or \
        your API key alone. It is never the workers' key, and is kept for this run only.",
    );
    screen.add(Block::Field(Field {
        id: "admin-name",
        label: "Your AYON name",
        value: model.admin_name.as_str().into(),
        secret: false,
        hint: "leave out when you give a key",
        takes: Takes::Whole,
        options: Vec::new(),
    }));
    screen.add(Block::Field(Field {
        id: "admin",
        label: "Password or key",
        value: if model.admin == Admin::Held {
            "held"
        } else {
            ""
        }
        .into(),
        secret: true,
        hint: "optional",
        takes: Takes::Whole,
        options: Vec::new(),
    }));
}
