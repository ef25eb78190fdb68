//! Each wanted channel has an index that can be read, as far as it can be seen from here.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says};
use crate::domain::channel::{Channel, Place};
use crate::domain::probe::{Probe, Seen};
use crate::domain::problem::ProblemKind;

pub struct ChannelIndex;

impl Check for ChannelIndex {
    fn id(&self) -> &'static str {
        "channel-index"
    }
    fn title(&self) -> &'static str {
        "Each channel has noarch/repodata.json"
    }
    fn why(&self) -> &'static str {
        "conda takes a missing noarch index for an error, not for an empty channel: every job of the queue would fail at its start"
    }
    fn topic(&self) -> Topic {
        Topic::Channels
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        Vec::new()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        view.wanted
            .channels
            .iter()
            .filter(|c| c.place() != Place::AwsAlias)
            .cloned()
            .map(Probe::ChannelHere)
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        view.wanted
            .channels
            .iter()
            .map(|c| self.of_channel(view, c))
            .collect()
    }
}

impl ChannelIndex {
    fn of_channel(&self, view: &View, channel: &Channel) -> Finding {
        if channel.place() == Place::AwsAlias {
            return says(
                self,
                Verdict::WorkerOnly,
                format!("{channel}: only a worker can read it"),
            )
            .why("AWS maps this name to storage of its own that only workers reach");
        }
        let probe = Probe::ChannelHere(channel.clone());
        let Some(reading) = view.studio.readings.get(&probe) else {
            return says(self, Verdict::Skipped, format!("{channel} was not tried"))
                .why("no live test was run");
        };
        let is_s3 = channel.is_s3();
        let read_by_role = || {
            let as_role = |k: &crate::domain::ids::QueueKey| {
                Probe::ChannelAsQueueRole(k.clone(), channel.clone())
            };
            view.wanted.queues.iter().any(|k| {
                view.studio
                    .readings
                    .get(&as_role(k))
                    .is_some_and(|r| r.seen.is_ok())
            })
        };
        let finding = match &reading.seen {
            Ok(Seen::Index { .. }) if is_loopback(channel) => says(self, Verdict::Warn, format!("{channel} means the machine itself"))
                .why("on a worker it is the worker, where nothing of the kind runs")
                .fix("write the name under which workers find the channel"),
            Ok(Seen::Index { .. }) => says(self, Verdict::Ok, format!("{channel}: noarch/repodata.json is there, {} ms", reading.millis)),
            Ok(_) => says(self, Verdict::Unknown, format!("{channel}: the test answered something else")),
            Err(problem) => match problem.kind {
                ProblemKind::Missing if problem.because.contains("no such bucket") => says(self, Verdict::Fail, format!("{channel}: there is no such bucket"))
                    .why("S3 answered that no account has a bucket of that name")
                    .fix("compare the name with what the channel's owner says"),
                ProblemKind::Missing => says(self, Verdict::Fail, format!("{channel} has no noarch/repodata.json"))
                    .why(self.why())
                    .fix(if is_s3 { "compare the prefix with what its owner says, or have the channel indexed (rattler-index s3, or an empty noarch/repodata.json)" } else { "compare the address with what its owner says" }),
                ProblemKind::Denied if is_s3 && read_by_role() => says(self, Verdict::Ok, format!("{channel}: read as the queue role; this identity may not, and need not"))
                    .why(problem.because.as_str()),
                ProblemKind::Denied if is_s3 => says(self, Verdict::Unknown, format!("{channel}: this identity may not read it"))
                    .why(format!("{}. Forbidden is not missing, and the queue role may have rights that this identity has not", problem.because))
                    .fix(problem.fix.as_str()),
                ProblemKind::Denied => says(self, Verdict::Fail, format!("{channel}: forbidden"))
                    .why(format!("{}. conda takes 401 and 403 as fatal", problem.because))
                    .fix("workers ask without credentials: make it public, or use its s3:// form with rights for the queue role"),
                ProblemKind::Invalid => says(self, Verdict::Fail, format!("{channel}: {}", problem.because)).why(self.why()).fix(problem.fix.as_str()),
                _ if is_s3 => says(self, Verdict::Unknown, format!("{channel}: no answer")).why(problem.because.as_str()).fix(problem.fix.as_str()),
                _ if channel.is_on_disk() => says(self, Verdict::WorkerOnly, format!("{channel}: a path on the workers' own disks"))
                    .why("what this machine has under that path says little of theirs"),
                // Public names resolve everywhere alike; most often it is a slip of the pen.
                _ if ["lookup", "not known", "resolve"].iter().any(|w| problem.because.contains(w)) => says(self, Verdict::Warn, format!("{channel}: its name does not resolve from here"))
                    .why(problem.because.as_str())
                    .fix("look for a slip in the address; a name that only the workers' network knows is fine"),
                _ => says(self, Verdict::WorkerOnly, format!("{channel}: not reached from this machine"))
                    .why(format!("{}. Whether a worker reaches it, only a worker can say", problem.because)),
            },
        };
        finding.from(Source::Test(probe))
    }
}

fn is_loopback(channel: &Channel) -> bool {
    let Some((_, rest)) = channel.as_str().split_once("://") else {
        return false;
    };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]")
}
