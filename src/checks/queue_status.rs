//! The queue exists in that farm, and takes jobs.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::fact::Fact;

pub struct QueueStatus;

impl Check for QueueStatus {
    fn id(&self) -> &'static str {
        "queue-status"
    }
    fn title(&self) -> &'static str {
        "The queue is there and takes jobs"
    }
    fn why(&self) -> &'static str {
        "a queue that is blocked leaves every job waiting"
    }
    fn topic(&self) -> Topic {
        Topic::Queue
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        view.wanted
            .queues
            .iter()
            .flat_map(|q| [Ask::Farm(q.farm.clone()), Ask::Queue(q.clone())])
            .collect()
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let one = |key: &crate::domain::ids::QueueKey| {
            let ask = Ask::Queue(key.clone());
            match view.studio.queue(key) {
                Fact::Known(queue) if queue.status == "SCHEDULING_BLOCKED" => {
                    let reason = queue.blocked_reason.as_deref().unwrap_or("no reason given");
                    says(self, Verdict::Warn, format!("Queue {} is blocked: {reason}", queue.name.show()))
                        .why("no job of a blocked queue is scheduled")
                        .fix("look at the queue's budgets in the console; NO_BUDGET_CONFIGURED and BUDGET_THRESHOLD_REACHED name them")
                }
                Fact::Known(queue) => {
                    let bucket = queue.attachments_bucket.as_ref().map_or_else(|| "no job attachments".to_owned(), |b| format!("job attachments in {}", b.show()));
                    says(self, Verdict::Ok, format!("Queue {} of farm {} is there, {bucket}", queue.name.show(), view.studio.farm_name(&key.farm)))
                }
                Fact::Absent => says(self, Verdict::Fail, format!("There is no queue {} in farm {} in {}", key.queue, key.farm, view.studio.region))
                    .why("the service answered that it does not exist: a mistyped id, another region, or another account")
                    .fix("compare farm, queue and region with the console, or run `studiolink setup` and pick them from the list"),
                fact => return unseen(self, &format!("queue {}", key.queue), fact, ask),
            }
            .from(Source::Fact(ask))
        };
        view.wanted.queues.iter().map(one).collect()
    }
}
