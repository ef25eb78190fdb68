//! Jobs: how far one is, where it ran, and its sessions' logs in CloudWatch.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::deadline::{of_queue, some};
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::{ActionKind, Job, JobSession, JobStatus, SessionAction};
use crate::domain::problem::Problem;
use crate::domain::step_needs::{AmountNeed, AttributeNeed, Offer, StepNeeds, Unmet};
use crate::domain::text::{Printable, Untrusted};
use crate::world::Record;

const SERVICE: &str = "deadline";
const LOGS: &str = "logs";
/// A log may be huge: so many pages are read, each of at most 10,000 lines or 1 MB.
const LOG_PAGES: usize = 20;
pub(super) fn path(key: &QueueKey, job: &JobId) -> String {
    format!("{}/jobs/{job}", of_queue(key))
}

pub(super) fn status(job: &Value) -> JobStatus {
    JobStatus::from(job["taskRunStatus"].as_str().unwrap_or_default())
}

pub(super) fn time(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().ok()
}

fn kind(definition: &Value) -> ActionKind {
    let environment = |member: &str| some(&definition[member]["environmentId"]);
    if let Some(id) = environment("envEnter") {
        return ActionKind::EnterEnvironment(id);
    }
    if let Some(id) = environment("envExit") {
        return ActionKind::ExitEnvironment(id);
    }
    match definition {
        Value::Object(d) if d.contains_key("taskRun") => ActionKind::Task,
        Value::Object(d) if d.contains_key("syncInputJobAttachments") => ActionKind::Attachments,
        _ => ActionKind::Other,
    }
}

/// A job whose first steps no fleet takes tells enough.
const MOST_STEPS: usize = 20;

fn texts(list: &Value) -> Vec<Untrusted> {
    let all = list.as_array().into_iter().flatten();
    all.filter_map(some).collect()
}

fn needs(step: &Value) -> StepNeeds {
    let needs = &step["requiredCapabilities"];
    let name = |it: &Value| some(&it["name"]).unwrap_or_else(|| Untrusted::new(""));
    let attributes = needs["attributes"].as_array().into_iter().flatten();
    let amounts = needs["amounts"].as_array().into_iter().flatten();
    StepNeeds {
        step: name(step),
        attributes: attributes
            .map(|it| AttributeNeed {
                name: name(it),
                any_of: texts(&it["anyOf"]),
                all_of: texts(&it["allOf"]),
            })
            .collect(),
        amounts: amounts
            .map(|it| AmountNeed {
                name: name(it),
                min: it["min"].as_f64().filter(|m| *m > 0.0),
                max: it["max"].as_f64(),
            })
            .collect(),
    }
}

/// What a fleet's workers have, by the names that host requirements of OpenJD use.
fn offer(fleet: &Value) -> Offer {
    let configuration = &fleet["configuration"];
    let customer = &configuration["customerManaged"]["workerCapabilities"];
    let service = &configuration["serviceManagedEc2"]["instanceCapabilities"];
    let can = if customer.is_object() {
        customer
    } else {
        service
    };
    let mut offer = Offer {
        fleet: some(&fleet["displayName"]).unwrap_or_else(|| Untrusted::new("")),
        ..Offer::default()
    };
    for (name, member) in [
        ("attr.worker.os.family", "osFamily"),
        ("attr.worker.cpu.arch", "cpuArchitectureType"),
    ] {
        // What the service does not say is not known to be lacking.
        if let Some(value) = some(&can[member]) {
            offer.attributes.insert(name.to_owned(), vec![value]);
        }
    }
    let custom = can["customAttributes"].as_array().into_iter().flatten();
    for it in custom {
        if let Some(name) = it["name"].as_str() {
            let values = offer.attributes.entry(name.to_ascii_lowercase());
            values.or_default().extend(texts(&it["values"]));
        }
    }
    let range = |it: &Value| (it["min"].as_f64(), it["max"].as_f64());
    for (name, member) in [
        ("amount.worker.vcpu", "vCpuCount"),
        ("amount.worker.memory", "memoryMiB"),
        ("amount.worker.gpu", "acceleratorCount"),
    ] {
        if can[member].is_object() {
            offer.amounts.insert(name.to_owned(), range(&can[member]));
        }
    }
    let gpus = &can["acceleratorCapabilities"]["count"];
    if gpus.is_object() {
        offer
            .amounts
            .insert("amount.worker.gpu".to_owned(), range(gpus));
    }
    // What was said of the workers, and names no accelerator, has none.
    if can["vCpuCount"].is_object() {
        let none = (Some(0.0), Some(0.0));
        let gpu = "amount.worker.gpu".to_owned();
        offer.amounts.entry(gpu).or_insert(none);
    }
    for it in can["customAmounts"].as_array().into_iter().flatten() {
        if let Some(name) = it["name"].as_str() {
            offer.amounts.insert(name.to_ascii_lowercase(), range(it));
        }
    }
    offer
}

impl Aws {
    pub async fn look_job(&self, record: &Record, key: &QueueKey, job: &JobId) -> Fact<Job> {
        self.job(record, key, job).await.into()
    }

    pub async fn look_job_state(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Fact<JobStatus> {
        let doing = format!("Could not read job {job}");
        let what = What::new(SERVICE, "GetJob", job.as_str(), doing);
        let it = self.deadline(record, what, &path(key, job)).await;
        it.map(|it| status(&it)).into()
    }

    async fn job(&self, record: &Record, key: &QueueKey, job: &JobId) -> Result<Job, Problem> {
        let doing = format!("Could not read job {job}");
        let what = What::new(SERVICE, "GetJob", job.as_str(), doing.clone());
        let path = path(key, job);
        let (it, sessions) = join(
            self.deadline(record, what, &path),
            self.sessions(record, key, job),
        )
        .await;
        let it = it?;
        let name = some(&it["name"]).ok_or_else(|| unreadable(&doing))?;
        let unmet = if status(&it) == JobStatus::NotCompatible {
            let unmet = self.unmet(record, key, job).await;
            Some(unmet.map_err(|p| Printable::from(p.because)))
        } else {
            None
        };
        Ok(Job {
            name,
            lifecycle: some(&it["lifecycleStatus"]).unwrap_or_else(|| Untrusted::new("")),
            lifecycle_message: some(&it["lifecycleStatusMessage"]),
            status: status(&it),
            created: time(&it["createdAt"]),
            ended: time(&it["endedAt"]),
            sessions: sessions?,
            unmet,
        })
    }

    /// What each fleet of the queue lacks for each step of the job.
    async fn unmet(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Result<Vec<Unmet>, Problem> {
        let (steps, offers) = join(self.steps(record, key, job), self.offers(record, key)).await;
        let (steps, offers) = (steps?, offers?);
        // A step that some fleet can take is not why the job is not taken.
        let of_step = |step: &StepNeeds| -> Vec<Unmet> {
            let all: Vec<Unmet> = offers.iter().map(|offer| step.unmet(offer)).collect();
            let some = all.iter().any(|u| u.lacks.is_empty());
            if some { Vec::new() } else { all }
        };
        Ok(steps.iter().flat_map(of_step).collect())
    }

    async fn steps(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Result<Vec<StepNeeds>, Problem> {
        let list = format!("{}/steps", path(key, job));
        let doing = format!("Could not read the steps of job {job}");
        let what = || What::new(SERVICE, "ListSteps", job.as_str(), doing.clone());
        let rows = self.deadline_rows(record, what, &list, "steps").await?;
        let ids = rows
            .iter()
            .filter_map(|row| row["stepId"].as_str())
            .take(MOST_STEPS);
        let read = ids.map(|id| {
            let (path, doing) = (format!("{list}/{id}"), doing.clone());
            async move {
                let what = What::new(SERVICE, "GetStep", id, doing);
                self.deadline(record, what, &path).await
            }
        });
        let read = join_all(read).await;
        read.into_iter().map(|it| Ok(needs(&it?))).collect()
    }

    async fn offers(&self, record: &Record, key: &QueueKey) -> Result<Vec<Offer>, Problem> {
        let list = match self.look_queue_fleets(record, key).await {
            Fact::Known(list) => list,
            Fact::Denied(problem) | Fact::NoAnswer(problem) => return Err(*problem),
            Fact::Absent | Fact::NotAsked(_) => Vec::new(),
        };
        let fleets = list.iter().map(|row| async move {
            let doing = format!("Could not read fleet {}", row.fleet);
            let what = What::new(SERVICE, "GetFleet", row.fleet.as_str(), doing);
            let path = format!("farms/{}/fleets/{}", key.farm, row.fleet);
            self.deadline(record, what, &path).await
        });
        let fleets = join_all(fleets).await;
        fleets.into_iter().map(|it| Ok(offer(&it?))).collect()
    }

    async fn sessions(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Result<Vec<JobSession>, Problem> {
        let rows = self.session_rows(record, key, job).await?;
        let ids = rows.iter().filter_map(|row| row["sessionId"].as_str());
        let sessions = join_all(ids.map(|id| self.session(record, key, job, id))).await;
        let mut sessions: Vec<JobSession> = sessions.into_iter().collect::<Result<_, _>>()?;
        sessions.sort_by_key(|s| s.started);
        Ok(sessions)
    }

    pub(super) async fn session_rows(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
    ) -> Result<Vec<Value>, Problem> {
        let list = format!("{}/sessions", path(key, job));
        let doing = format!("Could not list the sessions of job {job}");
        let what = || What::new(SERVICE, "ListSessions", job.as_str(), doing.clone());
        self.deadline_rows(record, what, &list, "sessions").await
    }

    /// A session with what it did.
    async fn session(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
        id: &str,
    ) -> Result<JobSession, Problem> {
        let (session, actions) = join(
            self.session_and_log(record, key, job, id),
            self.actions(record, key, job, id),
        )
        .await;
        Ok(JobSession {
            actions: actions?,
            ..session?
        })
    }

    /// A session with its log, and without what it did: that takes a call for each action.
    pub(super) async fn session_and_log(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
        id: &str,
    ) -> Result<JobSession, Problem> {
        let doing = format!("Could not read session {}", Printable::short(id, 60));
        let what = What::new(SERVICE, "GetSession", id, doing);
        let path = format!("{}/sessions/{id}", path(key, job));
        let it = self.deadline(record, what, &path).await?;
        Ok(JobSession {
            id: Untrusted::new(id),
            fleet: it["fleetId"].as_str().and_then(|f| f.parse().ok()),
            worker: some(&it["workerId"]).unwrap_or_else(|| Untrusted::new("")),
            started: time(&it["startedAt"]),
            ended: time(&it["endedAt"]),
            actions: Vec::new(),
            log: self.session_log(record, &it["log"]).await,
        })
    }

    /// The list has neither exit code nor message: each action is read.
    async fn actions(
        &self,
        record: &Record,
        key: &QueueKey,
        job: &JobId,
        session: &str,
    ) -> Result<Vec<SessionAction>, Problem> {
        let list = format!("{}/session-actions?sessionId={session}", path(key, job));
        let doing = format!(
            "Could not list what session {} did",
            Printable::short(session, 60)
        );
        let what = || What::new(SERVICE, "ListSessionActions", session, doing.clone());
        let rows = self
            .deadline_rows(record, what, &list, "sessionActions")
            .await?;
        let ids = rows
            .iter()
            .filter_map(|row| row["sessionActionId"].as_str().map(str::to_owned));
        let read = ids.map(|id| async move {
            let doing = format!(
                "Could not read session action {}",
                Printable::short(&id, 60)
            );
            let what = What::new(SERVICE, "GetSessionAction", &id, doing);
            let path = format!("{}/session-actions/{id}", path(key, job));
            let it = self.deadline(record, what, &path).await?;
            Ok(SessionAction {
                what: kind(&it["definition"]),
                status: some(&it["status"]).unwrap_or_else(|| Untrusted::new("")),
                started: time(&it["startedAt"]),
                ended: time(&it["endedAt"]),
                message: some(&it["progressMessage"]),
                exit_code: it["processExitCode"].as_i64(),
                id: Untrusted::new(id),
            })
        });
        let mut all: Vec<SessionAction> = join_all(read)
            .await
            .into_iter()
            .collect::<Result<_, Problem>>()?;
        // `sessionaction-<32 hex>-<n>`
        let number = |a: &SessionAction| {
            let n = a.id.raw().rsplit('-').next();
            n.and_then(|n| n.parse::<u64>().ok()).unwrap_or(u64::MAX)
        };
        all.sort_by_key(number);
        Ok(all)
    }

    /// What a session or a worker wrote, where its log is said to be; `error` says why there is none.
    pub(super) async fn session_log(
        &self,
        record: &Record,
        log: &Value,
    ) -> Result<Vec<Untrusted>, Printable> {
        if let Some(error) = log["error"].as_str().filter(|e| !e.is_empty()) {
            return Err(Printable::short(error, 200));
        }
        let options = &log["options"];
        let (Some(group), Some(stream)) = (
            options["logGroupName"].as_str(),
            options["logStreamName"].as_str(),
        ) else {
            return Err("Deadline Cloud names no log for it".into());
        };
        let doing = "Could not read the log";
        // What says why something failed stands near the end: from there it is read, page by page backwards.
        let (mut pages, mut next) = (Vec::new(), None::<String>);
        let mut whole = false;
        for _ in 0..LOG_PAGES {
            let mut body =
                json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": false });
            if let Some(next) = &next {
                body["nextToken"] = json!(next);
            }
            let request = Request::json(LOGS, "Logs_20140328.GetLogEvents", &body);
            let what = What::new(LOGS, "GetLogEvents", stream, doing);
            let page = self.read(record, what, &request).await;
            let page = page.map_err(|p| Printable::from(p.because))?.json();
            let events = page["events"].as_array().into_iter().flatten();
            let lines = events.filter_map(|e| e["message"].as_str().map(Untrusted::new));
            pages.push(lines.collect::<Vec<_>>());
            // The beginning is where the token stays the same.
            let token = page["nextBackwardToken"].as_str().map(str::to_owned);
            whole = token.is_none() || token == next;
            if whole {
                break;
            }
            next = token;
        }
        let mut lines: Vec<Untrusted> = pages.into_iter().rev().flatten().collect();
        if !whole {
            let left_out = "(studiolink: the beginning of this log was left out, it is too long)";
            lines.insert(0, Untrusted::new(left_out));
        }
        Ok(lines)
    }
}
