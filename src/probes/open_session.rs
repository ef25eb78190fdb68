//! A session of Systems Manager to a port, started and ended at once; nothing is sent through it.

use serde::{Deserialize, Serialize};

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::choices::Tunnel;
use crate::domain::finding::{Assessment, Fix};
use crate::domain::problem::ProblemKind;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenSession(pub Tunnel, pub u16);

/// The session was started; could its starter end it? `None`: that got no answer, and it may be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSeen {
    pub ended: Option<bool>,
}

impl Probe for OpenSession {
    type Observed = SessionSeen;

    fn words(&self, _: &Vantage) -> String {
        format!("start a session on {} as the queue role", self.0.instance)
    }

    fn side_effects(&self) -> Option<&'static str> {
        Some("starts a Systems Manager session and ends it")
    }

    fn assess(&self, _: &Vantage, seen: &Observation<SessionSeen>) -> Assessment {
        let instance = &self.0.instance;
        match &seen.seen {
            Ok(SessionSeen { ended: Some(true) }) => Assessment::ok(format!(
                "Verified: the queue role started a session on {instance} and ended it, {} ms; nothing was sent through it",
                seen.millis
            )),
            Ok(SessionSeen { ended: Some(false) }) => Assessment::warn(
                "cannot-end",
                format!("The queue role started a session on {instance} and can't end it"),
            )
            .why("a session that it can't end stays open for the idle time")
            .fix(Fix::setup("adds ssm:TerminateSession for its own sessions to the inline policy studiolink-queue")),
            Ok(SessionSeen { ended: None }) => Assessment::warn(
                "may-be-open",
                format!("A session on {instance} was started; ending it got no answer, so it may be open"),
            )
            .fix("it ends by itself after its idle time, 20 minutes unless your account says \
                otherwise; Systems Manager's console lists it"),
            Err(p) if has_no_credentials(p) => Assessment::unknown(
                "no-credentials",
                "No session was started as the queue role: no credentials",
            )
            .for_problem(p),
            Err(p)
                if matches!(
                    p.kind,
                    ProblemKind::Denied | ProblemKind::Missing | ProblemKind::Invalid
                ) =>
            {
                Assessment::fail("refused", format!("The queue role gets no session on {instance}"))
                    .for_problem(p)
            }
            Err(p) => Assessment::unknown(
                "no-answer",
                format!("No answer about a session on {instance} as the queue role"),
            )
            .for_problem(p),
        }
    }
}
