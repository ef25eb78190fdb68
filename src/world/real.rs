//! The real world: AWS, AYON, the network and this machine behind the three doors.

mod logins;

use secrecy::SecretString;
use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use tokio::sync::Mutex;
use url::Url;

use super::aws::{Aws, Login, connect};
use super::local::DiskState;
use super::{CallLog, LocalState, Outcome, Record, World, ayon, conda, net};
use crate::domain::ayon::api_base;
use crate::domain::call::{Call, Vantage};
use crate::domain::caller::{NEW_ROLE_ACTIONS, SETUP_ACTIONS};
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{CondaSolve, Download, SolveReport};
use crate::domain::ids::{QueueKey, Region};
use crate::domain::login::AyonLogin;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::probes::{
    AnyProbe, AnySeen, AyonKey, Connect, Handshake, IndexSeen, KeySeen, Listed as _, Observation,
    OpenSession, ReadAttachments, ReadIndex, ReadOutside, ReadSecret, Resolve, Solve,
};
use crate::probes::{AskDns, AttachmentsBucket, AyonInfo, BucketOwner, BucketRegion};
use crate::questions::{AddonOwn, Answered, AnyAnswer, AnyQuestion};
use crate::resources::{AnyResource, Change, Outputs, SecretValue};

/// What the keyring answered, or what was typed.
type KeyAnswer = Result<Option<SecretString>, Problem>;

/// The largest index over a slow line; a server that only drips is given up on.
const SOLVE_DEADLINE: std::time::Duration = std::time::Duration::from_mins(10);

pub struct RealWorld {
    aws: Aws,
    local: DiskState,
    ayon: ayon::Client,
    /// For public channels: here a proxy and redirects are as good as on any machine.
    web: reqwest::Client,
    names: conda::Names,
    downloads: conda::progress::Downloads,
    /// `AYON_API_KEY`: given for this run, whatever the server.
    given: Option<SecretString>,
    /// An administrator's own login, given for this run: `AYON_ADMIN_KEY`, or `AYON_ADMIN_USER` and `AYON_ADMIN_PASSWORD`.
    given_admin: Option<AyonLogin>,
    /// The sessions that were opened at AYON by name and password.
    sessions: Mutex<Vec<(Url, SecretString)>>,
    /// By server: an administrator who signed in. Kept in memory alone.
    admins: Mutex<HashMap<String, Result<SecretString, Problem>>>,
    /// Whose turn it is to read channels.
    solves: tokio::sync::Semaphore,
    /// By server: what was typed, or what the keyring answered when it was first asked.
    keys: Mutex<HashMap<String, KeyAnswer>>,
    log: CallLog,
}

impl RealWorld {
    /// `allow_http`: keys of AYON may cross public networks in the clear.
    pub async fn connect(login: &Login, allow_http: bool) -> Result<Self, Problem> {
        net::check_roots()?;
        let log = CallLog::default();
        let aws = connect(login).await?;
        let web = reqwest::Client::builder()
            .user_agent(net::USER_AGENT)
            .build();
        let web = web.map_err(|e| net::no_client(&e))?;
        let secret = |name: &str| {
            let value = std::env::var(name).ok();
            value
                .filter(|k| !k.trim().is_empty())
                .map(|k| SecretString::from(k.trim().to_owned()))
        };
        let given = secret("AYON_API_KEY");
        let by_name = || {
            let name = std::env::var("AYON_ADMIN_USER").ok()?;
            let password = std::env::var("AYON_ADMIN_PASSWORD").ok()?;
            (!name.is_empty() && !password.is_empty()).then(|| AyonLogin::Password {
                name,
                password: password.into(),
            })
        };
        let given_admin = secret("AYON_ADMIN_KEY")
            .map(AyonLogin::Key)
            .or_else(by_name);
        Ok(Self {
            aws,
            local: DiskState::new(),
            ayon: ayon::client(allow_http)?,
            web,
            names: conda::Names::here(),
            downloads: conda::progress::Downloads::default(),
            given,
            given_admin,
            sessions: Mutex::default(),
            admins: Mutex::default(),
            solves: tokio::sync::Semaphore::new(1),
            keys: Mutex::default(),
            log,
        })
    }

    /// The key that is held for that server goes into the secret. It passes through no plan and no journal.
    async fn change_secret_value(
        &self,
        record: &Record,
        resource: &SecretValue,
        change: &Change,
    ) -> Result<(), Problem> {
        if resource.back {
            return self.aws.hand_out_again(record, resource, change).await;
        }
        let doing = format!("Could not change {}", change.words());
        let key = self.key_or_reason(&resource.server).await?.map_err(|why| {
            let fix = "set AYON_API_KEY, or type the key on the Server step";
            Problem::new(ProblemKind::Credentials, doing, no_key(&why), fix)
        })?;
        self.aws.put_secret(record, resource, change, &key).await
    }

    #[allow(clippy::too_many_lines)] // an arm for each question
    async fn answer(&self, question: &AnyQuestion, record: &Record) -> AnyAnswer {
        use AnyAnswer as A;
        let (aws, client) = (&self.aws, &self.ayon);
        match question {
            AnyQuestion::CallerIdentity(_) => A::CallerIdentity(aws.look_caller(record).await),
            AnyQuestion::CallerPermissions(_) => {
                let all = [SETUP_ACTIONS, NEW_ROLE_ACTIONS].concat();
                A::CallerPermissions(aws.look_permissions(record, &all).await)
            }
            AnyQuestion::FarmList(_) => A::FarmList(aws.look_farms(record).await),
            AnyQuestion::QueueList(q) => A::QueueList(aws.look_queues(record, &q.0).await),
            AnyQuestion::FarmDetails(q) => A::FarmDetails(aws.look_farm(record, &q.0).await),
            AnyQuestion::QueueDetails(q) => A::QueueDetails(aws.look_queue(record, &q.0).await),
            AnyQuestion::QueueFleets(q) => {
                A::QueueFleets(aws.look_queue_fleets(record, &q.0).await)
            }
            AnyQuestion::FleetDetails(q) => A::FleetDetails(aws.look_fleet(record, &q.0).await),
            AnyQuestion::QueueEnvironments(q) => {
                A::QueueEnvironments(aws.look_environments(record, &q.0).await)
            }
            AnyQuestion::EnvironmentText(q) => {
                A::EnvironmentText(aws.look_environment(record, &q.0, &q.1).await)
            }
            AnyQuestion::RoleDocuments(q) => A::RoleDocuments(aws.look_role(record, &q.0).await),
            AnyQuestion::RolePolicy(q) => {
                A::RolePolicy(aws.look_role_policy(record, &q.0, &q.1).await)
            }
            AnyQuestion::RoleTrust(q) => A::RoleTrust(aws.look_role_trust(record, &q.0).await),
            AnyQuestion::RoleSimulation(q) => {
                A::RoleSimulation(aws.look_simulation(record, &q.0, &q.1).await)
            }
            AnyQuestion::ManagedPolicy(q) => {
                A::ManagedPolicy(aws.look_managed_policy(record, &q.0).await)
            }
            AnyQuestion::PolicyValidation(q) => {
                A::PolicyValidation(aws.look_validation(record, &q.0, &q.1).await)
            }
            AnyQuestion::NodeDetails(q) => A::NodeDetails(aws.look_node(record, &q.0).await),
            AnyQuestion::SessionSettings(_) => {
                A::SessionSettings(aws.look_session_settings(record).await)
            }
            AnyQuestion::LatticeConfiguration(q) => {
                A::LatticeConfiguration(aws.look_configuration(record, &q.0).await)
            }
            AnyQuestion::LatticeGateway(q) => {
                A::LatticeGateway(aws.look_gateway(record, &q.0).await)
            }
            AnyQuestion::LatticeShares(q) => A::LatticeShares(aws.look_shares(record, &q.0).await),
            AnyQuestion::LatticeQuota(_) => {
                A::LatticeQuota(aws.look_configuration_quota(record).await)
            }
            AnyQuestion::VpcName(q) => A::VpcName(aws.look_vpc_name(record, &q.vpc, &q.name).await),
            AnyQuestion::DnsProfiles(q) => {
                A::DnsProfiles(aws.look_dns_profiles(record, &q.0).await)
            }
            AnyQuestion::ResolverEndpoint(q) => {
                A::ResolverEndpoint(aws.look_resolver_endpoint(record, &q.0).await)
            }
            AnyQuestion::ZoneRecord(q) => {
                A::ZoneRecord(aws.look_zone_record(record, &q.zone, &q.name).await)
            }
            AnyQuestion::VpcNetwork(q) => A::VpcNetwork(aws.look_network(record, &q.0).await),
            AnyQuestion::AddressOwner(q) => A::AddressOwner(aws.look_address(record, &q.0).await),
            AnyQuestion::VpnConnections(_) => A::VpnConnections(aws.look_vpns(record).await),
            AnyQuestion::TransitPath(q) => {
                A::TransitPath(aws.look_transit(record, &q.gateway, &q.vpc, &q.to).await)
            }
            AnyQuestion::FleetWorkers(q) => A::FleetWorkers(aws.look_workers(record, &q.0).await),
            AnyQuestion::FleetSettings(q) => {
                A::FleetSettings(aws.look_settings(record, &q.0).await)
            }
            AnyQuestion::LatticeConfigurations(_) => {
                A::LatticeConfigurations(aws.look_configurations(record).await)
            }
            AnyQuestion::LatticeGateways(_) => A::LatticeGateways(aws.look_gateways(record).await),
            AnyQuestion::NamedShares(q) => {
                A::NamedShares(aws.look_named_shares(record, &q.0).await)
            }
            AnyQuestion::StorageProfile(q) => {
                A::StorageProfile(aws.look_storage_profile(record, &q.0, &q.1).await)
            }
            AnyQuestion::SecretDetails(q) => A::SecretDetails(aws.look_secret(record, &q.0).await),
            AnyQuestion::AyonBundles(q) => A::AyonBundles(
                self.with_key(&q.0, async |key| {
                    ayon::look_bundles(record, client, &q.0, key).await
                })
                .await,
            ),
            AnyQuestion::AddonSettings(q) => A::AddonSettings(
                self.with_key(&q.0, async |key| {
                    ayon::look_addon(record, client, &q.at(), key).await
                })
                .await,
            ),
            AnyQuestion::DevAddon(q) => A::DevAddon(
                self.with_key(&q.server, async |key| {
                    ayon::look_dev_addon(record, client, q, key).await
                })
                .await,
            ),
            AnyQuestion::ProjectAddon(q) => A::ProjectAddon(
                self.with_key(&q.0, async |key| {
                    ayon::look_addon(record, client, &q.at(), key).await
                })
                .await,
            ),
            AnyQuestion::AyonDesktop(q) => A::AyonDesktop(
                self.with_key(&q.0, async |key| {
                    ayon::look_desktop(record, client, &q.0, key).await
                })
                .await,
            ),
            AnyQuestion::AyonProjects(q) => A::AyonProjects(
                self.with_key(&q.0, async |key| {
                    ayon::look_projects(record, client, &q.0, key).await
                })
                .await,
            ),
            AnyQuestion::AddonOwn(AddonOwn(at)) => A::AddonOwn(
                self.as_admin(record, &at.server, async |key| {
                    ayon::look_own(record, client, at, key).await
                })
                .await,
            ),
            AnyQuestion::JobState(q) => A::JobState(aws.look_job_state(record, &q.0, &q.1).await),
            AnyQuestion::LastProbes(q) => A::LastProbes(aws.look_last_probes(record, &q.0).await),
            AnyQuestion::ProbeJobs(q) => A::ProbeJobs(aws.look_probes(record, &q.0, &q.1).await),
            AnyQuestion::JobRun(q) => A::JobRun(aws.look_job(record, &q.0, &q.1).await),
            AnyQuestion::AyonUserKeys(q) => A::AyonUserKeys(
                self.as_admin(record, &q.0, async |key| {
                    ayon::look_user(record, client, &q.0, key, &q.1).await
                })
                .await,
            ),
        }
    }

    async fn seen(
        &self,
        probe: &AnyProbe,
        from: &Vantage,
        record: &Record,
    ) -> Result<AnySeen, Problem> {
        match probe {
            AnyProbe::ReadIndex(ReadIndex(channel)) => self
                .read_index(channel, from, record)
                .await
                .map(ReadIndex::seen),
            AnyProbe::ReadOutside(ReadOutside(channel)) => {
                let queue = queue_of(from)?;
                let outside = self.aws.try_outside_channel(record, queue, channel).await;
                outside.map(ReadOutside::seen)
            }
            AnyProbe::AttachmentsBucket(AttachmentsBucket(bucket, _)) => {
                let region = self.aws.try_bucket(record, bucket).await;
                region.map(AttachmentsBucket::seen)
            }
            AnyProbe::ReadAttachments(it) => {
                let read = self.aws.try_attachments(record, queue_of(from)?, it).await;
                read.map(ReadAttachments::seen)
            }
            AnyProbe::BucketRegion(BucketRegion(channel, _)) => {
                let region = self.aws.try_bucket_region(record, channel).await;
                region.map(BucketRegion::seen)
            }
            AnyProbe::BucketOwner(BucketOwner {
                channel, accounts, ..
            }) => {
                let owner = self.aws.try_channel_owner(record, channel, accounts).await;
                owner.map(BucketOwner::seen)
            }
            AnyProbe::ReadSecret(ReadSecret(place)) => {
                let read = self.aws.try_secret(record, queue_of(from)?, place).await;
                read.map(ReadSecret::seen)
            }
            AnyProbe::OpenSession(OpenSession(tunnel, url)) => {
                let queue = queue_of(from)?;
                let opened = self.aws.open_session(record, queue, tunnel, url).await;
                opened.map(OpenSession::seen)
            }
            AnyProbe::Solve(Solve(question)) => {
                self.solve(question, from, record).await.map(Solve::seen)
            }
            AnyProbe::Resolve(Resolve(host, scheme)) => {
                let test = net::try_name(host, *scheme);
                own_call(record, "dns", "resolve", host, test)
                    .await
                    .map(Resolve::seen)
            }
            AnyProbe::AskDns(AskDns(host)) => {
                own_call(record, "dns", "query", host, net::ask_dns(host))
                    .await
                    .map(AskDns::seen)
            }
            AnyProbe::Connect(Connect(host, port, scheme)) => {
                let test = net::try_port(host, *port, *scheme);
                let about = format!("{host}:{port}");
                own_call(record, "tcp", "connect", &about, test)
                    .await
                    .map(Connect::seen)
            }
            AnyProbe::Handshake(Handshake(host, port)) => {
                let (about, test) = (format!("{host}:{port}"), net::try_certificate(host, *port));
                own_call(record, "tls", "handshake", &about, test)
                    .await
                    .map(Handshake::seen)
            }
            AnyProbe::AyonInfo(AyonInfo(url)) => ayon::try_info(record, &self.ayon, url)
                .await
                .map(AyonInfo::seen),
            AnyProbe::AyonKey(AyonKey(url)) => {
                let seen = match self.key_or_reason(url).await? {
                    Ok(key) => ayon::try_key(record, &self.ayon, url, &key).await?,
                    Err(because) => KeySeen::NoKey { because },
                };
                Ok(AyonKey::seen(seen))
            }
        }
    }

    async fn read_index(
        &self,
        channel: &Channel,
        from: &Vantage,
        record: &Record,
    ) -> Result<IndexSeen, Problem> {
        let exists = IndexSeen { lists: None };
        match from {
            Vantage::QueueRole(queue) => {
                self.aws
                    .try_channel_as_queue_role(record, queue, channel)
                    .await
            }
            Vantage::Anonymous => {
                let url = self.aws.open_address(channel).await?;
                let base = url.as_str().trim_end_matches("/noarch/repodata.json");
                let doing = format!("Could not read {channel} without credentials");
                conda::try_index(record, &self.web, doing, base, Vantage::Anonymous).await?;
                Ok(exists)
            }
            _ if channel.is_s3() => {
                self.aws.try_channel_here(record, channel).await?;
                Ok(exists)
            }
            _ => {
                conda::try_channel(record, &self.web, channel, &self.names).await?;
                Ok(exists)
            }
        }
    }

    async fn solve(
        &self,
        question: &CondaSolve,
        from: &Vantage,
        record: &Record,
    ) -> Result<SolveReport, Problem> {
        // Also a name that this machine's settings lead to a bucket.
        let in_s3 = |c: &Channel| {
            let at = self.names.address(c).unwrap_or_default();
            c.is_s3() || at.starts_with("s3://")
        };
        let s3 = question.channels.iter().any(in_s3);
        // One after the other: each holds the indexes of its channels in memory.
        let _turn = self.solves.acquire().await;
        let sign = if s3 {
            Some(self.aws.signer(record, from).await)
        } else {
            None
        };
        let lent = conda::Lent {
            vantage: from.clone(),
            sign,
            names: self.names.clone(),
            cache: conda::cache_folder(),
            downloads: self.downloads.clone(),
        };
        conda::read_and_solve(record, lent, question).await
    }
}

/// Why AYON was not asked.
pub(super) fn no_key(because: &str) -> String {
    format!("no API key was given: AYON_API_KEY is not set, and {because}")
}

/// The queue whose role tries it.
fn queue_of(from: &Vantage) -> Result<&QueueKey, Problem> {
    match from {
        Vantage::QueueRole(queue) => Ok(queue),
        other => Err(Problem::new(
            ProblemKind::Local,
            "Could not run the live test",
            format!("it is for the queue role, not for {}", other.word()),
            "this is a bug in studiolink; please report it",
        )),
    }
}

/// A live test on a socket of our own, with its line in the log like any other call.
async fn own_call<T>(
    record: &Record,
    service: &str,
    operation: &str,
    about: &str,
    test: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let (began, at) = (Instant::now(), Timestamp::now());
    let result = test.await;
    let outcome = match &result {
        Ok(_) => "OK",
        Err(p) if p.kind == ProblemKind::Missing => "NoSuchName",
        Err(p) if p.kind == ProblemKind::Invalid => "Refused",
        Err(_) => "NotReached",
    };
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let call = Call {
        vantage: Vantage::Here,
        service: service.to_owned(),
        operation: operation.to_owned(),
        about: Printable::short(about, 80),
        millis,
        outcome: outcome.into(),
        request_id: None,
        at,
    };
    record.add(call.clone());
    result.map_err(|p| p.seen(call))
}

impl World for RealWorld {
    fn look<'a>(&'a self, question: &'a AnyQuestion) -> BoxFuture<'a, Answered> {
        async move {
            let record = Record::new(&self.log);
            let answer = self.answer(question, &record).await;
            Answered {
                answer,
                calls: record.taken(),
            }
        }
        .boxed()
    }

    fn change<'a>(&'a self, change: &'a Change, token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            let record = Record::new(&self.log);
            let (aws, record_of) = (&self.aws, &record);
            let result: Result<Outputs, Problem> = match &change.resource {
                AnyResource::EnvironmentTemplate(r) => {
                    aws.change_environment(record_of, r, change, token).await
                }
                AnyResource::InlinePolicy(r) => {
                    let done = aws.change_role_policy(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::TrustPolicy(r) => {
                    let done = aws.change_role_trust(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::IamRole(r) => {
                    let done = aws.change_role(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::QueueRoleLink(r) => {
                    let done = aws.change_queue_role(record_of, r, change, token).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::AddonSetting(r) => {
                    let done = self.change_addon(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::ProbeJob(r) => aws.change_probe(record_of, r, change, token).await,
                AnyResource::AyonUserKey(r) => {
                    let done = self.change_user_key(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::ResourceGateway(r) => {
                    aws.change_gateway(record_of, r, change, token).await
                }
                AnyResource::ResourceConfiguration(r) => {
                    aws.change_configuration(record_of, r, change, token).await
                }
                AnyResource::ResourceShare(r) => {
                    aws.change_share(record_of, r, change, token).await
                }
                AnyResource::ShareAssociations(r) => {
                    let done = aws.change_associations(record_of, r, change, token).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::FleetConfiguration(r) => {
                    let done = aws.change_fleet(record_of, r, change, token).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::FleetScript(r) => {
                    let done = aws.change_script(record_of, r, change, token).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::Secret(r) => {
                    let done = aws.change_secret(record_of, r, change, token).await;
                    done.map(|()| Outputs::new())
                }
                AnyResource::SecretValue(r) => {
                    let done = self.change_secret_value(record_of, r, change).await;
                    done.map(|()| Outputs::new())
                }
            };
            Outcome {
                result: result.map_err(Box::new),
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
            let record = Record::new(&self.log);
            if let AnyProbe::AyonKey(AyonKey(url)) = probe {
                // The keyring may wait for a person; the server's deadline begins after it.
                let _ = self.key(url).await;
            }
            let (began, at) = (Instant::now(), Timestamp::now());
            let late = |limit: std::time::Duration| {
                let because = format!("no answer within {} s", limit.as_secs());
                Err(Problem::new(
                    ProblemKind::Unreached,
                    format!("Could not {}", probe.words(from)),
                    because,
                    "run it again; if it stays, look at the network between",
                ))
            };
            // The queue role's credentials may have to be fetched first, so a test has the deadline and a little. A
            // solve may read hundreds of megabytes: each of its requests has a deadline of its own.
            let limit = if matches!(probe, AnyProbe::Solve(_)) {
                SOLVE_DEADLINE
            } else {
                net::DEADLINE + std::time::Duration::from_millis(500)
            };
            let seen = tokio::time::timeout(limit, self.seen(probe, from, &record))
                .await
                .unwrap_or_else(|_| late(limit));
            Observation {
                at,
                millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                seen: seen.map_err(Box::new),
                calls: record.taken().into(),
            }
        }
        .boxed()
    }

    fn region(&self) -> &Region {
        &self.aws.region
    }

    fn log(&self) -> &CallLog {
        &self.log
    }

    fn local(&self) -> &dyn LocalState {
        &self.local
    }

    fn hold_key<'a>(&'a self, url: &'a Url, key: Option<SecretString>) -> BoxFuture<'a, ()> {
        async move {
            self.keys
                .lock()
                .await
                .insert(api_base(url).to_string(), Ok(key));
        }
        .boxed()
    }

    fn hold_admin<'a>(
        &'a self,
        url: &'a Url,
        login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        async move {
            let record = Record::new(&self.log);
            let key = self.sign_in(&record, url, login).await?;
            self.admins
                .lock()
                .await
                .insert(api_base(url).to_string(), Ok(key));
            Ok(())
        }
        .boxed()
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        async move {
            self.aws.leave().await;
            let record = Record::new(&self.log);
            for (url, token) in self.sessions.lock().await.drain(..) {
                // A session that can't be closed ends by itself.
                let _ = ayon::log_out(&record, &self.ayon, &url, &token).await;
            }
        }
        .boxed()
    }

    fn downloads(&self) -> Vec<Download> {
        self.downloads.under_way()
    }

    fn has_key<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, bool> {
        async move { matches!(self.key(url).await, Ok(Some(_))) }.boxed()
    }
}
