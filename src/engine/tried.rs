//! What an audit was asked to try as the queue role, written into a journal: before the first try that the credentials are taken, and
//! after each what came of it. So that a session which a kill left open is known of.

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use url::Url;

use super::apply::RunContext;
use super::journal::Writer;
use crate::domain::call::Vantage;
use crate::domain::conda_solve::Download;
use crate::domain::ids::{QueueKey, Region};
use crate::domain::login::AyonLogin;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::probes::{AnyProbe, AnySeen, Observation};
use crate::questions::{Answered, AnyAnswer, AnyQuestion, CallerIdentity};
use crate::resources::Change;
use crate::world::{CallLog, LocalState, Outcome, World};

/// A world whose tries as the queue role are written down. What can't be written down is not tried.
pub struct Journaled<'a> {
    world: &'a dyn World,
    /// As the journal names it.
    command: String,
    queues: Vec<QueueKey>,
    endpoint: Option<String>,
    writer: Mutex<Option<Writer<'a>>>,
    /// One after the other is written. Where one could not be, nothing is tried any more.
    making: tokio::sync::Mutex<Option<Problem>>,
}

impl<'a> Journaled<'a> {
    pub fn new(
        world: &'a dyn World,
        command: &str,
        queues: &[QueueKey],
        endpoint: Option<&str>,
    ) -> Self {
        Self {
            world,
            command: command.to_owned(),
            queues: queues.to_vec(),
            endpoint: endpoint.map(str::to_owned),
            writer: Mutex::new(None),
            making: tokio::sync::Mutex::new(None),
        }
    }

    fn with<T>(&self, then: impl FnOnce(&mut Option<Writer<'a>>) -> T) -> T {
        then(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As it is without a journal: for what keeps one of its own.
    pub fn inner(&self) -> &'a dyn World {
        self.world
    }

    /// The run's id, where something was tried.
    pub fn id(&self) -> Option<String> {
        let id = |w: &Writer<'_>| w.has_begun().then(|| w.id().to_owned());
        self.with(|writer| writer.as_ref().and_then(id))
    }

    /// Nothing more is tried.
    pub fn end(&self) -> Result<(), Problem> {
        self.with(|writer| writer.as_ref().map_or(Ok(()), Writer::end))
    }

    /// Written before the try, and synced.
    async fn intend(&self, probe: &AnyProbe, from: &Vantage) -> Result<usize, Problem> {
        let mut making = self.making.lock().await;
        if let Some(problem) = making.as_ref() {
            return Err(problem.clone());
        }
        let begun = self.begin_and_say(probe, from).await;
        if let Err(problem) = &begun {
            *making = Some(problem.clone());
        }
        begun
    }

    async fn begin_and_say(&self, probe: &AnyProbe, from: &Vantage) -> Result<usize, Problem> {
        if self.with(|writer| writer.is_none()) {
            let question = AnyQuestion::from(CallerIdentity);
            let AnyAnswer::CallerIdentity(caller) = self.world.look(&question).await.answer else {
                unreachable!("a question is answered by its own kind");
            };
            let endpoint = self.endpoint.as_deref();
            let context = RunContext::new(&self.command, &caller, &self.queues, endpoint);
            let context = context.map_err(|p| not_written(&p))?;
            let header = super::apply::header(self.world, &context).map_err(|p| not_written(&p))?;
            let made = Writer::new(self.world.local(), header);
            self.with(|writer| *writer = Some(made));
        }
        let mut words = format!("{}: {}", from.word(), probe.words(from));
        if let Some(effects) = probe.side_effects() {
            words = format!("{words} ({effects})");
        }
        let (words, opens) = (Printable::from(words), probe.side_effects().is_some());
        self.with(|writer| {
            let writer = writer.as_mut();
            writer.map_or(Ok(0), |w| w.intend_try(words, opens))
        })
        .map_err(|p| not_written(&p))
    }
}

/// Nothing is tried that can't be written down.
fn not_written(problem: &Problem) -> Problem {
    Problem::new(
        ProblemKind::Local,
        "Not tried as the queue role: it could not be written into a journal",
        problem.because.as_str(),
        problem.fix.as_str(),
    )
}

/// What came of a try, and may something be open still?
fn came_of(seen: &Observation<AnySeen>) -> (String, bool) {
    match &seen.seen {
        Ok(AnySeen::OpenSession(session)) => {
            let id = session.id.show();
            match session.ended {
                Some(true) => (format!("session {id} was opened and ended"), false),
                Some(false) => (
                    format!(
                        "session {id} was opened, and the queue role may not end it: it is open until it is idle for long enough"
                    ),
                    true,
                ),
                None => (
                    format!(
                        "session {id} was opened; that it was ended got no answer, so that it may be open until it is idle for long enough"
                    ),
                    true,
                ),
            }
        }
        Ok(_) => (
            "it was tried; the findings say what was seen".to_owned(),
            false,
        ),
        Err(problem) => (format!("{}: {}", problem.doing, problem.because), false),
    }
}

impl World for Journaled<'_> {
    fn try_out<'b>(
        &'b self,
        probe: &'b AnyProbe,
        from: &'b Vantage,
    ) -> BoxFuture<'b, Observation<AnySeen>> {
        if !matches!(from, Vantage::QueueRole(_)) {
            return self.world.try_out(probe, from);
        }
        Box::pin(async move {
            let n = match self.intend(probe, from).await {
                Ok(n) => n,
                Err(problem) => {
                    return Observation {
                        at: self.world.local().now(),
                        millis: 0,
                        seen: Err(Box::new(problem)),
                        calls: [].into(),
                    };
                }
            };
            let seen = self.world.try_out(probe, from).await;
            let (came, open) = came_of(&seen);
            let calls: Vec<_> = seen.calls.iter().cloned().collect();
            let written = self.with(|writer| match writer {
                Some(writer) => writer.came_of_try(n, came.into(), open, calls),
                None => Ok(()),
            });
            match written {
                Ok(()) => seen,
                Err(problem) => Observation {
                    seen: Err(Box::new(problem)),
                    ..seen
                },
            }
        })
    }

    fn look<'b>(&'b self, question: &'b AnyQuestion) -> BoxFuture<'b, Answered> {
        self.world.look(question)
    }

    fn change<'b>(&'b self, change: &'b Change, token: &'b str) -> BoxFuture<'b, Outcome> {
        self.world.change(change, token)
    }

    fn region(&self) -> &Region {
        self.world.region()
    }

    fn log(&self) -> &CallLog {
        self.world.log()
    }

    fn local(&self) -> &dyn LocalState {
        self.world.local()
    }

    fn hold_key<'b>(&'b self, url: &'b Url, key: Option<SecretString>) -> BoxFuture<'b, ()> {
        self.world.hold_key(url, key)
    }

    fn has_key<'b>(&'b self, url: &'b Url) -> BoxFuture<'b, bool> {
        self.world.has_key(url)
    }

    fn hold_admin<'b>(
        &'b self,
        url: &'b Url,
        login: AyonLogin,
    ) -> BoxFuture<'b, Result<(), Problem>> {
        self.world.hold_admin(url, login)
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        self.world.leave()
    }

    fn downloads(&self) -> Vec<Download> {
        self.world.downloads()
    }

    fn is_sandbox(&self) -> bool {
        self.world.is_sandbox()
    }
}
