//! A studio held in memory behind the same three doors. It reads no AWS or AYON environment, opens no socket, and
//! writes nothing but its state file. A sandbox that is kinder than AWS is a bug: it validates what it is sent, and
//! lets a role read only what its documents say. Scenarios are files in `assets/sandbox/`; copy one to add one.

mod desk;
mod dry_run;
mod roles;
pub mod scenario;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use serde::{Deserialize, Serialize};

use self::desk::MemoryState;
use self::dry_run::SandboxPackage;
use super::{CallLog, LocalState, Outcome, Record, World};
use crate::domain::ask::{Answer, Answered, Ask};
use crate::domain::call::{Call, Vantage};
use crate::domain::change::{Change, Thing};
use crate::domain::channel::Channel;
use crate::domain::template::validate;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, QueueEnvironmentId, Region};
use crate::domain::login::AyonLogin;
use crate::domain::needs::{INLINE_LIMIT, counted};
use crate::domain::policy::Policy;
use crate::domain::probe::{Certificate, Probe, Reading, Seen};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::{Bundles, Studio};
use crate::domain::text::{Printable, Secret, Untrusted};

/// Everything that is true in the sandbox, and what its desk keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Truth {
    pub scenario: String,
    pub account: AccountId,
    pub studio: Studio,
    pub channels: Vec<SandboxChannel>,
    pub ayon: SandboxAyon,
    /// Managed policies that may be boundaries, by ARN.
    #[serde(default)]
    pub boundaries: std::collections::BTreeMap<String, String>,
    /// The ARNs of the secrets that are there.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Permissions that the signed-in identity lacks.
    pub denies: Vec<String>,
    pub millis: u64,
    #[serde(default)]
    pub desk: desk::Kept,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a line that a scenario may hold
pub struct SandboxChannel {
    pub channel: Channel,
    /// The bucket's owner; left out: the studio's own account.
    pub owner: Option<AccountId>,
    /// Does the bucket's own policy let our account in? Only asked where the owner is another.
    #[serde(default)]
    pub open_to_us: bool,
    #[serde(default = "yes")]
    pub indexed: bool,
    /// A public address that this machine's firewall does not let through.
    #[serde(default)]
    pub walled: bool,
    /// PermissionRequest anybody read it, without credentials?
    #[serde(default)]
    pub public: bool,
    /// Where the bucket is; left out: where the farm is.
    pub region: Option<Region>,
    #[serde(default)]
    pub packages: Vec<SandboxPackage>,
}

impl SandboxChannel {
    fn region_or(&self, truth: &Truth) -> String {
        self.region
            .as_ref()
            .unwrap_or(&truth.studio.region)
            .to_string()
    }
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxAyon {
    pub host: String,
    pub version: String,
    pub user: String,
    pub service: bool,
    pub key: String,
    pub days_left: i64,
    pub bundles: Bundles,
    /// Is an administrator of AYON signed in?
    #[serde(default)]
    pub admin: bool,
}

pub struct Sandbox {
    truth: Mutex<Truth>,
    region: Region,
    desk: MemoryState,
    key: Mutex<Option<Secret<String>>>,
    log: CallLog,
    millis: u64,
}

impl Sandbox {
    pub fn new(mut truth: Truth, state: Option<PathBuf>) -> Self {
        let kept = std::mem::take(&mut truth.desk);
        let key = Some(Secret::new(truth.ayon.key.clone()));
        Self {
            region: truth.studio.region.clone(),
            millis: truth.millis,
            desk: MemoryState::new(kept, truth.clone(), state),
            truth: Mutex::new(truth),
            key: Mutex::new(key),
            log: CallLog::default(),
        }
    }

    fn truth(&self) -> Truth {
        self.truth
            .lock()
            .map_or_else(|e| e.into_inner().clone(), |t| t.clone())
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
            at: self.desk.now(),
        };
        record.add(call.clone());
        call
    }

    fn answer(truth: &Truth, ask: &Ask) -> Answer {
        let studio = &truth.studio;
        match ask {
            Ask::Caller => Answer::Caller(studio.caller.clone()),
            Ask::CallerPermissions => Answer::CallerPermissions(studio.rights.clone()),
            Ask::Farms => Answer::Farms(studio.farms.clone()),
            Ask::Queues(farm) => Answer::Queues(
                studio
                    .farm_queues
                    .get(farm)
                    .cloned()
                    .unwrap_or(Fact::Absent),
            ),
            Ask::Farm(farm) => Answer::Farm(studio.farm.get(farm).cloned().unwrap_or(Fact::Absent)),
            Ask::Queue(key) => Answer::Queue(
                studio
                    .queues
                    .get(key)
                    .map_or(Fact::Absent, |q| q.queue.clone()),
            ),
            Ask::Fleets(key) => Answer::Fleets(
                studio
                    .queues
                    .get(key)
                    .map_or(Fact::Absent, |q| q.fleets.clone()),
            ),
            Ask::Environments(key) => Answer::Environments(
                studio
                    .queues
                    .get(key)
                    .map_or(Fact::Absent, |q| q.environments.clone()),
            ),
            Ask::Environment(key, id) => Answer::Environment(
                studio
                    .environments(key)
                    .into_iter()
                    .find(|e| e.id == *id)
                    .map_or(Fact::Absent, |e| Fact::Known(e.clone())),
            ),
            Ask::Role(arn) => Answer::Role(studio.roles.get(arn).cloned().unwrap_or(Fact::Absent)),
            Ask::RolePolicy(arn, name) => Answer::RolePolicy(
                studio
                    .role(arn)
                    .known()
                    .and_then(|r| r.inline.get(name).cloned())
                    .unwrap_or(Fact::Absent),
            ),
            Ask::RoleTrust(arn) => Answer::RoleTrust(
                studio
                    .role(arn)
                    .known()
                    .map_or(Fact::Absent, |r| Fact::Known(r.trust.clone())),
            ),
            Ask::RoleMay(arn, all) => Answer::RoleMay(Self::simulate(truth, arn, all)),
            Ask::Boundary(arn) => Answer::Boundary(
                truth
                    .boundaries
                    .get(arn)
                    .cloned()
                    .map_or(Fact::Absent, Fact::Known),
            ),
            // The sandbox has no Access Analyzer; it says so rather than finding no fault.
            Ask::PolicyLint(..) => Answer::PolicyLint(Fact::NotAsked),
            Ask::Bundles(_) => Answer::Bundles(Fact::Known(truth.ayon.bundles.clone())),
            Ask::Addon(_, variant, _) => {
                Answer::Addon(studio.addon.get(variant).cloned().unwrap_or(Fact::Absent))
            }
            Ask::AddonChannels(_, variant, _) => Answer::AddonChannels(
                studio
                    .addon_channels
                    .get(variant)
                    .cloned()
                    .unwrap_or(Fact::Absent),
            ),
        }
    }

    fn knows_server(truth: &Truth, url: &url::Url) -> bool {
        url.host_str() == Some(truth.ayon.host.as_str())
    }

    fn holds_key(&self, truth: &Truth) -> Option<bool> {
        let key = self.key.lock().ok().and_then(|k| k.clone())?;
        Some(*key.expose() == truth.ayon.key)
    }

    fn seen(&self, truth: &Truth, probe: &Probe) -> Result<Seen, Problem> {
        let host_known = |host: &str| host == truth.ayon.host;
        let problem = |kind, doing: String, because: &str| {
            Problem::new(
                kind,
                doing,
                because.to_owned(),
                "this is the sandbox: choose a scenario that has it, or use a real profile",
            )
        };
        match probe {
            Probe::ChannelHere(channel) => Self::channel_here(truth, channel),
            Probe::ChannelAsQueueRole(queue, channel) => {
                Self::channel_as_queue_role(truth, queue, channel)
            }
            Probe::ChannelOpen(channel) => match Self::channel(truth, channel) {
                Some(there) if there.public => Self::channel_here(truth, channel),
                _ => Err(problem(
                    ProblemKind::Denied,
                    format!("Could not read {channel} without credentials"),
                    "S3 answered 403: the bucket is not public",
                )),
            },
            Probe::BucketRegion(channel) => Self::channel(truth, channel)
                .map(|c| Seen::Region(Untrusted::new(c.region_or(truth))))
                .ok_or_else(|| {
                    problem(
                        ProblemKind::Missing,
                        format!("Could not ask where the bucket of {channel} is"),
                        "the sandbox has no such bucket",
                    )
                }),
            Probe::ChannelOwner(channel, accounts) => {
                Self::channel_here(truth, channel)?;
                let owner = Self::owner(truth, channel);
                Ok(Seen::Owner(Some(owner).filter(|o| accounts.contains(o))))
            }
            Probe::BesideChannelAsQueueRole(queue, channel) => {
                Self::beside_channel(truth, queue, channel, &probe.words())
            }
            Probe::SecretAsQueueRole(queue, arn) => Self::secret(truth, queue, arn, &probe.words()),
            // The sandbox has no machine, so none is connected.
            Probe::TunnelAsQueueRole(queue, ..) => {
                Self::queue_role(truth, queue, &probe.words())?;
                Err(problem(
                    ProblemKind::Invalid,
                    format!("Could not {}", probe.words()),
                    "the sandbox has no managed instance",
                ))
            }
            Probe::CondaSolve(question) => Ok(dry_run::dry_run(truth, question)),
            Probe::Name(host) if host_known(host) => Ok(Seen::Addresses(vec![
                std::net::IpAddr::from([203, 0, 113, 20]),
            ])),
            Probe::Name(host) => Err(problem(
                ProblemKind::Missing,
                format!("{host} does not resolve from here"),
                "the sandbox's network has no such name",
            )),
            Probe::Port(host, _) if host_known(host) => {
                Ok(Seen::Connected(std::net::IpAddr::from([203, 0, 113, 20])))
            }
            Probe::Port(host, port) | Probe::Certificate(host, port) if !host_known(host) => {
                Err(problem(
                    ProblemKind::Unreached,
                    format!("{host}:{port} does not take connections from here"),
                    "the sandbox's network has no such host",
                ))
            }
            Probe::Port(..) | Probe::Certificate(..) => Ok(Seen::Certificate(Certificate {
                names: vec![Untrusted::new(truth.ayon.host.clone())],
                issuer: Untrusted::new("CN=Sandbox CA"),
                expires: self.desk.now()
                    + jiff::SignedDuration::from_hours(24 * truth.ayon.days_left),
                days_left: truth.ayon.days_left,
                refused: None,
            })),
            Probe::AyonInfo(url) | Probe::AyonKey(url) if !Self::knows_server(truth, url) => {
                Err(problem(
                    ProblemKind::Unreached,
                    "The server does not answer /api/info as AYON does".to_owned(),
                    "the sandbox's network has no such host",
                ))
            }
            Probe::AyonInfo(_) => Ok(Seen::Ayon {
                version: Untrusted::new(truth.ayon.version.clone()),
            }),
            Probe::AyonKey(_) => match self.holds_key(truth) {
                None => Ok(Seen::NoKey {
                    because: "none is in the sandbox's keyring".to_owned(),
                }),
                Some(true) => Ok(Seen::Key {
                    user: Untrusted::new(truth.ayon.user.clone()),
                    service: truth.ayon.service,
                    admin: truth.ayon.service,
                }),
                Some(false) => Err(problem(
                    ProblemKind::Denied,
                    "AYON does not know the key".to_owned(),
                    "AYON does not accept the key: Invalid API key",
                )),
            },
        }
    }

    fn channel(truth: &Truth, channel: &Channel) -> Option<SandboxChannel> {
        truth
            .channels
            .iter()
            .find(|c| c.channel == *channel)
            .cloned()
    }

    fn channel_here(truth: &Truth, channel: &Channel) -> Result<Seen, Problem> {
        let doing = format!("Could not read the index of {channel}");
        let Some(there) = Self::channel(truth, channel) else {
            let kind = if channel.is_s3() {
                ProblemKind::Missing
            } else {
                ProblemKind::Unreached
            };
            return Err(Problem::new(
                kind,
                doing,
                "the sandbox has no such channel",
                "choose a channel of the scenario",
            ));
        };
        if there.walled {
            return Err(Problem::new(
                ProblemKind::Unreached,
                doing,
                "this machine's firewall does not let it through",
                "ask from another network",
            ));
        }
        let foreign = there.owner.as_ref().is_some_and(|o| *o != truth.account);
        if foreign && !there.open_to_us {
            return Err(Problem::new(ProblemKind::Denied, doing, "S3 answered 403: the bucket is another account's, and its policy does not let this one in", "ask the bucket's owner").lacking("s3:GetObject"));
        }
        if there.indexed {
            Ok(Seen::Index { lists: None })
        } else {
            Err(Problem::new(
                ProblemKind::Missing,
                doing,
                "there is no noarch/repodata.json",
                "have the channel indexed",
            ))
        }
    }

    fn carry_out(&self, change: &Change) -> Result<Option<QueueEnvironmentId>, Problem> {
        let doing = format!("Could not change {}", change.thing.words());
        let refused = |because: String| {
            Problem::new(
                ProblemKind::Invalid,
                doing.clone(),
                because,
                "look at the reason; nothing was changed by this call",
            )
        };
        let mut truth = self
            .truth
            .lock()
            .map_err(|_| refused("the sandbox broke in another thread".to_owned()))?;
        let permission = change.permission();
        if truth.denies.contains(&permission) {
            return Err(Problem::new(
                ProblemKind::Denied,
                doing,
                format!("this identity is not allowed to call {permission} (AccessDenied)"),
                format!("add {permission} to this identity, then run it again"),
            )
            .lacking(permission));
        }
        match (&change.thing, &change.after) {
            (Thing::Environment { template_type, .. }, Some(text)) => {
                validate(text, *template_type)
                    .map_err(|e| refused(format!("ValidationException: {e}")))?
            }
            (Thing::NewRole { role, .. }, Some(_)) if truth.studio.role(role).known().is_some() => {
                return Err(refused(format!("EntityAlreadyExists: {}", role.name())));
            }
            (Thing::NewRole { role, .. }, None)
                if truth
                    .studio
                    .role(role)
                    .known()
                    .is_some_and(|r| !r.inline.is_empty()) =>
            {
                return Err(refused(
                    "DeleteConflict: the role still has policies".to_owned(),
                ));
            }
            (Thing::QueueRole { .. }, None) => {
                return Err(refused(
                    "UpdateQueue can't take a queue's role away".to_owned(),
                ));
            }
            (Thing::QueueRole { .. }, Some(_)) => {}
            (Thing::RoleTrust { .. } | Thing::NewRole { .. }, Some(text)) => {
                Policy::parse(text)
                    .map_err(|e| refused(format!("MalformedPolicyDocument: {e}")))?;
            }
            (Thing::RolePolicy { .. }, Some(text)) => {
                Policy::parse(text)
                    .map_err(|e| refused(format!("MalformedPolicyDocument: {e}")))?;
                if counted(text) > INLINE_LIMIT {
                    return Err(refused(
                        "LimitExceeded: a role's inline policies hold 10,240 characters".to_owned(),
                    ));
                }
            }
            (Thing::AddonChannels { .. }, _) if !truth.ayon.admin => {
                return Err(refused(
                    "no login of an AYON administrator is given".to_owned(),
                ));
            }
            (Thing::AddonChannels { .. }, Some(_)) | (_, None) => {}
        }
        let before = truth.studio.clone();
        truth.studio = before.after(change);
        let made = if let (
            Thing::Environment {
                queue, id: None, ..
            },
            Some(_),
        ) = (&change.thing, &change.after)
        {
            let old: Vec<_> = before
                .environments(queue)
                .into_iter()
                .map(|e| e.id.clone())
                .collect();
            truth
                .studio
                .environments(queue)
                .into_iter()
                .map(|e| e.id.clone())
                .find(|id| !old.contains(id))
        } else {
            None
        };
        self.desk.truth_changed(&truth);
        Ok(made)
    }
}

fn operation(ask: &Ask) -> (&'static str, &'static str) {
    match ask {
        Ask::Caller => ("sts", "GetCallerIdentity"),
        Ask::CallerPermissions => ("iam", "SimulatePrincipalPolicy"),
        Ask::Farms => ("deadline", "ListFarms"),
        Ask::Queues(_) => ("deadline", "ListQueues"),
        Ask::Farm(_) => ("deadline", "GetFarm"),
        Ask::Queue(_) => ("deadline", "GetQueue"),
        Ask::Fleets(_) => ("deadline", "ListQueueFleetAssociations"),
        Ask::Environments(_) => ("deadline", "ListQueueEnvironments"),
        Ask::Environment(..) => ("deadline", "GetQueueEnvironment"),
        Ask::Role(_) | Ask::RoleTrust(_) => ("iam", "GetRole"),
        Ask::RoleMay(..) => ("iam", "SimulatePrincipalPolicy"),
        Ask::Boundary(_) => ("iam", "GetPolicyVersion"),
        Ask::PolicyLint(..) => ("access-analyzer", "ValidatePolicy"),
        Ask::RolePolicy(..) => ("iam", "GetRolePolicy"),
        Ask::Bundles(_) => ("ayon", "GET api/bundles"),
        Ask::Addon(..) | Ask::AddonChannels(..) => ("ayon", "GET api/addons/deadline_cloud"),
    }
}

impl World for Sandbox {
    fn look<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answered> {
        async move {
            let truth = self.truth();
            if matches!(ask, Ask::PolicyLint(..)) {
                // No call is made, so none is shown.
                return Answered { answer: Self::answer(&truth, ask), calls: Vec::new() };
            }
            let record = Record::new(&self.log);
            let (service, name) = operation(ask);
            let denied = ask.permissions().iter().find(|p| truth.denies.iter().any(|d| d == *p));
            let vantage = if service == "ayon" { Vantage::Here } else { Vantage::Aws };
            let unknown_server = matches!(ask, Ask::Bundles(url) | Ask::Addon(url, ..) | Ask::AddonChannels(url, ..) if !Self::knows_server(&truth, url));
            let no_key = service == "ayon" && self.holds_key(&truth) != Some(true);
            let outcome = if denied.is_some() { "AccessDenied" } else if unknown_server { "NotReached" } else { "OK" };
            let call = self.took(&record, vantage, (service, name), "sandbox", outcome).await;
            let fact = |kind, because: String| -> Problem { Problem::new(kind, format!("Could not call {service} {name}"), because, "this is the sandbox: choose a scenario that has it, or use a real profile").seen(call.clone()) };
            let mut answer = Self::answer(&truth, ask);
            if let Ask::Role(arn) = ask
                && arn.account() != truth.account.as_str()
            {
                let because = format!("the role is of account {}, and IAM answers this identity for account {} alone", arn.account(), truth.account);
                answer = without(ask, &fact(ProblemKind::Unreached, because));
            } else if let Some(permission) = denied {
                let problem = fact(ProblemKind::Denied, format!("this identity is not allowed to call {permission} (AccessDenied)")).lacking(*permission);
                answer = without(ask, &problem);
            } else if unknown_server {
                answer = without(ask, &fact(ProblemKind::Unreached, "the sandbox's network has no such host".to_owned()));
            } else if matches!(ask, Ask::AddonChannels(..)) {
                if !truth.ayon.admin {
                    answer = Answer::AddonChannels(Fact::NotAsked);
                }
            } else if no_key {
                answer = match ask {
                    Ask::Addon(..) => Answer::Addon(Fact::NotAsked),
                    _ => Answer::Bundles(Fact::NotAsked),
                };
            }
            Answered { answer, calls: record.taken() }
        }
        .boxed()
    }

    fn change<'a>(&'a self, change: &'a Change, _token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            let record = Record::new(&self.log);
            let result = self.carry_out(change);
            let (service, vantage) = match change.thing {
                Thing::RolePolicy { .. } | Thing::RoleTrust { .. } | Thing::NewRole { .. } => {
                    ("iam", Vantage::Aws)
                }
                Thing::Environment { .. } | Thing::QueueRole { .. } => ("deadline", Vantage::Aws),
                Thing::AddonChannels { .. } => ("ayon", Vantage::Here),
            };
            let outcome = if result.is_ok() { "OK" } else { "Refused" };
            let call = self
                .took(
                    &record,
                    vantage,
                    (service, change.operation()),
                    "sandbox",
                    outcome,
                )
                .await;
            Outcome {
                result: result.map_err(|p| Box::new(p.seen(call))),
                calls: record.taken(),
            }
        }
        .boxed()
    }

    fn try_out<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Reading> {
        async move {
            let record = Record::new(&self.log);
            let seen = self.seen(&self.truth(), probe);
            let named = match probe {
                Probe::ChannelHere(_)
                | Probe::ChannelAsQueueRole(..)
                | Probe::BesideChannelAsQueueRole(..)
                | Probe::ChannelOpen(_) => ("s3", "GetObject"),
                Probe::BucketRegion(_) | Probe::ChannelOwner(..) => ("s3", "HeadBucket"),
                Probe::SecretAsQueueRole(..) => ("secretsmanager", "GetSecretValue"),
                Probe::TunnelAsQueueRole(..) => ("ssm", "StartSession"),
                Probe::CondaSolve(_) => ("conda", "GET repodata.json"),
                Probe::Name(_) => ("dns", "resolve"),
                Probe::Port(..) => ("tcp", "connect"),
                Probe::Certificate(..) => ("tls", "handshake"),
                Probe::AyonInfo(_) => ("ayon", "GET api/info"),
                Probe::AyonKey(_) => ("ayon", "GET api/users/me"),
            };
            let outcome = seen
                .as_ref()
                .map_or_else(|p| format!("{:?}", p.kind), |_| "OK".to_owned());
            let call = self
                .took(&record, probe.vantage(), named, "sandbox", &outcome)
                .await;
            Reading {
                vantage: probe.vantage(),
                millis: self.millis,
                seen: seen.map_err(|p| Box::new(p.seen(call))),
                calls: record.taken(),
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

    fn desk(&self) -> &dyn LocalState {
        &self.desk
    }

    fn hold_key<'a>(
        &'a self,
        _url: &'a url::Url,
        key: Option<Secret<String>>,
    ) -> BoxFuture<'a, ()> {
        async move {
            if let Ok(mut held) = self.key.lock() {
                *held = key;
            }
        }
        .boxed()
    }

    fn has_key<'a>(&'a self, url: &'a url::Url) -> BoxFuture<'a, bool> {
        async move {
            let truth = self.truth();
            Self::knows_server(&truth, url) && self.holds_key(&truth).is_some()
        }
        .boxed()
    }

    fn hold_admin<'a>(
        &'a self,
        _url: &'a url::Url,
        _login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        async move {
            // Whoever signs in here is believed: nothing is behind it.
            if let Ok(mut truth) = self.truth.lock() {
                truth.ayon.admin = true;
            }
            Ok(())
        }
        .boxed()
    }

    fn is_sandbox(&self) -> bool {
        true
    }
}

/// The answer of that ask's kind which says why there is none.
fn without(ask: &Ask, problem: &Problem) -> Answer {
    let p = || problem.clone();
    match ask {
        Ask::Caller => Answer::Caller(Fact::from(Err(p()))),
        Ask::CallerPermissions => Answer::CallerPermissions(Fact::from(Err(p()))),
        Ask::Farms => Answer::Farms(Fact::from(Err(p()))),
        Ask::Queues(_) => Answer::Queues(Fact::from(Err(p()))),
        Ask::Farm(_) => Answer::Farm(Fact::from(Err(p()))),
        Ask::Queue(_) => Answer::Queue(Fact::from(Err(p()))),
        Ask::Fleets(_) => Answer::Fleets(Fact::from(Err(p()))),
        Ask::Environments(_) => Answer::Environments(Fact::from(Err(p()))),
        Ask::Environment(..) => Answer::Environment(Fact::from(Err(p()))),
        Ask::Role(_) => Answer::Role(Fact::from(Err(p()))),
        Ask::RolePolicy(..) => Answer::RolePolicy(Fact::from(Err(p()))),
        Ask::RoleTrust(_) => Answer::RoleTrust(Fact::from(Err(p()))),
        Ask::RoleMay(..) => Answer::RoleMay(Fact::from(Err(p()))),
        Ask::Boundary(_) => Answer::Boundary(Fact::from(Err(p()))),
        Ask::PolicyLint(..) => Answer::PolicyLint(Fact::from(Err(p()))),
        Ask::Bundles(_) => Answer::Bundles(Fact::from(Err(p()))),
        Ask::Addon(..) => Answer::Addon(Fact::from(Err(p()))),
        Ask::AddonChannels(..) => Answer::AddonChannels(Fact::from(Err(p()))),
    }
}
