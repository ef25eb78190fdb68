//! No queue environment holds a password or token in an address.

use super::prelude::*;
use crate::derived::conda_environment::environments;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::secrets::addresses_with_secrets;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "channel-secrets",
    title: "No queue environment holds a password or token in an address",
    why: "everybody who may read the queue reads its environments, and each job carries a copy: artists, submitters, logs",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let question = QueueEnvironments(key.clone());
    if !matches!(view.fact(&question), Fact::Known(list) if list.iter().all(|e| e.known().is_some()))
    {
        return Vec::new(); // conda-environment says why
    }
    let mut findings = Vec::new();
    for environment in environments(view, key) {
        let shown = addresses_with_secrets(&environment.template.text);
        if shown.is_empty() {
            continue;
        }
        let name = environment.name.show();
        let line = format!(
            "\"{name}\" holds a password or token in the address of {}",
            shown.join(", ")
        );
        let finding = Finding::warn("in-address", line)
            .why(CHECK.why)
            .fix("take it out of the address and replace it, because others have read it; an S3 channel needs no password: workers read it as the queue role");
        findings.push(finding.about(environment.id.to_string()));
    }
    let evidence = view.evidence(&question);
    findings
        .into_iter()
        .map(|f| f.from(evidence.clone()))
        .collect()
}
