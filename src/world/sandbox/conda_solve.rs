//! A conda solve in the sandbox: the scenario says what is in a channel, and the real solver says what follows.

use std::collections::BTreeSet;

use rattler_solve::CancellationToken;
use serde::{Deserialize, Serialize};

use super::truth::Truth;
use super::{channel_here, roles};
use crate::domain::call::Vantage;
use crate::domain::channel::Place;
use crate::domain::conda_solve::{
    ChannelSeen, CondaSolve, Outcome, Platform, Reason, Solve, SolveReport, SubdirSeen, SubdirState,
};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};
use crate::world::conda::{Records, made, solve, specs};

/// One build of a package, as a scenario writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxPackage {
    pub name: String,
    pub version: String,
    /// The folders that hold it.
    pub subdirs: Vec<String>,
    /// In bytes.
    pub size: Option<u64>,
    #[serde(default)]
    pub depends: Vec<String>,
}

pub(super) fn report(truth: &Truth, question: &CondaSolve, from: &Vantage) -> SolveReport {
    let channels: Vec<ChannelSeen> = question
        .channels
        .iter()
        .map(|channel| ChannelSeen {
            channel: channel.clone(),
            at: None,
            by_settings: false,
            subdirs: subdirs(truth, question, from, channel),
            versions: versions(truth, question, channel),
        })
        .collect();
    let solves = question
        .platforms
        .iter()
        .flat_map(|platform| solves(truth, question, &channels, *platform))
        .collect();
    SolveReport { channels, solves }
}

fn packages<'a>(
    truth: &'a Truth,
    channel: &crate::domain::channel::Channel,
) -> impl Iterator<Item = &'a SandboxPackage> {
    let there = truth.channels.iter().find(|c| c.channel == *channel);
    there.into_iter().flat_map(|c| &c.packages)
}

/// `None`: only a worker could tell.
fn subdirs(
    truth: &Truth,
    question: &CondaSolve,
    from: &Vantage,
    channel: &crate::domain::channel::Channel,
) -> Option<Vec<SubdirSeen>> {
    if channel.place() == Place::AwsAlias {
        return None;
    }
    let read = match from {
        Vantage::QueueRole(queue) if channel.is_s3() => {
            roles::channel_as_queue_role(truth, queue, channel).map(|_| ())
        }
        _ => channel_here(truth, channel),
    };
    let names = question.platforms.iter().map(|p| p.word());
    let of = |subdir: &str| {
        let here: Vec<&SandboxPackage> = packages(truth, channel)
            .filter(|p| p.subdirs.iter().any(|s| s == subdir))
            .collect();
        let distinct: BTreeSet<&str> = here.iter().map(|p| p.name.as_str()).collect();
        let state = match &read {
            Err(problem) => lack(problem),
            Ok(()) if !here.is_empty() => SubdirState::Present,
            Ok(()) if subdir == "noarch" => SubdirState::Empty,
            Ok(()) => SubdirState::Missing,
        };
        let is_read = state.is_read();
        SubdirSeen {
            subdir: subdir.to_owned(),
            names: if is_read { distinct.len() } else { 0 },
            packages: is_read.then_some(here.len()),
            newest: None,
            state,
        }
    };
    Some(names.chain(["noarch"]).map(of).collect())
}

fn lack(problem: &Problem) -> SubdirState {
    match problem.kind {
        ProblemKind::Denied if problem.permission.is_none() => SubdirState::Forbidden(403),
        ProblemKind::Denied if problem.permission.as_deref() == Some("s3:GetObject") => {
            SubdirState::Forbidden(403)
        }
        ProblemKind::Missing => SubdirState::Missing,
        _ => SubdirState::Unreached(Printable::short(&problem.because, 200)),
    }
}

fn versions(
    truth: &Truth,
    question: &CondaSolve,
    channel: &crate::domain::channel::Channel,
) -> Vec<(String, Vec<Untrusted>)> {
    let wanted = specs(&question.packages).unwrap_or_default();
    let names = wanted.iter().filter_map(|s| s.name.as_exact());
    let of = |name: &rattler_conda_types::PackageName| {
        let mut list: Vec<rattler_conda_types::Version> = packages(truth, channel)
            .filter(|p| p.name == name.as_normalized())
            .filter_map(|p| p.version.parse().ok())
            .collect();
        list.sort_by(|a, b| b.cmp(a));
        let words: Vec<Untrusted> = list.iter().map(|v| Untrusted::new(v.to_string())).collect();
        (name.as_normalized().to_owned(), words)
    };
    names.map(of).filter(|(_, v)| !v.is_empty()).collect()
}

fn solves(
    truth: &Truth,
    question: &CondaSolve,
    channels: &[ChannelSeen],
    platform: Platform,
) -> Vec<Solve> {
    let of = |priority, outcome| Solve {
        platform,
        priority,
        outcome,
    };
    let packages_wanted = match specs(&question.packages) {
        Ok(list) => list,
        Err(because) => {
            let not = |p: &_| of(*p, Outcome::NotTried(because.clone()));
            return question.priorities.iter().map(not).collect();
        }
    };
    let open =
        |c: &&(usize, &ChannelSeen)| c.1.subdirs.is_some() && c.1.obstacle(platform).is_none();
    let all: Vec<(usize, &ChannelSeen)> = channels.iter().enumerate().collect();
    let records = |any_platform: bool| -> Vec<Records> {
        let of = |(at, seen): &(usize, &ChannelSeen)| {
            let builds = packages(truth, &seen.channel).flat_map(|p| {
                p.subdirs
                    .iter()
                    .filter(|s| any_platform || *s == "noarch" || *s == platform.word())
                    .filter_map(|s| made(*at, s, &p.name, &p.version, &p.depends, p.size))
            });
            Records {
                channel: *at,
                records: builds.collect(),
            }
        };
        all.iter().filter(open).map(of).collect()
    };
    let (read, everywhere) = (records(false), records(true));
    let cancel = CancellationToken::new();
    let solved = |priority: &_| {
        let mut solve = solve(
            &read,
            &read,
            &packages_wanted,
            (platform, *priority, question.engine),
            &cancel,
        );
        if let Outcome::NotFound(reasons) = &mut solve.outcome {
            for reason in reasons {
                if let Reason::NoName {
                    name, elsewhere, ..
                } = reason
                {
                    *elsewhere = places(&everywhere, name);
                }
            }
        }
        solve
    };
    question.priorities.iter().map(solved).collect()
}

fn places(everywhere: &[Records], name: &str) -> Vec<(usize, String)> {
    let of = |r: &Records| {
        let channel = r.channel;
        let records = r.records.iter().map(|x| &x.package_record);
        let subdirs: BTreeSet<String> = records
            .filter(|p| p.name.as_normalized() == name)
            .map(|p| p.subdir.clone())
            .collect();
        subdirs.into_iter().map(move |s| (channel, s))
    };
    everywhere.iter().flat_map(of).collect()
}
