//! The console's command is only known to be on service-managed workers (field facts A3).

use super::conda_environment::conda_environments;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::studio::Management;

pub struct EnvironmentKind;

impl Check for EnvironmentKind {
    fn id(&self) -> &'static str {
        "environment-kind"
    }
    fn title(&self) -> &'static str {
        "The conda environment's kind suits the fleets"
    }
    fn why(&self) -> &'static str {
        "conda-queue-env-enter is only known to be on service-managed workers; on a customer-managed host the environment fails unless the studio installed a command of that name"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .flat_map(|q| [Ask::Environments(q.clone()), Ask::Fleets(q.clone())])
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let Some(fleets) = view.studio.fleets(key).known() else {
                continue;
            };
            let (mut customer, mut unread) = (Vec::new(), 0);
            for row in fleets {
                match row.fleet.known() {
                    Some(f) if f.management == Management::Customer => {
                        customer.push(f.name.show().to_string());
                    }
                    Some(_) => {}
                    None => unread += 1,
                }
            }
            for (environment, template) in conda_environments(view.studio, key) {
                let finding = if template.kind.needs_service_worker() && !customer.is_empty() {
                    says(self, Verdict::Warn, format!("\"{}\" is of the console's kind, and a customer-managed fleet works for this queue: {}", environment.name.show(), customer.join(", ")))
                        .why(self.why())
                        .fix("give the customer-managed fleet a queue of its own, or use the inline kind of environment; set DISABLE_CONDA_ENV=1 on hosts that bring their own launcher")
                } else if template.kind.needs_service_worker() && unread > 0 {
                    says(
                        self,
                        Verdict::Unknown,
                        format!(
                            "Whether \"{}\" suits the fleets: {unread} of them could not be read",
                            environment.name.show()
                        ),
                    )
                    .why(self.why())
                } else {
                    says(
                        self,
                        Verdict::Ok,
                        format!("{} suits the fleets of the queue", template.kind.words()),
                    )
                };
                findings.push(
                    finding
                        .from(Source::Fact(Ask::Environments(key.clone())))
                        .from(Source::Fact(Ask::Fleets(key.clone()))),
                );
            }
        }
        findings
    }
}
