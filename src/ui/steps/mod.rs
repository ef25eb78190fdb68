//! One file per wizard step: its own state, `update`, `view`. To add one, copy `identity.rs`; then a `mod` line and an
//! entry in `all` here. A step does nothing itself: what it wants done it returns as effects.

mod channels;
mod identity;
mod make;
mod queue;
mod review;
mod roles;
mod server;

use super::model::Model;
use super::screen::{Block, Screen, Told};
use super::wizard::{Effect, Msg};
use crate::domain::finding::{Finding, Topic, Verdict};
use crate::ui::report::in_order;

pub trait Step: Send {
    fn title(&self) -> &'static str;
    /// The state in a word: a verdict's, `....` while it looks, `-` where nothing is known yet.
    fn word(&self, model: &Model) -> &'static str;
    fn enter(&mut self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
    /// An answer came while this step was open; a step that waited for one to decide something does it now.
    fn enter_if_waiting(&mut self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
    fn update(&mut self, msg: &Msg, model: &mut Model) -> Vec<Effect>;
    fn view(&self, model: &Model) -> Screen;
}

pub fn all() -> Vec<Box<dyn Step>> {
    vec![
        Box::new(identity::Identity),
        Box::new(queue::QueueStep::default()),
        Box::new(channels::Channels::default()),
        Box::new(roles::Roles),
        Box::new(server::ServerStep::default()),
        Box::new(review::Review::default()),
        Box::new(make::Make),
    ]
}

/// The word of a topic's findings.
fn word_of(model: &Model, topic: Topic) -> &'static str {
    match model.worst_of(topic) {
        // What has not answered yet may still say otherwise.
        Some(Verdict::Ok) if !model.waiting.is_empty() => "....",
        Some(verdict) => verdict.word(),
        None if !model.waiting.is_empty() => "....",
        None => "-",
    }
}

/// A page's findings, worst first; what is fine is one line.
fn told(findings: &[Finding]) -> Block {
    let tell = |f: &&Finding| Told {
        verdict: f.verdict,
        says: f.says.clone(),
        why: f.why.clone(),
        fix: f.fix.clone(),
    };
    let short = |t: Told| {
        if t.verdict == Verdict::Ok {
            Told {
                why: None,
                fix: None,
                ..t
            }
        } else {
            t
        }
    };
    Block::Findings(in_order(findings).iter().map(tell).map(short).collect())
}
