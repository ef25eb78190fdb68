//! The queue role is handed the secret with the AYON key, proved with its own credentials. What it holds is not kept.

use super::channel_as_queue_role::{has_no_credentials, untried};
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, queues_with_role, says};
use crate::domain::probe::{Probe, Seen};
use crate::domain::problem::ProblemKind;

pub struct SecretAsQueueRole;

impl Check for SecretAsQueueRole {
    fn id(&self) -> &'static str {
        "secret-as-queue-role"
    }
    fn title(&self) -> &'static str {
        "The queue role is handed the secret with the AYON key"
    }
    fn why(&self) -> &'static str {
        "a publish step on a worker has no other way to the key that no log shows"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted.queues.iter().cloned().map(Ask::Queue).collect()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        let Some(secret) = &view.wanted.secret else {
            return Vec::new();
        };
        queues_with_role(view)
            .map(|q| Probe::SecretAsQueueRole(q.clone(), secret.arn.clone()))
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in self.probes(view) {
            let Probe::SecretAsQueueRole(key, _) = &probe else {
                continue;
            };
            let name = view.studio.queue_name(key);
            let Some(reading) = view.studio.readings.get(&probe) else {
                findings.push(
                    says(self, Verdict::Skipped, format!("The secret was not read as the role of queue {name}"))
                        .why("that would start a session with the queue role's credentials, which an audit does not; its documents are read instead"),
                );
                continue;
            };
            let finding = match &reading.seen {
                Ok(Seen::Secret) => says(
                    self,
                    Verdict::Ok,
                    format!(
                        "Verified: the role of queue {name} is handed the secret, {} ms",
                        reading.millis
                    ),
                ),
                Ok(_) => says(
                    self,
                    Verdict::Unknown,
                    "The test of the secret answered something else",
                ),
                Err(p) if has_no_credentials(p) => untried(self, view, key, p),
                Err(p) if p.kind == ProblemKind::Denied => says(
                    self,
                    Verdict::Fail,
                    format!("The role of queue {name} is not handed the secret"),
                )
                .why(p.because.as_str())
                .fix(p.fix.as_str()),
                Err(p) if p.kind == ProblemKind::Missing => says(
                    self,
                    Verdict::Fail,
                    format!("The secret of [server] secret is not there: {}", p.because),
                )
                .fix("correct the ARN in the studio file, or make the secret"),
                Err(p) if p.kind == ProblemKind::Invalid => says(
                    self,
                    Verdict::Fail,
                    format!("As the role of queue {name}: the secret: {}", p.because),
                )
                .fix(p.fix.as_str()),
                Err(p) => says(
                    self,
                    Verdict::Unknown,
                    format!("No answer about the secret as the role of queue {name}"),
                )
                .why(p.because.as_str())
                .fix(p.fix.as_str()),
            };
            findings.push(finding.from(Source::Test(probe.clone())));
        }
        findings
    }
}
