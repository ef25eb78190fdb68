//! The console's command is only known to exist on service-managed workers (field facts A3).

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::domain::farm::Management;
use crate::domain::ids::{FleetKey, QueueKey};
use crate::questions::{FleetDetails, QueueEnvironments, QueueFleets};

pub const CHECK: Check = Check {
    id: "environment-kind",
    title: "The kind of conda environment suits the fleets",
    why: "conda-queue-env-enter is only known to exist on service-managed workers; on a \
        customer-managed host the environment fails unless the studio installed a command of that \
        name",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let conda = conda_environments(view, key);
    let question = QueueFleets(key.clone());
    let Some(fleets) = view.fact(&question).known() else {
        return Vec::new(); // queue-fleets says why
    };
    let (mut customer, mut unread, mut pending) = (Vec::new(), 0, false);
    for row in fleets {
        let fleet = FleetKey {
            farm: key.farm.clone(),
            fleet: row.fleet.clone(),
        };
        let fact = view.fact(&FleetDetails(fleet));
        pending |= fact.is_pending();
        match fact.known() {
            Some(f) if f.management == Management::Service => {}
            Some(f) if f.management == Management::Customer => {
                customer.push(f.name.show().to_string());
            }
            // A kind of fleet that this version does not know may have the command or not.
            _ => unread += 1,
        }
    }
    if pending {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (environment, template) in conda {
        let name = environment.name.show();
        let finding = if template.kind.needs_service_worker() && !customer.is_empty() {
            Finding::warn(
                "customer-managed",
                format!(
                    "\"{name}\" is the console's default conda environment, and a customer-managed fleet is associated with the queue: {}",
                    customer.join(", ")
                ),
            )
            .why(CHECK.why)
            .fix("give the customer-managed fleet a queue of its own, or use the inline conda \
                environment; set DISABLE_CONDA_ENV=1 on hosts that bring their own launcher")
        } else if template.kind.needs_service_worker() && unread > 0 {
            Finding::unknown(
                "fleet-unread",
                format!("Whether \"{name}\" suits the fleets is unknown: {unread} of them could not be read"),
            )
            .why(CHECK.why)
        } else {
            Finding::ok(format!(
                "{} suits the fleets of the queue",
                capitalized(template.kind.words())
            ))
        };
        let finding = finding.about(environment.id.as_str());
        findings.push(
            finding
                .from(view.evidence(&QueueEnvironments(key.clone())))
                .from(view.evidence(&question)),
        );
    }
    findings
}
