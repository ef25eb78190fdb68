//! Plan: what the goals propose, in the order that the changes' needs give. Pure, and empty when nothing is wrong.

use std::collections::BTreeSet;

use crate::goals::{Draft, Goal, ManualStep, Wishes};
use crate::questions::{Demand, View};
use crate::resources::{Change, LeftAlong, Plan};

/// The plan as if nothing had been left out.
pub fn plan(view: &View, goals: &[&Goal], wishes: &Wishes) -> Plan {
    let whole = Wishes {
        left_out: BTreeSet::new(),
        ..wishes.clone()
    };
    propose(view, goals, whole)
}

/// The plan without the changes whose ids were left out, and without those that need them.
pub fn without(view: &View, goals: &[&Goal], wishes: &Wishes, whole: &Plan) -> Plan {
    let left_out = &wishes.left_out;
    let mut plan = propose(view, goals, wishes.clone());
    plan.leave_out(left_out);
    // Some go along because a goal no longer proposes them; the review says so of them too.
    let kept: BTreeSet<&String> = plan.changes.iter().map(|c| &c.id).collect();
    let gone = |id: &String| !kept.contains(id) && !left_out.contains(id);
    let gone: Vec<&Change> = whole.changes.iter().filter(|c| gone(&c.id)).collect();
    for change in gone {
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

fn propose(view: &View, goals: &[&Goal], wishes: Wishes) -> Plan {
    let mut draft = Draft::new(wishes);
    for goal in goals {
        (goal.propose)(view, &mut draft);
    }
    draft.plan.put_in_order();
    draft.plan
}

/// What the goals read that is not known yet.
pub fn plan_demands(view: &View, goals: &[&Goal], wishes: &Wishes) -> BTreeSet<Demand> {
    let view = view.again();
    let whole = plan(&view, goals, wishes);
    for goal in goals {
        (goal.manual)(&view, &whole);
    }
    view.recorded().1
}

/// What stays with people.
pub fn manual_steps(view: &View, goals: &[&Goal], whole: &Plan) -> Vec<ManualStep> {
    let steps = goals.iter().flat_map(|goal| (goal.manual)(view, whole));
    steps.collect()
}
