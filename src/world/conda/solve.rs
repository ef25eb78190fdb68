//! From records to an answer: the solver that workers use says whether, and where it says no, the reason is looked for
//! among the same records, so that it can be put in words.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, Matches as _, PackageName, ParseStrictness, RepoDataRecord,
};
use rattler_solve::{
    CancellationToken, ChannelPriority, SolveError, SolverImpl as _, SolverTask, resolvo::Solver,
};

use crate::domain::conda_solve::{Engine, Outcome, Platform, Priority, Reason, Resolved, Solve};
use crate::domain::known;
use crate::domain::text::{Printable, Untrusted, without_url_secrets};

/// A solve that takes longer is a fault of the channels, or of the solver; a worker would wait as long.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was read of one channel for one platform, `noarch` included.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Its place in the list of channels.
    pub channel: usize,
    pub records: Vec<Arc<RepoDataRecord>>,
}

/// A record of one build, for studios that are not read from a server.
pub fn made(
    channel: usize,
    subdir: &str,
    name: &str,
    version: &str,
    depends: &[String],
    size: Option<u64>,
) -> Option<Arc<RepoDataRecord>> {
    let file = format!("{name}-{version}-0.conda");
    let at = format!("https://channel-{channel}.example.com/");
    let value = serde_json::json!({
        "name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
        "subdir": subdir, "size": size, "fn": file, "url": format!("{at}{subdir}/{file}"), "channel": at,
    });
    serde_json::from_value(value).ok().map(Arc::new)
}

/// The packages as conda's own specs, or which one is none and why.
pub fn specs(packages: &[String]) -> Result<Vec<MatchSpec>, Printable> {
    packages
        .iter()
        .map(|text| {
            let spec = MatchSpec::from_str(text, ParseStrictness::Lenient)
                .map_err(|e| Printable::short(&format!("\"{text}\" is not a package: {e}"), 160))?;
            match spec.name.as_exact() {
                Some(_) => Ok(spec),
                None => Err(Printable::short(
                    &format!("\"{text}\" names no package"),
                    160,
                )),
            }
        })
        .collect()
}

fn virtual_packages(platform: Platform) -> Vec<GenericVirtualPackage> {
    known::workers()
        .virtual_packages(platform)
        .filter_map(|(name, version, build)| {
            Some(GenericVirtualPackage {
                name: name.parse::<PackageName>().ok()?,
                version: version.parse().ok()?,
                build_string: build.parse().ok()?,
            })
        })
        .collect()
}

/// Solves for one platform with one priority. `asked` holds every version of what was asked for, fitting or not, so
/// that a refusal can name what exists. Blocking: not for a thread that others need.
pub fn solve(
    read: &[Records],
    asked: &[Records],
    packages: &[MatchSpec],
    (platform, priority, engine): (Platform, Priority, Engine),
    cancel: &CancellationToken,
) -> Solve {
    let virtual_packages = virtual_packages(platform);
    let fit;
    let read = match engine {
        Engine::Rattler => {
            fit = fitting(read, packages);
            &fit
        }
        // conda knows a name in a channel whatever its version: then that channel hides the later ones.
        Engine::Conda => read,
    };
    let by_priority = match priority {
        Priority::Strict => ChannelPriority::Strict,
        Priority::Flexible => ChannelPriority::Flexible,
        Priority::Disabled => ChannelPriority::Disabled,
    };
    let task = SolverTask {
        virtual_packages: virtual_packages.clone(),
        specs: packages.to_vec(),
        channel_priority: by_priority,
        timeout: Some(PATIENCE),
        cancellation_token: Some(cancel.clone()),
        ..read
            .iter()
            .map(|r| r.records.iter().map(AsRef::as_ref).collect::<Vec<_>>())
            .collect()
    };
    let outcome = match Solver.solve(task) {
        Ok(result) => Outcome::Found(resolved(result.records, read)),
        Err(error @ SolveError::Unsolvable(_)) => {
            let look = Look {
                read: by_name(read),
                asked: by_name(asked),
                virtual_packages: &virtual_packages,
                priority,
                left: Cell::new(MOST_LOOKED_AT),
            };
            Outcome::NotFound(look.reasons(packages, &error))
        }
        Err(SolveError::Cancelled) => Outcome::CouldNot(
            format!("the solver found no answer in {} s", PATIENCE.as_secs()).into(),
        ),
        Err(error) => Outcome::CouldNot(said(&error)),
    };
    Solve {
        platform,
        priority,
        outcome,
    }
}

/// rattler looks at what was asked for by name only in builds that fit, before any priority counts: a channel whose
/// versions do not fit hides nothing of what was asked for itself (seen with py-rattler; `tests/peer/solves.txt`).
fn fitting(read: &[Records], packages: &[MatchSpec]) -> Vec<Records> {
    let fits = |r: &RepoDataRecord| {
        let name = &r.package_record.name;
        let mut asked = packages
            .iter()
            .filter(|s| s.name.as_exact() == Some(name))
            .peekable();
        asked.peek().is_none() || asked.any(|s| s.matches(r))
    };
    read.iter()
        .map(|r| Records {
            channel: r.channel,
            records: r.records.iter().filter(|x| fits(x)).cloned().collect(),
        })
        .collect()
}

fn resolved(records: Vec<RepoDataRecord>, read: &[Records]) -> Vec<Resolved> {
    let channels: HashMap<&str, usize> = read
        .iter()
        .flat_map(|r| {
            let of = r.records.iter().filter_map(|x| x.channel.as_deref());
            of.map(move |c| (c, r.channel))
        })
        .collect();
    let mut list: Vec<Resolved> = records
        .into_iter()
        .map(|r| Resolved {
            name: r.package_record.name.as_normalized().to_owned(),
            version: Untrusted::new(r.package_record.version.to_string()),
            build: Untrusted::new(r.package_record.build.to_string()),
            subdir: r.package_record.subdir.clone(),
            size: r.package_record.size,
            channel: r
                .channel
                .as_deref()
                .and_then(|c| channels.get(c).copied())
                .unwrap_or_default(),
        })
        .collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list
}

/// The search for a reason.
struct Look<'a> {
    read: ByName<'a>,
    asked: ByName<'a>,
    virtual_packages: &'a [GenericVirtualPackage],
    priority: Priority,
    /// So many specs more are looked at; then the solver's own words must do.
    left: Cell<usize>,
}

type Candidate<'a> = (usize, &'a RepoDataRecord);
type ByName<'a> = HashMap<&'a PackageName, Vec<Candidate<'a>>>;

/// A chain of dependencies may be as long as a channel's owner likes; a reason lies near its beginning.
const DEEPEST: usize = 40;
const MOST_LOOKED_AT: usize = 20_000;

fn by_name(all: &[Records]) -> ByName<'_> {
    let mut names = ByName::new();
    for r in all {
        for x in &r.records {
            let name = &x.package_record.name;
            names.entry(name).or_default().push((r.channel, x.as_ref()));
        }
    }
    names
}

/// The solver's words on one line, without any address that signs.
fn said(error: &SolveError) -> Printable {
    let words = without_url_secrets(&error.to_string());
    let words = words
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>();
    Printable::short(&words.join(" "), 600)
}

impl<'a> Look<'a> {
    fn reasons(&self, packages: &[MatchSpec], error: &SolveError) -> Vec<Reason> {
        let mut known = HashMap::new();
        let found: Vec<Reason> = packages
            .iter()
            .filter_map(|spec| self.why_not(spec, None, &mut known, 0))
            .collect();
        if found.is_empty() {
            return vec![Reason::Conflict(said(error))];
        }
        found
    }

    /// What the priority lets the solver see of them.
    fn visible(&self, of_name: &[Candidate<'a>]) -> Vec<Candidate<'a>> {
        let first = of_name.iter().map(|(c, _)| *c).min();
        let strict = self.priority == Priority::Strict;
        of_name
            .iter()
            .copied()
            .filter(|(c, _)| !strict || Some(*c) == first)
            .collect()
    }

    /// Why nothing can satisfy this spec; `None`: something can, as far as one package after the other tells.
    fn why_not(
        &self,
        spec: &MatchSpec,
        wanted_by: Option<&RepoDataRecord>,
        known: &mut HashMap<String, Option<Reason>>,
        depth: usize,
    ) -> Option<Reason> {
        let name = spec.name.as_exact()?.clone();
        if depth > DEEPEST || self.left.get() == 0 {
            return None;
        }
        self.left.set(self.left.get() - 1);
        let text = spec.to_string();
        if let Some(answer) = known.get(&text) {
            return answer.clone();
        }
        // While it is looked at it counts as satisfied, so that a circle ends.
        known.insert(text.clone(), None);
        let by = wanted_by.map(|r| {
            let record = &r.package_record;
            format!("{} {}", record.name.as_normalized(), record.version)
        });
        let reason = self.reason(&name, spec, by, known, depth);
        known.insert(text, reason.clone());
        reason
    }

    fn reason(
        &self,
        name: &PackageName,
        spec: &MatchSpec,
        wanted_by: Option<String>,
        known: &mut HashMap<String, Option<Reason>>,
        depth: usize,
    ) -> Option<Reason> {
        let (plain, text) = (name.as_normalized().to_owned(), spec.to_string());
        if plain.starts_with("__") {
            let here = self.virtual_packages.iter().find(|v| v.name == *name);
            return match here {
                Some(v) if spec.matches(v) => None,
                _ => Some(Reason::Worker {
                    name: plain,
                    spec: text,
                    wanted_by,
                }),
            };
        }
        let of_name = self.read.get(name).cloned().unwrap_or_default();
        if of_name.is_empty() {
            let other = self.asked.get(name).cloned().unwrap_or_default();
            if !other.is_empty() {
                return Some(Reason::NoVersion {
                    name: plain,
                    spec: text,
                    wanted_by,
                    nearest: nearest(spec, &other),
                });
            }
            return Some(Reason::NoName {
                name: plain,
                spec: text,
                wanted_by,
                elsewhere: Vec::new(),
            });
        }
        let fits = |list: &[Candidate<'a>]| {
            let mut fit: Vec<Candidate<'a>> = list
                .iter()
                .copied()
                .filter(|(_, r)| spec.matches(*r))
                .collect();
            fit.sort_by(|a, b| b.1.package_record.version.cmp(&a.1.package_record.version));
            fit
        };
        let visible = self.visible(&of_name);
        let fitting = fits(&visible);
        if fitting.is_empty() {
            let first = visible.first().map(|(c, _)| *c).unwrap_or_default();
            if let Some((there, _)) = fits(&of_name).first() {
                return Some(Reason::Shadowed {
                    name: plain,
                    spec: text,
                    wanted_by,
                    by: first,
                    there: *there,
                });
            }
            return Some(Reason::NoVersion {
                name: plain,
                spec: text,
                wanted_by,
                nearest: nearest(spec, &of_name),
            });
        }
        // One candidate all of whose dependencies can be had is enough; else the best one's lack is the reason.
        let mut first_lack = None;
        for (_, record) in fitting.iter().take(40) {
            let lack = record.package_record.depends.iter().find_map(|d| {
                let spec = MatchSpec::from_str(d, ParseStrictness::Lenient).ok()?;
                self.why_not(&spec, Some(record), known, depth + 1)
            });
            match lack {
                None => return None,
                Some(lack) => first_lack = first_lack.or(Some(lack)),
            }
        }
        first_lack
    }
}

/// The versions nearest to the one that was asked for, at most three; without one, the newest.
fn nearest(spec: &MatchSpec, there: &[Candidate<'_>]) -> Vec<(Untrusted, usize)> {
    let mut list: Vec<_> = there
        .iter()
        .map(|(c, r)| (r.package_record.version.version().clone(), *c))
        .collect();
    list.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    list.dedup_by(|a, b| a.0 == b.0);
    // `==1.6.1`, `1.6.1.*` and `>=1.6.1` all lie near 1.6.1; of a list of conditions nothing is near.
    let wanted = spec.version.as_ref().and_then(|v| {
        let text = v.to_string();
        let bare = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        bare.parse::<rattler_conda_types::Version>().ok()
    });
    let at = wanted.map_or(0, |w| list.iter().take_while(|(v, _)| *v > w).count());
    // Two above it and one below, as far as they are there.
    let from = at.saturating_sub(2).min(list.len().saturating_sub(3));
    list.into_iter()
        .skip(from)
        .take(3)
        .map(|(v, c)| (Untrusted::new(v.to_string()), c))
        .collect()
}

#[cfg(test)]
#[path = "solve_tests.rs"]
mod tests;
