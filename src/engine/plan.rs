//! Plan: what the goals propose, in the order that the changes' needs give. Pure, and empty when nothing is wrong.

use std::collections::BTreeSet;

use crate::goals::{Draft, Goal, ManualStep};
use crate::questions::{Demand, View};
use crate::resources::{LeftAlong, Plan};

/// The plan without the changes whose ids were left out, and without those that need them.
pub fn plan(view: &View, goals: &[&Goal], left_out: &BTreeSet<String>) -> Plan {
    let whole = propose(view, goals, &BTreeSet::new());
    if left_out.is_empty() {
        return whole;
    }
    let mut plan = propose(view, goals, left_out);
    plan.leave_out(left_out);
    // Some go along because a goal no longer proposes them; the review says so of them too.
    let gone = |id: &String| !plan.changes.iter().any(|c| c.id == *id) && !left_out.contains(id);
    for change in whole.changes.iter().filter(|c| gone(&c.id)) {
        if !plan.left_along.iter().any(|l| l.id == change.id) {
            let needs = whole
                .changes
                .iter()
                .find(|c| change.needs.contains(&c.id) && left_out.contains(&c.id));
            let needs = needs.map(|c| format!("{} {}", c.operation(), c.words()));
            plan.left_along.push(LeftAlong {
                id: change.id.clone(),
                words: format!("{} {}", change.operation(), change.words()).into(),
                needs: needs
                    .unwrap_or_else(|| "a change that was left out".to_owned())
                    .into(),
            });
        }
    }
    plan
}

fn propose(view: &View, goals: &[&Goal], left_out: &BTreeSet<String>) -> Plan {
    let mut draft = Draft {
        left_out: left_out.clone(),
        ..Draft::default()
    };
    for goal in goals {
        (goal.propose)(view, &mut draft);
    }
    draft.plan.put_in_order();
    draft.plan
}

/// What the goals read that is not known yet.
pub fn plan_demands(view: &View, goals: &[&Goal]) -> BTreeSet<Demand> {
    let view = view.again();
    let whole = propose(&view, goals, &BTreeSet::new());
    for goal in goals {
        (goal.manual)(&view, &whole);
    }
    view.recorded().1
}

/// What stays with people.
pub fn manual_steps(view: &View, goals: &[&Goal]) -> Vec<ManualStep> {
    let whole = propose(view, goals, &BTreeSet::new());
    let steps = goals.iter().flat_map(|goal| (goal.manual)(view, &whole));
    steps.collect()
}
