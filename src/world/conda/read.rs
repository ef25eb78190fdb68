//! A conda solve against real channels: one query per channel and folder, so that one which fails hides no other, then one
//! solve. What a request came to is taken from the wire, never from rattler's words: those hold signed addresses.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use rattler_conda_types::{
    Channel as CondaChannel, MatchSpec, PackageName, RepoDataRecord, Subdir,
};
use rattler_repodata_gateway::fetch::CacheAction;
use rattler_repodata_gateway::{
    CacheClearMode, ChannelConfig, ChannelRelationsMode, Gateway, GatewayError, RepoData,
    SourceConfig, SubdirSelection,
};
use rattler_solve::CancellationToken;
use url::Url;

use super::condarc::Names;
use super::progress::{Downloads, Held};
use super::solve::{Records, solve, specs};
use super::wire::{self, Came, Seen as Wired, Sign, Wire};
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::domain::conda_solve::{
    ChannelSeen, CondaSolve, Engine, Outcome, Platform, Reason, Solve, SolveReport, SubdirSeen,
    SubdirState,
};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted, without_url_secrets};
use crate::world::Record;

/// So many requests at once, as rattler itself takes: a sharded index is hundreds of small files, and with fewer a solve
/// waits for the network most of its time.
const AT_ONCE: usize = 100;

/// A channel with at most so many names is counted whole; a larger one is read only as far as a solve needs.
const SMALL: usize = 400;

/// Another program that holds the lock on an index in the cache is waited for so long.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
const LOOK_AT_LOCKS: Duration = Duration::from_millis(500);
const CLEARING: Duration = Duration::from_secs(2);

/// What the world lends to a conda solve.
pub struct Lent {
    pub vantage: Vantage,
    /// For channels in S3; `None` where there are none in the question.
    pub sign: Option<Result<Sign, Problem>>,
    pub names: Names,
    /// Where indexes are kept.
    pub cache: PathBuf,
    pub downloads: Downloads,
}

/// A channel of the question that can be read from here.
struct Open {
    at: usize,
    /// Without user, password or token: rattler keeps addresses in its cache.
    channel: CondaChannel,
    base: String,
    whole: Url,
}

impl Open {
    fn secret(&self) -> Option<(String, Url)> {
        let is_plain = self.whole.as_str() == self.base;
        (!is_plain).then(|| (self.base.clone(), self.whole.clone()))
    }
}

struct Reader {
    gateway: Gateway,
    wired: Wired,
    downloads: Downloads,
}

pub async fn read_and_solve(
    record: &Record,
    lent: Lent,
    question: &CondaSolve,
) -> Result<SolveReport, Problem> {
    let packages = match specs(&question.packages) {
        Ok(packages) => packages,
        Err(because) => return Ok(not_tried(question, &because)),
    };
    let folder = lent.cache;
    // rattler would say it of each channel, as if that had not answered.
    crate::world::local::files::check_folder(&folder).map_err(|e| {
        Problem::new(
            ProblemKind::Local,
            "No conda solve was made: the indexes of channels can't be kept",
            format!("{} can't be written: {e}", folder.display()),
            "set RATTLER_CACHE_DIR to a folder that you can write",
        )
    })?;
    let (sign, refused) = match lent.sign {
        Some(Ok(sign)) => (Some(sign), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let wired = Wired::default();
    let as_queue_role = lent.vantage.is_queue_role();
    let mut open = Vec::new();
    let mut channels = Vec::new();
    for (at, channel) in question.channels.iter().enumerate() {
        let (seen, found) = opened(at, channel, &lent.names, refused.as_ref(), question);
        channels.push(seen);
        open.extend(found);
    }
    let client = wire::client(Wire {
        secret: open.iter().filter_map(Open::secret).collect(),
        record: record.clone(),
        vantage: lent.vantage,
        sign,
        seen: wired.clone(),
        downloads: lent.downloads.clone(),
    })?;
    let reading = Reader {
        gateway: gateway(client, &folder, &open, as_queue_role),
        wired,
        downloads: lent.downloads,
    };
    let folders: Vec<Subdir> = folders(&question.platforms);
    let looked = join_all(open.iter().map(|o| reading.channel(o, &folders))).await;
    for (o, subdirs) in open.iter().zip(looked) {
        channels[o.at].subdirs = Some(subdirs);
    }
    reading.forget(&open, &channels).await;
    // What exists at all, and what a solve needs, are asked for at the same time: each is round trips over a sharded index.
    let wanted = asked_for(question, &packages);
    let needed = question.platforms.iter();
    let needed = needed.map(|p| reading.records(&open, &channels, &wanted, *p));
    let (answers, ahead) = join(
        reading.existing(&open, &folders, &packages, &channels),
        join_all(needed),
    )
    .await;
    let before: Vec<_> = channels.iter().map(|c| c.subdirs.clone()).collect();
    let asked = reading.asked(&open, &folders, &packages, answers, &mut channels);
    let spoiled = before.iter().zip(&channels).any(|(b, c)| *b != c.subdirs);
    let mut solves = Vec::new();
    for (platform, ahead) in question.platforms.iter().zip(ahead) {
        let read = Reading {
            asked: &asked,
            packages: &packages,
            wanted: &wanted,
            // Read before it was known that a channel has a part that can't be read.
            ahead: (!spoiled).then_some(ahead),
        };
        let solved = reading.solves(&open, &mut channels, read, *platform, question);
        solves.extend(solved.await);
    }
    reading.look_elsewhere(&open, &channels, &mut solves).await;
    tokio::task::spawn_blocking(move || super::cache::keep_bounded(&folder));
    Ok(SolveReport { channels, solves })
}

/// What a solve of one platform goes by.
struct Reading<'a> {
    asked: &'a [Records],
    packages: &'a [MatchSpec],
    wanted: &'a [MatchSpec],
    ahead: Option<Result<Vec<Records>, GatewayError>>,
}

/// conda looks at a name in every version; rattler only at those that fit.
fn asked_for(question: &CondaSolve, packages: &[MatchSpec]) -> Vec<MatchSpec> {
    match question.engine {
        Engine::Rattler => packages.to_vec(),
        Engine::Conda => {
            let names = packages.iter().filter_map(|s| s.name.as_exact().cloned());
            names.map(MatchSpec::from).collect()
        }
    }
}

fn not_tried(question: &CondaSolve, because: &Printable) -> SolveReport {
    let of = |platform: &Platform| {
        let platform = *platform;
        question.priorities.iter().map(move |priority| Solve {
            platform,
            priority: *priority,
            outcome: Outcome::NotTried(because.clone()),
        })
    };
    SolveReport {
        channels: Vec::new(),
        solves: question.platforms.iter().flat_map(of).collect(),
    }
}

fn could_not(question: &CondaSolve, platform: Platform, because: &Printable) -> Vec<Solve> {
    let of = |priority: &_| Solve {
        platform,
        priority: *priority,
        outcome: Outcome::CouldNot(because.clone()),
    };
    question.priorities.iter().map(of).collect()
}

fn gateway(
    client: reqwest_middleware::ClientWithMiddleware,
    folder: &Path,
    open: &[Open],
    as_queue_role: bool,
) -> Gateway {
    let default = SourceConfig {
        // No channel has only this form, and a bomb in it could not be counted.
        bz2_enabled: false,
        ..SourceConfig::default()
    };
    // What the queue role reads is a proof: nothing that another identity has read counts in it.
    let proof = SourceConfig {
        cache_action: CacheAction::NoCache,
        ..default.clone()
    };
    let as_role = |o: &&Open| o.base.starts_with("s3://") && as_queue_role;
    let per_channel = open
        .iter()
        .filter(as_role)
        .filter_map(|o| Some((Url::parse(&o.base).ok()?, proof.clone())))
        .collect();
    Gateway::builder()
        .with_client(client)
        .with_cache_dir(folder.to_owned())
        .with_max_concurrent_requests(AT_ONCE)
        .with_channel_config(ChannelConfig {
            default,
            per_channel,
        })
        .finish()
}

fn folders(platforms: &[Platform]) -> Vec<Subdir> {
    let own = platforms.iter().map(|p| subdir(*p));
    own.chain([Subdir::NoArch]).collect()
}

fn subdir(platform: Platform) -> Subdir {
    match platform {
        Platform::Linux64 => Subdir::Linux64,
        Platform::LinuxArm => Subdir::LinuxAarch64,
        Platform::Win64 => Subdir::Win64,
    }
}

/// The channel as rattler knows it, or why it can't be read from here.
fn opened(
    at: usize,
    channel: &Channel,
    names: &Names,
    refused: Option<&Problem>,
    question: &CondaSolve,
) -> (ChannelSeen, Option<Open>) {
    let mut seen = ChannelSeen {
        channel: channel.clone(),
        at: None,
        by_settings: false,
        subdirs: None,
        versions: Vec::new(),
    };
    let unread = |state: SubdirState| {
        let of = |s: Subdir| SubdirSeen {
            subdir: s.to_string(),
            state: state.clone(),
            names: 0,
            packages: None,
            newest: None,
        };
        folders(&question.platforms).into_iter().map(of).collect()
    };
    let address = match channel.place() {
        Place::AwsAlias => return (seen, None),
        Place::Name("defaults") => {
            let why = "conda takes this name for a list of channels; name them one by one";
            seen.subdirs = Some(unread(SubdirState::Unreached(why.into())));
            return (seen, None);
        }
        Place::S3 { bucket, prefix } => {
            if let Some(problem) = refused {
                let state = SubdirState::Unreached(Printable::short(&problem.because, 200));
                seen.subdirs = Some(unread(state));
                return (seen, None);
            }
            format!("s3://{bucket}/{prefix}")
        }
        Place::Url(_) | Place::Path(_) | Place::Name(_) => {
            names.address(channel).unwrap_or_default()
        }
    };
    if matches!(channel.place(), Place::Name(_)) {
        let unread = names
            .unread
            .first()
            .map_or_else(String::new, |p| format!("; {}: {}", p.doing, p.because));
        let shown = without_url_secrets(&address);
        seen.at = Some(Printable::short(&format!("{shown}{unread}"), 160));
        seen.by_settings = names.is_own(channel);
    }
    if channel.is_oci() {
        let why = "studiolink does not read registries of container images";
        seen.subdirs = Some(unread(SubdirState::Unreached(why.into())));
        return (seen, None);
    }
    match Url::parse(&format!("{}/", address.trim_end_matches('/'))) {
        Ok(whole) => {
            let base = wire::plain(&whole);
            let shown = Url::parse(&base).unwrap_or_else(|_| whole.clone());
            let open = Open {
                at,
                channel: CondaChannel::from_url(shown),
                base,
                whole,
            };
            (seen, Some(open))
        }
        Err(e) => {
            let why = format!("its address can't be used: {e}");
            seen.subdirs = Some(unread(SubdirState::Unreached(why.into())));
            (seen, None)
        }
    }
}

impl Reader {
    /// Every folder of a channel, at the same time, each on its own.
    async fn channel(&self, open: &Open, folders: &[Subdir]) -> Vec<SubdirSeen> {
        join_all(folders.iter().map(|f| self.folder(open, *f))).await
    }

    async fn folder(&self, open: &Open, folder: Subdir) -> SubdirSeen {
        let mut seen = SubdirSeen {
            subdir: folder.to_string(),
            state: SubdirState::Missing,
            names: 0,
            packages: None,
            newest: None,
        };
        let reading = self
            .gateway
            .names([open.channel.clone()], [folder])
            .channel_relations(ChannelRelationsMode::Disabled)
            .execute();
        let names = match self.within_locks(open, folder, reading).await {
            Ok(names) => names,
            Err(why) => {
                seen.state = SubdirState::Unreached(why);
                return seen;
            }
        };
        match names {
            Err(error) => seen.state = self.obstacle(open, folder, &error),
            Ok(out) if out.names.is_empty() => {
                if self.is_there(open, folder) {
                    seen.state = SubdirState::Empty;
                    seen.packages = Some(0);
                }
            }
            Ok(out) => {
                seen.state = SubdirState::Present;
                seen.names = out.names.len();
                let sharded = self.came(open, folder, "repodata_shards.msgpack.zst");
                let is_sharded = matches!(sharded, Some(Came::Status(200 | 304)));
                if seen.names <= SMALL && !is_sharded {
                    self.count(open, folder, &out.names, &mut seen).await;
                }
            }
        }
        seen
    }

    /// The reading, unless another program holds the lock of this folder's index for too long.
    async fn within_locks<T>(
        &self,
        open: &Open,
        folder: Subdir,
        reading: impl Future<Output = T>,
    ) -> Result<T, Printable> {
        tokio::pin!(reading);
        let mut waiting: Option<(Instant, Held)> = None;
        loop {
            tokio::select! {
                done = &mut reading => return Ok(done),
                () = tokio::time::sleep(LOOK_AT_LOCKS) => {}
            }
            let base = format!("{}{folder}/", open.base);
            let Some(who) = super::locks::holder().filter(|_| !self.downloads.has(&base)) else {
                waiting = None;
                continue;
            };
            let words =
                || format!("waiting for {who}, which holds the lock on an index in the cache");
            let (since, _) = waiting
                .get_or_insert_with(|| (Instant::now(), self.downloads.wait(words().into())));
            if since.elapsed() > LOCK_LIMIT {
                let seconds = LOCK_LIMIT.as_secs();
                let why = format!(
                    "{who} holds the lock on its index in the cache for more than {seconds} s"
                );
                return Err(why.into());
            }
        }
    }

    /// Every build of a small channel: how many, and the newest.
    async fn count(
        &self,
        open: &Open,
        folder: Subdir,
        names: &[PackageName],
        seen: &mut SubdirSeen,
    ) {
        let all = names.iter().cloned().map(MatchSpec::from);
        let records = self
            .gateway
            .query([open.channel.clone()], [folder], all)
            .channel_relations(ChannelRelationsMode::Disabled)
            .execute()
            .await;
        match records {
            Ok(out) => {
                seen.packages = Some(
                    out.iter()
                        .map(rattler_repodata_gateway::RepoData::len)
                        .sum(),
                );
                seen.newest = out
                    .iter()
                    .flat_map(|r| r.iter())
                    .filter_map(|r| r.package_record.timestamp.as_ref())
                    .filter_map(|t| jiff::Timestamp::from_millisecond(t.timestamp_millis()).ok())
                    .max();
            }
            Err(error) => seen.state = self.obstacle(open, folder, &error),
        }
    }

    /// What could not be used is not kept: a server may call it unchanged when it is not.
    /// Clears the cache of what could not be read. rattler waits for its locks in this call, so it is made on a thread of its
    /// own and not waited for long: what can't be cleared is read again next time, as before.
    async fn forget(&self, open: &[Open], channels: &[ChannelSeen]) {
        let mut unread = Vec::new();
        for o in open {
            let subdirs = channels[o.at].subdirs.iter().flatten();
            let failed =
                subdirs.filter(|s| !matches!(s.state, SubdirState::Present | SubdirState::Empty));
            let names: std::collections::BTreeSet<String> =
                failed.map(|s| s.subdir.clone()).collect();
            if !names.is_empty() {
                unread.push((o.channel.clone(), names.into_iter().collect()));
            }
        }
        if unread.is_empty() {
            return;
        }
        let gateway = self.gateway.clone();
        let clearing = tokio::task::spawn_blocking(move || {
            for (channel, names) in unread {
                let only = SubdirSelection::Some(names);
                let _ =
                    gateway.clear_repodata_cache(&channel, only, CacheClearMode::InMemoryAndDisk);
            }
        });
        let _ = tokio::time::timeout(CLEARING, clearing).await;
    }

    fn came(&self, open: &Open, folder: Subdir, file: &str) -> Option<Came> {
        self.wired.of(&format!("{}{folder}/{file}", open.base))
    }

    /// An empty answer stands for an empty index and for none at all; the wire, or the disk, tells them apart.
    fn is_there(&self, open: &Open, folder: Subdir) -> bool {
        if let Some(path) = local_folder(&open.base, folder) {
            return path.join("repodata.json").is_file();
        }
        let of = |file: &str| self.came(open, folder, file);
        let files = [
            "repodata_shards.msgpack.zst",
            "repodata.json.zst",
            "repodata.json",
        ];
        let answered = files
            .iter()
            .any(|f| matches!(of(f), Some(Came::Status(200 | 304))));
        // Nothing was sent at all: the cache is younger than the server's own limit, so it was there then.
        answered || files.iter().all(|f| of(f).is_none())
    }

    /// What stopped the reading of a folder, by what its requests came to.
    fn obstacle(&self, open: &Open, folder: Subdir, error: &GatewayError) -> SubdirState {
        if let Some(path) = local_folder(&open.base, folder) {
            let file = path.join("repodata.json");
            return match std::fs::metadata(&file) {
                Ok(_) => SubdirState::Unparsable(words(error)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => SubdirState::Missing,
                Err(e) => SubdirState::Unreached(Printable::short(&e.to_string(), 160)),
            };
        }
        // The plain index is asked for last, and says most.
        let files = [
            "repodata.json",
            "repodata.json.zst",
            "repodata_shards.msgpack.zst",
        ];
        let came: Vec<Came> = files
            .iter()
            .filter_map(|f| self.came(open, folder, f))
            .collect();
        for came in &came {
            match came {
                Came::TooLarge(why) => return SubdirState::TooLarge(why.clone()),
                Came::Redirect(to) => return SubdirState::Redirected(to.clone()),
                Came::Status(status @ (401 | 403)) => return SubdirState::Forbidden(*status),
                Came::Broken(why) => return SubdirState::Unreached(why.clone()),
                Came::NotSigned(problem) => {
                    return SubdirState::Unreached(Printable::short(&problem.because, 160));
                }
                Came::Status(_) => {}
            }
        }
        match came.first() {
            Some(Came::Status(404 | 410)) => SubdirState::Missing,
            Some(Came::Status(200..=299 | 304)) => SubdirState::Unparsable(words(error)),
            Some(Came::Status(status)) => {
                SubdirState::Unreached(format!("the server answered {status}").into())
            }
            _ if matches!(error, GatewayError::SubdirNotFoundError(_)) => SubdirState::Missing,
            _ => SubdirState::Unreached(words(error)),
        }
    }

    /// Every version of what was asked for, whatever fits: to say what exists.
    async fn existing(
        &self,
        open: &[Open],
        folders: &[Subdir],
        packages: &[MatchSpec],
        channels: &[ChannelSeen],
    ) -> Vec<Result<Vec<RepoData>, GatewayError>> {
        let names = names_of(packages);
        let of = |o: &Open| {
            let good: Vec<Subdir> = folders
                .iter()
                .copied()
                .filter(|f| is_good(&channels[o.at], *f))
                .collect();
            let query = self
                .gateway
                .query(
                    [o.channel.clone()],
                    good,
                    names.iter().cloned().map(MatchSpec::from),
                )
                .channel_relations(ChannelRelationsMode::Disabled);
            query.execute()
        };
        let answers = join_all(open.iter().map(of)).await;
        answers
            .into_iter()
            .map(|a| a.map(|out| out.into_iter().collect()))
            .collect()
    }

    fn asked(
        &self,
        open: &[Open],
        folders: &[Subdir],
        packages: &[MatchSpec],
        answers: Vec<Result<Vec<RepoData>, GatewayError>>,
        channels: &mut [ChannelSeen],
    ) -> Vec<Records> {
        let names = names_of(packages);
        let mut asked = Vec::new();
        for (o, answer) in open.iter().zip(answers) {
            match answer {
                Ok(out) => {
                    let records: Vec<Arc<RepoDataRecord>> =
                        out.iter().flat_map(|r| r.iter_arc().cloned()).collect();
                    channels[o.at].versions = versions(&names, &records);
                    asked.push(Records {
                        channel: o.at,
                        records,
                    });
                }
                // One of its folders holds records that can't be read.
                Err(error) => self.spoil(o, &mut channels[o.at], folders, &error),
            }
        }
        asked
    }

    /// A folder whose list was read and whose records were not.
    fn spoil(&self, open: &Open, seen: &mut ChannelSeen, folders: &[Subdir], error: &GatewayError) {
        for row in seen.subdirs.iter_mut().flatten() {
            let ours = folders.iter().any(|f| f.as_str() == row.subdir);
            if ours && row.state == SubdirState::Present {
                row.state = match Subdir::from_str(&row.subdir) {
                    Ok(folder) => match self.obstacle(open, folder, error) {
                        SubdirState::Missing => SubdirState::Unparsable(words(error)),
                        state => state,
                    },
                    Err(_) => SubdirState::Unparsable(words(error)),
                };
            }
        }
    }

    async fn solves(
        &self,
        open: &[Open],
        channels: &mut [ChannelSeen],
        reading: Reading<'_>,
        platform: Platform,
        question: &CondaSolve,
    ) -> Vec<Solve> {
        let folders = [subdir(platform), Subdir::NoArch];
        let Reading {
            asked,
            packages,
            wanted,
            ahead,
        } = reading;
        let first = match ahead {
            Some(read) => read,
            None => self.records(open, channels, wanted, platform).await,
        };
        let read = match first {
            Ok(read) => read,
            Err(_) => {
                // One of them has a part that can't be read: each is asked alone, and the culprit is left out.
                for o in open {
                    if channels[o.at].obstacle(platform).is_some() {
                        continue;
                    }
                    let alone = std::slice::from_ref(o);
                    if let Err(error) = self.records(alone, channels, wanted, platform).await {
                        self.spoil(o, &mut channels[o.at], &folders, &error);
                    }
                }
                match self.records(open, channels, wanted, platform).await {
                    Ok(read) => read,
                    Err(error) => return could_not(question, platform, &words(&error)),
                }
            }
        };
        let cancel = CancellationToken::new();
        // A caller that stops waiting stops the solver too.
        let guard = CancelOnDrop(cancel.clone());
        // What another platform has is not near to anything on this one.
        let own = |r: &Arc<RepoDataRecord>| {
            folders
                .iter()
                .any(|f| f.as_str() == r.package_record.subdir)
        };
        let of_platform = |r: &Records| Records {
            channel: r.channel,
            records: r.records.iter().filter(|r| own(r)).cloned().collect(),
        };
        let asked: Vec<Records> = asked.iter().map(of_platform).collect();
        let packages = packages.to_vec();
        let (priorities, engine) = (question.priorities.clone(), question.engine);
        let solved = tokio::task::spawn_blocking(move || {
            let of = |p| solve(&read, &asked, &packages, (platform, p, engine), &cancel);
            priorities.into_iter().map(of).collect::<Vec<_>>()
        })
        .await;
        drop(guard);
        solved.unwrap_or_else(|e| {
            let because = Printable::short(&format!("the solver failed: {e}"), 160);
            could_not(question, platform, &because)
        })
    }

    /// What was asked for and all it may need, from every channel that can be used for this platform.
    async fn records(
        &self,
        open: &[Open],
        channels: &[ChannelSeen],
        packages: &[MatchSpec],
        platform: Platform,
    ) -> Result<Vec<Records>, GatewayError> {
        let good: Vec<&Open> = open
            .iter()
            .filter(|o| channels[o.at].obstacle(platform).is_none())
            .collect();
        let sources: Vec<CondaChannel> = good.iter().map(|o| o.channel.clone()).collect();
        let folders = [subdir(platform), Subdir::NoArch];
        let out = self
            .gateway
            .query(sources, folders, packages.to_vec())
            .recursive(true)
            .channel_relations(ChannelRelationsMode::Disabled)
            .execute()
            .await?;
        // One part per channel and folder, in that order.
        let of = |(n, o): (usize, &&Open)| Records {
            channel: o.at,
            records: out
                .iter()
                .skip(n * folders.len())
                .take(folders.len())
                .flat_map(|r| r.iter_arc().cloned())
                .collect(),
        };
        Ok(good.iter().enumerate().map(of).collect())
    }

    /// Where a missing name exists for another platform: asked only when it is missing.
    async fn look_elsewhere(&self, open: &[Open], channels: &[ChannelSeen], solves: &mut [Solve]) {
        for solve in solves {
            let Outcome::NotFound(reasons) = &mut solve.outcome else {
                continue;
            };
            for reason in reasons {
                let Reason::NoName {
                    name, elsewhere, ..
                } = reason
                else {
                    continue;
                };
                let Ok(package) = name.parse::<PackageName>() else {
                    continue;
                };
                let others = Platform::ALL.iter().filter(|p| **p != solve.platform);
                for platform in others {
                    let of = |o: &'_ Open| {
                        let spec = [MatchSpec::from(package.clone())];
                        self.gateway
                            .query([o.channel.clone()], [subdir(*platform)], spec)
                            .channel_relations(ChannelRelationsMode::Disabled)
                            .execute()
                    };
                    // Not in the largest: reading all of conda-forge for another platform would say too little.
                    let small = |o: &&Open| {
                        let rows = channels[o.at].subdirs.iter().flatten();
                        rows.map(|r| r.names).sum::<usize>() <= 10 * SMALL
                    };
                    let usable = open
                        .iter()
                        .filter(small)
                        .filter(|o| channels[o.at].obstacle(solve.platform).is_none());
                    let usable: Vec<&Open> = usable.collect();
                    let answers = join_all(usable.iter().map(|o| of(o))).await;
                    for (o, answer) in usable.iter().zip(answers) {
                        if answer.is_ok_and(|out| out.iter().any(|r| !r.is_empty())) {
                            elsewhere.push((o.at, platform.word().to_owned()));
                        }
                    }
                }
            }
        }
    }
}

struct CancelOnDrop(CancellationToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn is_good(seen: &ChannelSeen, folder: Subdir) -> bool {
    let row = seen
        .subdirs
        .iter()
        .flatten()
        .find(|s| s.subdir == folder.as_str());
    row.is_some_and(|s| s.state == SubdirState::Present)
}

fn names_of(packages: &[MatchSpec]) -> Vec<PackageName> {
    let names = packages.iter().filter_map(|s| s.name.as_exact().cloned());
    names.collect()
}

/// Versions of each name, newest first, at most twenty.
fn versions(
    names: &[PackageName],
    records: &[Arc<RepoDataRecord>],
) -> Vec<(String, Vec<Untrusted>)> {
    let of = |name: &PackageName| {
        let mut list: Vec<_> = records
            .iter()
            .filter(|r| r.package_record.name == *name)
            .map(|r| r.package_record.version.version().clone())
            .collect();
        list.sort_by(|a, b| b.cmp(a));
        list.dedup();
        let words = list.iter().take(20).map(|v| Untrusted::new(v.to_string()));
        (name.as_normalized().to_owned(), words.collect::<Vec<_>>())
    };
    names
        .iter()
        .map(of)
        .filter(|(_, v)| !v.is_empty())
        .collect()
}

fn local_folder(base: &str, folder: Subdir) -> Option<PathBuf> {
    let url = Url::parse(base).ok().filter(|u| u.scheme() == "file")?;
    Some(url.to_file_path().ok()?.join(folder.as_str()))
}

/// rattler's words without any address that signs: the last cause says most.
fn words(error: &GatewayError) -> Printable {
    let mut last = error.to_string();
    let mut at = std::error::Error::source(error);
    while let Some(e) = at {
        last = e.to_string();
        at = e.source();
    }
    Printable::short(&without_url_secrets(&last), 160)
}
