//! The channel has an index that can be read, as far as it can be seen from here.

use super::prelude::*;
use crate::derived::worker_reading::used_by_worker;
use crate::domain::call::Vantage;
use crate::domain::channel::{Channel, Place};
use crate::probes::{Probe, ReadIndex};
use crate::questions::{LastProbes, Part};

pub(super) const CHECK: Check = Check {
    id: "channel-index",
    title: "The channel has noarch/repodata.json",
    why: "conda treats a missing noarch index as an error, not as an empty channel: every job of the queue would fail at its start",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Channel(check),
};

fn check(view: &View, channel: &Channel) -> Vec<Finding> {
    if channel.place() == Place::AwsAlias {
        return vec![aws_alias(view, channel)];
    }
    let probe = ReadIndex(channel.clone());
    let Some(seen) = view.seen(&probe, &Vantage::Here).seen() else {
        return Vec::new();
    };
    let assessment = probe.assess(&Vantage::Here, seen);
    if assessment.code == "denied-here" {
        // What this identity may not read, the queue role may.
        let queues = view.config(Part::Queues).queues.iter();
        for key in queues {
            let queue_name = view.queue_name(key);
            let from = Vantage::QueueRole(key.clone());
            if let Some(as_role) = view.peek_seen(&probe, &from).seen()
                && as_role.seen.is_ok()
            {
                let finding = probe.assess(&from, as_role).finding();
                let finding = finding
                    .about(queue_name)
                    .seen_from(&from)
                    .from(view.evidence_of(&probe, &from));
                return vec![finding];
            }
        }
    }
    let finding = assessment.finding().seen_from(&Vantage::Here);
    vec![finding.from(view.evidence_of(&probe, &Vantage::Here))]
}

fn aws_alias(view: &View, channel: &Channel) -> Finding {
    let Some((queue, fleet, told)) = used_by_worker(view, channel) else {
        return Finding::worker_only("aws-alias", "Only a worker can read it")
            .why("AWS maps this name to storage of its own that only workers reach");
    };
    let line = format!(
        "A worker got its conda environment with this channel in the list ({})",
        told.run.when()
    );
    Finding::ok(line)
        .why("inferred: conda fails where a channel of its list can't be read")
        .seen_from(&Vantage::Worker(fleet))
        .from(view.evidence(&LastProbes(queue)))
}
