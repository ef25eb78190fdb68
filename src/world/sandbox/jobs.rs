//! Jobs of the studio in memory. A probe is over at once; what its worker would have printed follows from the studio.

use jiff::Timestamp;

use crate::domain::farm::Management;
use crate::domain::ids::{JobId, QueueKey};
use crate::domain::job::{ActionKind, Job, JobSession, JobStatus, SessionAction};
use crate::domain::probe_run::{ProbeRun, ProbeSession};
use crate::domain::step_needs::Unmet;
use crate::domain::template::{API_KEY, SERVER_URL, Template};
use crate::domain::text::Untrusted;
use crate::resources::{Outputs, ProbeJob};

use super::Truth;

pub(super) fn probe(
    truth: &mut Truth,
    resource: &ProbeJob,
    after: Option<&str>,
) -> Result<Outputs, String> {
    if after.is_none() {
        let job = resource.job.as_ref().and_then(|id| truth.jobs.get_mut(id));
        job.ok_or("ResourceNotFoundException")?.status = JobStatus::Canceled;
        return Ok(Outputs::new());
    }
    truth.made += 1;
    let id = format!("job-{:032x}", 0xf000_0000_u64 + u64::from(truth.made));
    let parsed: JobId = id.parse().map_err(|_| "the sandbox made no job id")?;
    let job = ran(truth, resource);
    truth.jobs.insert(parsed.clone(), job);
    let queue = resource.queue.clone();
    truth.probe_queues.insert(parsed.clone(), queue);
    truth.probes.insert(resource.mark.clone(), parsed);
    Ok(Outputs::from([(ProbeJob::JOB.to_owned(), id)]))
}

/// Newest first, as far as they ran.
pub(super) fn last_probes(truth: &Truth, queue: &QueueKey) -> Vec<ProbeRun> {
    let own = truth.probes.iter().filter_map(|(mark, id)| {
        (truth.probe_queues.get(id) == Some(queue)).then_some(())?;
        let job = truth.jobs.get(id)?;
        Some(ProbeRun {
            job: id.clone(),
            status: job.status,
            could_not_be_made: job.could_not_be_made(),
            created: job.created,
            mark: mark.parse().ok()?,
            session: job.sessions.last().map(ProbeSession::of),
        })
    });
    let mut own: Vec<ProbeRun> = own.collect();
    own.sort_by(|a, b| b.job.cmp(&a.job));
    own
}

fn ran(truth: &Truth, resource: &ProbeJob) -> Job {
    let name = Untrusted::new(crate::domain::probe_job::NAME);
    let publishes = |f: &crate::domain::farm::Fleet| {
        f.roles.iter().any(|r| r.raw() == "publish") && f.management == Management::Service
    };
    let fleet = truth.fleets.iter().find(|(_, f)| publishes(f));
    let job = |status, sessions| Job {
        name,
        lifecycle: Untrusted::new("CREATE_COMPLETE"),
        lifecycle_message: None,
        status,
        created: Some(Timestamp::now()),
        ended: Some(Timestamp::now()),
        sessions,
        unmet: None,
    };
    let Some((fleet, _)) = fleet else {
        let lacks = |f: &crate::domain::farm::Fleet| Unmet {
            step: Untrusted::new("Probe"),
            fleet: f.name.clone(),
            lacks: vec!["does not offer attr.role = publish, which is asked for".into()],
        };
        return Job {
            unmet: Some(Ok(truth.fleets.values().map(lacks).collect())),
            ..job(JobStatus::NotCompatible, Vec::new())
        };
    };
    let lines = printed(truth, resource);
    let action = SessionAction {
        id: Untrusted::new("sessionaction-00000000000000000000000000000001-0"),
        what: ActionKind::Task,
        status: Untrusted::new("SUCCEEDED"),
        started: Some(Timestamp::now()),
        ended: Some(Timestamp::now()),
        message: None,
        exit_code: Some(0),
    };
    let session = JobSession {
        id: Untrusted::new("session-00000000000000000000000000000001"),
        fleet: Some(fleet.fleet.clone()),
        worker: Untrusted::new("worker-00000000000000000000000000000001"),
        started: Some(Timestamp::now()),
        ended: Some(Timestamp::now()),
        actions: vec![action],
        log: Ok(lines.into_iter().map(Untrusted::new).collect()),
    };
    job(JobStatus::Succeeded, vec![session])
}

fn printed(truth: &Truth, resource: &ProbeJob) -> Vec<String> {
    let queue = truth.queues.get(&resource.queue);
    let environments = queue.into_iter().flat_map(|q| &q.environments);
    let parsed: Vec<Template> = environments
        .filter_map(|e| Template::read(&e.text, e.kind).ok())
        .collect();
    let gives = |name: &str| parsed.iter().any(|t| t.gives(name));
    let (url, key) = (gives(SERVER_URL), gives(API_KEY));
    let conda = parsed.iter().any(|t| t.kind.is_conda());
    let production = truth.ayon.bundles.production.as_ref();
    let launcher = production
        .and_then(|b| b.installer.as_ref())
        .map(Untrusted::raw);
    let mut lines = vec![
        serde_json::json!({ "reading": "worker", "ok": true, "os": "linux", "release": "sandbox", "python": "3.11", "region": truth.region.as_str() }),
        serde_json::json!({ "reading": "conda", "ok": conda, "error": "no conda environment is active", "packages": 2, "asked": 2, "channels": ["sandbox"], "named": { "ayon-launcher": launcher } }),
        serde_json::json!({ "reading": "launcher", "ok": conda, "path": "/sandbox/bin/ayon" }),
        serde_json::json!({ "reading": "variables", "ok": url && key, "url": url, "key": key, "headless": if url { "1" } else { "" }, "folders": {} }),
    ];
    if url {
        let at = super::SERVER.to_string();
        lines.push(serde_json::json!({ "reading": "dns", "ok": true, "host": truth.ayon.host, "addresses": [at], "ms": 0 }));
        lines.push(serde_json::json!({ "reading": "info", "ok": true, "version": truth.ayon.version, "ms": 0 }));
    }
    lines.push(serde_json::json!({ "reading": "end", "ok": true }));
    let mark = |mut line: serde_json::Value| {
        line["v"] = 1.into();
        format!("studiolink-probe {line}")
    };
    lines.into_iter().map(mark).collect()
}
