//! The queue role reads the channel and no other object in its bucket, tried with its own credentials where that can do no
//! harm.

use super::prelude::*;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::domain::ids::QueueKey;
use crate::probes::ReadOutside;
use crate::questions::{Part, QueueDetails};

pub(super) const CHECK: Check = Check {
    id: "queue-role-excess-read",
    title: "The queue role reads no other objects in the channel's bucket",
    why: "every user who submits a job runs as the queue role, and so can read what it can",
    topic: Topic::Roles,
    grade: Grade::Tried,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let queue = view.fact(&QueueDetails(key.clone())).known();
    if queue.is_none_or(|q| q.role.is_none()) {
        return Vec::new(); // queue-status and queue-role say why
    }
    let from = Vantage::QueueRole(key.clone());
    // A channel that is the whole bucket has nothing outside it.
    let has_prefix =
        |c: &&Channel| matches!(c.place(), Place::S3 { prefix, .. } if !prefix.is_empty());
    let mut findings = Vec::new();
    let channels = view.config(Part::Channels).s3_channels();
    for channel in channels.filter(has_prefix) {
        let probe = ReadOutside(channel.clone());
        let sight = view.seen(&probe, &from);
        // That there are no credentials, that S3 does not answer, or that an audit does not try, other checks say.
        if sight.value().is_some() {
            let found = assessed(view, &probe, &from).into_iter();
            findings.extend(found.map(|f| f.about(channel.show())));
        }
    }
    findings
}
