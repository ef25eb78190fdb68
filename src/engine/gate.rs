//! What has to be seen before a change is made: a queue gets a channel when its role reads it. After the run's own policy
//! change that may take IAM a while, so it is waited for, within limits, and written down.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::inquiry::{Catalogue, Inquiry};
use super::workflow::IAM_PATIENCE;
use super::{Progress, Tell};
use crate::domain::call::Vantage;
use crate::domain::channel::Channel;
use crate::domain::config::StudioConfig;
use crate::domain::ids::QueueKey;
use crate::domain::problem::ProblemKind;
use crate::domain::risk::{Gate as Judged, RiskKind};
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::domain::worker_secret::SecretPlace;
use crate::probes::{AnyProbe, ReadSecret};
use crate::questions::{AnyQuestion, Demand, Purpose, View};
use crate::resources::{Change, Propagation};
use crate::world::World;

/// Between two readings.
const PAUSE: Duration = Duration::from_secs(2);
/// While somebody else is waited for.
const LONG_PAUSE: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_millis(250);

/// By what it is decided, handed in by the caller.
#[derive(Debug, Clone)]
pub struct Rules {
    pub config: StudioConfig,
    pub expand: fn(&View, &Subject) -> Vec<Subject>,
    /// May a queue name that channel, by what is known?
    pub judge: fn(&View, &QueueKey, &Channel) -> Judged,
    /// In milliseconds; more than IAM's own time where somebody is waited for.
    pub patience: u64,
    /// The kinds of risk that somebody insists on.
    pub accepted: BTreeSet<RiskKind>,
    /// The changes that somebody insists on.
    pub insisted: BTreeSet<String>,
}

impl Rules {
    fn insist(&self, change: &Change) -> bool {
        self.accepted.contains(&RiskKind::UnreadChannel) || self.insisted.contains(&change.id)
    }
}

/// What came of looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looked {
    Open,
    Held(Printable),
    Stopped,
}

pub(super) struct Gate<'a> {
    world: &'a dyn World,
    rules: &'a Rules,
    stop: &'a AtomicBool,
    tell: Tell<'a>,
    inquiry: Option<Inquiry>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        world: &'a dyn World,
        rules: &'a Rules,
        stop: &'a AtomicBool,
        tell: Tell<'a>,
    ) -> Self {
        Self {
            world,
            rules,
            stop,
            tell,
            inquiry: None,
        }
    }

    /// May the change be made now? `propagates`: what this run has changed of permissions. With the seconds that were waited.
    pub(super) async fn look(&mut self, change: &Change, propagates: Propagation) -> (Looked, u64) {
        let began = Instant::now();
        let waited = || began.elapsed().as_secs();
        // The risk of a channel that was not read is accepted for channels alone.
        let channels = !self.rules.insist(change);
        if self.rules.insisted.contains(&change.id) {
            return (Looked::Open, 0);
        }
        let long = self.rules.patience > IAM_PATIENCE;
        let most = if long || (propagates != Propagation::Nothing && !self.world.is_sandbox()) {
            self.rules.patience
        } else {
            0
        };
        // Earlier readings are older than what was changed since.
        self.inquiry = None;
        loop {
            let mut closed = None;
            for (key, channel) in change.reads.iter().filter(|_| channels) {
                if let Judged::Closed { why, passes } = self.judge(key, channel).await {
                    closed = Some((why, passes));
                    break;
                }
                if self.stop.load(Ordering::SeqCst) {
                    return (Looked::Stopped, waited());
                }
            }
            for (key, secret) in &change.secrets {
                if closed.is_some() {
                    break;
                }
                closed = self.secret(key, secret).await;
            }
            let Some((why, passes)) = closed else {
                return (Looked::Open, waited());
            };
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if !passes || millis >= most {
                return (Looked::Held(why), waited());
            }
            let pause = if millis < IAM_PATIENCE {
                PAUSE
            } else {
                LONG_PAUSE
            };
            let until = Instant::now() + pause;
            while Instant::now() < until {
                if self.stop.load(Ordering::SeqCst) {
                    return (Looked::Stopped, waited());
                }
                (self.tell)(Progress::WaitingForIam {
                    seconds: waited(),
                    most: most / 1_000,
                });
                tokio::time::sleep(TICK).await;
            }
            self.forget();
        }
    }

    /// Is the secret handed out to the queue's role now? `None`: it is; else why not, and whether IAM may only take a while.
    async fn secret(&self, key: &QueueKey, secret: &SecretPlace) -> Option<(Printable, bool)> {
        let from = Vantage::QueueRole(key.clone());
        let probe = AnyProbe::from(ReadSecret(secret.clone()));
        let problem = self.world.try_out(&probe, &from).await.seen.err()?;
        let passes = matches!(problem.kind, ProblemKind::Denied | ProblemKind::Missing);
        let why = format!(
            "the queue role does not read secret {}, so that every session of the queue would fail: {}",
            secret.name(),
            problem.because
        );
        Some((why.into(), passes))
    }

    fn forget(&mut self) {
        if let Some(inquiry) = &mut self.inquiry {
            inquiry.forget(&|d| {
                matches!(
                    d,
                    Demand::Probe(AnyProbe::ReadIndex(_), _)
                        | Demand::Question(
                            AnyQuestion::RoleDocuments(_) | AnyQuestion::RoleSimulation(_)
                        )
                )
            });
        }
    }

    /// Asks until it can be said.
    async fn judge(&mut self, key: &QueueKey, channel: &Channel) -> Judged {
        let (world, rules) = (self.world, self.rules);
        let inquiry = self.inquiry.get_or_insert_with(|| {
            let catalogue = Catalogue {
                checks: &[],
                expand: rules.expand,
            };
            let (region, config) = (world.region().clone(), rules.config.clone());
            Inquiry::new(catalogue, region, config, Purpose::Setup, false)
        });
        loop {
            let view = inquiry.view();
            let judged = (rules.judge)(&view, key, channel);
            let (_, wanted) = view.recorded();
            let mut demands = inquiry.demands(&|_| false);
            demands.extend(inquiry.also(wanted));
            if demands.is_empty() {
                return judged;
            }
            let asked = demands.into_iter().map(|demand| async move {
                match demand {
                    Demand::Question(question) => {
                        let answered = world.look(&question).await;
                        Answer::Learned(question, Box::new(answered))
                    }
                    Demand::Probe(probe, from) => {
                        let seen = world.try_out(&probe, &from).await;
                        Answer::Observed(probe, from, Box::new(seen))
                    }
                }
            });
            for answer in futures_util::future::join_all(asked).await {
                match answer {
                    Answer::Learned(question, answered) => inquiry.learn(&question, *answered),
                    Answer::Observed(probe, from, seen) => inquiry.observe(&probe, &from, *seen),
                }
            }
        }
    }
}

enum Answer {
    Learned(AnyQuestion, Box<crate::questions::Answered>),
    Observed(
        AnyProbe,
        crate::domain::call::Vantage,
        Box<crate::probes::Observation<crate::probes::AnySeen>>,
    ),
}
