//! The bucket of the queue's job attachments exists, in the farm's region.

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::finding::Verdict;
use crate::domain::ids::QueueKey;
use crate::probes::{AttachmentsBucket, ReadAttachments};
use crate::questions::QueueDetails;

pub(super) const CHECK: Check = Check {
    id: "queue-attachments",
    title: "The bucket of the queue's job attachments exists, in the farm's region, and its role reads it",
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
    let mut findings = assessed(view, &probe, &Vantage::Here);
    let prefix = queue.and_then(|q| q.attachments_prefix.as_ref());
    // Of a bucket that is not there, more would be said in vain.
    if findings.iter().all(|f| f.code != "missing") {
        let as_role = ReadAttachments {
            bucket: bucket.raw().to_owned(),
            prefix: prefix.map_or_else(String::new, |p| p.raw().to_owned()),
        };
        let tried = as_queue_role(view, key, &as_role);
        // An audit that may not try it has said enough of the role with its documents.
        findings.extend(tried.into_iter().filter(|f| f.verdict != Verdict::Skipped));
    }
    findings
}
