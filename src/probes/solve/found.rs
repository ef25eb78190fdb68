//! Packages that conda would install.

use std::collections::BTreeSet;

use super::Judge;
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{CondaSolve, Outcome, Resolved, Solve as Solved, size_words};
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::known;
use crate::domain::text::Printable;

impl Judge<'_> {
    pub(super) fn found(&self, solve: &Solved, list: &[Resolved]) -> Assessment {
        let word = self.platform.word();
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
}

/// Each package that would be installed: name, version, folder, size, channel.
pub(super) fn resolved_lines(question: &CondaSolve, solve: &Solved) -> Vec<Printable> {
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
