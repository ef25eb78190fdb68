//! 1. Who am I: profile and region, what STS says, what this identity may do.

use super::super::model::{Model, SignIn};
use super::super::screen::{Block, Cell, Field, Key, List, Screen, Takes, Told, Tone};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::domain::finding::{Topic, Verdict};
use crate::domain::login::profile_of_sso;
use crate::questions::CallerIdentity;

pub(super) struct Identity;

const INTRODUCTION: &str = "This links a Deadline Cloud queue to AYON in seven steps: who you are, which queue, its conda \
    channels, its roles, the AYON server, a review, and the changes. Until you confirm the review, nothing is changed.";

/// The profile whose SSO session has ended.
fn expired(model: &Model) -> Option<String> {
    let SignIn::Failed(problem) = &model.sign_in else {
        return None;
    };
    profile_of_sso(problem).map(str::to_owned)
}

impl Step for Identity {
    fn title(&self) -> &'static str {
        "Identity"
    }

    fn word(&self, model: &Model) -> &'static str {
        match &model.sign_in {
            SignIn::UnderWay => "....",
            SignIn::Failed(_) => Verdict::Fail.word(),
            SignIn::Yes { .. } => word_of(model, Topic::Identity),
        }
    }

    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect> {
        match msg {
            Msg::Act {
                id: "use-profile",
                row: Some(row),
            } => {
                let Some(name) = model
                    .profiles
                    .as_ref()
                    .ok()
                    .and_then(|p| p.get(*row))
                    .cloned()
                else {
                    return Vec::new();
                };
                // Enter on the profile that is signed in goes on; on another one it signs in with that.
                if let SignIn::Yes { profile, .. } = &model.sign_in
                    && profile.as_str() == name
                {
                    return vec![Effect::Next];
                }
                model.draft.profile = Some(name);
                model.sign_in = SignIn::UnderWay;
                vec![Effect::SignIn]
            }
            Msg::Act {
                id: "forget-draft", ..
            } if model.is_draft() => {
                model.forget_draft();
                model.sign_in = SignIn::UnderWay;
                vec![Effect::SignIn]
            }
            Msg::Act { id: "again", .. } => {
                if let Some(profile) = expired(model) {
                    let words =
                        format!("Running aws sso login --profile {profile}; it opens a browser");
                    model.note = Some((Verdict::Skipped, words.into()));
                    return vec![Effect::SsoLogin(profile)];
                }
                model.sign_in = SignIn::UnderWay;
                vec![Effect::SignIn]
            }
            Msg::Set {
                field: "region",
                text,
            } => match text.trim().parse() {
                Ok(region) => {
                    model.draft.region = Some(region);
                    model.sign_in = SignIn::UnderWay;
                    vec![Effect::SignIn]
                }
                Err(e) => {
                    model.note = Some((Verdict::Fail, e.to_string().into()));
                    Vec::new()
                }
            },
            _ => Vec::new(),
        }
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("Sign in to AWS");
        screen.note = if model.sandbox {
            "a studio in memory; nothing here is AWS".into()
        } else {
            "".into()
        };
        screen.say_dim(INTRODUCTION).blank();
        if let Some(one) = &model.interrupted {
            let changes = if one.done == 1 { "change" } else { "changes" };
            let words = format!(
                "WARN  Run {} of {} was interrupted after {} {changes}. Resume: go on to the review and apply. Undo: quit (q), then",
                one.run, one.started, one.done
            );
            screen.add(Block::Text(Cell::toned(words, Tone::Doubtful)));
            screen.add(Block::Paste(
                format!("studiolink rollback {}", one.run).into(),
            ));
            screen.blank();
        }
        if model.is_draft() {
            screen
                .say("Your choices of last time are filled in: the wizard was left before they were applied.")
                .action("forget-draft", Key::Char('n'), "start anew")
                .blank();
        }
        if !model.sandbox {
            let profiles = model
                .profiles
                .as_ref()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let used = match &model.sign_in {
                SignIn::Yes { profile, .. } => profile.as_str().to_owned(),
                _ => model.draft.profile.clone().unwrap_or_default(),
            };
            let row = |name: &String| {
                let mark = if *name == used {
                    Cell::toned("signed in with", Tone::Dim)
                } else {
                    Cell::new("")
                };
                vec![Cell::new(name.as_str()), mark]
            };
            let start = profiles.iter().position(|p| *p == used).unwrap_or(0);
            screen.add(Block::List(List {
                id: "profiles",
                header: vec!["profile".into()],
                rows: profiles.iter().map(row).collect(),
                enter: Some("use-profile"),
                empty: "the AWS config has no profile; the environment's credentials are used",
                start,
                made: None,
            }));
            let region = match &model.sign_in {
                SignIn::Yes { region, .. } => region.to_string(),
                _ => model
                    .draft
                    .region
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            };
            screen.add(Block::Field(Field {
                id: "region",
                label: "Region",
                value: region.into(),
                secret: false,
                hint: "such as us-west-2",
                takes: Takes::Whole,
                options: Vec::new(),
            }));
            screen.action(
                "again",
                Key::Char('r'),
                if expired(model).is_some() {
                    "run aws sso login"
                } else {
                    "sign in again"
                },
            );
            screen.blank();
        }
        match &model.sign_in {
            SignIn::UnderWay => {
                screen.say("Signing in ...");
            }
            SignIn::Failed(problem) => {
                let told = Told::problem(Verdict::Fail, problem);
                screen.add(Block::Findings(vec![told]));
            }
            SignIn::Yes { .. } => {
                screen.add(told(model.of_topic(Topic::Identity)));
                // Who asks may stay unknown: reading goes on, and nothing is written as nobody.
                if !model.fact(&CallerIdentity).is_pending() {
                    screen.next = Some("pick farm and queue");
                }
            }
        }
        screen
    }
}
