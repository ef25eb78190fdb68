//! A job that tells from a worker what a publish step would meet there. It starts a billed worker; undoing cancels it.

use serde::{Deserialize, Serialize};

use super::{
    AsCode, Change, Found, Outputs, Resource, Step, Touched, changed, needed, other_answer,
};
use crate::domain::ids::{AccountId, JobId, QueueKey, Region};
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::questions::{AnyAnswer, AnyQuestion, JobState, ProbeJobs, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeJob {
    pub queue: QueueKey,
    /// The value of the job's own parameter, by which it is found again.
    pub mark: String,
    pub job: Option<JobId>,
}

impl ProbeJob {
    /// The output that names the job.
    pub const JOB: &'static str = "job";
}

impl Resource for ProbeJob {
    fn words(&self) -> Printable {
        format!("probe job of queue {}", self.queue.queue.brief()).into()
    }

    /// A job whose id is known is asked for by it: a search may not know it yet.
    fn question(&self) -> AnyQuestion {
        match &self.job {
            Some(job) => JobState(self.queue.clone(), job.clone()).into(),
            None => ProbeJobs(self.queue.clone(), self.mark.clone()).into(),
        }
    }

    /// A job that runs no more is as good as gone: there is nothing to cancel.
    fn found(&self, answer: AnyAnswer, change: &Change) -> Result<Found, Problem> {
        let found = match (answer, &self.job) {
            (AnyAnswer::JobState(fact), Some(job)) => needed(fact)?.map(|s| (job.clone(), s)),
            (AnyAnswer::ProbeJobs(fact), _) => needed(fact)?.and_then(|j| j.into_iter().next()),
            _ => return Err(other_answer()),
        };
        let Some((id, status)) = found else {
            return Ok(Found::default());
        };
        let text = change.after.clone().or_else(|| change.before.clone());
        let goes = change.after.is_none() && status.is_final();
        Ok(Found {
            text: text.filter(|_| !goes),
            outputs: Outputs::from([(Self::JOB.to_owned(), id.to_string())]),
            ..Found::default()
        })
    }

    fn service(&self) -> &'static str {
        "deadline"
    }

    fn operation(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "CreateJob",
            Step::Delete => "UpdateJob",
        }
    }

    fn undo(&self, step: Step) -> &'static str {
        match step {
            Step::Create | Step::Update => "undo: cancels the job, where it still runs",
            Step::Delete => "no undo: a canceled job stays canceled",
        }
    }

    fn cannot_undo(&self, step: Step) -> Option<&'static str> {
        (step == Step::Delete).then_some("a canceled job stays canceled; probe again")
    }

    fn is_final(&self, step: Step) -> bool {
        step == Step::Delete
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        format!("{account}-{region}-probe-{}", self.queue.queue)
    }

    fn is_json(&self) -> bool {
        true
    }

    /// The script is the same for everybody; what is asked of the worker is not.
    fn readable(&self, text: &str) -> String {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(files) = value["template"]["steps"][0]["script"]["embeddedFiles"].as_array_mut()
        {
            for file in files {
                let length = file["data"].as_str().map_or(0, str::len);
                file["data"] = format!("… {length} characters, assets/probe").into();
            }
        }
        super::laid_out(&value.to_string())
    }

    fn as_code(&self, _: &Change, _: &Snapshot) -> AsCode {
        AsCode::by_hand("a probe is a job and no part of a studio: `studiolink probe` sends one")
    }

    fn apply_to(&self, _: &mut Snapshot, _: Option<&str>) {}

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([self.question()])
    }

    fn learn(&mut self, outputs: &Outputs) {
        self.job = outputs.get(Self::JOB).and_then(|id| id.parse().ok());
    }
}
