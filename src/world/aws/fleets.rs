//! A fleet's configuration, raw: what UpdateFleet replaces is sent back as it came, with one member changed. A typed client
//! would drop the members that it does not know.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::unreadable;
use crate::domain::fact::Fact;
use crate::domain::farm::FleetStatus;
use crate::domain::fleet_settings::{FleetSettings, HostScript};
use crate::domain::host_script::with;
use crate::domain::ids::FleetKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::domain::worker::{Worker, WorkerStatus};
use crate::resources::{Change, FleetConfiguration, FleetScript};
use crate::world::Record;

const SERVICE: &str = "deadline";

/// So many logs are read of lost workers, and so many of workers that start.
const LOGS_READ: usize = 2;
/// A start with the longest host configuration script (60 minutes) is over after so long.
const START_MINUTES: i64 = 75;

fn path(key: &FleetKey) -> String {
    format!("farms/{}/fleets/{}", key.farm, key.fleet)
}

fn is_lost(worker: &Worker) -> bool {
    worker.status == WorkerStatus::NotResponding
}

fn starts(worker: &Worker) -> bool {
    let is_new = worker.minutes.is_some_and(|m| m <= START_MINUTES);
    is_new && matches!(worker.status, WorkerStatus::Created | WorkerStatus::Started)
}

/// A start takes 3 to 10 minutes where no script runs (inferred).
fn starts_late(worker: &Worker) -> bool {
    starts(worker)
        && worker.status == WorkerStatus::Created
        && worker.minutes.is_some_and(|m| m >= 15)
}

impl Aws {
    pub async fn look_settings(&self, record: &Record, key: &FleetKey) -> Fact<FleetSettings> {
        let doing = format!("Could not read the configuration of fleet {}", key.fleet);
        let what = What::new(SERVICE, "GetFleet", key.fleet.as_str(), doing.clone());
        let read = self
            .deadline(record, what, &path(key))
            .await
            .and_then(|it| {
                if !it["configuration"].is_object() {
                    return Err(unreadable(&doing));
                }
                let script = &it["hostConfiguration"];
                let body = script["scriptBody"].as_str().filter(|b| !b.is_empty());
                let message = it["statusMessage"].as_str().filter(|m| !m.is_empty());
                Ok(FleetSettings {
                    configuration: it["configuration"].to_string(),
                    script: body.map(|body| HostScript {
                        body: body.to_owned(),
                        seconds: script["scriptTimeoutSeconds"].as_i64(),
                    }),
                    status: FleetStatus::from(it["status"].as_str().unwrap_or_default()),
                    message: message.map(Untrusted::new),
                })
            });
        read.into()
    }

    pub async fn look_workers(&self, record: &Record, key: &FleetKey) -> Fact<Vec<Worker>> {
        self.workers(record, key).await.into()
    }

    async fn workers(&self, record: &Record, key: &FleetKey) -> Result<Vec<Worker>, Problem> {
        let doing = format!("Could not list the workers of fleet {}", key.fleet);
        let what = || What::new(SERVICE, "ListWorkers", key.fleet.as_str(), doing.clone());
        let list = format!("{}/workers", path(key));
        let rows = self.deadline_rows(record, what, &list, "workers").await?;
        let now = Timestamp::now();
        let minutes = |row: &Value| {
            let created: Timestamp = row["createdAt"].as_str()?.parse().ok()?;
            Some(now.duration_since(created).as_mins())
        };
        let mut workers: Vec<(Worker, &Value)> = rows
            .iter()
            .map(|row| {
                let worker = Worker {
                    id: Untrusted::new(row["workerId"].as_str().unwrap_or_default()),
                    status: WorkerStatus::from(row["status"].as_str().unwrap_or_default()),
                    minutes: minutes(row),
                    log: None,
                };
                (worker, &row["log"])
            })
            .collect();
        workers.sort_by_key(|(w, _)| w.minutes.unwrap_or(i64::MAX));
        // Of those that are lost the newest tell why; of those that start, whether their script runs: the newest, and the oldest,
        // which may be stuck.
        let kinds: [fn(&Worker) -> bool; 3] = [is_lost, starts, starts_late];
        let mut worth: Vec<usize> = Vec::new();
        for is in kinds {
            let own = workers.iter().enumerate().filter(|(_, (w, _))| is(w));
            let own = own.map(|(at, _)| at).filter(|at| !worth.contains(at));
            let own: Vec<usize> = own.take(LOGS_READ).collect();
            worth.extend(own);
        }
        let worth = workers
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| worth.contains(at));
        let read = worth.map(|(_, (worker, log))| async move {
            worker.log = Some(self.session_log(record, log).await);
        });
        join_all(read).await;
        Ok(workers.into_iter().map(|(worker, _)| worker).collect())
    }

    pub async fn change_fleet(
        &self,
        record: &Record,
        resource: &FleetConfiguration,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let after = change.after.as_deref().unwrap_or_default();
        let doing = format!("Could not change the {}", change.words());
        let configuration: Value = serde_json::from_str(after).map_err(|_| unreadable(&doing))?;
        let body = json!({ "configuration": configuration });
        self.update_fleet(record, &resource.fleet, &body, token, doing)
            .await
    }

    /// The script is read again just before: around our lines, only what it says now is sent back.
    pub async fn change_script(
        &self,
        record: &Record,
        resource: &FleetScript,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change the {}", change.words());
        let settings = match self.look_settings(record, &resource.fleet).await {
            Fact::Known(settings) => settings,
            Fact::Denied(problem) | Fact::NoAnswer(problem) => return Err(*problem),
            Fact::Absent | Fact::NotAsked(_) => return Err(unreadable(&doing)),
        };
        let now = settings.script.as_ref().map(|s| s.body.as_str());
        let body = with(now, change.after.as_deref(), &resource.os).map_err(|why| {
            let fix = "shorten or correct the script in the console, then run it again";
            Problem::new(ProblemKind::Invalid, doing.clone(), why.to_string(), fix)
        })?;
        let mut script = json!({ "scriptBody": body });
        if let Some(seconds) = settings.script.and_then(|s| s.seconds) {
            script["scriptTimeoutSeconds"] = json!(seconds);
        }
        let body = json!({ "hostConfiguration": script });
        self.update_fleet(record, &resource.fleet, &body, token, doing)
            .await
    }

    async fn update_fleet(
        &self,
        record: &Record,
        key: &FleetKey,
        body: &Value,
        token: &str,
        doing: String,
    ) -> Result<(), Problem> {
        let what = What::new(SERVICE, "UpdateFleet", key.fleet.as_str(), doing);
        let path = path(key);
        let to = (http::Method::PATCH, path.as_str());
        self.deadline_write(record, what, to, (Some(body), Some(token)))
            .await?;
        Ok(())
    }
}
