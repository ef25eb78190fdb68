//! Is the role named with which the studio's own machines start?

use super::prelude::*;
use crate::domain::farm::Management;
use crate::domain::ids::FleetKey;
use crate::questions::{FleetDetails, Part};

pub(super) const CHECK: Check = Check {
    id: "worker-host-named",
    title: "The role of a customer-managed fleet's machines is named",
    why: "no call of AWS tells which role such machines start with, so it is only checked where the studio file names it",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Fleet(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let question = FleetDetails(key.clone());
    let Some(fleet) = view.fact(&question).known() else {
        return Vec::new(); // fleet-status says why
    };
    let named = !view.config(Part::Iam).iam.worker_hosts.is_empty();
    if fleet.management != Management::Customer || named {
        return Vec::new();
    }
    let finding = Finding::skipped("not-named", "The role of its machines was not checked")
        .why(CHECK.why)
        .fix("name it in the studio file: [iam] worker_hosts = [\"arn:aws:iam::…:role/…\"]");
    vec![finding.from(view.evidence(&question))]
}
