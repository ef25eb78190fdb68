//! 4. Roles: the queue role's trust and permissions against what the choices need.

use super::super::model::Model;
use super::super::screen::{Block, Screen};
use super::super::wizard::{Effect, Msg};
use super::{Step, told, word_of};
use crate::domain::change::Thing;
use crate::domain::finding::Topic;
use crate::domain::needs::QUEUE_POLICY;
use crate::ui::report::diff::diff;

pub struct Roles;

impl Step for Roles {
    fn title(&self) -> &'static str {
        "Roles"
    }

    fn word(&self, model: &Model) -> &'static str {
        if model.reached < 3 {
            "-"
        } else {
            word_of(model, Topic::Roles)
        }
    }

    fn update(&mut self, _: &Msg, _: &mut Model) -> Vec<Effect> {
        Vec::new()
    }

    fn view(&self, model: &Model) -> Screen {
        let mut screen = Screen::new("The queue's role");
        screen.note =
            format!("ours is one inline policy, {QUEUE_POLICY}, and what its trust lacks").into();
        screen.add(told(&model.of_topic(Topic::Roles)));
        for change in model
            .plan()
            .changes
            .iter()
            .filter(|c| matches!(c.thing, Thing::RolePolicy { .. } | Thing::RoleTrust { .. }))
        {
            screen.blank().heading(format!(
                "{}: what the review will propose",
                change.thing.words()
            ));
            screen.say_dim(change.because.clone());
            screen.add(Block::Diff {
                lines: diff(change),
                wrap: true,
            });
        }
        screen.next = Some("server");
        screen
    }
}
