//! What the sandbox's machine keeps: journals, memory and keyring, in the state file where one is named.

use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::truth::Truth;
use crate::domain::problem::{Problem, ProblemKind};
use crate::world::LocalState;
use crate::world::local::files;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    /// id and lines, in the order in which the runs began
    journals: Vec<(String, String)>,
    remembered: BTreeMap<String, String>,
}

pub(super) struct MemoryState {
    inner: Mutex<(Kept, Arc<Truth>)>,
    /// The sandbox's keyring is never written to a file.
    keys: Mutex<BTreeMap<String, SecretString>>,
    state: Option<PathBuf>,
}

impl MemoryState {
    pub(super) fn new(kept: Kept, truth: Arc<Truth>, state: Option<PathBuf>) -> Self {
        Self {
            inner: Mutex::new((kept, truth)),
            keys: Mutex::default(),
            state,
        }
    }

    pub(super) fn truth_changed(&self, truth: Arc<Truth>) {
        if let Ok(mut inner) = self.inner.lock() {
            inner.1 = truth;
            // A state file that can't be written shows at the next journal line, which is before the next change.
            let _ = self.save(&inner.0, &inner.1);
        }
    }

    fn save(&self, kept: &Kept, truth: &Truth) -> Result<(), Problem> {
        let Some(path) = &self.state else {
            return Ok(());
        };
        let mut whole = truth.clone();
        whole.local = kept.clone();
        let text = serde_json::to_string_pretty(&whole).map_err(|e| {
            Problem::new(
                ProblemKind::Local,
                "Could not write the sandbox's state",
                e.to_string(),
                "this is a bug in studiolink; please report it",
            )
        })?;
        files::write_whole(path, &text)
    }
}

fn broken() -> Problem {
    Problem::new(
        ProblemKind::Local,
        "The sandbox broke in another thread",
        "a panic left it half-way",
        "start it again",
    )
}

impl LocalState for MemoryState {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn here(&self) -> String {
        format!("sandbox (process {})", std::process::id())
    }

    fn lock(&self, _name: &str) -> Result<Box<dyn Send + Sync>, Problem> {
        Ok(Box::new(()))
    }

    fn append(&self, run: &str, line: &str, first: bool) -> Result<(), Problem> {
        let mut inner = self.inner.lock().map_err(|_| broken())?;
        let (kept, truth) = &mut *inner;
        if first {
            kept.journals.push((run.to_owned(), String::new()));
        }
        if let Some((_, text)) = kept.journals.iter_mut().find(|(id, _)| id == run) {
            text.push_str(line);
            text.push('\n');
        }
        self.save(kept, truth)
    }

    fn discard(&self, run: &str) -> Result<(), Problem> {
        let mut inner = self.inner.lock().map_err(|_| broken())?;
        let (kept, truth) = &mut *inner;
        kept.journals.retain(|(id, _)| id != run);
        self.save(kept, truth)
    }

    fn runs(&self) -> Result<Vec<String>, Problem> {
        Ok(self
            .inner
            .lock()
            .map_err(|_| broken())?
            .0
            .journals
            .iter()
            .map(|(id, _)| id.clone())
            .collect())
    }

    fn journal(&self, run: &str) -> Result<String, Problem> {
        let inner = self.inner.lock().map_err(|_| broken())?;
        let found = inner.0.journals.iter().find(|(id, _)| id == run);
        let shown = crate::domain::text::Printable::short(run, 60);
        found.map(|(_, text)| text.clone()).ok_or_else(|| {
            Problem::new(
                ProblemKind::Missing,
                format!("There is no run {shown}"),
                "the sandbox keeps no journal of that name",
                "`studiolink runs --sandbox` lists them",
            )
        })
    }

    fn recall(&self, name: &str) -> Option<String> {
        self.inner.lock().ok()?.0.remembered.get(name).cloned()
    }

    fn remember(&self, name: &str, value: &str) -> Result<(), Problem> {
        let mut inner = self.inner.lock().map_err(|_| broken())?;
        let (kept, truth) = &mut *inner;
        kept.remembered.insert(name.to_owned(), value.to_owned());
        self.save(kept, truth)
    }

    fn keyring_get(&self, url: &str) -> Result<Option<SecretString>, Problem> {
        Ok(self.keys.lock().map_err(|_| broken())?.get(url).cloned())
    }

    fn keyring_set(&self, url: &str, key: &SecretString) -> Result<(), Problem> {
        self.keys
            .lock()
            .map_err(|_| broken())?
            .insert(url.to_owned(), key.clone());
        Ok(())
    }

    fn keyring_delete(&self, url: &str) -> Result<(), Problem> {
        self.keys.lock().map_err(|_| broken())?.remove(url);
        Ok(())
    }
}
