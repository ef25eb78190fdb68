//! Which conda solves are made for a queue, and what of them was seen.

use crate::domain::ayon::Variant;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, split};
use crate::domain::conda_solve::{
    ChannelSeen, CondaSolve, Engine, Platform, Priority, Solve as Solved, SolveReport, SubdirState,
};
use crate::domain::config::Pin;
use crate::domain::fact::Fact;
use crate::domain::farm::{AssociationStatus, Fleet};
use crate::domain::ids::{FleetKey, QueueKey};
use crate::domain::package::packages;
use crate::domain::template::BELIEVED;
use crate::probes::{Observation, Solve};
use crate::questions::{FleetDetails, Part, QueueDetails, QueueEnvironments, QueueFleets, View};

use super::addon_settings::{Addon, addon};
use super::conda_environment::conda_environments;
use super::job_packages::{is_pending, job_packages};

/// Why no solve can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// An answer that it depends on is on its way.
    Pending,
    Unknown(String),
    Skipped(String),
}

/// A solve, and from where its channels are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolveQuestion {
    pub solve: Solve,
    pub from: Vantage,
}

/// The fleets whose association with the queue is active: others get no job of it.
pub fn active_fleets<'a>(
    view: &View<'a>,
    key: &QueueKey,
) -> Result<Vec<(FleetKey, &'a Fact<Fleet>)>, Lack> {
    let fact = view.fact(&QueueFleets(key.clone()));
    let Some(list) = fact.known() else {
        return Err(match fact.problem() {
            Some(p) => Lack::Unknown(format!(
                "the queue's fleets could not be read: {}",
                p.because
            )),
            None if fact.is_pending() => Lack::Pending,
            None => Lack::Skipped("the queue's fleets were not read".to_owned()),
        });
    };
    let active = list
        .iter()
        .filter(|row| row.status == AssociationStatus::Active);
    let with_details = active.map(|row| {
        let fleet = key.fleet(&row.fleet);
        let details = view.fact(&FleetDetails(fleet.clone()));
        (fleet, details)
    });
    Ok(with_details.collect())
}

/// The platforms that the queue's jobs may run on, and whether publish steps do.
fn platforms(view: &View, key: &QueueKey) -> Result<Vec<(Platform, bool)>, Lack> {
    let fleets = active_fleets(view, key)?;
    if fleets.iter().any(|(_, f)| f.is_pending()) {
        return Err(Lack::Pending);
    }
    let known: Vec<&Fleet> = fleets.iter().filter_map(|(_, f)| f.known()).collect();
    let roles = &view
        .config(Part::WorkerAttributes)
        .worker_attributes
        .publish;
    // Where no fleet offers the attribute, another check says so, and here every fleet counts.
    let any = known.iter().any(|f| f.publishes(roles));
    let mut list: Vec<(Platform, bool)> = Vec::new();
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
        let unread = fleets.iter().any(|(_, f)| f.known().is_none());
        return Err(if unread {
            Lack::Unknown("no fleet of the queue could be read, so no platform is known".to_owned())
        } else {
            Lack::Skipped(
                "no active fleet of the queue has a platform that conda packages are built for"
                    .to_owned(),
            )
        });
    }
    list.sort();
    Ok(list)
}

fn solving(view: &View, key: &QueueKey) -> (Engine, Vec<Priority>) {
    match conda_environments(view, key).as_slice() {
        [(_, template)] => (template.kind.engine(), template.priorities.clone()),
        _ => (Engine::Rattler, BELIEVED.to_vec()),
    }
}

/// The solves of a queue: with its own channels, and with those that the AYON addon puts into its jobs.
pub fn questions(view: &View, key: &QueueKey) -> Result<Vec<SolveQuestion>, Lack> {
    // Everything is read before anything is decided, so that it is all asked for at once.
    let rows = platforms(view, key);
    let queue = view.fact(&QueueDetails(key.clone()));
    let environments = view.fact(&QueueEnvironments(key.clone()));
    let waits = is_pending(view);
    let addon = addon_list(view);
    if queue.is_pending() || environments.is_pending() || waits || addon == Err(Lack::Pending) {
        return Err(Lack::Pending);
    }
    let rows = rows?;
    let config = view.config(Part::Packages);
    let (packages, unpinned) = match job_packages(view) {
        Ok(packages) => (packages, None),
        Err(why) => {
            let newest = packages(config.strategy, &Pin::Latest, None);
            (newest.map_err(Lack::Skipped)?, Some(why))
        }
    };
    let Some(queue) = queue.known() else {
        return Err(Lack::Skipped("the queue could not be read".to_owned()));
    };
    let (engine, priorities) = solving(view, key);
    let about = |for_addon, channels: Vec<Channel>| {
        let as_role = queue.role.is_some()
            && view.purpose().acts_as_queue_role()
            && channels.iter().any(Channel::is_s3);
        SolveQuestion {
            from: if as_role {
                Vantage::QueueRole(key.clone())
            } else {
                Vantage::Here
            },
            solve: Solve(CondaSolve {
                channels,
                packages: packages.clone(),
                platforms: rows.iter().map(|(p, _)| *p).collect(),
                engine,
                priorities: priorities.clone(),
                publishing: rows.iter().filter(|r| r.1).map(|r| r.0).collect(),
                for_addon,
                unpinned: unpinned.clone(),
            }),
        }
    };
    let own = view.config(Part::Channels).channels.clone();
    let mut list = vec![about(false, own.clone())];
    if let Ok(Some(channels)) = addon
        && channels != own
    {
        list.push(about(true, channels));
    }
    Ok(list)
}

/// The channels that the AYON addon puts into every job, where it names any that conda could take.
fn addon_list(view: &View) -> Result<Option<Vec<Channel>>, Lack> {
    let settings = match addon(view, Variant::Production) {
        Addon::Read(settings) => settings,
        Addon::Pending => return Err(Lack::Pending),
        Addon::None | Addon::Unread => return Ok(None),
    };
    let told = settings.channels_in_jobs();
    let words = split(told.as_ref().map_or("", |(_, list)| list.as_str()));
    let list: Vec<Channel> = words.iter().filter_map(|w| w.parse().ok()).collect();
    Ok((!list.is_empty() && list.len() == words.len()).then_some(list))
}

/// The same solve with the channels read as the identity that is signed in, where S3 refuses the queue role: so it is
/// known before the permissions are given whether they would be enough.
pub fn as_caller_too<'a>(
    view: &View<'a>,
    question: &SolveQuestion,
) -> Option<&'a Observation<SolveReport>> {
    if !question.from.is_queue_role() {
        return None;
    }
    let as_role = view.seen(&question.solve, &question.from);
    if as_role.is_pending() {
        return view.peek_seen(&question.solve, &Vantage::Here).seen();
    }
    let report = as_role.value()?;
    let refused = |c: &ChannelSeen| {
        c.channel.is_s3()
            && c.subdirs.iter().flatten().any(|s| {
                matches!(
                    s.state,
                    SubdirState::Forbidden(_) | SubdirState::Unreached(_)
                )
            })
    };
    if !report.channels.iter().any(refused) {
        return None;
    }
    view.seen(&question.solve, &Vantage::Here).seen()
}

/// What the channels hold for the identity that is signed in, where the queue role was refused.
pub fn by_caller(report: &SolveReport, platform: Platform) -> Option<&Solved> {
    let clear = report
        .channels
        .iter()
        .all(|c| c.obstacle(platform).is_none());
    let solve = report.solves.iter().find(|s| s.platform == platform)?;
    clear.then_some(solve)
}

/// What was read of the queue's channels: as the queue role, or where it was refused as the signed-in identity.
pub fn channels_read<'a>(
    view: &View<'a>,
    key: &QueueKey,
) -> Option<(SolveQuestion, &'a SolveReport)> {
    let mut question = questions(view, key).ok()?.into_iter().next()?;
    if let Some(observation) = as_caller_too(view, &question)
        && let Ok(report) = &observation.seen
    {
        question.from = Vantage::Here;
        return Some((question, report));
    }
    let report = view.seen(&question.solve, &question.from).value()?;
    Some((question, report))
}
