//! No channel stands before one whose packages it hides.

use super::prelude::*;
use crate::derived::conda_environment::conda_environments;
use crate::domain::channel::split;
use crate::domain::conda_solve::Priority;
use crate::domain::ids::QueueKey;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "channel-order",
    title: "No channel hides the packages of a later one",
    why: "under strict priority a package comes from the first channel that has its name, however old its build of it",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

const OLD: &str = "deadline-cloud";
const NEW: &str = "deadline-cloud-v2";

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    let found = conda_environments(view, key);
    let [(environment, template)] = found.as_slice() else {
        return Vec::new(); // conda-environment says why
    };
    let Some(list) = template.channels.as_ref().and_then(|c| c.as_deref()) else {
        return Vec::new();
    };
    let list = split(list);
    let place = |name: &str| list.iter().position(|c| *c == name);
    let strict = template.priorities.contains(&Priority::Strict);
    match (place(OLD), place(NEW)) {
        (Some(old), Some(new)) if old < new && strict => {
            let name = environment.name.show();
            let line = format!("\"{name}\" has {OLD} before {NEW}");
            let finding = Finding::warn("hidden", line)
                .why(format!(
                    "{}: what both hold never comes from {NEW}, which AWS keeps up to date",
                    CHECK.why
                ))
                .fix(format!(
                    "put {NEW} first, in the studio file and on the queue"
                ));
            vec![finding.from(view.evidence(&QueueEnvironments(key.clone())))]
        }
        _ => Vec::new(),
    }
}
