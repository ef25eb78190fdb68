//! Would conda find and install what is asked for? What the answer means, platform by platform: the verdict, what it
//! assumes, the reason and the way out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place, join};
use crate::domain::conda_solve::{
    ChannelSeen, CondaSolve, Outcome, Platform, Priority, Reason, Resolved, Solve as Solved,
    SolveReport, SubdirState, size_words,
};
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::known;
use crate::domain::text::Printable;

const DISAGREE: &str = "sources disagree about the priority that the console's default conda \
    environment uses: the newer ones say strict, an older one flexible; a worker's own probe \
    settles it";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Solve(pub CondaSolve);

impl Probe for Solve {
    type Observed = SolveReport;

    fn words(&self, from: &Vantage) -> String {
        let platforms: Vec<&str> = self.0.platforms.iter().map(|p| p.word()).collect();
        let who = if from.is_queue_role() {
            " as the queue role"
        } else {
            ""
        };
        format!("conda solve for {}{who}", platforms.join(", "))
    }

    /// The worst of its platforms.
    fn assess(&self, from: &Vantage, seen: &Observation<SolveReport>) -> Assessment {
        let report = match &seen.seen {
            Ok(report) => report,
            Err(problem) => {
                return Assessment::unknown("no-answer", problem.doing.as_str())
                    .for_problem(problem);
            }
        };
        let judged = judge(&self.0, from, report, &|_| None);
        judged
            .into_iter()
            .map(|(_, assessment)| assessment)
            .min_by_key(|a| a.verdict)
            .unwrap_or_else(|| {
                Assessment::new(
                    Verdict::Skipped,
                    "no-platform",
                    "No platform was solved for",
                )
            })
    }
}

/// What each platform comes to, and where it matters how much the order of the channels counts, that. `by_caller`: the
/// same platform solved as the identity that is signed in, where the queue role was refused; it changes words alone.
pub fn judge<'a>(
    question: &CondaSolve,
    from: &Vantage,
    report: &SolveReport,
    by_caller: &dyn Fn(Platform) -> Option<&'a Solved>,
) -> Vec<(Platform, Assessment)> {
    let mut list = Vec::new();
    for platform in &question.platforms {
        let solves = report.solves.iter().filter(|s| s.platform == *platform);
        let solves: Vec<&Solved> = solves.collect();
        let Some((first, others)) = solves.split_first() else {
            continue;
        };
        let judge = Judge {
            question,
            report,
            as_caller: !from.is_queue_role(),
            platform: *platform,
            by_caller: by_caller(*platform),
        };
        list.push((*platform, judge.platform(first)));
        if !question.for_addon {
            let differ = others.iter().filter_map(|o| judge.difference(first, o));
            list.extend(differ.map(|a| (*platform, a)));
        }
    }
    list
}

/// One platform's judgement.
struct Judge<'a> {
    question: &'a CondaSolve,
    report: &'a SolveReport,
    /// The channels were read as the identity that is signed in.
    as_caller: bool,
    platform: Platform,
    /// The same, read as the identity that is signed in.
    by_caller: Option<&'a Solved>,
}

impl Judge<'_> {
    /// The assessment, as weighty as the question makes it: less for platforms that publish nothing and for AYON's own
    /// list, and never OK for a version that was only guessed.
    fn platform(&self, solve: &Solved) -> Assessment {
        let mut assessment = self.assessment(solve);
        if let (Some(why), Verdict::Ok | Verdict::WorkerOnly) =
            (&self.question.unpinned, assessment.verdict)
        {
            if assessment.verdict == Verdict::Ok {
                assessment.verdict = Verdict::Skipped;
                assessment.code = "not-pinned";
            }
            assessment.message = format!(
                "Not checked with the pinned version: {why}. With the newest: {}",
                assessment.message
            )
            .into();
        }
        let publishes = self.question.publishing.contains(&self.platform);
        if assessment.verdict == Verdict::Fail && (self.question.for_addon || !publishes) {
            assessment.verdict = Verdict::Warn;
        }
        if self.question.for_addon {
            assessment.message = format!(
                "AYON's own jobs name their channels ({}): {}",
                join(&self.question.channels),
                assessment.message
            )
            .into();
        } else if assessment.verdict == Verdict::Warn {
            assessment.why = Some(append(
                assessment.why,
                "no fleet of this platform takes publish steps",
            ));
        }
        assessment
    }

    fn channel(&self, at: usize) -> Printable {
        self.question
            .channels
            .get(at)
            .map_or_else(|| "a channel".into(), |c| Printable::short(c.as_str(), 60))
    }

    /// The channels that this machine can't see: AWS's own, and those that it did not reach while a worker may.
    fn unseen(&self) -> impl Iterator<Item = (usize, &Channel)> {
        let unreached = |at: usize| {
            let seen = self.report.channels.get(at)?;
            let row = seen.obstacle(self.platform)?;
            Some(self.is_unseen(seen, &row.state))
        };
        self.question
            .channels
            .iter()
            .enumerate()
            .filter(move |(at, c)| c.place() == Place::AwsAlias || unreached(*at) == Some(true))
    }

    /// Is nothing at all known about one of them? AWS's own are known a little.
    fn unseen_is_open(&self) -> bool {
        self.unseen().any(|(_, c)| c.place() != Place::AwsAlias)
    }

    fn unseen_names(&self) -> Vec<&str> {
        self.unseen().map(|(_, c)| c.as_str()).collect()
    }

    /// Could one of the channels that can't be seen from here change what is found of that name? `at`: the place of
    /// the channel that has it, where one has.
    fn unseen_may_hold(&self, name: &str, at: Option<usize>, priority: Priority) -> bool {
        self.unseen().any(|(unseen, channel)| {
            let lacks = channel.place() == Place::AwsAlias && known::aws_channels().lack(name);
            let behind = match (priority, at) {
                (Priority::Strict | Priority::Flexible, Some(at)) => unseen > at,
                _ => false,
            };
            !lacks && !behind
        })
    }

    fn obstacles(&self) -> Vec<(&ChannelSeen, &SubdirState, &str)> {
        let of = |c| {
            let seen: &ChannelSeen = c;
            let row = seen.obstacle(self.platform)?;
            (!self.is_unseen(seen, &row.state)).then_some((seen, &row.state, row.subdir.as_str()))
        };
        self.report.channels.iter().filter_map(of).collect()
    }

    fn assessment(&self, solve: &Solved) -> Assessment {
        let word = self.platform.word();
        let asked = self.question.packages.join(" ");
        let mut obstacles = self.obstacles();
        obstacles.sort_by_key(|(c, s, _)| self.obstacle_verdict(c, s));
        if let Some((seen, state, subdir)) = obstacles.first() {
            let verdict = self.obstacle_verdict(seen, state);
            let rest = match (self.by_caller.map(|s| &s.outcome), &solve.outcome) {
                (Some(Outcome::Found(_)), _) => {
                    "read as you are signed in, the channels have everything that is asked for"
                        .to_owned()
                }
                (Some(Outcome::NotFound(reasons)), _) => {
                    let words: Vec<String> =
                        reasons.iter().take(2).map(|r| self.words(r)).collect();
                    format!("read as you are signed in: {}", words.join("; "))
                }
                (_, Outcome::Found(_)) => {
                    "without it, the others have everything that is asked for".to_owned()
                }
                (_, Outcome::NotFound(_)) => {
                    "without it, the others do not have everything that is asked for".to_owned()
                }
                (_, Outcome::NotTried(why) | Outcome::CouldNot(why)) => {
                    format!("the others were not solved: {why}")
                }
            };
            let channel = Printable::short(seen.channel.as_str(), 60);
            let (line, why) = if verdict == Verdict::Fail {
                (
                    format!(
                        "{word}: conda stops at {channel}: {subdir} is {}",
                        state.words()
                    ),
                    format!("conda treats a channel that it can't read as an error; {rest}"),
                )
            } else {
                (
                    format!(
                        "{word}: unknown, {channel} was not read from here: {subdir} is {}",
                        state.words()
                    ),
                    format!(
                        "a worker may read it where this machine, or this identity, does not; {rest}"
                    ),
                )
            };
            let others = obstacles.iter().skip(1).map(|(c, s, folder)| {
                let channel = Printable::short(c.channel.as_str(), 60);
                format!("also {channel}: {folder} is {}", s.words()).into()
            });
            let code = if verdict == Verdict::Fail {
                "channel-unreadable"
            } else {
                "channel-not-read"
            };
            return Assessment::new(verdict, code, line)
                .why(why)
                .fix(obstacle_fix(&seen.channel, state, self.as_caller))
                .details(others)
                .details(self.details(self.by_caller.unwrap_or(solve)));
        }
        match &solve.outcome {
            Outcome::NotTried(why) => {
                Assessment::fail("not-solvable", format!("{word}: not solved: {why}"))
                    .fix("correct the pin or the package in the studio file")
            }
            Outcome::CouldNot(why) => Assessment::unknown(
                "not-solved",
                format!("{word}: not solved: {why}"),
            )
            .why("nothing is known of what a worker would find")
            .fix(if why.as_str().contains("duplicate") {
                "the same file stands in two folders or twice: have that channel indexed again"
            } else {
                "check again; if it stays, a worker may have the same trouble"
            }),
            Outcome::Found(list) => {
                let if_not: BTreeSet<&str> = list
                    .iter()
                    .filter(|r| self.unseen_may_hold(&r.name, Some(r.channel), solve.priority))
                    .map(|r| r.name.as_str())
                    .collect();
                let own = list
                    .iter()
                    .filter(|r| self.question.packages.iter().any(|p| named(p) == r.name));
                let first: Vec<String> = own
                    .map(|r| {
                        format!(
                            "{} {} from {}",
                            r.name,
                            r.version.show(),
                            self.channel(r.channel)
                        )
                    })
                    .collect();
                let size = solve
                    .download()
                    .map_or_else(String::new, |(bytes, unknown)| match unknown {
                        0 => format!(", {} to download", size_words(bytes)),
                        n => format!(
                            ", {} to download and {n} of unknown size",
                            size_words(bytes)
                        ),
                    });
                let count = list.len();
                let packages = if count == 1 { "package" } else { "packages" };
                let unseen = self.unseen_names();
                let assumed = if if_not.is_empty() {
                    String::new()
                } else {
                    let names: Vec<&str> = if_not.iter().copied().take(4).collect();
                    let more = if_not.len() - names.len();
                    let more = if more > 0 {
                        format!(" and {more} more")
                    } else {
                        String::new()
                    };
                    format!(
                        ", if {} has no {}{more}",
                        unseen.join(" and "),
                        names.join(", ")
                    )
                };
                // Of AWS's channels it is known a little what they lack; of one that was only not reached, nothing.
                let verdict = if self.unseen_is_open() {
                    Verdict::WorkerOnly
                } else {
                    Verdict::Ok
                };
                let assumed = format!("{assumed}{}", self.elsewhere_words());
                let code = if verdict == Verdict::Ok {
                    "ok"
                } else {
                    "needs-worker"
                };
                let mut assessment = Assessment::new(
                    verdict,
                    code,
                    format!(
                        "{word}: {} ({count} {packages}{size}){assumed}",
                        first.join(", ")
                    ),
                )
                .details(self.details(solve));
                if !unseen.is_empty() {
                    let data = known::aws_channels();
                    assessment = assessment.why(format!(
                        "conda solve from here with {} priority, \
                        as if a worker can read {}, which this machine can't; what AWS's channels \
                        lack: {}, \
                        {}",
                        solve.priority.word(),
                        unseen.join(", "),
                        data.as_of,
                        data.source
                    ));
                }
                assessment
            }
            Outcome::NotFound(reasons) => {
                let can_be = reasons.iter().all(|r| self.may_be_there(r, solve.priority));
                let verdict = if can_be {
                    Verdict::WorkerOnly
                } else {
                    Verdict::Fail
                };
                let words: Vec<String> = reasons.iter().take(3).map(|r| self.words(r)).collect();
                let message = if can_be {
                    let unseen = self.unseen_names();
                    let unseen = if unseen.is_empty() {
                        "a worker".to_owned()
                    } else {
                        format!("{}, which only a worker can read,", unseen.join(" or "))
                    };
                    format!("{word}: {}; {unseen} may have it", words.join("; "))
                } else {
                    format!("{word}: {}", words.join("; "))
                };
                let code = if can_be { "needs-worker" } else { "not-found" };
                let assessment = Assessment::new(verdict, code, message)
                    .why(format!(
                        "asked for {asked}, with {} priority",
                        solve.priority.word()
                    ))
                    .details(self.details(solve));
                match reasons.first().map(|r| self.fix(r)) {
                    Some(fix) if !can_be => assessment.fix(fix),
                    _ => assessment,
                }
            }
        }
    }

    /// Where this machine goes another way than a worker may.
    fn elsewhere_words(&self) -> String {
        let read = self
            .report
            .channels
            .iter()
            .filter(|c| c.subdirs.is_some() && c.obstacle(self.platform).is_none());
        let mut words = String::new();
        for (_, channel) in self.unseen().filter(|(_, c)| c.place() != Place::AwsAlias) {
            let name = Printable::short(channel.as_str(), 60);
            let _ = write!(
                words,
                ", if a worker reaches {name}, which this machine does not"
            );
        }
        for seen in read {
            let name = Printable::short(seen.channel.as_str(), 60);
            if seen.by_settings {
                let at = seen.at.as_ref().map_or("", Printable::as_str);
                let _ = write!(words, ", if workers too find {name} at {at}");
            } else if seen.channel.is_on_disk() {
                let _ = write!(words, ", if the workers' disks hold the same under {name}");
            }
        }
        words
    }

    /// A public address that this machine does not reach, while a worker may.
    fn is_unseen(&self, seen: &ChannelSeen, state: &SubdirState) -> bool {
        !seen.channel.is_on_disk() && self.obstacle_verdict(seen, state) == Verdict::WorkerOnly
    }

    fn obstacle_verdict(&self, seen: &ChannelSeen, state: &SubdirState) -> Verdict {
        let is_s3 = seen.channel.is_s3();
        match state {
            // Forbidden to this identity is not forbidden to the queue role.
            SubdirState::Forbidden(_) if is_s3 && self.as_caller => Verdict::Unknown,
            SubdirState::Unreached(_) if !is_s3 => Verdict::WorkerOnly,
            // A path means the worker's disk; this one is another.
            _ if seen.channel.is_on_disk() => Verdict::WorkerOnly,
            SubdirState::Unreached(_) | SubdirState::Redirected(_) => Verdict::Unknown,
            _ => Verdict::Fail,
        }
    }

    /// Could one of AWS's channels have what was not found?
    fn may_be_there(&self, reason: &Reason, priority: Priority) -> bool {
        // The workers' disks may hold more than this one.
        if self.question.channels.iter().any(Channel::is_on_disk) {
            return true;
        }
        match reason {
            Reason::NoName { name, .. } => self.unseen_may_hold(name, None, Priority::Disabled),
            Reason::NoVersion { name, nearest, .. } => {
                let at = nearest.iter().map(|(_, c)| *c).min();
                let hides = priority == Priority::Strict;
                self.unseen_may_hold(name, if hides { at } else { None }, priority)
            }
            Reason::Shadowed { name, by, .. } => self.unseen_may_hold(name, Some(*by), priority),
            // What a worker is, is inferred; a worker that has it is not ruled out.
            Reason::Worker { .. } => true,
            // A channel that can't be seen may hold the build that fits.
            Reason::Conflict(_) => self.unseen().next().is_some(),
        }
    }

    fn words(&self, reason: &Reason) -> String {
        let needs = |spec: &str, by: &Option<String>| match by {
            Some(by) => format!("{by} needs {spec}"),
            None => format!("{spec} was asked for"),
        };
        match reason {
            Reason::NoName {
                name,
                spec,
                wanted_by,
                elsewhere,
            } => {
                let other: BTreeSet<&str> = elsewhere.iter().map(|(_, p)| p.as_str()).collect();
                let other: Vec<&str> = other.into_iter().collect();
                let tail = if other.is_empty() {
                    format!("no channel in the list has {name}")
                } else {
                    format!("the channels have {name} for {} only", other.join(" and "))
                };
                format!("{}; {tail}", needs(spec, wanted_by))
            }
            Reason::NoVersion {
                name,
                spec,
                wanted_by,
                nearest,
            } => {
                let near: Vec<String> = nearest
                    .iter()
                    .map(|(v, c)| format!("{} ({})", v.show(), self.channel(*c)))
                    .collect();
                format!(
                    "{}; no such {name} is in the channels; nearest: {}",
                    needs(spec, wanted_by),
                    near.join(", ")
                )
            }
            Reason::Shadowed {
                name,
                spec,
                wanted_by,
                by,
                there,
            } => format!(
                "{}; {} has it, but {} comes first and knows {name}, which hides it under strict priority",
                needs(spec, wanted_by),
                self.channel(*there),
                self.channel(*by)
            ),
            Reason::Worker {
                name,
                spec,
                wanted_by,
            } => {
                let have = known::workers()
                    .virtual_packages(self.platform)
                    .find(|(n, ..)| n == name)
                    .map_or("none", |(_, v, _)| v);
                format!(
                    "{}; a worker has {have} (inferred, {})",
                    needs(spec, wanted_by),
                    known::workers().as_of
                )
            }
            Reason::Conflict(words) => format!("the packages do not go together: {words}"),
        }
    }

    fn fix(&self, reason: &Reason) -> String {
        let last = self
            .question
            .channels
            .last()
            .map_or("the others", Channel::as_str);
        let has = |name: &str| {
            self.question
                .channels
                .iter()
                .any(|c| c.as_str() == name || c.as_str().ends_with(&format!("/{name}")))
        };
        match reason {
            Reason::NoName { elsewhere, name, .. } if !elsewhere.is_empty() => format!(
                "have {name} built for {} too, or give publish steps a fleet of the other platform (attr.worker.os.family)",
                self.platform.word()
            ),
            Reason::NoName { name, .. }
                if name != "ayon-launcher" && known::aws_channels().lack(name) =>
            {
                format!("no published channel is known to hold {name}: build it, or choose the strategy launcher")
            }
            Reason::NoName { name, .. } if known::aws_channels().lack(name) => {
                "add YNPUT's channel, or compare its address with what YNPUT says; another strategy asks for other packages".to_owned()
            }
            Reason::NoName { .. } if !has("conda-forge") => format!("add conda-forge after {last}"),
            Reason::NoName { name, .. } => format!("add a channel that has {name}"),
            Reason::NoVersion { wanted_by: None, name, .. } => {
                format!("have the version of {name} built into the channel, or pin one that the \
                    channel has: [conda] pin in the studio file, or the bundle's launcher in AYON")
            }
            Reason::NoVersion { name, .. } => format!("add a channel with a {name} that fits, after {last}"),
            Reason::Shadowed { by, there, .. } => format!("move {} before {}", self.channel(*there), self.channel(*by)),
            Reason::Worker { .. } => "ask the package's owner for a build for older systems, or publish on a fleet of your own".to_owned(),
            Reason::Conflict(_) => "loosen one of the pins; the details hold the solver's words".to_owned(),
        }
    }

    /// Where sources disagree about the priority, whether it would matter.
    fn difference(&self, first: &Solved, other: &Solved) -> Option<Assessment> {
        // What a channel holds that was not read would decide it, and that it was not read is said already.
        if !self.obstacles().is_empty() {
            return None;
        }
        let word = self.platform.word();
        let (one, two) = (first.priority.word(), other.priority.word());
        if let (Outcome::Found(_) | Outcome::NotFound(_), Outcome::CouldNot(why)) =
            (&first.outcome, &other.outcome)
        {
            let line = format!("{word}: with {two} priority: not solved: {why}");
            return Some(Assessment::unknown("other-priority-not-solved", line).why(DISAGREE));
        }
        let lines = |s: &Solved| -> Option<Vec<String>> {
            let Outcome::Found(list) = &s.outcome else {
                return None;
            };
            Some(
                list.iter()
                    .map(|r| {
                        format!(
                            "{} {} {} of {}",
                            r.name,
                            r.version.show(),
                            r.build.show(),
                            self.channel(r.channel)
                        )
                    })
                    .collect(),
            )
        };
        let (a, b) = (lines(first), lines(other));
        if a == b {
            return None;
        }
        let assessment = match (a, b) {
            (Some(a), Some(b)) => {
                let only = |x: &[String], y: &[String]| {
                    x.iter()
                        .filter(|l| !y.contains(l))
                        .cloned()
                        .collect::<Vec<_>>()
                };
                let (left, right) = (only(&a, &b), only(&b, &a));
                let some = |l: &[String]| l.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                Assessment::warn(
                    "priorities-differ",
                    format!(
                        "{word}: {one} and {two} priority differ: {} or {}",
                        some(&left),
                        some(&right)
                    ),
                )
                .details(
                    left.iter()
                        .map(|l| format!("{one}: {l}").into())
                        .chain(right.iter().map(|l| format!("{two}: {l}").into())),
                )
            }
            (None, Some(_)) => Assessment::warn(
                "priorities-differ",
                format!("{word}: with {two} priority it would be found"),
            ),
            (_, None) => Assessment::warn(
                "priorities-differ",
                format!("{word}: with {two} priority it would not be found"),
            ),
        };
        Some(assessment.why(DISAGREE))
    }

    fn details(&self, solve: &Solved) -> Vec<Printable> {
        match &solve.outcome {
            Outcome::Found(_) => resolved_lines(self.question, solve),
            Outcome::NotFound(reasons) => reasons.iter().map(|r| self.words(r).into()).collect(),
            Outcome::NotTried(why) | Outcome::CouldNot(why) => vec![why.clone()],
        }
    }
}

/// Each package that would be installed: name, version, folder, size, channel.
fn resolved_lines(question: &CondaSolve, solve: &Solved) -> Vec<Printable> {
    let Outcome::Found(list) = &solve.outcome else {
        return Vec::new();
    };
    let of = |r: &Resolved| {
        let size = r
            .size
            .map_or_else(|| "size not told".to_owned(), size_words);
        let channel = question.channels.get(r.channel).map_or("", Channel::as_str);
        format!(
            "{:<24} {:<12} {:<12} {size:>8}  {}",
            r.name,
            r.version.show(),
            r.subdir,
            Printable::short(channel, 60)
        )
        .into()
    };
    list.iter().map(of).collect()
}

fn named(package: &str) -> &str {
    package
        .split(['=', '<', '>', '!', '[', ' '])
        .next()
        .unwrap_or(package)
}

fn obstacle_fix(channel: &Channel, state: &SubdirState, as_caller: bool) -> String {
    let is_s3 = channel.is_s3();
    match state {
        SubdirState::Forbidden(_) if is_s3 && as_caller => "give this identity s3:GetObject on it, \
            or let setup read it as the queue role".to_owned(),
        SubdirState::Redirected(to) if is_s3 => format!("the bucket answers from elsewhere ({to}): use a copy in the farm's region"),
        SubdirState::Forbidden(_) if is_s3 => "see what the checks of the queue role say: setup \
            gives what its own policies lack; where they allow it already, the bucket's owner must \
            grant the role access".to_owned(),
        SubdirState::Forbidden(_) => "workers ask without credentials: make it public, or use its \
            s3:// form with rights for the queue role".to_owned(),
        SubdirState::Missing => "have the channel indexed: an empty noarch/repodata.json is enough (rattler-index, conda-index)".to_owned(),
        SubdirState::Unparsable(_) => "have the channel indexed again; a copy that was cut short \
            or a sign-in page reads like this".to_owned(),
        SubdirState::TooLarge(_) => "look at the channel: no index is that large".to_owned(),
        SubdirState::Redirected(to) => format!("write the address that it leads to, {to}, if that is the channel"),
        SubdirState::Unreached(_) | SubdirState::Present | SubdirState::Empty => "check again; a \
            worker may reach what this machine does not".to_owned(),
    }
}

fn append(words: Option<Printable>, more: &str) -> Printable {
    match words {
        Some(words) => format!("{words}; {more}").into(),
        None => more.into(),
    }
}
