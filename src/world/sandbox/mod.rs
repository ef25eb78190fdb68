//! A studio held in memory behind the same three doors. It reads no AWS or AYON environment, opens no socket, and
//! writes nothing but its state file. A sandbox that is kinder than AWS is a bug: it validates what it is sent, and
//! lets a role read only what its documents say. Scenarios are files in `assets/sandbox/`; copy one to add one.

mod conda_solve;
mod memory;
mod network;
mod roles;
pub mod scenario;
mod secrets;
mod truth;

use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use url::Url;

use self::memory::MemoryState;

use super::real::no_key;
use super::{CallLog, LocalState, Outcome, Record, World};
use crate::domain::ayon::AddonChannels;
use crate::domain::call::{Call, Vantage};
use crate::domain::caller::{NEW_ROLE_ACTIONS, SETUP_ACTIONS, SimulatedPermissions};
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{SolveReport, SubdirState};
use crate::domain::fact::Fact;
use crate::domain::farm::{Farm, Listed};
use crate::domain::ids::{QueueEnvironmentId, Region};
use crate::domain::login::AyonLogin;
use crate::domain::needs::{INLINE_LIMIT, counted};
use crate::domain::node::PingStatus;
use crate::domain::policy::Policy;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::role::PolicyText;
use crate::domain::template::validate;
use crate::domain::text::{Printable, Untrusted};
use crate::probes::{
    AnyProbe, AnySeen, AyonInfo, AyonKey, BucketOwner, BucketRegion, Carried, Certificate, Connect,
    Connected, Handshake, IndexSeen, KeySeen, Listed as _, Observation, OpenSession, OutsideSeen,
    ReadIndex, ReadOutside, ReadSecret, Resolve, Resolved, SessionSeen, Solve,
};
use crate::questions::{Answered, AnyAnswer, AnyQuestion};
use crate::resources::{AnyResource, Change, EnvironmentTemplate, Outputs};

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
        let address = std::net::IpAddr::from([203, 0, 113, 20]);
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
            AnyProbe::AyonInfo(_) => Ok(AyonInfo::seen(Untrusted::new(truth.ayon.version.clone()))),
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

/// Writes one thing, as strictly as the service would; the reason where it refuses.
fn write(truth: &mut Truth, change: &Change) -> Result<Outputs, String> {
    let after = change.after.as_deref();
    let document = |text: &str| -> Result<String, String> {
        let malformed = |e| format!("MalformedPolicyDocument: {e}");
        Policy::parse(text).map_err(malformed)?;
        Ok(text.to_owned())
    };
    match &change.resource {
        AnyResource::EnvironmentTemplate(r) => return write_environment(truth, r, after),
        AnyResource::IamRole(r) => match after {
            Some(_) if truth.roles.contains_key(&r.role) => {
                return Err(format!("EntityAlreadyExists: {}", r.role.name()));
            }
            Some(trust) => {
                let boundary_policy = r.boundary.as_ref().and_then(|b| truth.boundaries.get(b));
                let role = SandboxRole {
                    trust: document(trust)?,
                    boundary: r.boundary.clone(),
                    boundary_policy: boundary_policy.cloned(),
                    inline: std::collections::BTreeMap::new(),
                    attached: std::collections::BTreeMap::new(),
                };
                truth.roles.insert(r.role.clone(), role);
            }
            None => {
                let found = truth.roles.get(&r.role).ok_or("NoSuchEntity")?;
                if !found.inline.is_empty() || !found.attached.is_empty() {
                    return Err("DeleteConflict: the role still has policies".to_owned());
                }
                truth.roles.remove(&r.role);
            }
        },
        AnyResource::InlinePolicy(r) => {
            let role = truth.roles.get_mut(&r.role).ok_or("NoSuchEntity")?;
            match after {
                Some(text) => {
                    let others = role.inline.iter().filter(|(name, _)| **name != r.policy);
                    let others: usize = others.map(|(_, text)| counted(text)).sum();
                    if counted(text) + others > INLINE_LIMIT {
                        return Err(
                            "LimitExceeded: a role's inline policies hold 10,240 characters"
                                .to_owned(),
                        );
                    }
                    role.inline.insert(r.policy.clone(), document(text)?);
                }
                None => {
                    role.inline.remove(&r.policy).ok_or("NoSuchEntity")?;
                }
            }
        }
        AnyResource::TrustPolicy(r) => {
            let role = truth.roles.get_mut(&r.role).ok_or("NoSuchEntity")?;
            role.trust = document(after.ok_or("a role always has a trust policy")?)?;
        }
        AnyResource::QueueRoleLink(r) => {
            let arn = after.ok_or("UpdateQueue can't take a queue's role away")?;
            let queue = truth.queues.get_mut(&r.queue).ok_or("ResourceNotFound")?;
            queue.queue.role = Some(Untrusted::new(arn));
        }
        AnyResource::AddonSetting(r) => {
            if !truth.ayon.admin {
                return Err("no login of an AYON administrator is given".to_owned());
            }
            let then = after.and_then(AddonChannels::of_text);
            let then = then.ok_or("the value can't be read")?;
            if let Some(settings) = truth.addon.get_mut(&r.variant) {
                settings.channels = Untrusted::new(then.conda_channels.clone());
            }
            truth.addon_channels.insert(r.variant, then);
        }
        AnyResource::ResourceGateway(r) => return network::gateway(truth, r, after),
        AnyResource::ResourceConfiguration(r) => return network::configuration(truth, r, after),
        AnyResource::ResourceShare(r) => return network::share(truth, r, after),
        AnyResource::FleetConfiguration(r) => network::fleet(truth, &r.fleet, after)?,
        AnyResource::FleetScript(r) => network::script(truth, r, after)?,
        AnyResource::Secret(r) => secrets::write(truth, r, after)?,
        AnyResource::SecretValue(r) => secrets::hand_out(truth, r, after)?,
    }
    Ok(Outputs::new())
}

fn write_environment(
    truth: &mut Truth,
    resource: &EnvironmentTemplate,
    after: Option<&str>,
) -> Result<Outputs, String> {
    if let Some(text) = after {
        let refused = |e| format!("ValidationException: {e}");
        validate(text, resource.template_type).map_err(refused)?;
    }
    truth.made += 1;
    let made = format!("queueenv-{:032x}", 0xf000_0000_u64 + u64::from(truth.made));
    let queue = truth
        .queues
        .get_mut(&resource.queue)
        .ok_or("ResourceNotFound")?;
    let all = &mut queue.environments;
    let at = |id: &QueueEnvironmentId| all.iter().position(|e| e.id == *id);
    match (&resource.id, after) {
        (None, Some(text)) => {
            let id: QueueEnvironmentId = made.parse().map_err(|e| format!("{e}"))?;
            let environment = SandboxEnvironment {
                id: id.clone(),
                name: resource.name.clone(),
                priority: resource.priority,
                kind: resource.template_type,
                text: text.to_owned(),
            };
            let later = all.iter().position(|e| e.priority > resource.priority);
            let place = later.unwrap_or(all.len());
            all.insert(place, environment);
            Ok(EnvironmentTemplate::outputs(&id))
        }
        // A deleted environment comes back with another id.
        (Some(id), Some(text)) => {
            let Some(at) = at(id) else {
                let anew = EnvironmentTemplate {
                    id: None,
                    ..resource.clone()
                };
                return write_environment(truth, &anew, after);
            };
            text.clone_into(&mut all[at].text);
            Ok(Outputs::new())
        }
        (Some(id), None) => {
            let at = at(id).ok_or("ResourceNotFound")?;
            all.remove(at);
            Ok(Outputs::new())
        }
        (None, None) => Err("the change names no environment id".to_owned()),
    }
}

fn fact<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Absent, Fact::Known)
}

#[allow(clippy::too_many_lines)] // an arm for each question
fn answer(truth: &Truth, question: &AnyQuestion) -> AnyAnswer {
    use AnyAnswer as A;
    let role = |arn| truth.roles.get(arn);
    match question {
        AnyQuestion::CallerIdentity(_) => A::CallerIdentity(Fact::Known(truth.caller.clone())),
        AnyQuestion::CallerPermissions(_) => {
            let all = [SETUP_ACTIONS, NEW_ROLE_ACTIONS].concat();
            let all = all.iter().map(|a| (*a).to_owned());
            let (refused, allowed) = all.partition(|a| truth.denies(a));
            A::CallerPermissions(Fact::Known(SimulatedPermissions { allowed, refused }))
        }
        AnyQuestion::FarmList(_) => {
            let farms = truth.farms.iter().map(|f| Listed {
                id: f.id.to_string(),
                name: f.name.clone(),
            });
            A::FarmList(Fact::Known(farms.collect()))
        }
        AnyQuestion::QueueList(q) => {
            let known = truth.farms.iter().any(|f| f.id == q.0);
            let queues = truth.queue_order.iter().filter(|k| k.farm == q.0);
            let row = |key: &crate::domain::ids::QueueKey| {
                let name = truth.queues.get(key)?.queue.name.clone();
                let id = key.queue.to_string();
                Some(Listed { id, name })
            };
            A::QueueList(fact(known.then(|| queues.filter_map(row).collect())))
        }
        AnyQuestion::FarmDetails(q) => {
            let farm = truth.farms.iter().find(|f| f.id == q.0);
            A::FarmDetails(fact(farm.map(|f| Farm {
                id: f.id.clone(),
                name: f.name.clone(),
                key: f.key.clone(),
            })))
        }
        AnyQuestion::QueueDetails(q) => {
            A::QueueDetails(fact(truth.queues.get(&q.0).map(|q| q.queue.clone())))
        }
        AnyQuestion::QueueFleets(q) => {
            A::QueueFleets(fact(truth.queues.get(&q.0).map(|q| q.fleets.clone())))
        }
        AnyQuestion::FleetDetails(q) => A::FleetDetails(fact(truth.fleets.get(&q.0).cloned())),
        AnyQuestion::QueueEnvironments(q) => {
            let queue = truth.queues.get(&q.0);
            let texts = queue.map(|q| q.environments.iter().map(|e| Fact::Known(e.answer())));
            A::QueueEnvironments(fact(texts.map(Iterator::collect)))
        }
        AnyQuestion::EnvironmentText(q) => {
            let all = truth.queues.get(&q.0).into_iter();
            let mut all = all.flat_map(|queue| &queue.environments);
            A::EnvironmentText(fact(
                all.find(|e| e.id == q.1).map(SandboxEnvironment::answer),
            ))
        }
        AnyQuestion::RoleDocuments(q) => A::RoleDocuments(fact(role(&q.0).map(|r| r.answer(&q.0)))),
        AnyQuestion::RolePolicy(q) => {
            let text = role(&q.0).and_then(|r| r.inline.get(&q.1).cloned());
            A::RolePolicy(fact(text.map(PolicyText::new)))
        }
        AnyQuestion::RoleTrust(q) => {
            let text = role(&q.0).map(|r| r.trust.clone());
            A::RoleTrust(fact(text.map(PolicyText::new)))
        }
        AnyQuestion::RoleSimulation(q) => A::RoleSimulation(roles::simulate(truth, &q.0, &q.1)),
        AnyQuestion::ManagedPolicy(q) => {
            let text = truth.boundaries.get(&q.0).cloned();
            A::ManagedPolicy(fact(text.map(PolicyText::new)))
        }
        // It says so rather than finding no fault.
        AnyQuestion::PolicyValidation(_) => {
            A::PolicyValidation(Fact::declined("the sandbox has no Access Analyzer"))
        }
        AnyQuestion::NodeDetails(q) => A::NodeDetails(fact(truth.nodes.get(&q.0).cloned())),
        AnyQuestion::SessionSettings(_) => {
            A::SessionSettings(Fact::Known(truth.session_preferences.clone()))
        }
        AnyQuestion::LatticeConfiguration(q) => {
            A::LatticeConfiguration(fact(truth.lattice.configurations.get(&q.0).cloned()))
        }
        AnyQuestion::LatticeGateway(q) => {
            A::LatticeGateway(fact(truth.lattice.gateways.get(&q.0).cloned()))
        }
        AnyQuestion::LatticeShares(q) => {
            let id = crate::domain::lattice::configuration_id(&q.0);
            let shares = truth.lattice.shares.get(id).cloned();
            A::LatticeShares(Fact::Known(shares.unwrap_or_default()))
        }
        AnyQuestion::LatticeQuota(_) => A::LatticeQuota(Fact::Known(1)),
        AnyQuestion::VpcNetwork(q) => A::VpcNetwork(fact(truth.network.vpcs.get(&q.0).cloned())),
        AnyQuestion::AddressOwner(q) => {
            A::AddressOwner(fact(truth.network.addresses.get(&q.0).cloned()))
        }
        AnyQuestion::VpnConnections(_) => {
            A::VpnConnections(Fact::Known(truth.network.vpns.clone()))
        }
        AnyQuestion::TransitPath(q) => {
            A::TransitPath(fact(truth.network.transit.get(&q.gateway).cloned()))
        }
        AnyQuestion::FleetSettings(q) => A::FleetSettings(fact(
            truth
                .fleets
                .get(&q.0)
                .map(|f| network::settings(truth, &q.0, f)),
        )),
        AnyQuestion::LatticeConfigurations(_) => {
            let all = truth.lattice.configurations.clone().into_iter();
            A::LatticeConfigurations(Fact::Known(all.collect()))
        }
        AnyQuestion::LatticeGateways(_) => {
            let all = truth.lattice.gateways.clone().into_iter();
            A::LatticeGateways(Fact::Known(all.collect()))
        }
        AnyQuestion::NamedShares(q) => {
            let all = truth.lattice.shares.values().flatten();
            let own = all.filter(|s| s.name.raw() == q.0).cloned();
            A::NamedShares(Fact::Known(own.collect()))
        }
        AnyQuestion::SecretDetails(q) => A::SecretDetails(fact(truth.secret(&q.0).cloned())),
        AnyQuestion::AyonBundles(_) => A::AyonBundles(Fact::Known(truth.ayon.bundles.clone())),
        AnyQuestion::AddonSettings(q) => A::AddonSettings(fact(truth.addon.get(&q.1).cloned())),
        AnyQuestion::AddonChannels(q) => {
            A::AddonChannels(fact(truth.addon_channels.get(&q.1).cloned()))
        }
    }
}

fn operation(question: &AnyQuestion) -> (&'static str, &'static str) {
    match question {
        AnyQuestion::CallerIdentity(_) => ("sts", "GetCallerIdentity"),
        AnyQuestion::CallerPermissions(_) | AnyQuestion::RoleSimulation(_) => {
            ("iam", "SimulatePrincipalPolicy")
        }
        AnyQuestion::FarmList(_) => ("deadline", "ListFarms"),
        AnyQuestion::QueueList(_) => ("deadline", "ListQueues"),
        AnyQuestion::FarmDetails(_) => ("deadline", "GetFarm"),
        AnyQuestion::QueueDetails(_) => ("deadline", "GetQueue"),
        AnyQuestion::QueueFleets(_) => ("deadline", "ListQueueFleetAssociations"),
        AnyQuestion::FleetDetails(_) => ("deadline", "GetFleet"),
        AnyQuestion::QueueEnvironments(_) => ("deadline", "ListQueueEnvironments"),
        AnyQuestion::EnvironmentText(_) => ("deadline", "GetQueueEnvironment"),
        AnyQuestion::RoleDocuments(_) | AnyQuestion::RoleTrust(_) => ("iam", "GetRole"),
        AnyQuestion::RolePolicy(_) => ("iam", "GetRolePolicy"),
        AnyQuestion::ManagedPolicy(_) => ("iam", "GetPolicyVersion"),
        AnyQuestion::PolicyValidation(_) => ("access-analyzer", "ValidatePolicy"),
        AnyQuestion::NodeDetails(_) => ("ssm", "DescribeInstanceInformation"),
        AnyQuestion::SessionSettings(_) => ("ssm", "GetDocument"),
        AnyQuestion::LatticeConfiguration(_) => ("vpc-lattice", "GetResourceConfiguration"),
        AnyQuestion::LatticeGateway(_) => ("vpc-lattice", "GetResourceGateway"),
        AnyQuestion::LatticeShares(_) => ("ram", "GetResourceShareAssociations"),
        AnyQuestion::LatticeQuota(_) => ("servicequotas", "GetServiceQuota"),
        AnyQuestion::VpcNetwork(_) => ("ec2", "DescribeRouteTables"),
        AnyQuestion::AddressOwner(_) => ("ec2", "DescribeNetworkInterfaces"),
        AnyQuestion::VpnConnections(_) => ("ec2", "DescribeVpnConnections"),
        AnyQuestion::TransitPath(_) => ("ec2", "SearchTransitGatewayRoutes"),
        AnyQuestion::FleetSettings(_) => ("deadline", "GetFleet"),
        AnyQuestion::LatticeConfigurations(_) => ("vpc-lattice", "ListResourceConfigurations"),
        AnyQuestion::LatticeGateways(_) => ("vpc-lattice", "ListResourceGateways"),
        AnyQuestion::NamedShares(_) => ("ram", "GetResourceShares"),
        AnyQuestion::SecretDetails(_) => ("secretsmanager", "DescribeSecret"),
        AnyQuestion::AyonBundles(_) => ("ayon", "GET api/bundles"),
        AnyQuestion::AddonSettings(_) | AnyQuestion::AddonChannels(_) => {
            ("ayon", "GET api/addons/deadline_cloud")
        }
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
        AnyProbe::ReadIndex(_) | AnyProbe::ReadOutside(_) => ("s3", "GetObject"),
        AnyProbe::BucketRegion(_) | AnyProbe::BucketOwner(_) => ("s3", "HeadBucket"),
        AnyProbe::ReadSecret(_) => ("secretsmanager", "GetSecretValue"),
        AnyProbe::OpenSession(_) => ("ssm", "StartSession"),
        AnyProbe::Solve(_) => ("conda", "GET repodata.json"),
        AnyProbe::Resolve(_) => ("dns", "resolve"),
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
            let is_administrators = matches!(question, AnyQuestion::AddonChannels(_));
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
            let (service, vantage) = match change.resource {
                AnyResource::InlinePolicy(_)
                | AnyResource::TrustPolicy(_)
                | AnyResource::IamRole(_) => ("iam", Vantage::Aws),
                AnyResource::EnvironmentTemplate(_)
                | AnyResource::QueueRoleLink(_)
                | AnyResource::FleetConfiguration(_)
                | AnyResource::FleetScript(_) => ("deadline", Vantage::Aws),
                AnyResource::AddonSetting(_) => ("ayon", Vantage::Here),
                AnyResource::ResourceGateway(_) | AnyResource::ResourceConfiguration(_) => {
                    ("vpc-lattice", Vantage::Aws)
                }
                AnyResource::ResourceShare(_) => ("ram", Vantage::Aws),
                AnyResource::Secret(_) | AnyResource::SecretValue(_) => {
                    ("secretsmanager", Vantage::Aws)
                }
            };
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
