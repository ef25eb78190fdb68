//! Would conda on a worker find and install what a publish job asks for, from these channels in this order?

mod judge;

use super::{
    Ask, Check, Finding, Source, Topic, Verdict, View, conda_environments, job_packages, says,
};
use crate::domain::ask::Variant;
use crate::domain::channel::{Channel, join, split};
use crate::domain::dry_run::{
    ChannelSeen, DryRun, Engine, Platform, Priority, Reader, Solve, SubdirState, Tried,
};
use crate::domain::environment::BELIEVED;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::package::packages;
use crate::domain::probe::{Probe, Reading, Seen};
use crate::domain::studio::{Fleet, QueueFleet};
use crate::domain::text::Printable;
use crate::domain::wanted::{NOWHERE, Pin};
use judge::Judge;

pub struct DryRunCheck;

/// A question about a queue, and which channels it is about.
struct Question {
    /// Of AYON's own jobs, which name their channels themselves.
    by_addon: bool,
    ask: DryRun,
    /// Why the version is not known; then the newest is asked for, to see what is there.
    unpinned: Option<String>,
    /// The platforms on which publish steps run.
    publishing: Vec<Platform>,
}

/// Why no question can be put: what is not known, or not there.
type Lack = (Verdict, String);

/// The active fleets of the queue; one whose association has ended gets no job.
fn fleets<'a>(view: &View<'a>, key: &QueueKey) -> Result<Vec<&'a QueueFleet>, Lack> {
    let fact = view.studio.fleets(key);
    if let Some(list) = fact.known() {
        return Ok(list.iter().filter(|f| f.association == "ACTIVE").collect());
    }
    let (verdict, because) = match fact.problem() {
        Some(problem) => (Verdict::Unknown, problem.because.as_str()),
        None => (Verdict::Skipped, "they were not looked at"),
    };
    Err((
        verdict,
        format!("the queue's fleets are not known: {because}"),
    ))
}

/// The fleets' platforms that the queue's jobs may run on, and whether publish steps do.
fn platforms(view: &View, key: &QueueKey) -> Result<Vec<(Platform, bool)>, Lack> {
    let fleets = fleets(view, key)?;
    let mut list: Vec<(Platform, bool)> = Vec::new();
    let known: Vec<&Fleet> = fleets.iter().filter_map(|f| f.fleet.known()).collect();
    let roles = &view.wanted.publish_roles;
    // Where no fleet offers the role, another check says so, and here every fleet counts.
    let any = known.iter().any(|f| f.publishes(roles));
    for fleet in known {
        let Some(platform) = fleet.platform() else {
            continue;
        };
        let publishes = !any || fleet.publishes(roles);
        match list.iter_mut().find(|(p, _)| *p == platform) {
            Some(row) => row.1 |= publishes,
            None => list.push((platform, publishes)),
        }
    }
    if list.is_empty() {
        let unread = fleets.iter().any(|f| f.fleet.known().is_none());
        return Err(if unread {
            (
                Verdict::Unknown,
                "no fleet of the queue could be read, so no platform is known".to_owned(),
            )
        } else {
            (
                Verdict::Skipped,
                "the queue has no fleet that conda has packages for".to_owned(),
            )
        });
    }
    list.sort();
    Ok(list)
}

fn solving(view: &View, key: &QueueKey) -> (Engine, Vec<Priority>) {
    match conda_environments(view.studio, key).as_slice() {
        [(_, template)] => (template.kind.engine(), template.priorities.clone()),
        _ => (Engine::Rattler, BELIEVED.to_vec()),
    }
}

fn questions(view: &View, key: &QueueKey) -> Result<Vec<Question>, Lack> {
    let rows = platforms(view, key)?;
    let platforms: Vec<Platform> = rows.iter().map(|(p, _)| *p).collect();
    let publishing: Vec<Platform> = rows.iter().filter(|r| r.1).map(|r| r.0).collect();
    let (packages, unpinned) = match job_packages(view) {
        Ok(packages) => (packages, None),
        Err(why) => {
            let newest = packages(view.wanted.strategy, &Pin::Latest, None);
            (newest.map_err(|why| (Verdict::Skipped, why))?, Some(why))
        }
    };
    let queue = view.studio.queue(key);
    if queue.known().is_none() {
        return Err((Verdict::Skipped, "the queue is not known".to_owned()));
    }
    let (engine, priorities) = solving(view, key);
    let has_role = queue.known().is_some_and(|q| q.role.is_some());
    let about = |by_addon, channels: Vec<Channel>| {
        let as_role = has_role && channels.iter().any(Channel::is_s3);
        Question {
            by_addon,
            unpinned: unpinned.clone(),
            publishing: publishing.clone(),
            ask: DryRun {
                reader: if as_role {
                    Reader::QueueRole(key.clone())
                } else {
                    Reader::Caller
                },
                channels,
                packages: packages.clone(),
                platforms: platforms.clone(),
                engine,
                priorities: priorities.clone(),
            },
        }
    };
    let mut list = vec![about(false, view.wanted.channels.clone())];
    if let Some(own) = addon_list(view)
        && own != view.wanted.channels
    {
        list.push(about(true, own));
    }
    Ok(list)
}

/// The channels that the AYON addon puts into every job, where it names any that conda could take.
fn addon_list(view: &View) -> Option<Vec<Channel>> {
    let settings = view.studio.addon.get(&Variant::Production)?.known()?;
    let words = split(settings.channels.raw());
    let list: Vec<Channel> = words.iter().filter_map(|w| w.parse().ok()).collect();
    (!list.is_empty() && list.len() == words.len()).then_some(list)
}

/// What was read of the wanted channels, for whoever shows more of it: as the queue role, or where it was refused as
/// whoever is signed in.
pub fn dry_runs<'a>(view: &View<'a>, key: &QueueKey) -> Option<(Probe, &'a Tried)> {
    let ask = questions(view, key).ok()?.into_iter().next()?.ask;
    let fallback = as_caller_too(view, &ask).and_then(|ask| reading(view, ask));
    let (probe, reading) = fallback.or_else(|| reading(view, ask))?;
    match &reading.seen {
        Ok(Seen::DryRun(tried)) => Some((probe, tried)),
        _ => None,
    }
}

/// As the queue role where that was done, else as whoever is signed in.
fn reading<'a>(view: &View<'a>, ask: DryRun) -> Option<(Probe, &'a Reading)> {
    let caller = DryRun {
        reader: Reader::Caller,
        ..ask.clone()
    };
    [ask, caller].into_iter().find_map(|question| {
        let probe = Probe::DryRun(Box::new(question));
        let reading = view.studio.readings.get(&probe)?;
        Some((probe, reading))
    })
}

/// Where S3 refuses the queue role, the channels are read once more as whoever is signed in: so it is known before
/// the rights are given whether they would be enough.
fn as_caller_too(view: &View, ask: &DryRun) -> Option<DryRun> {
    if ask.reader == Reader::Caller {
        return None;
    }
    let probe = Probe::DryRun(Box::new(ask.clone()));
    let Ok(Seen::DryRun(tried)) = &view.studio.readings.get(&probe)?.seen else {
        return None;
    };
    let refused = |c: &ChannelSeen| {
        c.channel.is_s3()
            && c.subdirs.iter().flatten().any(|s| {
                matches!(
                    s.state,
                    SubdirState::Forbidden(_) | SubdirState::Unreached(_)
                )
            })
    };
    tried.channels.iter().any(refused).then(|| DryRun {
        reader: Reader::Caller,
        ..ask.clone()
    })
}

/// What the channels hold for whoever is signed in, where the queue role was refused.
fn by_caller<'a>(view: &View<'a>, ask: &DryRun, platform: Platform) -> Option<&'a Solve> {
    let fallback = as_caller_too(view, ask)?;
    let probe = Probe::DryRun(Box::new(fallback));
    let Ok(Seen::DryRun(tried)) = &view.studio.readings.get(&probe)?.seen else {
        return None;
    };
    let clear = tried
        .channels
        .iter()
        .all(|c| c.obstacle(platform).is_none());
    let solve = tried.solves.iter().find(|s| s.platform == platform)?;
    clear.then_some(solve)
}

impl Check for DryRunCheck {
    fn id(&self) -> &'static str {
        "dry-run"
    }
    fn title(&self) -> &'static str {
        "conda finds the AYON packages for each fleet"
    }
    fn why(&self) -> &'static str {
        "an environment that can't be solved fails every job at its start, minutes after it was submitted"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        let of = |q: &QueueKey| {
            [
                Ask::Queue(q.clone()),
                Ask::Fleets(q.clone()),
                Ask::Environments(q.clone()),
            ]
        };
        let bundles = Ask::Bundles(view.wanted.server.url.clone());
        let queues = view.wanted.queues.iter().flat_map(of);
        queues.chain([bundles]).collect()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        // The version comes from AYON, where it follows a bundle: one dry run with it, not one before and one after.
        let url = &view.wanted.server.url;
        let follows = matches!(view.wanted.pin, Pin::ProductionBundle | Pin::StagingBundle);
        let no_server = url.as_str().trim_end_matches('/') == NOWHERE;
        let asked = view
            .studio
            .evidence
            .contains_key(&Ask::Bundles(url.clone()));
        if follows && !no_server && !asked {
            return Vec::new();
        }
        let waits = |q: &QueueKey| {
            view.studio
                .queues
                .get(q)
                .is_none_or(|f| f.environments == Fact::NotAsked)
        };
        let with_fallback = |q: Question| {
            let fallback = as_caller_too(view, &q.ask);
            std::iter::once(q.ask)
                .chain(fallback)
                .map(|ask| Probe::DryRun(Box::new(ask)))
        };
        view.wanted
            .queues
            .iter()
            .filter(|q| !waits(q))
            .filter_map(|q| questions(view, q).ok())
            .flatten()
            .flat_map(with_fallback)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for key in &view.wanted.queues {
            let name = view.studio.queue_name(key);
            match questions(view, key) {
                Err((verdict, because)) => findings
                    .push(says(self, verdict, format!("No dry run for queue {name}")).why(because)),
                Ok(list) => {
                    findings.extend(self.unread_fleets(view, key));
                    for question in list {
                        findings.extend(self.of_question(view, question));
                    }
                }
            }
        }
        findings
    }
}

impl DryRunCheck {
    /// What is said of the other fleets' platforms says nothing of theirs.
    fn unread_fleets(&self, view: &View, key: &QueueKey) -> Option<Finding> {
        let fleets = fleets(view, key).ok()?;
        let unread: Vec<&QueueFleet> = fleets
            .into_iter()
            .filter(|f| f.fleet.known().is_none())
            .collect();
        let because = unread.iter().find_map(|f| f.fleet.problem())?;
        let ids: Vec<String> = unread.iter().map(|f| f.id.to_string()).collect();
        let line = format!("No dry run for fleet {}", ids.join(", "));
        let finding = says(self, Verdict::Unknown, line)
            .why(format!("its platform is not known: {}", because.because))
            .fix(because.fix.as_str());
        Some(finding.from(Source::Fact(Ask::Fleets(key.clone()))))
    }

    fn of_question(&self, view: &View, question: Question) -> Vec<Finding> {
        let Question {
            by_addon,
            ask,
            unpinned,
            publishing,
        } = question;
        let Some((probe, reading)) = reading(view, ask) else {
            return vec![
                says(self, Verdict::Skipped, "The dry run was not made")
                    .why("no live test was run"),
            ];
        };
        let Probe::DryRun(ask) = &probe else {
            return Vec::new();
        };
        let tried = match &reading.seen {
            Ok(Seen::DryRun(tried)) => tried,
            Ok(_) => return Vec::new(),
            Err(problem) => {
                let finding = says(self, Verdict::Unknown, problem.doing.as_str())
                    .why(problem.because.as_str())
                    .fix(problem.fix.as_str());
                return vec![finding.from(Source::Test(probe.clone()))];
            }
        };
        let mut findings = Vec::new();
        for platform in &ask.platforms {
            let solves: Vec<&Solve> = tried
                .solves
                .iter()
                .filter(|s| s.platform == *platform)
                .collect();
            let Some((first, others)) = solves.split_first() else {
                continue;
            };
            let judge = Judge {
                ask,
                tried,
                platform: *platform,
                by_caller: by_caller(view, ask, *platform),
            };
            let mut finding = judge.finding(self, first);
            if let (Some(why), Verdict::Ok | Verdict::WorkerOnly) = (&unpinned, finding.verdict) {
                if finding.verdict == Verdict::Ok {
                    finding.verdict = Verdict::Skipped;
                }
                finding.says = format!(
                    "Not checked with the version that is pinned: {why}. With the newest: {}",
                    finding.says
                )
                .into();
            }
            if finding.verdict == Verdict::Fail && (by_addon || !publishing.contains(platform)) {
                finding.verdict = Verdict::Warn;
            }
            if by_addon {
                finding.says = format!(
                    "AYON's own jobs name their channels ({}): {}",
                    join(&ask.channels),
                    finding.says
                )
                .into();
            } else if finding.verdict == Verdict::Warn {
                finding.why = Some(append(
                    finding.why,
                    "no fleet of this platform takes publish steps",
                ));
            }
            findings.push(finding.from(Source::Test(probe.clone())));
            if !by_addon {
                let differ = others
                    .iter()
                    .filter_map(|o| judge.difference(self, first, o));
                findings.extend(differ.map(|f| f.from(Source::Test(probe.clone()))));
            }
        }
        findings
    }
}

fn append(words: Option<Printable>, more: &str) -> Printable {
    match words {
        Some(words) => format!("{words}; {more}").into(),
        None => more.into(),
    }
}
