//! Which fleets work for the queue, and whether they can.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};

pub struct QueueFleets;

impl Check for QueueFleets {
    fn id(&self) -> &'static str {
        "queue-fleets"
    }
    fn title(&self) -> &'static str {
        "Fleets work for the queue"
    }
    fn why(&self) -> &'static str {
        "without an active fleet every job stays READY"
    }
    fn topic(&self) -> Topic {
        Topic::Queue
    }
    fn could_fail(&self) -> bool {
        false
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .cloned()
            .map(Ask::Fleets)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let ask = Ask::Fleets(key.clone());
            let fact = view.studio.fleets(key);
            let Some(fleets) = fact.known() else {
                findings.push(unseen(
                    self,
                    &format!("the fleets of queue {}", key.queue.brief()),
                    fact,
                    ask,
                ));
                continue;
            };
            if fleets.is_empty() {
                let finding = says(self, Verdict::Warn, "No fleet works for this queue")
                    .why(self.why())
                    .fix("associate a fleet with the queue in the console");
                findings.push(finding.from(Source::Fact(ask)));
                continue;
            }
            for row in fleets {
                let Some(fleet) = row.fleet.known() else {
                    findings.push(unseen(
                        self,
                        &format!("fleet {}", row.id),
                        &row.fleet,
                        ask.clone(),
                    ));
                    continue;
                };
                let roles: Vec<String> = fleet.roles.iter().map(|r| r.show().to_string()).collect();
                let role = if roles.is_empty() {
                    "no attr.role".to_owned()
                } else {
                    format!("attr.role {}", roles.join(", "))
                };
                let line = format!(
                    "Fleet {}: {} {}, {} of at most {} workers, {role}",
                    fleet.name.show(),
                    fleet.management.word(),
                    fleet.os,
                    fleet.workers,
                    fleet.max_workers
                );
                let finding = if row.association != "ACTIVE" || fleet.status != "ACTIVE" {
                    says(self, Verdict::Warn, line)
                        .why(format!(
                            "fleet status {}, association {}: it takes no new jobs of this queue",
                            fleet.status, row.association
                        ))
                        .fix("look at the fleet's status message in the console")
                } else if fleet.max_workers == 0 {
                    says(self, Verdict::Warn, line)
                        .why("it may start no worker at all")
                        .fix("raise the fleet's maximum worker count")
                } else {
                    says(self, Verdict::Ok, line)
                };
                findings.push(finding.from(Source::Fact(ask.clone())));
            }
        }
        findings
    }
}
