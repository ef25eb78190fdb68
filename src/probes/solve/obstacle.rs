//! A channel that could not be read: conda stops there.

use super::Judge;
use crate::domain::channel::Channel;
use crate::domain::conda_solve::{ChannelSeen, Outcome, Solve as Solved, SubdirState};
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::text::Printable;

impl Judge<'_> {
    pub(super) fn obstacles(&self) -> Vec<(&ChannelSeen, &SubdirState, &str)> {
        let of = |c| {
            let seen: &ChannelSeen = c;
            let row = seen.obstacle(self.platform)?;
            (!self.is_unseen(seen, &row.state)).then_some((seen, &row.state, row.subdir.as_str()))
        };
        self.report.channels.iter().filter_map(of).collect()
    }

    pub(super) fn obstacle_verdict(&self, seen: &ChannelSeen, state: &SubdirState) -> Verdict {
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

    /// What the worst obstacle comes to, where there is one.
    pub(super) fn at_obstacle(&self, solve: &Solved) -> Option<Assessment> {
        let word = self.platform.word();
        let mut obstacles = self.obstacles();
        obstacles.sort_by_key(|(c, s, _)| self.obstacle_verdict(c, s));
        let (seen, state, subdir) = obstacles.first()?;
        let verdict = self.obstacle_verdict(seen, state);
        let rest = match (self.by_caller.map(|s| &s.outcome), &solve.outcome) {
            (Some(Outcome::Found(_)), _) => {
                "read as you are signed in, the channels have everything that is asked for"
                    .to_owned()
            }
            (Some(Outcome::NotFound(reasons)), _) => {
                let words: Vec<String> = reasons.iter().take(2).map(|r| self.words(r)).collect();
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
        Some(
            Assessment::new(verdict, code, line)
                .why(why)
                .fix(obstacle_fix(&seen.channel, state, self.as_caller))
                .details(others)
                .details(self.details(self.by_caller.unwrap_or(solve))),
        )
    }
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
        // conda-index's issue 338; rattler reads a map since the change of the proposal (CEP 48).
        SubdirState::Unparsable(why) if why.as_str().contains("sequence, expected a map") => "look into the file: where its \
            info.repodata_revisions is a list, conda-index has written it with its option repodata_v3, in a version \
            before its issue 338 was mended, and what workers run (rattler) reads a map there; index it without that \
            option, with a newer conda-index, or with rattler-index. Otherwise have the channel indexed again".to_owned(),
        SubdirState::Unparsable(_) => "have the channel indexed again; a copy that was cut short \
            or a sign-in page reads like this".to_owned(),
        SubdirState::TooLarge(_) => "look at the channel: no index is that large".to_owned(),
        SubdirState::Redirected(to) => format!("write the address that it leads to, {to}, if that is the channel"),
        SubdirState::Unreached(_) | SubdirState::Present | SubdirState::Empty => "check again; a \
            worker may reach what this machine does not".to_owned(),
    }
}
