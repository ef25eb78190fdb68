//! A session of Systems Manager to a port, as the queue role: it is started, `/api/info` is fetched through it, and it is
//! ended.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Observation, Probe, has_no_credentials};
use crate::domain::call::Vantage;
use crate::domain::choices::Tunnel;
use crate::domain::finding::{Assessment, Fix};
use crate::domain::problem::ProblemKind;
use crate::domain::text::{Printable, Untrusted};

/// The port and the path are those of the server's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenSession(pub Tunnel, pub Url);

/// The session was started; what came through it, and could its starter end it? `None`: that got no answer, and it may be
/// open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSeen {
    pub carried: Carried,
    pub ended: Option<bool>,
    /// As Systems Manager calls it.
    pub id: Untrusted,
}

/// How far a request came through the session's data channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// AYON answered.
    Ayon {
        version: Untrusted,
        /// The agent's version.
        agent: Printable,
        multiplexed: bool,
    },
    /// Something else answered, and what.
    NotAyon(Printable),
    /// The machine answers, and its port takes no connection.
    PortRefused,
    /// The session is encrypted with the account's KMS key.
    Encrypted,
    /// The data channel is refused to the role, with the service's words.
    Forbidden(Printable),
    /// The other side closed the session, with its words.
    Closed(Printable),
    /// Nothing was heard in time; of what.
    Silent(Printable),
    /// The channel was not reached, or what came is not its protocol.
    Broken(Printable),
}

impl Probe for OpenSession {
    type Observed = SessionSeen;

    fn words(&self, _: &Vantage) -> String {
        format!(
            "reach AYON through a session on {} as the queue role",
            self.0.instance
        )
    }

    fn side_effects(&self) -> Option<&'static str> {
        Some("starts a Systems Manager session, sends one request through it, and ends it")
    }

    fn assess(&self, _: &Vantage, seen: &Observation<SessionSeen>) -> Assessment {
        let instance = &self.0.instance;
        match &seen.seen {
            Ok(seen_here) => self.carried(seen_here, seen.millis),
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
                Assessment::fail(
                    "refused",
                    format!("The queue role gets no session on {instance}"),
                )
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

impl OpenSession {
    /// What the tunnel leads to, in words.
    fn target(&self) -> String {
        let port = self.1.port_or_known_default().unwrap_or(443);
        match &self.0.host {
            Some(host) => format!("{host}:{port} behind {}", self.0.instance),
            None => format!("port {port} of {}", self.0.instance),
        }
    }

    fn carried(&self, seen: &SessionSeen, millis: u64) -> Assessment {
        let (instance, target) = (&self.0.instance, self.target());
        let adds = |what: &str| {
            Fix::setup(format!(
                "adds {what} for its own sessions to the inline policy studiolink-queue"
            ))
        };
        match &seen.carried {
            Carried::Ayon { version, agent, multiplexed } => {
                let mode = if *multiplexed { "multiplexed" } else { "one connection" };
                let line = format!(
                    "Verified: AYON {} answers through a session as the queue role on {instance} (agent {agent}, {mode}), {millis} ms",
                    version.show()
                );
                ended(seen.ended, instance, Assessment::ok(line))
            }
            Carried::PortRefused => Assessment::fail(
                "port-refused",
                format!("The session opens, but the SSM agent gets no connection to {target}"),
            )
            .why("the hop behind Systems Manager is broken: nothing listens there, or a firewall of the machine refuses")
            .fix("start the AYON server there, or write its real port into [server] url and the host behind the instance into [ssm] host"),
            Carried::NotAyon(what) => Assessment::fail(
                "not-ayon",
                format!("What answers at {target} through the session is not AYON: {what}"),
            )
            .fix("see what listens on that port; over a tunnel AYON's own plain listener is the simplest, http:// and port 5000"),
            Carried::Encrypted => Assessment::unknown(
                "encrypted",
                format!("Nothing was sent through the session on {instance}: the account encrypts its sessions with a KMS key"),
            )
            .why("studiolink does not answer the encryption's challenge; AWS's plugin on a worker does, where the role may use the key")
            .fix("a worker's own try tells; or take the key out of Session Manager's preferences"),
            Carried::Forbidden(why) => Assessment::fail(
                "no-data-channel",
                format!("The queue role may start a session on {instance}, and not open its data channel"),
            )
            .why(format!("Systems Manager refused the channel: {why}"))
            .fix(adds("ssmmessages:OpenDataChannel")),
            Carried::Closed(why) => {
                let why = if why.as_str().is_empty() { "no reason was given".into() } else { why.clone() };
                Assessment::fail("closed", format!("The session on {instance} was closed before {target} answered"))
                    .why(format!("the other side closed it: {why}"))
                    .fix("see that AYON listens on that port, and that the SSM agent is new enough (check tunnel-node)")
            }
            Carried::Silent(what) => Assessment::unknown(
                "silent",
                format!("The session on {instance} opens, and then no answer from {what}"),
            )
            .why("the agent may be busy or offline, or the port drops what is sent to it")
            .fix("try again; look at the SSM agent's log on the machine"),
            Carried::Broken(why) => Assessment::unknown(
                "broken",
                format!("The data channel of the session on {instance} could not be used from here"),
            )
            .why(why.clone())
            .fix("see that this machine reaches ssmmessages on outbound TCP 443, through its proxy where it has one"),
        }
    }
}

/// A session that stays open is worth a warning where all else is well.
fn ended(ended: Option<bool>, instance: &str, fine: Assessment) -> Assessment {
    match ended {
        Some(true) => fine,
        Some(false) => Assessment::warn(
            "cannot-end",
            format!("AYON answers through a session on {instance}, and the queue role can't end it"),
        )
        .why("a session that it can't end stays open for the idle time")
        .fix(Fix::setup("adds ssm:TerminateSession for its own sessions to the inline policy studiolink-queue")),
        None => Assessment::warn(
            "may-be-open",
            format!("AYON answers through a session on {instance}; ending it got no answer, so it may be open"),
        )
        .fix("it ends by itself after its idle time, 20 minutes unless your account says otherwise; Systems Manager's console lists it"),
    }
}
