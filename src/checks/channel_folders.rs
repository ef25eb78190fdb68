//! What each channel holds, folder by folder, as the dry run read it.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, dry_runs, says};
use crate::domain::dry_run::{ChannelSeen, SubdirSeen, SubdirState};
use crate::domain::text::Printable;

pub struct ChannelFolders;

impl Check for ChannelFolders {
    fn id(&self) -> &'static str {
        "channel-folders"
    }
    fn title(&self) -> &'static str {
        "Each channel's folders can be read"
    }
    fn why(&self) -> &'static str {
        "conda reads one folder for the worker's platform and one, noarch, for all; only the first may be missing"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        Vec::new()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for key in &view.wanted.queues {
            let Some((probe, tried)) = dry_runs(view, key) else {
                continue;
            };
            for seen in &tried.channels {
                let Some(rows) = &seen.subdirs else {
                    continue;
                };
                let finding = self
                    .of_channel(seen, rows)
                    .from(Source::Test(probe.clone()));
                // Several queues with the same role and channels say the same.
                if !findings.iter().any(|f| f.says == finding.says) {
                    findings.push(finding);
                }
            }
        }
        findings
    }
}

fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

fn words(row: &SubdirSeen) -> String {
    match (&row.state, row.packages) {
        (SubdirState::Present, Some(packages)) => {
            format!(
                "{} {} of {}",
                row.subdir,
                count(packages, "build"),
                count(row.names, "package")
            )
        }
        (SubdirState::Present, None) => format!("{} {}", row.subdir, count(row.names, "package")),
        (state, _) => format!("{} {}", row.subdir, state.words()),
    }
}

impl ChannelFolders {
    fn of_channel(&self, seen: &ChannelSeen, rows: &[SubdirSeen]) -> Finding {
        let name = Printable::short(seen.channel.as_str(), 60);
        let place = seen
            .at
            .as_ref()
            .map_or_else(String::new, |at| format!(" (here {at})"));
        let newest = rows.iter().filter_map(|r| r.newest).max();
        let newest = newest.map_or_else(String::new, |t| {
            format!("; newest build {}", t.strftime("%Y-%m-%d"))
        });
        let parts: Vec<String> = rows.iter().map(words).collect();
        let line = format!("{name}{place}: {}{newest}", parts.join(", "));
        let is_s3 = seen.channel.is_s3();
        let on_disk = seen.channel.is_on_disk();
        let verdict = rows.iter().map(|r| match &r.state {
            SubdirState::Present | SubdirState::Empty => Verdict::Ok,
            // A path means the worker's disk; this one is another.
            _ if on_disk => Verdict::WorkerOnly,
            SubdirState::Missing if r.subdir == "noarch" => Verdict::Fail,
            SubdirState::Missing => Verdict::Ok,
            SubdirState::Unparsable(_) | SubdirState::TooLarge(_) => Verdict::Fail,
            // Without credentials here means without credentials there.
            SubdirState::Forbidden(_) if !is_s3 => Verdict::Fail,
            // The other checks judge who may read it; here it is only not known what is in it.
            SubdirState::Forbidden(_) | SubdirState::Redirected(_) => Verdict::Unknown,
            SubdirState::Unreached(_) if is_s3 => Verdict::Unknown,
            SubdirState::Unreached(_) => Verdict::WorkerOnly,
        });
        let verdict = verdict.min().unwrap_or(Verdict::Ok);
        let nothing = rows
            .iter()
            .all(|r| matches!(r.state, SubdirState::Missing | SubdirState::Empty));
        let finding = if verdict == Verdict::Ok && nothing {
            says(
                self,
                Verdict::Warn,
                format!("{line}: nothing for the queue's platforms"),
            )
            .why("a channel without packages for any fleet of the queue only costs time")
            .fix("compare the address with what the channel's owner says")
        } else {
            says(self, verdict, line)
        };
        let finding = if verdict == Verdict::Ok {
            finding
        } else {
            finding.why(self.why())
        };
        finding.details(seen.versions.iter().map(|(name, list)| {
            let list: Vec<String> = list.iter().map(|v| v.show().to_string()).collect();
            format!("{name}: {}", list.join(", ")).into()
        }))
    }
}
