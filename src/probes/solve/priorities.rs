//! Where sources disagree about conda's channel priority on a worker: would it matter?

use super::Judge;
use crate::domain::conda_solve::{Outcome, Solve as Solved};
use crate::domain::finding::Assessment;

const DISAGREE: &str = "sources disagree about the priority that the console's default conda \
    environment uses: the newer ones say strict, an older one flexible; a worker's own probe \
    settles it";

impl Judge<'_> {
    /// Where sources disagree about the priority, whether it would matter.
    pub(super) fn difference(&self, first: &Solved, other: &Solved) -> Option<Assessment> {
        // What a channel holds that was not read would decide it, and that it was not read is said already.
        if !self.obstacles().is_empty() {
            return None;
        }
        let word = self.platform.word();
        let (one, two) = (first.priority.word(), other.priority.word());
        if let (Outcome::Found(_) | Outcome::NotFound(_), Outcome::CouldNot(why)) =
            (&first.outcome, &other.outcome)
        {
            let line = format!("{word}: with {two} priority: not solved: {why}");
            return Some(Assessment::unknown("other-priority-not-solved", line).why(DISAGREE));
        }
        let lines = |s: &Solved| -> Option<Vec<String>> {
            let Outcome::Found(list) = &s.outcome else {
                return None;
            };
            Some(
                list.iter()
                    .map(|r| {
                        format!(
                            "{} {} {} of {}",
                            r.name,
                            r.version.show(),
                            r.build.show(),
                            self.channel(r.channel)
                        )
                    })
                    .collect(),
            )
        };
        let (a, b) = (lines(first), lines(other));
        if a == b {
            return None;
        }
        let assessment = match (a, b) {
            (Some(a), Some(b)) => {
                let only = |x: &[String], y: &[String]| {
                    x.iter()
                        .filter(|l| !y.contains(l))
                        .cloned()
                        .collect::<Vec<_>>()
                };
                let (left, right) = (only(&a, &b), only(&b, &a));
                let some = |l: &[String]| l.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                Assessment::warn(
                    "priorities-differ",
                    format!(
                        "{word}: {one} and {two} priority differ: {} or {}",
                        some(&left),
                        some(&right)
                    ),
                )
                .details(
                    left.iter()
                        .map(|l| format!("{one}: {l}").into())
                        .chain(right.iter().map(|l| format!("{two}: {l}").into())),
                )
            }
            (None, Some(_)) => Assessment::warn(
                "priorities-differ",
                format!("{word}: with {two} priority it would be found"),
            ),
            (_, None) => Assessment::warn(
                "priorities-differ",
                format!("{word}: with {two} priority it would not be found"),
            ),
        };
        Some(assessment.why(DISAGREE))
    }
}
