//! 5. The AYON server: its address, where it lives, which connection path, and the API key.

use super::super::model::{Admin, Model, is_server_test};
use super::super::screen::{Block, Choice, Field, Key, Screen, Takes};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::connections;
use crate::domain::config::{Location, PathId, server_url};
use crate::domain::finding::{Topic, Verdict};
use crate::domain::login::AyonLogin;
use crate::questions::Demand;
use secrecy::SecretString;

#[derive(Default)]
pub(super) struct ServerStep {
    /// The keyring could not keep the key: keep it for this run only?
    offered: bool,
    /// The fields for an administrator's own login are open.
    signing_in: bool,
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

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
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
            Msg::Choose {
                choice: "location",
                at,
            } => {
                model.draft.location = Location::ALL
                    .get(*at)
                    .copied()
                    .unwrap_or(model.draft.location)
            }
            Msg::Choose { choice: "path", at } => {
                model.draft.path = PathId::ALL.get(*at).copied().unwrap_or(model.draft.path)
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
            let later = if p.is_built() {
                ""
            } else {
                " (not built into this version)"
            };
            format!("{}: {}{later}", path.title, path.purpose)
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
                "your AYON login",
            );
            screen.next = Some("review");
        } else {
            screen.say_dim("Type the server's address to have it tested: name, port, certificate, AYON itself, the key.");
        }
        screen
    }
}

/// What was found, then how it all hangs together.
fn tested(screen: &mut Screen, model: &Model) {
    screen.add(told(model.of_topic(Topic::Server))).blank();
    super::picture::draw(screen, model);
    screen.say_dim("Not looked at yet, in AYON: settings of single projects, other extra_job_parameters than CondaPackages, dev bundles.");
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
