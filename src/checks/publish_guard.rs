//! Hosts that bring their own launcher leave the conda environment out by `DISABLE_CONDA_ENV`. It must be there before
//! the conda environment is entered (field facts A2).

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::environment::Template;
use crate::domain::ids::QueueKey;
use crate::domain::studio::Management;

pub struct PublishGuard;

impl Check for PublishGuard {
    fn id(&self) -> &'static str {
        "publish-guard"
    }
    fn title(&self) -> &'static str {
        "DISABLE_CONDA_ENV is set before the conda environment asks for it"
    }
    fn why(&self) -> &'static str {
        "environments see only what earlier ones set, and a step's come after all of the queue's: AYON's publish step sets it at step level, which is too late"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let queues = view.wanted.queues.iter();
        queues
            .flat_map(|q| [Ask::Environments(q.clone()), Ask::Fleets(q.clone())])
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let of = |key| self.of_queue(view, key);
        view.wanted.queues.iter().filter_map(of).collect()
    }
}

impl PublishGuard {
    fn of_queue(&self, view: &View, key: &QueueKey) -> Option<Finding> {
        let templates: Vec<(String, Template)> = view
            .studio
            .environments(key)
            .into_iter()
            .filter_map(|e| {
                let template = Template::read(&e.template, e.template_type).ok()?;
                Some((e.name.show().to_string(), template))
            })
            .collect();
        let conda = templates
            .iter()
            .position(|(_, t)| t.kind.is_conda() && t.has_guard)?;
        let setters: Vec<usize> = templates
            .iter()
            .enumerate()
            .filter_map(|(i, (_, t))| (t.sets_guard && i != conda).then_some(i))
            .collect();
        let name = &templates[conda].0;
        let fleets = view.studio.fleets(key).known();
        let fleets: Vec<_> = fleets
            .into_iter()
            .flatten()
            .filter_map(|f| f.fleet.known())
            .collect();
        let finding = if let Some(early) = setters.iter().find(|i| **i < conda) {
            let line = format!(
                "\"{}\" sets DISABLE_CONDA_ENV before \"{name}\" asks for it: no job of this queue gets a conda environment",
                templates[*early].0
            );
            let relies = fleets.iter().any(|f| f.management == Management::Service);
            if relies {
                says(self, Verdict::Warn, line)
                    .why("service-managed workers bring no launcher of their own: they have AYON from conda or not at all")
                    .fix("set the variable on the hosts that bring their own launcher, not in an environment of the queue")
            } else {
                says(self, Verdict::Ok, line)
            }
        } else if let Some(late) = setters.first() {
            says(
                self,
                Verdict::Warn,
                format!(
                    "\"{}\" sets DISABLE_CONDA_ENV after \"{name}\" has asked for it",
                    templates[*late].0
                ),
            )
            .why(self.why())
            .fix("give that environment a lower priority number than the conda environment's, or set the variable on the hosts")
        } else {
            let hosts = fleets.iter().any(|f| {
                f.management == Management::Customer && f.publishes(&view.wanted.publish_roles)
            });
            if !hosts {
                return None;
            }
            says(self, Verdict::Warn, format!("\"{name}\" asks for DISABLE_CONDA_ENV, and no environment of the queue sets it"))
                .why(self.why())
                .fix("on publish hosts with their own launcher, set DISABLE_CONDA_ENV=true in /etc/environment or the job user's profile; jobs start through a login shell")
        };
        Some(finding.from(Source::Fact(Ask::Environments(key.clone()))))
    }
}
