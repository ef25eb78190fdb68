//! This machine: clock, journals, locks, keyring, files. Only this room writes a file.

pub mod files;
mod keys;
mod sso;
mod state;

pub use sso::sso_login;

use secrecy::SecretString;
use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};
use jiff::Timestamp;

use super::LocalState;
use crate::domain::problem::{Problem, ProblemKind};

/// What this machine keeps: everything under the XDG state folder.
pub struct DiskState {
    state: Option<PathBuf>,
}

impl DiskState {
    /// `$XDG_STATE_HOME/studiolink`, or `~/.local/state/studiolink`; on Windows the user's application data.
    pub fn new() -> Self {
        let base = choose_base_strategy()
            .ok()
            .map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.cache_dir()));
        Self {
            state: base.map(|b| b.join("studiolink")),
        }
    }

    fn folder(&self, doing: &str) -> Result<PathBuf, Problem> {
        self.state.clone().ok_or_else(|| {
            Problem::new(
                ProblemKind::Local,
                doing,
                "there is no home folder to keep it in",
                "set XDG_STATE_HOME to a folder of yours",
            )
        })
    }
}

impl Default for DiskState {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalState for DiskState {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn here(&self) -> String {
        let user = std::env::var("USER")
            .or_else(|_| std::env::var("USERNAME"))
            .unwrap_or_else(|_| "unknown user".to_owned());
        format!(
            "{user}@{} (process {})",
            gethostname::gethostname().to_string_lossy(),
            std::process::id()
        )
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Send + Sync>, Problem> {
        state::lock(
            &self
                .folder("Could not take the queue's lock")?
                .join("locks"),
            name,
            &self.here(),
            self.now(),
        )
    }

    fn append(&self, run: &str, line: &str, first: bool) -> Result<(), Problem> {
        state::append(
            &self.folder("Could not write the journal")?.join("runs"),
            run,
            line,
            first,
        )
    }

    fn discard(&self, run: &str) -> Result<(), Problem> {
        state::discard(
            &self.folder("Could not take a journal away")?.join("runs"),
            run,
        )
    }

    fn runs(&self) -> Result<Vec<String>, Problem> {
        state::runs(&self.folder("Could not list the runs")?.join("runs"))
    }

    fn journal(&self, run: &str) -> Result<String, Problem> {
        state::journal(
            &self.folder("Could not read the journal")?.join("runs"),
            run,
        )
    }

    fn recall(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.state.as_ref()?.join("remembered.json")).ok()?;
        let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).ok()?;
        all.get(name)?.as_str().map(str::to_owned)
    }

    fn remember(&self, name: &str, value: &str) -> Result<(), Problem> {
        let path = self
            .folder("Could not remember a value")?
            .join("remembered.json");
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let mut all: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&old).unwrap_or_default();
        all.insert(name.to_owned(), value.into());
        files::write_whole(&path, &serde_json::Value::Object(all).to_string())
    }

    fn keyring_get(&self, url: &str) -> Result<Option<SecretString>, Problem> {
        keys::get(url)
    }

    fn keyring_set(&self, url: &str, key: &SecretString) -> Result<(), Problem> {
        keys::set(url, key)
    }

    fn keyring_delete(&self, url: &str) -> Result<(), Problem> {
        keys::delete(url)
    }
}
