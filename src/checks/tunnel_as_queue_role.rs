//! The queue role may open the tunnel of path `ssm` and close it again, proved with its own credentials.

use super::channel_as_queue_role::{has_no_credentials, untried};
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, queues_with_role, says};
use crate::domain::probe::{Probe, Seen};
use crate::domain::problem::ProblemKind;
use crate::domain::wanted::PathId;

pub struct TunnelAsQueueRole;

impl Check for TunnelAsQueueRole {
    fn id(&self) -> &'static str {
        "tunnel-as-queue-role"
    }
    fn title(&self) -> &'static str {
        "The queue role opens and closes a session of Systems Manager"
    }
    fn why(&self) -> &'static str {
        "on the path ssm a worker reaches the server through such a session; one that it can't close stays open for the idle time"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted.queues.iter().cloned().map(Ask::Queue).collect()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        let server = &view.wanted.server;
        let Some(tunnel) = view
            .wanted
            .tunnel
            .as_ref()
            .filter(|_| server.path == PathId::Ssm)
        else {
            return Vec::new();
        };
        let port = server.url.port_or_known_default().unwrap_or(443);
        queues_with_role(view)
            .map(|q| Probe::TunnelAsQueueRole(q.clone(), tunnel.clone(), port))
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        if view.wanted.server.path == PathId::Ssm && view.wanted.tunnel.is_none() {
            let words = "No session was tried, and no right for one is set: the studio file names no instance";
            findings.push(
                says(self, Verdict::Skipped, words)
                    .fix("add [ssm] with instance = \"i-…\" or \"mi-…\" to the studio file"),
            );
        }
        for probe in self.probes(view) {
            let Probe::TunnelAsQueueRole(key, tunnel, _) = &probe else {
                continue;
            };
            let (name, instance) = (view.studio.queue_name(key), &tunnel.instance);
            let Some(reading) = view.studio.readings.get(&probe) else {
                findings.push(
                    says(
                        self,
                        Verdict::Skipped,
                        format!("No session was started as the role of queue {name}"),
                    )
                    .why("an audit starts none; the role's documents are read instead"),
                );
                continue;
            };
            let finding = match &reading.seen {
                Ok(Seen::Session { ended: Some(true) }) => says(self, Verdict::Ok, format!("Verified: the role of queue {name} started a session on {instance} and ended it, {} ms; nothing was sent through it", reading.millis)),
                Ok(Seen::Session { ended: None }) => says(self, Verdict::Warn, format!("The role of queue {name} started a session on {instance}, and ending it got no answer: it may be open"))
                    .fix("it ends by itself after its idle time, 20 minutes unless your account says otherwise; Systems Manager's console lists it"),
                Ok(_) => says(self, Verdict::Warn, format!("The role of queue {name} started a session on {instance} and may not end it"))
                    .why(self.why())
                    .fix("setup adds ssm:TerminateSession for its own sessions to the inline policy studiolink-queue"),
                Err(p) if has_no_credentials(p) => untried(self, view, key, p),
                Err(p) if matches!(p.kind, ProblemKind::Denied | ProblemKind::Missing | ProblemKind::Invalid) => says(self, Verdict::Fail, format!("As the role of queue {name}: no session on {instance}")).why(p.because.as_str()).fix(p.fix.as_str()),
                Err(p) => says(self, Verdict::Unknown, format!("No answer about a session on {instance} as the role of queue {name}")).why(p.because.as_str()).fix(p.fix.as_str()),
            };
            findings.push(finding.from(Source::Test(probe.clone())));
        }
        findings
    }
}
