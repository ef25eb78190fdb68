//! Can the fleet start workers?

use super::prelude::*;
use crate::domain::farm::FleetStatus;
use crate::domain::ids::FleetKey;
use crate::questions::FleetDetails;

pub(super) const CHECK: Check = Check {
    id: "fleet-status",
    title: "The fleet is active and may start workers",
    why: "a fleet that can start no worker leaves its jobs waiting",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Fleet(check),
};

fn check(view: &View, key: &FleetKey) -> Vec<Finding> {
    let question = FleetDetails(key.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let Some(fleet) = fact.known() else {
        return with_evidence(Finding::unread("the fleet", fact), evidence);
    };
    let roles: Vec<String> = fleet.roles.iter().map(|r| r.show().to_string()).collect();
    let role = if roles.is_empty() {
        "no attr.role".to_owned()
    } else {
        format!("attr.role {}", roles.join(", "))
    };
    let line = format!(
        "{} {}, {} of at most {} workers, {role}",
        fleet.management.word(),
        fleet.os.word(),
        fleet.workers,
        fleet.max_workers
    );
    let finding = if fleet.status != FleetStatus::Active {
        let said = fleet.message.as_ref();
        let said = said.map(|m| format!(": {}", m.long())).unwrap_or_default();
        Finding::warn(
            "not-active",
            format!("Is not ACTIVE: its status is {}{said}", fleet.status.word()),
        )
        .why(line)
        .fix("see what the status names, in the console; an update that failed is made again")
    } else if fleet.max_workers == 0 {
        Finding::warn("no-workers", "May start no worker: its maximum is 0")
            .why(line)
            .fix("raise the fleet's maximum worker count")
    } else {
        Finding::ok(line)
    };
    vec![finding.from(evidence)]
}
