//! TO DO: what is wrong now and would not be after the plan. The checks run once more on the studio as it would be after
//! each change; a finding that is gone there is to do, and names the change.

use std::collections::BTreeMap;

use super::inquiry::Inquiry;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::subject::Subject;
use crate::resources::{Plan, Touched};

/// A finding's key, owned.
type OwnKey = (&'static str, Subject, &'static str, Option<String>);

fn key(finding: &Finding) -> OwnKey {
    let item = finding.item.as_ref().map(ToString::to_string);
    (finding.check, finding.subject.clone(), finding.code, item)
}

/// The findings that the plan cures, each with the id of the first change after which it is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cured(BTreeMap<OwnKey, String>);

impl Cured {
    pub fn by(inquiry: &Inquiry, plan: &Plan) -> Self {
        let mut cured = Self::default();
        if plan.changes.is_empty() {
            return cured;
        }
        let mut after = inquiry.clone();
        for change in &plan.changes {
            let (mut changed, mut stale) = (Vec::new(), Vec::new());
            for touched in change.resource.touches(after.snapshot()) {
                match touched {
                    Touched::Changed(key) => changed.push(key),
                    Touched::Stale(key) => stale.push(key),
                }
            }
            let ran = after.suppose(|snapshot| change.apply_to(snapshot), &changed, &stale);
            for id in ran {
                // A task that the change has brought forth has no finding yet.
                let before = inquiry.task(id).iter().filter(|f| f.verdict.is_bad());
                for finding in before {
                    let still = |f: &Finding| f.verdict.is_bad() && f.key() == finding.key();
                    if after.task(id).iter().any(still) {
                        // Gone after one change and back after another.
                        cured.0.remove(&key(finding));
                    } else if after.is_judged(id) || finding.verdict != Verdict::Warn {
                        // What is tried again after the change is to do too; a doubt that nobody has looked into is not.
                        let cured_by = cured.0.entry(key(finding));
                        cured_by.or_insert_with(|| change.id.clone());
                    }
                }
            }
        }
        cured
    }

    /// The findings as they are shown before the plan is applied.
    pub fn mark(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for finding in &mut findings {
            if finding.verdict.is_bad()
                && let Some(change) = self.0.get(&key(finding))
            {
                finding.verdict = Verdict::ToDo;
                finding.cured_by = Some(change.clone());
            }
        }
        findings
    }
}

/// What `setup` could fix and does not, before the plan is applied or after it: to send people to setup would send them in
/// a circle.
pub fn say_what_is_held_back(findings: &mut [Finding], before: bool) {
    let words = if before {
        "setup does not change this now: it is held back, or was left out; `studiolink plan` says why"
    } else {
        "this run did not change it; `studiolink plan` says what would, or why it is held back"
    };
    for finding in findings {
        if finding.by_setup && finding.verdict.is_bad() {
            finding.fix = Some(words.into());
        }
    }
}
