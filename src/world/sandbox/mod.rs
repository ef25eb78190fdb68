//! A studio held in memory behind the same three doors. It reads no AWS or AYON environment, opens no socket, and
//! writes nothing but its state file. A sandbox that is kinder than AWS is a bug: it validates what it is sent, and
//! lets a role read only what its documents say. Scenarios are files in `assets/sandbox/`; copy one to add one.

mod addon;
mod answers;
mod conda_solve;
mod jobs;
mod memory;
mod network;
mod roles;
pub mod scenario;
mod secrets;
mod truth;
mod writes;

use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use url::Url;

use self::answers::{answer, operation};
use self::memory::MemoryState;
use self::writes::write;

use super::real::no_key;
use super::{CallLog, LocalState, Outcome, Record, World};
use crate::domain::call::{Call, Vantage};
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{SolveReport, SubdirState};
use crate::domain::ids::Region;
use crate::domain::login::AyonLogin;
use crate::domain::node::PingStatus;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};
use crate::probes::{
    AnyProbe, AnySeen, AskDns, AttachmentsBucket, AyonInfo, AyonKey, BucketOwner, BucketRegion,
    Carried, Certificate, Connect, Connected, DnsAnswer, DnsRecord, Handshake, IndexSeen, Info,
    KeySeen, LeadsTo, Listed as _, Observation, OpenSession, OutsideSeen, ReadAttachments,
    ReadIndex, ReadOutside, ReadSecret, Resolve, Resolved, SessionSeen, Solve,
};
use crate::questions::{Answered, AnyAnswer, AnyQuestion};
use crate::resources::{Change, Outputs};

pub use self::truth::{SandboxChannel, SandboxEnvironment, SandboxQueue, SandboxRole, Truth};

const ELSEWHERE: &str = "this is the sandbox: choose a scenario that has it, or use a real profile";

pub struct Sandbox {
    truth: Mutex<Arc<Truth>>,
    region: Region,
    local: MemoryState,
    key: Mutex<Option<SecretString>>,
    log: CallLog,
    millis: u64,
}

/// Where the sandbox's AYON server is: an address of documentation (RFC 5737).
const SERVER: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 20));

impl Sandbox {
    pub fn new(mut truth: Truth, state: Option<PathBuf>) -> Self {
        let kept = std::mem::take(&mut truth.local);
        let key = Some(SecretString::from(truth.ayon.key.clone()));
        let (region, millis, truth) = (truth.region.clone(), truth.millis, Arc::new(truth));
        Self {
            region,
            millis,
            local: MemoryState::new(kept, truth.clone(), state),
            truth: Mutex::new(truth),
            key: Mutex::new(key),
            log: CallLog::default(),
        }
    }

    /// Everything that is true now.
    pub fn truth(&self) -> Arc<Truth> {
        self.truth
            .lock()
            .map_or_else(|e| e.into_inner().clone(), |t| t.clone())
    }

    /// What somebody else changes meanwhile.
    #[cfg(test)]
    pub fn edit(&self, change: impl FnOnce(&mut Truth)) {
        if let Ok(mut held) = self.truth.lock() {
            change(Arc::make_mut(&mut held));
        }
    }

    async fn took(
        &self,
        record: &Record,
        vantage: Vantage,
        (service, operation): (&str, &str),
        about: &str,
        outcome: &str,
    ) -> Call {
        if self.millis > 0 {
            tokio::time::sleep(Duration::from_millis(self.millis)).await;
        }
        let call = Call {
            vantage,
            service: service.to_owned(),
            operation: operation.to_owned(),
            about: Printable::short(about, 80),
            millis: self.millis,
            outcome: outcome.into(),
            request_id: Some("sandbox".into()),
            at: self.local.now(),
        };
        record.add(call.clone());
        call
    }

    fn holds_key(&self, truth: &Truth) -> Option<bool> {
        let key = self.key.lock().ok().and_then(|k| k.clone())?;
        Some(*key.expose_secret() == truth.ayon.key)
    }

    fn seen(&self, truth: &Truth, probe: &AnyProbe, from: &Vantage) -> Result<AnySeen, Problem> {
        let words = probe.words(from);
        let problem = |kind, doing: String, because: &str| {
            Problem::new(kind, doing, because.to_owned(), ELSEWHERE)
        };
        let as_role =
            |run: &dyn Fn(&crate::domain::ids::QueueKey) -> Result<AnySeen, Problem>| match from {
                Vantage::QueueRole(queue) => run(queue),
                other => Err(problem(
                    ProblemKind::Local,
                    format!("Could not {words}"),
                    &format!("it is for the queue role, not for {}", other.word()),
                )),
            };
        match probe {
            AnyProbe::ReadIndex(ReadIndex(channel)) => {
                read_index(truth, channel, from).map(ReadIndex::seen)
            }
            AnyProbe::ReadOutside(ReadOutside(channel)) => as_role(&|queue| {
                roles::outside_channel(truth, queue, channel, &words).map(ReadOutside::seen)
            }),
            AnyProbe::AttachmentsBucket(AttachmentsBucket(bucket, _)) => {
                if truth.gone_buckets.contains(bucket) {
                    let doing = format!("Could not ask where the bucket {bucket} is");
                    let because = "the sandbox has no such bucket";
                    return Err(problem(ProblemKind::Missing, doing, because));
                }
                Ok(AttachmentsBucket::seen(Untrusted::new(
                    truth.region.to_string(),
                )))
            }
            AnyProbe::ReadAttachments(it) => as_role(&|queue| {
                roles::attachments(truth, queue, it, &words).map(ReadAttachments::seen)
            }),
            AnyProbe::BucketRegion(BucketRegion(channel, _)) => {
                let there = truth.channel(channel).ok_or_else(|| {
                    problem(
                        ProblemKind::Missing,
                        format!("Could not ask where the bucket of {channel} is"),
                        "the sandbox has no such bucket",
                    )
                })?;
                let region = there.region.as_ref().unwrap_or(&truth.region);
                Ok(BucketRegion::seen(Untrusted::new(region.to_string())))
            }
            AnyProbe::BucketOwner(BucketOwner {
                channel, accounts, ..
            }) => {
                channel_here(truth, channel)?;
                let owner = Some(truth.owner(channel)).filter(|o| accounts.contains(o));
                Ok(BucketOwner::seen(owner))
            }
            AnyProbe::ReadSecret(ReadSecret(place)) => {
                as_role(&|queue| roles::secret(truth, queue, place, &words).map(ReadSecret::seen))
            }
            AnyProbe::OpenSession(OpenSession(tunnel, _)) => as_role(&|queue| {
                let role = roles::queue_role(truth, queue, &words)?;
                let (starts, opens) = roles::session(&role, &truth.region, &tunnel.instance);
                if !starts {
                    let because = "Systems Manager refused the queue role";
                    return Err(problem(
                        ProblemKind::Denied,
                        format!("Could not {words}"),
                        because,
                    ));
                }
                let there = truth.nodes.get(&tunnel.instance);
                if there.is_some_and(|n| n.ping == PingStatus::Online) {
                    let carried = if opens {
                        Carried::Ayon {
                            version: Untrusted::new(truth.ayon.version.clone()),
                            agent: there.map_or_else(Printable::default, |n| n.agent.show()),
                            multiplexed: true,
                        }
                    } else {
                        Carried::Forbidden("the sandbox's policies refuse it".into())
                    };
                    return Ok(OpenSession::seen(SessionSeen {
                        carried,
                        ended: Some(true),
                        id: Untrusted::new("session-1"),
                    }));
                }
                Err(problem(
                    ProblemKind::Invalid,
                    format!("Could not {words}"),
                    "the sandbox has no such managed node online",
                ))
            }),
            AnyProbe::Solve(Solve(question)) => {
                Ok(Solve::seen(conda_solve::report(truth, question, from)))
            }
            AnyProbe::Resolve(_)
            | AnyProbe::AskDns(_)
            | AnyProbe::Connect(_)
            | AnyProbe::Handshake(_)
            | AnyProbe::AyonInfo(_)
            | AnyProbe::AyonKey(_) => self.server_seen(truth, probe, &problem),
        }
    }

    fn server_seen(
        &self,
        truth: &Truth,
        probe: &AnyProbe,
        problem: &dyn Fn(ProblemKind, String, &str) -> Problem,
    ) -> Result<AnySeen, Problem> {
        let known = |host: &str| host == truth.ayon.host;
        let address = SERVER;
        let no_host = |doing: String| {
            let because = "the sandbox's network has no such host";
            Err(problem(ProblemKind::Unreached, doing, because))
        };
        match probe {
            AnyProbe::Resolve(Resolve(host, _)) if known(host) => {
                Ok(Resolve::seen(Resolved::To(vec![address])))
            }
            AnyProbe::Resolve(Resolve(host, _)) => Err(problem(
                ProblemKind::Missing,
                format!("{host} does not resolve from here"),
                "the sandbox's network has no such name",
            )),
            AnyProbe::AskDns(AskDns(host)) => {
                let named = known(host).then_some(truth.ayon.in_dns).flatten();
                let record = |address| DnsRecord {
                    name: Untrusted::new(host.clone()),
                    leads_to: LeadsTo::Address(address),
                    ttl: 300,
                };
                Ok(AskDns::seen(DnsAnswer {
                    server: std::net::IpAddr::from([192, 0, 2, 53]),
                    exists: named.is_some(),
                    records: named.map(record).into_iter().collect(),
                }))
            }
            AnyProbe::Connect(Connect(host, port, _))
            | AnyProbe::Handshake(Handshake(host, port))
                if !known(host) =>
            {
                no_host(format!("{host}:{port} does not take connections from here"))
            }
            AnyProbe::Connect(_) => Ok(Connect::seen(Connected::To(address))),
            AnyProbe::Handshake(_) => {
                let days = truth.ayon.days_left;
                Ok(Handshake::seen(Certificate {
                    names: vec![Untrusted::new(truth.ayon.host.clone())],
                    issuer: Untrusted::new("CN=Sandbox CA"),
                    expires: self.local.now() + jiff::SignedDuration::from_hours(24 * days),
                    days_left: days,
                    refused: None,
                    proxy: None,
                }))
            }
            AnyProbe::AyonInfo(AyonInfo(url)) | AnyProbe::AyonKey(AyonKey(url))
                if !knows_server(truth, url) =>
            {
                no_host("The server does not answer /api/info as AYON does".to_owned())
            }
            AnyProbe::AyonInfo(_) => Ok(AyonInfo::seen(Info {
                version: Untrusted::new(truth.ayon.version.clone()),
                ahead: Some(truth.ayon.ahead),
            })),
            _ => match self.holds_key(truth) {
                None => Ok(AyonKey::seen(KeySeen::NoKey {
                    because: "none is in the sandbox's keyring".to_owned(),
                })),
                Some(true) => Ok(AyonKey::seen(KeySeen::Owner {
                    user: Untrusted::new(truth.ayon.user.clone()),
                    service: truth.ayon.service,
                    admin: truth.ayon.service,
                })),
                Some(false) => Err(problem(
                    ProblemKind::Denied,
                    "AYON does not accept the key".to_owned(),
                    &format!(
                        "AYON answered 401: Invalid API key (the sandbox's AYON accepts {} alone)",
                        truth.ayon.key
                    ),
                )),
            },
        }
    }

    fn carry_out(&self, change: &Change) -> Result<Outputs, Problem> {
        let doing = format!("Could not change {}", change.words());
        let refused = |because: String| {
            Problem::new(
                ProblemKind::Invalid,
                doing.clone(),
                because,
                "look at the reason; nothing was changed by this call",
            )
        };
        let broken = || refused("the sandbox broke in another thread".to_owned());
        let mut held = self.truth.lock().map_err(|_| broken())?;
        let permission = change.permission();
        if held.denies(&permission) {
            return Err(Problem::new(
                ProblemKind::Denied,
                doing,
                format!("this identity is not allowed to call {permission} (AccessDenied)"),
                format!("add {permission} to this identity, then run it again"),
            )
            .lacking(permission));
        }
        let outputs = write(Arc::make_mut(&mut held), change).map_err(refused)?;
        self.local.truth_changed(held.clone());
        Ok(outputs)
    }
}

fn knows_server(truth: &Truth, url: &Url) -> bool {
    url.host_str() == Some(truth.ayon.host.as_str())
}

fn read_index(truth: &Truth, channel: &Channel, from: &Vantage) -> Result<IndexSeen, Problem> {
    let exists = IndexSeen { lists: None };
    match from {
        Vantage::QueueRole(queue) => roles::channel_as_queue_role(truth, queue, channel),
        Vantage::Anonymous if !truth.channel(channel).is_some_and(|c| c.public) => {
            Err(Problem::new(
                ProblemKind::Denied,
                format!("Could not read {channel} without credentials"),
                "S3 answered 403: the bucket is not public",
                ELSEWHERE,
            ))
        }
        _ => channel_here(truth, channel).map(|()| exists),
    }
}

fn channel_here(truth: &Truth, channel: &Channel) -> Result<(), Problem> {
    let problem = |kind, because: &str, fix: &str| {
        let doing = format!("Could not read the index of {channel}");
        Problem::new(kind, doing, because, fix)
    };
    let Some(there) = truth.channel(channel) else {
        let kind = if channel.is_s3() {
            ProblemKind::Missing
        } else {
            ProblemKind::Unreached
        };
        return Err(problem(
            kind,
            "the sandbox has no such channel",
            "choose a channel of the scenario",
        ));
    };
    if there.walled {
        return Err(problem(
            ProblemKind::Unreached,
            "this machine's firewall does not let it through",
            "ask from another network",
        ));
    }
    let foreign = there.owner.as_ref().is_some_and(|o| *o != truth.account);
    if foreign && !there.open_to_us {
        return Err(problem(
            ProblemKind::Denied,
            "S3 answered 403: the bucket belongs to another account, and its policy does not let this one in",
            "ask the bucket's owner",
        )
        .lacking("s3:GetObject"));
    }
    if there.indexed {
        Ok(())
    } else {
        Err(problem(
            ProblemKind::Missing,
            "noarch/repodata.json does not exist",
            "have the channel indexed",
        ))
    }
}

/// How the services say no, as the call log has it.
fn refusal(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Denied => "AccessDenied",
        ProblemKind::Missing => "NotFound",
        ProblemKind::Unreached => "NotReached",
        _ => "Refused",
    }
}

/// The service's last word in a live test that saw something.
fn came_of(seen: &AnySeen) -> &'static str {
    let is_forbidden = |r: &SolveReport| {
        let rows = r.channels.iter().flat_map(|c| c.subdirs.iter().flatten());
        rows.into_iter()
            .any(|row| matches!(row.state, SubdirState::Forbidden(_)))
    };
    match seen {
        AnySeen::Solve(report) if is_forbidden(report) => "HTTP 403",
        AnySeen::ReadOutside(OutsideSeen { outside: false, .. }) | AnySeen::BucketOwner(None) => {
            "AccessDenied"
        }
        AnySeen::ReadOutside(_) => "NoSuchKey",
        _ => "OK",
    }
}

fn test_operation(probe: &AnyProbe) -> (&'static str, &'static str) {
    match probe {
        AnyProbe::ReadIndex(ReadIndex(channel)) if !channel.is_s3() => {
            ("https", "GET repodata.json")
        }
        AnyProbe::ReadIndex(_) | AnyProbe::ReadOutside(_) | AnyProbe::ReadAttachments(_) => {
            ("s3", "GetObject")
        }
        AnyProbe::AttachmentsBucket(_) | AnyProbe::BucketRegion(_) | AnyProbe::BucketOwner(_) => {
            ("s3", "HeadBucket")
        }
        AnyProbe::ReadSecret(_) => ("secretsmanager", "GetSecretValue"),
        AnyProbe::OpenSession(_) => ("ssm", "StartSession"),
        AnyProbe::Solve(_) => ("conda", "GET repodata.json"),
        AnyProbe::Resolve(_) => ("dns", "resolve"),
        AnyProbe::AskDns(_) => ("dns", "query"),
        AnyProbe::Connect(_) => ("tcp", "connect"),
        AnyProbe::Handshake(_) => ("tls", "handshake"),
        AnyProbe::AyonInfo(_) => ("ayon", "GET api/info"),
        AnyProbe::AyonKey(_) => ("ayon", "GET api/users/me"),
    }
}

impl World for Sandbox {
    fn look<'a>(&'a self, question: &'a AnyQuestion) -> BoxFuture<'a, Answered> {
        async move {
            let truth = self.truth();
            let is_administrators = matches!(
                question,
                AnyQuestion::AddonOwn(_) | AnyQuestion::AyonUserKeys(_)
            );
            // No call is made, so none is shown.
            if matches!(question, AnyQuestion::PolicyValidation(_)) {
                return Answered {
                    answer: answer(&truth, question),
                    calls: Vec::new(),
                };
            }
            let unasked = |reason: &str| Answered {
                answer: question.unasked(reason),
                calls: Vec::new(),
            };
            let at_ayon = question.server().is_some();
            if is_administrators && !truth.ayon.admin {
                return unasked("no login of an AYON administrator is given");
            }
            if at_ayon && !is_administrators && self.holds_key(&truth).is_none() {
                return unasked(&no_key("none is in the sandbox's keyring"));
            }
            let record = Record::new(&self.log);
            let (service, name) = operation(question);
            let problem = |kind, because: String| {
                let doing = format!("Could not read {}", question.words());
                Problem::new(kind, doing, because, ELSEWHERE)
            };
            let denied = question.permissions().iter().find(|p| truth.denies(p));
            let unknown = question
                .server()
                .is_some_and(|url| !knows_server(&truth, url));
            let wrong_key = at_ayon && !is_administrators && self.holds_key(&truth) == Some(false);
            let refused = if let AnyQuestion::RoleDocuments(q) = question
                && q.0.account() != truth.account.as_str()
            {
                let because = format!(
                    "the role is of account {}, and IAM answers this identity for account {} alone",
                    q.0.account(),
                    truth.account
                );
                Some(problem(ProblemKind::Unreached, because))
            } else if let Some(permission) = denied {
                let because =
                    format!("this identity is not allowed to call {permission} (AccessDenied)");
                Some(problem(ProblemKind::Denied, because).lacking(*permission))
            } else if unknown {
                let because = "the sandbox's network has no such host".to_owned();
                Some(problem(ProblemKind::Unreached, because))
            } else if wrong_key {
                let because = "AYON answered 401: Invalid API key".to_owned();
                Some(problem(ProblemKind::Denied, because))
            } else {
                None
            };
            let found = refused.is_none().then(|| answer(&truth, question));
            let is_absent = found.as_ref().is_some_and(AnyAnswer::is_absent);
            let outcome = match (&refused, service) {
                (None, "deadline") if is_absent => "ResourceNotFoundException",
                (None, "iam") if is_absent => "NoSuchEntity",
                (None, _) if is_absent => "HTTP 404",
                (None, _) => "OK",
                (Some(p), _) => refusal(p.kind),
            };
            let vantage = if at_ayon { Vantage::Here } else { Vantage::Aws };
            let call = self
                .took(&record, vantage, (service, name), "sandbox", outcome)
                .await;
            let answer = match (refused, found) {
                (None, Some(found)) => found,
                (Some(problem), _) => question.without(&problem.seen(call)),
                (None, None) => question.unasked("it was not looked for"),
            };
            Answered {
                answer,
                calls: record.taken(),
            }
        }
        .boxed()
    }

    fn change<'a>(&'a self, change: &'a Change, _token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            let record = Record::new(&self.log);
            let result = self.carry_out(change);
            let service = writes::service(&change.resource);
            let at_ayon = service == "ayon";
            let vantage = if at_ayon { Vantage::Here } else { Vantage::Aws };
            let outcome = if result.is_ok() { "OK" } else { "Refused" };
            let named = (service, change.operation());
            let call = self.took(&record, vantage, named, "sandbox", outcome).await;
            Outcome {
                result: result.map_err(|p| Box::new(p.seen(call))),
                calls: record.taken(),
            }
        }
        .boxed()
    }

    fn try_out<'a>(
        &'a self,
        probe: &'a AnyProbe,
        from: &'a Vantage,
    ) -> BoxFuture<'a, Observation<AnySeen>> {
        async move {
            let (record, at) = (Record::new(&self.log), self.local.now());
            let seen = self.seen(&self.truth(), probe, from);
            // Without a key none is sent.
            if let Ok(AnySeen::AyonKey(KeySeen::NoKey { .. })) = &seen {
                return Observation {
                    at,
                    millis: 0,
                    seen: seen.map_err(Box::new),
                    calls: record.taken().into(),
                };
            }
            let outcome = seen.as_ref().map_or_else(|p| refusal(p.kind), came_of);
            let named = test_operation(probe);
            let call = self
                .took(&record, from.clone(), named, "sandbox", outcome)
                .await;
            Observation {
                at,
                millis: self.millis,
                seen: seen.map_err(|p| Box::new(p.seen(call))),
                calls: record.taken().into(),
            }
        }
        .boxed()
    }

    fn region(&self) -> &Region {
        &self.region
    }

    fn log(&self) -> &CallLog {
        &self.log
    }

    fn local(&self) -> &dyn LocalState {
        &self.local
    }

    fn hold_key<'a>(&'a self, _url: &'a Url, key: Option<SecretString>) -> BoxFuture<'a, ()> {
        async move {
            if let Ok(mut held) = self.key.lock() {
                *held = key;
            }
        }
        .boxed()
    }

    fn has_key<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, bool> {
        async move {
            let truth = self.truth();
            knows_server(&truth, url) && self.holds_key(&truth).is_some()
        }
        .boxed()
    }

    fn hold_admin<'a>(
        &'a self,
        _url: &'a Url,
        _login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        async move {
            // Anybody who signs in here is believed: nothing is behind it.
            if let Ok(mut truth) = self.truth.lock() {
                Arc::make_mut(&mut truth).ayon.admin = true;
            }
            Ok(())
        }
        .boxed()
    }

    fn is_sandbox(&self) -> bool {
        true
    }
}
