//! The real world: AWS, AYON, the network and this machine behind the three doors.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use tokio::sync::Mutex;
use url::Url;

use super::aws::{Aws, Login, connect};
use super::local::DiskState;
use super::{CallLog, LocalState, Outcome, Record, World, ayon, conda, net};
use crate::domain::ask::{Answer, Answered, Ask, NEW_ROLE_ACTIONS, SETUP_ACTIONS};
use crate::domain::call::{Call, Vantage};
use crate::domain::change::{Change, Thing};
use crate::domain::channel::Channel;
use crate::domain::conda_solve::Download;
use crate::domain::fact::Fact;
use crate::domain::ids::Region;
use crate::domain::login::AyonLogin;
use crate::domain::probe::{Probe, Reading, Seen};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::studio::{AddonChannels, api_base};
use crate::domain::text::{Printable, Secret};

/// What the keyring answered, or what was typed.
type KeyAnswer = Result<Option<Secret<String>>, Problem>;

/// The largest index over a slow line; a server that only drips is given up on.
const DRY_RUN: std::time::Duration = std::time::Duration::from_mins(10);

pub struct RealWorld {
    aws: Aws,
    desk: DiskState,
    ayon: reqwest::Client,
    /// For public channels: here a proxy and redirects are as good as on any machine.
    web: reqwest::Client,
    names: conda::Names,
    downloads: conda::progress::Downloads,
    /// `AYON_API_KEY`: given for this run, whatever the server.
    given: Option<Secret<String>>,
    /// `AYON_ADMIN_KEY`: an administrator's own, given for this run.
    given_admin: Option<Secret<String>>,
    /// By server: an administrator who signed in. Kept in memory alone.
    admins: Mutex<HashMap<String, Secret<String>>>,
    /// Whose turn it is to read channels.
    dry_runs: tokio::sync::Semaphore,
    /// By server: what was typed, or what the keyring answered when it was first asked.
    keys: Mutex<HashMap<String, KeyAnswer>>,
    log: CallLog,
}

impl RealWorld {
    pub async fn connect(login: &Login) -> Result<Self, Problem> {
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
                .map(|k| Secret::new(k.trim().to_owned()))
        };
        let (given, given_admin) = (secret("AYON_API_KEY"), secret("AYON_ADMIN_KEY"));
        Ok(Self {
            aws,
            desk: DiskState::new(),
            ayon: ayon::client()?,
            web,
            names: conda::Names::here(),
            downloads: conda::progress::Downloads::default(),
            given,
            given_admin,
            admins: Mutex::default(),
            dry_runs: tokio::sync::Semaphore::new(1),
            keys: Mutex::default(),
            log,
        })
    }

    async fn key(&self, url: &Url) -> KeyAnswer {
        let name = api_base(url).to_string();
        // Held across the question, so that calls which start together ask the keyring once.
        let mut keys = self.keys.lock().await;
        if let Some(Ok(Some(held))) = keys.get(&name) {
            return Ok(Some(held.clone()));
        }
        if self.given.is_some() {
            return Ok(self.given.clone());
        }
        if let Some(answered) = keys.get(&name) {
            return answered.clone();
        }
        let asked = name.clone();
        let found = tokio::task::spawn_blocking(move || DiskState::new().keyring_get(&asked)).await;
        let broken = |e: tokio::task::JoinError| {
            Problem::new(
                ProblemKind::Local,
                "Could not read the AYON key from the keyring",
                e.to_string(),
                "set AYON_API_KEY",
            )
        };
        let found = found.unwrap_or_else(|e| Err(broken(e)));
        keys.insert(name, found.clone());
        found
    }

    /// The key, or why there is none. A keyring that is not there is as good as no key; one that did not answer in
    /// time may hold one, so what depends on it stays unknown.
    async fn key_or_reason(&self, url: &Url) -> Result<Result<Secret<String>, String>, Problem> {
        match self.key(url).await {
            Ok(Some(key)) => Ok(Ok(key)),
            Ok(None) => Ok(Err("none is in the keyring".to_owned())),
            Err(p) if p.kind == ProblemKind::Unreached => Err(p),
            Err(p) => Ok(Err(p.because)),
        }
    }

    async fn admin(&self, url: &Url) -> Option<Secret<String>> {
        let held = self.admins.lock().await;
        let own = held.get(api_base(url).as_str()).cloned();
        own.or_else(|| self.given_admin.clone())
    }

    async fn change_addon(&self, record: &Record, change: &Change) -> Result<(), Problem> {
        let Thing::AddonChannels {
            server,
            variant,
            version,
        } = &change.thing
        else {
            return Ok(());
        };
        let refused = |because: &str, fix: &str| {
            let doing = format!("Could not change {}", change.thing.words());
            Problem::new(ProblemKind::Denied, doing, because, fix)
        };
        let then = change.after.as_deref().and_then(AddonChannels::of_text);
        let then = then.ok_or_else(|| {
            refused(
                "the change holds no value that can be read",
                "make the plan again",
            )
        })?;
        let key = self.admin(server).await.ok_or_else(|| {
            refused(
                "no login of an AYON administrator is given",
                "set AYON_ADMIN_KEY, or give your login on the server page of `studiolink setup`",
            )
        })?;
        ayon::change_addon_channels(
            record,
            &self.ayon,
            server,
            &key,
            *variant,
            version.raw(),
            &then,
        )
        .await
    }

    async fn answer(&self, ask: &Ask, record: &Record) -> Answer {
        match ask {
            Ask::Caller => Answer::Caller(self.aws.look_caller(record).await),
            Ask::CallerPermissions => {
                let all = [SETUP_ACTIONS, NEW_ROLE_ACTIONS].concat();
                Answer::CallerPermissions(self.aws.look_rights(record, &all).await)
            }
            Ask::Farms => Answer::Farms(self.aws.look_farms(record).await),
            Ask::Queues(farm) => Answer::Queues(self.aws.look_queues(record, farm).await),
            Ask::Farm(farm) => Answer::Farm(self.aws.look_farm(record, farm).await),
            Ask::Queue(key) => Answer::Queue(self.aws.look_queue(record, key).await),
            Ask::Fleets(key) => Answer::Fleets(self.aws.look_fleets(record, key).await),
            Ask::Environments(key) => {
                Answer::Environments(self.aws.look_environments(record, key).await)
            }
            Ask::Environment(key, id) => {
                Answer::Environment(self.aws.look_environment(record, key, id).await)
            }
            Ask::Role(arn) => Answer::Role(self.aws.look_role(record, arn).await),
            Ask::RolePolicy(arn, policy) => {
                Answer::RolePolicy(self.aws.look_role_policy(record, arn, policy).await)
            }
            Ask::RoleTrust(arn) => Answer::RoleTrust(self.aws.look_role_trust(record, arn).await),
            Ask::RoleMay(arn, all) => {
                Answer::RoleMay(self.aws.look_role_may(record, arn, all).await)
            }
            Ask::Boundary(arn) => Answer::Boundary(self.aws.look_boundary(record, arn).await),
            Ask::PolicyLint(text, more) => {
                Answer::PolicyLint(self.aws.look_lint(record, text, more).await)
            }
            Ask::Bundles(url) => Answer::Bundles(match self.key_or_reason(url).await {
                Ok(Ok(key)) => ayon::look_bundles(record, &self.ayon, url, &key).await,
                Ok(Err(_)) => Fact::NotAsked,
                Err(problem) => Fact::from(Err(problem)),
            }),
            Ask::AddonChannels(url, variant, version) => {
                Answer::AddonChannels(match self.admin(url).await {
                    Some(key) => {
                        ayon::look_addon_channels(record, &self.ayon, url, &key, *variant, version)
                            .await
                    }
                    None => Fact::NotAsked,
                })
            }
            Ask::Addon(url, variant, version) => {
                Answer::Addon(match self.key_or_reason(url).await {
                    Ok(Ok(key)) => {
                        ayon::look_addon(record, &self.ayon, url, &key, *variant, version).await
                    }
                    Ok(Err(_)) => Fact::NotAsked,
                    Err(problem) => Fact::from(Err(problem)),
                })
            }
        }
    }

    async fn seen(&self, probe: &Probe, record: &Record) -> Result<Seen, Problem> {
        match probe {
            Probe::ChannelHere(channel) if channel.is_s3() => {
                self.aws.try_channel_here(record, channel).await
            }
            Probe::ChannelHere(channel) => {
                conda::try_channel(record, &self.web, channel, &self.names).await
            }
            Probe::ChannelAsQueueRole(queue, channel) => {
                self.aws
                    .try_channel_as_queue_role(record, queue, channel)
                    .await
            }
            Probe::ChannelOpen(channel) => {
                let url = self.aws.open_address(channel).await?;
                let base = url.as_str().trim_end_matches("/noarch/repodata.json");
                let doing = format!("Could not read {channel} without credentials");
                conda::try_index(record, &self.web, doing, base).await
            }
            Probe::ChannelOwner(channel, accounts) => {
                self.aws.try_channel_owner(record, channel, accounts).await
            }
            Probe::BesideChannelAsQueueRole(queue, channel) => {
                self.aws.try_beside_channel(record, queue, channel).await
            }
            Probe::SecretAsQueueRole(queue, arn) => self.aws.try_secret(record, queue, arn).await,
            Probe::TunnelAsQueueRole(queue, tunnel, port) => {
                self.aws
                    .try_tunnel(record, &self.web, queue, tunnel, *port)
                    .await
            }
            Probe::BucketRegion(channel) => self.aws.try_bucket_region(record, channel).await,
            Probe::CondaSolve(question) => {
                // Also a name that this machine's settings lead to a bucket.
                let in_s3 = |c: &Channel| {
                    let at = self.names.address(c).unwrap_or_default();
                    c.is_s3() || at.starts_with("s3://")
                };
                let s3 = question.channels.iter().any(in_s3);
                // One after the other: each holds the indexes of its channels in memory.
                let _turn = self.dry_runs.acquire().await;
                let sign = if s3 {
                    Some(self.aws.signer(record, &question.reader).await)
                } else {
                    None
                };
                let lent = conda::Lent {
                    vantage: probe.vantage(),
                    sign,
                    names: self.names.clone(),
                    cache: conda::cache_folder(),
                    downloads: self.downloads.clone(),
                };
                conda::dry_run(record, lent, question).await
            }
            Probe::Name(host) => {
                own_call(record, "dns", "resolve", host, net::try_name(host)).await
            }
            Probe::Port(host, port) => {
                own_call(
                    record,
                    "tcp",
                    "connect",
                    &format!("{host}:{port}"),
                    net::try_port(host, *port),
                )
                .await
            }
            Probe::Certificate(host, port) => {
                own_call(
                    record,
                    "tls",
                    "handshake",
                    &format!("{host}:{port}"),
                    net::try_certificate(host, *port),
                )
                .await
            }
            Probe::AyonInfo(url) => ayon::try_info(record, &self.ayon, url).await,
            Probe::AyonKey(url) => match self.key_or_reason(url).await? {
                Ok(key) => ayon::try_key(record, &self.ayon, url, &key).await,
                Err(because) => Ok(Seen::NoKey { because }),
            },
        }
    }
}

/// A live test on a socket of our own, with its line in the log like any other call.
async fn own_call(
    record: &Record,
    service: &str,
    operation: &str,
    about: &str,
    test: impl Future<Output = Result<Seen, Problem>>,
) -> Result<Seen, Problem> {
    let (began, at) = (Instant::now(), Timestamp::now());
    let result = test.await;
    let outcome = if result.is_ok() { "OK" } else { "NotReached" };
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
    fn look<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answered> {
        async move {
            let record = Record::new(&self.log);
            let answer = self.answer(ask, &record).await;
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
            let result = match &change.thing {
                Thing::Environment { .. } => {
                    self.aws.change_environment(&record, change, token).await
                }
                Thing::RolePolicy { .. } => self
                    .aws
                    .change_role_policy(&record, change)
                    .await
                    .map(|()| None),
                Thing::RoleTrust { .. } => self
                    .aws
                    .change_role_trust(&record, change)
                    .await
                    .map(|()| None),
                Thing::NewRole { .. } => self.aws.change_role(&record, change).await.map(|()| None),
                Thing::QueueRole { .. } => self
                    .aws
                    .change_queue_role(&record, change, token)
                    .await
                    .map(|()| None),
                Thing::AddonChannels { .. } => {
                    self.change_addon(&record, change).await.map(|()| None)
                }
            };
            Outcome {
                result: result.map_err(Box::new),
                calls: record.taken(),
            }
        }
        .boxed()
    }

    fn try_out<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Reading> {
        async move {
            let record = Record::new(&self.log);
            if let Probe::AyonKey(url) = probe {
                // The keyring may wait for a person; the server's deadline begins after it.
                let _ = self.key(url).await;
            }
            let began = Instant::now();
            let late = |limit: std::time::Duration| {
                let because = format!("no answer within {} s", limit.as_secs());
                Err(Problem::new(
                    ProblemKind::Unreached,
                    format!("Could not {}", probe.words()),
                    because,
                    "run it again; if it stays, look at the network between",
                ))
            };
            // The queue role's credentials may have to be fetched first, so a test has the deadline and a little.
            // A dry run may read hundreds of megabytes: each of its requests has a deadline of its own.
            let limit = net::DEADLINE + std::time::Duration::from_millis(500);
            let limit = if matches!(probe, Probe::CondaSolve(_)) {
                DRY_RUN
            } else {
                limit
            };
            let seen = tokio::time::timeout(limit, self.seen(probe, &record))
                .await
                .unwrap_or_else(|_| late(limit));
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Reading {
                vantage: probe.vantage(),
                millis,
                seen: seen.map_err(Box::new),
                calls: record.taken(),
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

    fn desk(&self) -> &dyn LocalState {
        &self.desk
    }

    fn hold_key<'a>(&'a self, url: &'a Url, key: Option<Secret<String>>) -> BoxFuture<'a, ()> {
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
            let key = match login {
                AyonLogin::Key(key) => {
                    let record = Record::new(&self.log);
                    ayon::try_admin(&record, &self.ayon, url, &key).await?;
                    key
                }
                AyonLogin::Password { name, password } => {
                    let record = Record::new(&self.log);
                    ayon::log_in(&record, &self.ayon, url, &name, &password).await?
                }
            };
            self.admins
                .lock()
                .await
                .insert(api_base(url).to_string(), key);
            Ok(())
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
