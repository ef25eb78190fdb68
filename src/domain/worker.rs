//! The workers of a fleet, as Deadline Cloud lists them.

use serde::{Deserialize, Serialize};

use super::secrets::without_log_secrets;
use super::text::{Printable, Untrusted};

service_words!(
    WorkerStatus {
        Created = "CREATED",
        Started = "STARTED",
        Running = "RUNNING",
        Idle = "IDLE",
        Stopping = "STOPPING",
        Stopped = "STOPPED",
        NotResponding = "NOT_RESPONDING",
        NotCompatible = "NOT_COMPATIBLE",
    }
);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub id: Untrusted,
    pub status: WorkerStatus,
    /// Minutes since it was created, when it was listed.
    pub minutes: Option<i64>,
    /// The end of its log, where it was worth reading; or why it was not read.
    pub log: Option<Result<Vec<Untrusted>, Printable>>,
}

/// What a host configuration script came to, by a worker's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptEnd {
    pub exit: i64,
    /// What it said last.
    pub said: Printable,
}

const RUNNING: &str = "Running Host Configuration Script";
const TIME: &str = "Host Config Time";
const FINISHED: &str = "Finished running Host Configuration Script, exit code: ";

impl Worker {
    /// Its log says that the host configuration script has begun, and not that it has ended. The text: what the worker agent
    /// last said of its time (`Elapsed: 40s, Remaining: 260s`), empty where it said nothing of it yet.
    pub fn script_runs(&self) -> Option<Printable> {
        let lines = self.log.as_ref()?.as_ref().ok()?;
        let begun = lines.iter().rposition(|l| l.raw().contains(RUNNING))?;
        let since = &lines[begun..];
        if since.iter().any(|l| l.raw().contains(FINISHED)) {
            return None;
        }
        let time = since.iter().rev().find_map(|l| {
            let (_, time) = l.raw().split_once(TIME)?;
            let at = time.find(|c: char| c.is_ascii_alphabetic())?;
            Some(Printable::short(&time[at..], 60))
        });
        Some(time.unwrap_or_default())
    }

    /// `None`: the log does not say that a script has ended.
    pub fn script_end(&self) -> Option<ScriptEnd> {
        let lines = self.log.as_ref()?.as_ref().ok()?;
        let end = lines.iter().rposition(|l| l.raw().contains(FINISHED))?;
        let (_, code) = lines[end].raw().split_once(FINISHED)?;
        let digits = code.split(|c: char| !c.is_ascii_digit() && c != '-').next();
        let said = end
            .checked_sub(1)
            .map(|at| lines[at].raw())
            .unwrap_or_default();
        // A shell names the script and the line first.
        let said = said.rsplit_once(": line ").map_or(said, |(_, rest)| {
            rest.split_once(": ").map_or(rest, |(_, said)| said)
        });
        Some(ScriptEnd {
            exit: digits?.parse().ok()?,
            said: Printable::short(&without_log_secrets(said), 120),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_host_script_is_read_from_the_workers_log() {
        let worker = |lines: &[&str]| Worker {
            id: Untrusted::new("worker-1"),
            status: "NOT_RESPONDING".into(),
            minutes: Some(8),
            log: Some(Ok(lines.iter().map(|l| Untrusted::new(*l)).collect())),
        };
        let failed = [
            "Running Host Configuration Script",
            "host_configuration.sh: line 4: dig: command not found",
            "Finished running Host Configuration Script, exit code: 127",
        ];
        let end = worker(&failed).script_end().unwrap();
        assert_eq!(
            (end.exit, end.said.as_str()),
            (127, "dig: command not found")
        );
        assert_eq!(worker(&failed[..2]).script_end(), None);
        assert_eq!(worker(&failed).script_runs(), None);
        assert_eq!(worker(&failed[..2]).script_runs(), Some("".into()));
        let long = [
            "Running Host Configuration Script",
            "Host Config Time — Elapsed: 30s, Remaining: 270s",
            "installing",
            "Host Config Time — Elapsed: 40s, Remaining: 260s",
        ];
        let time = worker(&long).script_runs().unwrap();
        assert_eq!(time.as_str(), "Elapsed: 40s, Remaining: 260s");
        assert_eq!(worker(&[]).script_runs(), None);
        let well = ["Finished running Host Configuration Script, exit code: 0"];
        assert_eq!(worker(&well).script_end().unwrap().exit, 0);
    }
}
