//! The queue role reads each S3 channel, proved with its own credentials. Verified, where nothing else is.

use super::queue_role_channels::judged;
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, queues_with_role, says};
use crate::domain::channel::Channel;
use crate::domain::choices::RoleUse;
use crate::domain::ids::{QueueKey, farm_arn};
use crate::domain::needs::of_channels;
use crate::domain::policy::Policy;
use crate::domain::probe::{Probe, Seen};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::trust::{Trust, judge};

pub struct ChannelAsQueueRole;

impl Check for ChannelAsQueueRole {
    fn id(&self) -> &'static str {
        "channel-as-queue-role"
    }
    fn title(&self) -> &'static str {
        "The queue role reads each S3 channel"
    }
    fn why(&self) -> &'static str {
        "on a worker conda reads S3 channels with the queue role's credentials, and takes 403 as fatal"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted.queues.iter().cloned().map(Ask::Queue).collect()
    }

    fn probes(&self, view: &View) -> Vec<Probe> {
        let of = |c: &Channel| -> Vec<Probe> {
            queues_with_role(view)
                .map(|q| Probe::ChannelAsQueueRole(q.clone(), c.clone()))
                .collect()
        };
        view.wanted.s3_channels().flat_map(of).collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in self.probes(view) {
            let Probe::ChannelAsQueueRole(key, channel) = &probe else {
                continue;
            };
            let name = view.studio.queue_name(key);
            let Some(reading) = view.studio.readings.get(&probe) else {
                let finding = says(self, Verdict::Skipped, format!("{channel} was not read as the role of queue {name}"))
                    .why("that would start a session with the queue role's credentials, which an audit does not; its documents are read instead");
                findings.push(finding);
                continue;
            };
            let finding = match &reading.seen {
                Ok(Seen::Index { lists: Some(false) }) => says(self, Verdict::Fail, format!("The role of queue {name} reads the index of {channel}, and is refused a file that is absent"))
                    .why("s3:ListBucket on the bucket is missing, or s3:GetObject on the rest of the channel, so S3 answers 403 for files that are absent, and conda on the worker takes 403 as fatal, not as \"absent\"")
                    .fix("setup adds it to the inline policy studiolink-queue; in another account's bucket its owner allows it too"),
                Ok(Seen::Index { lists: None }) => says(
                    self,
                    Verdict::Unknown,
                    format!("The role of queue {name} reads {channel}; whether it may list the bucket was not answered"),
                )
                .why("the question for an absent file got no answer that tells 404 from 403")
                .fix("look again"),
                Ok(Seen::Index { lists: Some(true) }) => says(self, Verdict::Ok, format!("Verified: the role of queue {name} reads {channel}, {} ms", reading.millis)),
                Ok(_) => says(self, Verdict::Unknown, format!("{channel}: the test answered something else")),
                Err(p) if has_no_credentials(p) => untried(self, view, key, p),
                Err(p) if p.kind == ProblemKind::Denied => {
                    let (why, fix) = refusal(view, key, channel).unwrap_or_else(|| (p.because.clone(), p.fix.clone()));
                    says(self, Verdict::Fail, format!("The role of queue {name} may not read {channel}")).why(why).fix(fix)
                }
                Err(p) if matches!(p.kind, ProblemKind::Missing | ProblemKind::Invalid) => says(self, Verdict::Fail, format!("As the role of queue {name}: {channel}: {}", p.because)).fix(p.fix.as_str()),
                Err(p) => says(self, Verdict::Unknown, format!("No answer as the role of queue {name} from {channel}")).why(p.because.as_str()).fix(p.fix.as_str()),
            };
            findings.push(finding.from(Source::Test(probe.clone())));
        }
        findings
    }
}

/// S3 says 403 and not why. What the role's own documents say leaves one likely cause; it is called that.
fn refusal(view: &View, key: &QueueKey, channel: &Channel) -> Option<(String, String)> {
    let arn = view.studio.queue(key).known()?.role_arn()?;
    let role = view.studio.role(&arn).known()?;
    let bucket = channel.bucket()?;
    let needs = of_channels(std::slice::from_ref(channel), arn.partition(), &|b| {
        view.wanted.owner_of(b).cloned()
    });
    let documents = judged(role, &needs);
    let name = arn.name();
    let words = |list: &[String]| list.join(", ");
    Some(if !documents.denied.is_empty() {
        let why = format!(
            "S3 answered 403; a Deny statement on {name} forbids {} (read from the documents)",
            words(&documents.denied)
        );
        (
            why,
            "find the Deny; whoever wrote it meant something by it".to_owned(),
        )
    } else if !documents.fenced.is_empty() {
        let why = format!(
            "S3 answered 403; the permissions boundary of {name} does not allow {} (read from the documents)",
            words(&documents.fenced)
        );
        (
            why,
            "have whoever keeps the boundary add it there".to_owned(),
        )
    } else if !documents.lacking.is_empty() && documents.unread.is_empty() {
        let why = format!(
            "S3 answered 403; {name} lacks {} (read from the documents)",
            words(&documents.lacking)
        );
        (why, "setup adds it to the inline policy studiolink-queue; in another account's bucket its owner allows it too".to_owned())
    } else if documents.is_right() {
        let why = format!(
            "S3 answered 403 although {name}'s own documents allow it, so the other side is the likely cause: the policy of the bucket {bucket}, or that of the KMS key it is encrypted with; an organisation's policy is possible too"
        );
        (why, "send its owner what stands under \"left for you\"; a role that was made anew has to be allowed anew".to_owned())
    } else {
        return None;
    })
}

/// The problem is not the role's but that its credentials were not handed out.
pub fn has_no_credentials(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Denied && problem.permission.is_some()
}

/// What every test as the queue role says then.
pub fn untried(check: &dyn Check, view: &View, key: &QueueKey, problem: &Problem) -> Finding {
    let name = view.studio.queue_name(key);
    says(
        check,
        Verdict::Unknown,
        format!("Not tried as the role of queue {name}: no credentials of it"),
    )
    .why(cause(view, key).unwrap_or_else(|| problem.because.clone()))
    .fix(problem.fix.as_str())
}

/// AWS answers the same to two causes: the role's trust policy refuses, or this identity lacks the right. The trust
/// policy, where it was read, tells them apart; the words of the answer do not.
fn cause(view: &View, key: &QueueKey) -> Option<String> {
    let arn = view.studio.queue(key).known()?.role_arn()?;
    let role = view.studio.role(&arn).known()?;
    let policy = Policy::parse(&role.trust).ok()?;
    let farm = farm_arn(&view.studio.region, arn.account(), &key.farm);
    Some(match judge(&policy, RoleUse::Queue, &farm, arn.account()) {
        Trust::Refused | Trust::Denied => format!(
            "the trust policy of {} does not let Deadline Cloud assume it for this farm (read from the document)",
            arn.name()
        ),
        // Which of the two principals this call needs, no page says.
        Trust::OnlyWorkers => format!(
            "the trust policy of {} names only the workers' principal (read from the document), which may be the cause; or this identity lacks deadline:AssumeQueueRoleForUser",
            arn.name()
        ),
        Trust::Right | Trust::TooWide | Trust::Anybody => format!(
            "the trust policy of {} is right (read from the document), so this identity lacks deadline:AssumeQueueRoleForUser",
            arn.name()
        ),
        Trust::Depends => return None,
    })
}
