//! The three doors to everything outside, and the only rooms that do IO: look (answer one question), change (write one
//! thing), try out (one live test); and what this machine keeps: its clock, journals, locks and keys.
//! The real world is `real.rs`; `sandbox/` answers the same doors from a studio held in memory.

pub mod aws;
pub mod ayon;
pub mod conda;
pub mod local;
pub mod net;
pub mod real;
pub mod sandbox;

use secrecy::SecretString;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use url::Url;

use crate::domain::call::{Call, Vantage};
use crate::domain::conda_solve::Download;
use crate::domain::ids::Region;
use crate::domain::login::AyonLogin;
use crate::domain::problem::Problem;
use crate::probes::{AnyProbe, AnySeen, Observation};
use crate::questions::{Answered, AnyQuestion};
use crate::resources::{Change, Outputs};

/// What came of one write, with what the service has assigned.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub result: Result<Outputs, Box<Problem>>,
    pub calls: Vec<Call>,
}

pub trait World: Send + Sync {
    fn look<'a>(&'a self, question: &'a AnyQuestion) -> BoxFuture<'a, Answered>;
    /// The token makes a repeated call the same call, where the service knows tokens.
    fn change<'a>(&'a self, change: &'a Change, token: &'a str) -> BoxFuture<'a, Outcome>;
    fn try_out<'a>(
        &'a self,
        probe: &'a AnyProbe,
        from: &'a Vantage,
    ) -> BoxFuture<'a, Observation<AnySeen>>;

    fn region(&self) -> &Region;
    fn log(&self) -> &CallLog;
    fn local(&self) -> &dyn LocalState;
    /// The API key of that AYON server for this session; `None` takes it away. A key is never sent to another server
    /// than the one it was given for.
    fn hold_key<'a>(&'a self, url: &'a Url, key: Option<SecretString>) -> BoxFuture<'a, ()>;
    /// Is there a key for that server: given, in the environment, or in the keyring?
    fn has_key<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, bool>;
    /// Signs an administrator of AYON in for this session: what they alone may change is changed as them.
    fn hold_admin<'a>(
        &'a self,
        url: &'a Url,
        login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>>;
    /// Closes what was opened at others for this session: an administrator's session at AYON.
    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// What is being downloaded just now, largest first.
    fn downloads(&self) -> Vec<Download> {
        Vec::new()
    }
    /// Is this a studio in memory? Then nothing that is said of it is true of AWS.
    fn is_sandbox(&self) -> bool {
        false
    }
}

/// What this machine keeps. Journals hold whole templates and documents, and are readable by their owner alone.
pub trait LocalState: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Who sits here: user, host and process, for a journal and a lock.
    fn here(&self) -> String;
    /// One run at a time per queue. Held until the guard is dropped, also by a kill.
    fn lock(&self, name: &str) -> Result<Box<dyn Send + Sync>, Problem>;
    /// Adds a line and syncs it to the disk. `first` makes the journal, which must not be there yet.
    fn append(&self, run: &str, line: &str, first: bool) -> Result<(), Problem>;
    /// Takes a journal away: only for a run that changed nothing.
    fn discard(&self, run: &str) -> Result<(), Problem>;
    /// The ids of all runs, oldest first.
    fn runs(&self) -> Result<Vec<String>, Problem>;
    fn journal(&self, run: &str) -> Result<String, Problem>;
    fn recall(&self, name: &str) -> Option<String>;
    fn remember(&self, name: &str, value: &str) -> Result<(), Problem>;
    fn keyring_get(&self, url: &str) -> Result<Option<SecretString>, Problem>;
    fn keyring_set(&self, url: &str, key: &SecretString) -> Result<(), Problem>;
    fn keyring_delete(&self, url: &str) -> Result<(), Problem>;
}

/// Every call of the session, newest last; the log pane and `-v` read it.
#[derive(Clone, Default)]
pub struct CallLog {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    calls: std::collections::VecDeque<Call>,
    total: usize,
}

/// The log keeps so many calls; evidence keeps its own.
const KEPT_CALLS: usize = 2_000;

impl CallLog {
    pub fn add(&self, call: Call) {
        if let Ok(mut kept) = self.kept.lock() {
            if kept.calls.len() == KEPT_CALLS {
                kept.calls.pop_front();
            }
            kept.calls.push_back(call);
            kept.total += 1;
        }
    }

    pub fn total(&self) -> usize {
        self.kept.lock().map_or(0, |k| k.total)
    }

    pub fn recent(&self, most: usize) -> Vec<Call> {
        self.kept.lock().map_or_else(
            |_| Vec::new(),
            |k| {
                k.calls
                    .iter()
                    .skip(k.calls.len().saturating_sub(most))
                    .cloned()
                    .collect()
            },
        )
    }

    pub fn since(&self, seen: usize) -> Vec<Call> {
        self.kept.lock().map_or_else(
            |_| Vec::new(),
            |k| {
                let new = k.total.saturating_sub(seen).min(k.calls.len());
                k.calls.iter().skip(k.calls.len() - new).cloned().collect()
            },
        )
    }
}

/// The calls of one question, change or live test: each goes into its evidence and into the log.
#[derive(Clone)]
pub struct Record {
    calls: Arc<Mutex<Vec<Call>>>,
    log: CallLog,
}

impl Record {
    pub fn new(log: &CallLog) -> Self {
        Self {
            calls: Arc::default(),
            log: log.clone(),
        }
    }

    pub fn add(&self, call: Call) {
        self.log.add(call.clone());
        if let Ok(mut calls) = self.calls.lock() {
            calls.push(call);
        }
    }

    pub fn taken(&self) -> Vec<Call> {
        self.calls
            .lock()
            .map_or_else(|_| Vec::new(), |mut c| std::mem::take(&mut *c))
    }
}
