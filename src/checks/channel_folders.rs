//! What each channel holds, folder by folder, as the conda solve read it.

use super::prelude::*;
use crate::derived::solve_questions::channels_read;
use crate::domain::conda_solve::{ChannelSeen, SubdirSeen, SubdirState};
use crate::domain::finding::Verdict;
use crate::domain::ids::QueueKey;
use crate::domain::text::Printable;

pub(super) const CHECK: Check = Check {
    id: "channel-folders",
    title: "Each channel's folders can be read",
    why: "conda reads one folder for the worker's platform and one, noarch, for all; only the first may be missing",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let Some((question, report)) = channels_read(view, key) else {
        return Vec::new(); // conda-solve says why
    };
    let evidence = view.evidence_of(&question.solve, &question.from);
    let of = |seen: &ChannelSeen| {
        let rows = seen.subdirs.as_ref()?;
        let finding = of_channel(seen, rows).seen_from(&question.from);
        Some(finding.about(seen.channel.show()).from(evidence.clone()))
    };
    report.channels.iter().filter_map(of).collect()
}

fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

fn words(row: &SubdirSeen) -> String {
    match (&row.state, row.packages) {
        (SubdirState::Present, Some(packages)) => {
            let (builds, names) = (count(packages, "build"), count(row.names, "package"));
            format!("{} {builds} of {names}", row.subdir)
        }
        (SubdirState::Present, None) => format!("{} {}", row.subdir, count(row.names, "package")),
        (state, _) => format!("{} {}", row.subdir, state.words()),
    }
}

fn verdict(seen: &ChannelSeen, row: &SubdirSeen) -> Verdict {
    let (is_s3, on_disk) = (seen.channel.is_s3(), seen.channel.is_on_disk());
    match &row.state {
        SubdirState::Present | SubdirState::Empty => Verdict::Ok,
        // A path means the worker's disk; this one is another.
        _ if on_disk => Verdict::WorkerOnly,
        SubdirState::Missing if row.subdir == "noarch" => Verdict::Fail,
        SubdirState::Missing => Verdict::Ok,
        SubdirState::Unparsable(_) | SubdirState::TooLarge(_) => Verdict::Fail,
        // Without credentials here means without credentials there.
        SubdirState::Forbidden(_) if !is_s3 => Verdict::Fail,
        // Other checks judge who can read it; here it is only not known what is in it.
        SubdirState::Forbidden(_) | SubdirState::Redirected(_) => Verdict::Unknown,
        SubdirState::Unreached(_) if is_s3 => Verdict::Unknown,
        SubdirState::Unreached(_) => Verdict::WorkerOnly,
    }
}

fn of_channel(seen: &ChannelSeen, rows: &[SubdirSeen]) -> Finding {
    let name = Printable::short(seen.channel.as_str(), 60);
    let at = seen.at.as_ref();
    let place = at.map_or_else(String::new, |at| format!(" (here {at})"));
    let newest = rows.iter().filter_map(|r| r.newest).max();
    let newest = newest.map_or_else(String::new, |t| {
        format!("; newest build {}", t.strftime("%Y-%m-%d"))
    });
    let parts: Vec<String> = rows.iter().map(words).collect();
    let line = format!("{name}{place}: {}{newest}", parts.join(", "));
    let worst = rows.iter().map(|row| verdict(seen, row)).min();
    let worst = worst.unwrap_or(Verdict::Ok);
    let nothing = |r: &SubdirSeen| matches!(r.state, SubdirState::Missing | SubdirState::Empty);
    let finding = match worst {
        Verdict::Ok if rows.iter().all(nothing) => Finding::warn(
            "nothing-for-platforms",
            format!("{line}: nothing for the queue's platforms"),
        )
        .why("a channel without packages for any fleet of the queue only costs time")
        .fix("compare the address with what the channel's owner says"),
        Verdict::Ok => Finding::ok(line),
        verdict => Finding::new(verdict, "not-read", line).why(CHECK.why),
    };
    finding.details(seen.versions.iter().map(|(name, list)| {
        let list: Vec<String> = list.iter().map(|v| v.show().to_string()).collect();
        format!("{name}: {}", list.join(", ")).into()
    }))
}
