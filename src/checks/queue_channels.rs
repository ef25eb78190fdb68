//! The queue's channels are the wanted ones, in the wanted order.

use super::conda_environment::conda_environments;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::channel::{join, split};
use crate::domain::text::without_url_secrets;

pub struct QueueChannels;

impl Check for QueueChannels {
    fn id(&self) -> &'static str {
        "queue-channels"
    }
    fn title(&self) -> &'static str {
        "The queue's channels are those of the studio file, in its order"
    }
    fn why(&self) -> &'static str {
        "under strict priority the first channel that knows a name wins, so the order decides as much as the list"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .cloned()
            .map(Ask::Environments)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let found = conda_environments(view.studio, key);
            let [(environment, template)] = found.as_slice() else {
                continue;
            };
            let Some(today) = &template.channels else {
                continue;
            };
            let (today, wanted) = (
                split(today.as_deref().unwrap_or_default()).join(" "),
                join(&view.wanted.channels),
            );
            let finding = if today == wanted {
                says(
                    self,
                    Verdict::Ok,
                    format!(
                        "\"{}\" carries the {} wanted channels in order",
                        environment.name.show(),
                        view.wanted.channels.len()
                    ),
                )
            } else {
                let have = if today.is_empty() {
                    "none".to_owned()
                } else {
                    today
                };
                says(
                    self,
                    Verdict::Fail,
                    format!(
                        "The channels of \"{}\" are not the wanted ones; it has: {}",
                        environment.name.show(),
                        without_url_secrets(&have)
                    ),
                )
                .why(format!("wanted: {wanted}"))
                .fix("setup changes this one value; the review page and `studiolink plan` show it")
            };
            findings.push(finding.from(Source::Fact(Ask::Environments(key.clone()))));
        }
        findings
    }
}
