//! The probe's jobs: sent, canceled, found again, and what the last ones told.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::deadline::of_queue;
use super::jobs::{path, status, time};
use super::signed::unreadable;
use crate::domain::fact::Fact;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::JobStatus;
use crate::domain::probe_job::{NAME, PARAMETER};
use crate::domain::probe_run::{ProbeRun, ProbeSession};
use crate::domain::problem::{Problem, ProblemKind};
use crate::resources::{Change, Outputs, ProbeJob};
use crate::world::Record;

const SERVICE: &str = "deadline";
/// So many probes of a queue are read: a fleet and a variant each, and the one before.
const LAST: usize = 6;

impl Aws {
    /// What the newest probes of a queue told: by their own name and parameter, so that any machine finds them.
    pub async fn look_last_probes(&self, record: &Record, key: &QueueKey) -> Fact<Vec<ProbeRun>> {
        self.last_probes(record, key).await.into()
    }

    async fn last_probes(&self, record: &Record, key: &QueueKey) -> Result<Vec<ProbeRun>, Problem> {
        let doing = format!("Could not look for probe jobs of queue {}", key.queue);
        let what = What::new(SERVICE, "SearchJobs", key.queue.as_str(), doing.clone());
        let filter = json!({ "searchTermFilter": { "searchTerm": NAME } });
        let newest = json!({ "fieldSort": { "name": "CREATED_AT", "sortOrder": "DESCENDING" } });
        let body = json!({
            "queueIds": [key.queue.as_str()],
            "itemOffset": 0,
            "filterExpressions": { "filters": [filter], "operator": "AND" },
            "sortExpressions": [newest],
        });
        let path = format!("farms/{}/search/jobs", key.farm);
        let found = self.deadline_search(record, what, &path, &body).await?;
        let rows = found["jobs"].as_array().ok_or_else(|| unreadable(&doing))?;
        let run = |row: &Value| {
            let mark = row["jobParameters"][PARAMETER]["string"].as_str()?;
            Some(ProbeRun {
                job: row["jobId"].as_str()?.parse().ok()?,
                status: status(row),
                could_not_be_made: row["lifecycleStatus"] == "CREATE_FAILED",
                created: time(&row["createdAt"]),
                mark: mark.parse().ok()?,
                session: None,
            })
        };
        // One that was canceled says nothing.
        let says = |r: &ProbeRun| r.status != JobStatus::Canceled;
        let newest = rows.iter().filter_map(run).filter(says).take(LAST);
        let told = newest.map(|run| async move {
            Ok(ProbeRun {
                session: self.probe_session(record, key, &run.job).await?,
                ..run
            })
        });
        join_all(told).await.into_iter().collect()
    }

    /// The last session of a probe, with what it printed.
    async fn probe_session(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Result<Option<ProbeSession>, Problem> {
        let rows = self.session_rows(record, key, job).await?;
        let last = rows.iter().max_by_key(|r| time(&r["startedAt"]));
        let Some(id) = last.and_then(|row| row["sessionId"].as_str()) else {
            return Ok(None);
        };
        let session = self.session_and_log(record, key, job, id).await?;
        Ok(Some(ProbeSession::of(&session)))
    }

    pub async fn look_probes(
        &self,
        record: &Record,
        key: &QueueKey,
        mark: &str,
    ) -> Fact<Vec<(JobId, JobStatus)>> {
        let doing = "Could not look for the probe's job";
        let what = What::new(SERVICE, "SearchJobs", key.queue.as_str(), doing);
        let filter =
            json!({ "parameterFilter": { "name": PARAMETER, "operator": "EQUAL", "value": mark } });
        let body = json!({
            "queueIds": [key.queue.as_str()],
            "itemOffset": 0,
            "filterExpressions": { "filters": [filter], "operator": "AND" },
        });
        let path = format!("farms/{}/search/jobs", key.farm);
        let found = self.deadline_search(record, what, &path, &body).await;
        let read = found.and_then(|it| {
            let rows = it["jobs"].as_array().ok_or_else(|| unreadable(doing))?;
            let job = |row: &Value| {
                let id = row["jobId"].as_str()?.parse().ok()?;
                Some((id, status(row)))
            };
            Ok(rows.iter().filter_map(job).collect())
        });
        read.into()
    }

    /// Submits the job, or cancels it.
    pub async fn change_probe(
        &self,
        record: &Record,
        resource: &ProbeJob,
        change: &Change,
        token: &str,
    ) -> Result<Outputs, Problem> {
        let doing = format!("Could not change the {}", change.words());
        let key = &resource.queue;
        let what = What::new(
            SERVICE,
            change.operation(),
            key.queue.as_str(),
            doing.clone(),
        );
        if let Some(text) = &change.after {
            let asked: Value = serde_json::from_str(text).map_err(|_| unreadable(&doing))?;
            let mut body = asked.clone();
            body["template"] = json!(asked["template"].to_string());
            body["templateType"] = json!("JSON");
            let path = format!("{}/jobs", of_queue(key));
            let to = (http::Method::POST, path.as_str());
            let made = self.deadline_write(record, what, to, (Some(&body), Some(token)));
            let id = made.await?["jobId"].as_str().map(str::to_owned);
            let id = id.ok_or_else(|| unreadable(&doing))?;
            return Ok(Outputs::from([(ProbeJob::JOB.to_owned(), id)]));
        }
        let Some(job) = &resource.job else {
            return Err(Problem::new(
                ProblemKind::Local,
                doing,
                "the change names no job",
                "cancel it in the monitor",
            ));
        };
        let (path, body) = (path(key, job), json!({ "targetTaskRunStatus": "CANCELED" }));
        let to = (http::Method::PATCH, path.as_str());
        self.deadline_write(record, what, to, (Some(&body), Some(token)))
            .await?;
        Ok(Outputs::new())
    }
}
