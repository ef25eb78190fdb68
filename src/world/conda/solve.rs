//! From records to an answer: the solver that workers use says whether, and where it says no, the reason is looked for
//! among the same records, so that it can be put in words.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, Matches as _, PackageName, ParseStrictness, RepoDataRecord,
};
use rattler_solve::{
    CancellationToken, ChannelPriority, SolveError, SolverImpl as _, SolverTask, resolvo::Solver,
};

use crate::domain::dry_run::{Outcome, Platform, Priority, Reason, Resolved, Solve};
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
                .map_err(|e| Printable::short(&format!("\"{text}\" is no package: {e}"), 160))?;
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
/// that a refusal can name what is there. Blocking: not for a thread that others need.
pub fn solve(
    read: &[Records],
    asked: &[Records],
    packages: &[MatchSpec],
    platform: Platform,
    priority: Priority,
    cancel: &CancellationToken,
) -> Solve {
    let virtual_packages = virtual_packages(platform);
    let read = &fitting(read, packages);
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
        Err(error) => {
            let look = Look {
                read,
                asked,
                virtual_packages: &virtual_packages,
                priority,
            };
            Outcome::NotFound(look.reasons(packages, &error))
        }
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
    read: &'a [Records],
    asked: &'a [Records],
    virtual_packages: &'a [GenericVirtualPackage],
    priority: Priority,
}

type Candidate<'a> = (usize, &'a RepoDataRecord);

impl<'a> Look<'a> {
    fn reasons(&self, packages: &[MatchSpec], error: &SolveError) -> Vec<Reason> {
        let mut known = HashMap::new();
        let found: Vec<Reason> = packages
            .iter()
            .filter_map(|spec| self.why_not(spec, None, &mut known))
            .collect();
        if found.is_empty() {
            let words = without_url_secrets(&error.to_string());
            let words = words
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .collect::<Vec<_>>();
            return vec![Reason::Conflict(Printable::short(&words.join(" "), 600))];
        }
        found
    }

    /// Every record of that name, with the channel's place.
    fn of_name(&self, name: &PackageName, all: &'a [Records]) -> Vec<Candidate<'a>> {
        all.iter()
            .flat_map(|r| r.records.iter().map(move |x| (r.channel, x.as_ref())))
            .filter(|(_, x)| x.package_record.name == *name)
            .collect()
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
    ) -> Option<Reason> {
        let name = spec.name.as_exact()?.clone();
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
        let reason = self.reason(&name, spec, by, known);
        known.insert(text, reason.clone());
        reason
    }

    fn reason(
        &self,
        name: &PackageName,
        spec: &MatchSpec,
        wanted_by: Option<String>,
        known: &mut HashMap<String, Option<Reason>>,
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
        let of_name = self.of_name(name, self.read);
        if of_name.is_empty() {
            let other = self.of_name(name, self.asked);
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
                self.why_not(&spec, Some(record), known)
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
