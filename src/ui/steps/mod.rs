//! One file per wizard step: its own state, `update`, `view`. To add one, copy `identity.rs`; then a `mod` line and an
//! entry in `all` here. A step does nothing itself: what it wants done it returns as effects.

pub(super) mod ask_worker;
mod channels;
mod hops;
mod identity;
mod make;
mod path_fields;
mod picture;
mod queue;
mod review;
mod roles;
mod server;

pub use review::cautions;

use super::model::Model;
use super::screen::{Block, Screen, Told};
use super::wizard::{Effect, Msg};
use crate::domain::finding::{Finding, Topic, Verdict};
use crate::domain::text::Printable;

pub trait Step: Send {
    fn title(&self) -> &'static str;
    /// The state in a word: a verdict's, `....` while it asks, `-` where nothing is known yet.
    fn word(&self, model: &Model) -> &'static str;
    fn enter(&mut self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
    /// An answer came while this step was open; a step that waited for one to decide something does it now.
    fn enter_if_waiting(&mut self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
    /// Something was heard while this page was open.
    fn heard(&mut self, _model: &mut Model) -> Vec<Effect> {
        Vec::new()
    }
    /// Does it need the clock, with nothing under way?
    fn is_watching(&self) -> bool {
        false
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
        Box::new(make::Make::default()),
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

/// A page's findings, subject by subject where there are several: the one with the worst finding first. What is fine is
/// one line.
fn told<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Block {
    let groups = by_subject(findings);
    let alone = groups.len() == 1;
    let tell = |f: &Finding| {
        let fine = f.verdict == Verdict::Ok;
        Told {
            about: if alone {
                Printable::default()
            } else {
                f.name.clone()
            },
            verdict: f.verdict,
            message: f.message.clone(),
            why: f.why.clone().filter(|_| !fine),
            fix: f.fix_in_setup().filter(|_| !fine),
        }
    };
    Block::Findings(groups.into_iter().flatten().map(tell).collect())
}

/// The findings grouped, the group with the worst first, and in each the worst first.
fn by_subject<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Vec<&'a Finding>> {
    let mut groups = crate::ui::report::by_subject(findings);
    groups.sort_by_key(|group| group.iter().map(|f| f.verdict).min());
    groups
}
