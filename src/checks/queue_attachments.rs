//! The bucket of the queue's job attachments exists, in the farm's region.

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::ids::QueueKey;
use crate::probes::AttachmentsBucket;
use crate::questions::QueueDetails;

pub(super) const CHECK: Check = Check {
    id: "queue-attachments",
    title: "The bucket of the queue's job attachments exists, in the farm's region",
    why: "AYON sends scene and bundle to workers as job attachments, through this bucket",
    topic: Topic::Queue,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let queue = view.fact(&QueueDetails(key.clone())).known();
    let Some(bucket) = queue.and_then(|q| q.attachments_bucket.as_ref()) else {
        return Vec::new();
    };
    let probe = AttachmentsBucket(bucket.raw().to_owned(), view.region().clone());
    assessed(view, &probe, &Vantage::Here)
}
