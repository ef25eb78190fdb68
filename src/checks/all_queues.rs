//! Were all farms and queues listed? Only an audit of everything asks; what it could not list, it has not checked.

use super::prelude::*;
use crate::domain::ids::FarmId;
use crate::questions::{FarmList, Part, QueueList};

pub const CHECK: Check = Check {
    id: "all-queues",
    title: "All farms and queues were listed",
    why: "`audit --all` checks what it can list: a farm that it may not see is not fine, it is not checked",
    topic: Topic::Queue,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Account(check),
};

fn check(view: &View) -> Vec<Finding> {
    let config = view.config(Part::Queues);
    if !config.lists_all {
        return Vec::new();
    }
    let fact = view.fact(&FarmList);
    let evidence = view.evidence(&FarmList);
    let Some(farms) = fact.known() else {
        return with_evidence(Finding::unread("the farms of the account", fact), evidence);
    };
    let chosen = |id: &FarmId| config.only_farms.is_empty() || config.only_farms.contains(id);
    let ids = farms.iter().filter_map(|f| f.id.parse::<FarmId>().ok());
    let ids: Vec<FarmId> = ids.filter(chosen).collect();
    let mut findings = Vec::new();
    let (mut queues, mut pending) = (0, false);
    let mut seen = vec![evidence];
    for farm in &ids {
        let question = QueueList(farm.clone());
        let fact = view.fact(&question);
        match fact.known() {
            Some(list) => {
                queues += list.len();
                seen.push(view.evidence(&question));
            }
            None => {
                pending |= fact.is_pending();
                let unread = Finding::unread(&format!("the queues of farm {farm}"), fact);
                findings.extend(
                    unread.map(|f| f.about(farm.to_string()).from(view.evidence(&question))),
                );
            }
        }
    }
    if findings.is_empty() && !pending {
        let line = format!("{} farms with {queues} queues were listed", ids.len());
        findings.push(seen.into_iter().fold(Finding::ok(line), Finding::from));
    }
    findings
}
