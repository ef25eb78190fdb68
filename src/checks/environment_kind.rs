//! The console's command is only known to exist on service-managed workers (field facts A3).

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::domain::farm::Management;
use crate::domain::ids::QueueKey;
use crate::domain::template::{Kind, Template};
use crate::questions::{FleetDetails, QueueEnvironments, QueueFleets};

pub(super) const CHECK: Check = Check {
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
        let fact = view.fact(&FleetDetails(key.fleet(&row.fleet)));
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
    // Without fleets there is nothing that a kind could suit.
    if pending || fleets.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // What a kind runs that is not known, conda-environment says so of.
    let is_known = |(_, t): &(_, &Template)| t.kind != Kind::UnknownConda;
    for (environment, template) in conda.into_iter().filter(is_known) {
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
                environment, which the hosts that bring their own launcher can leave out")
        } else if template.kind.needs_service_worker() && unread > 0 {
            Finding::unknown(
                "fleet-unread",
                format!("Whether \"{name}\" suits the fleets is unknown: of {unread} it is not known who manages their machines"),
            )
            .why(CHECK.why)
        } else {
            Finding::ok(format!(
                "{} suits the fleets of the queue",
                capitalized(template.kind.words())
            ))
        };
        let mut finding = finding
            .about(environment.id.as_str())
            .from(view.evidence(&QueueEnvironments(key.clone())))
            .from(view.evidence(&question));
        for row in fleets {
            finding = finding.from(view.evidence(&FleetDetails(key.fleet(&row.fleet))));
        }
        findings.push(finding);
    }
    findings
}
