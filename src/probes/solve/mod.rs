//! Would conda find and install what is asked for? What the answer means, platform by platform: the verdict, what it
//! assumes, the reason and the way out.

mod found;
mod obstacle;
mod priorities;
mod reasons;
mod unseen;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};
use crate::domain::call::Vantage;
use crate::domain::channel::join;
use crate::domain::conda_solve::{CondaSolve, Outcome, Platform, Solve as Solved, SolveReport};
use crate::domain::finding::{Assessment, Verdict};
use crate::domain::text::Printable;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Solve(pub CondaSolve);

impl Probe for Solve {
    type Observed = SolveReport;

    fn words(&self, from: &Vantage) -> String {
        let platforms: Vec<&str> = self.0.platforms.iter().map(|p| p.word()).collect();
        let who = if from.is_queue_role() {
            " as the queue role"
        } else {
            ""
        };
        format!("conda solve for {}{who}", platforms.join(", "))
    }

    /// The worst of its platforms.
    fn assess(&self, from: &Vantage, seen: &Observation<SolveReport>) -> Assessment {
        let report = match &seen.seen {
            Ok(report) => report,
            Err(problem) => {
                return Assessment::unknown("no-answer", problem.doing.as_str())
                    .for_problem(problem);
            }
        };
        let judged = judge(&self.0, from, report, &|_| None);
        judged
            .into_iter()
            .map(|(_, assessment)| assessment)
            .min_by_key(|a| a.verdict)
            .unwrap_or_else(|| {
                Assessment::new(
                    Verdict::Skipped,
                    "no-platform",
                    "No platform was solved for",
                )
            })
    }
}

/// What each platform comes to, and where it matters how much the order of the channels counts, that. `by_caller`: the
/// same platform solved as the identity that is signed in, where the queue role was refused; it changes words alone.
pub fn judge<'a>(
    question: &CondaSolve,
    from: &Vantage,
    report: &SolveReport,
    by_caller: &dyn Fn(Platform) -> Option<&'a Solved>,
) -> Vec<(Platform, Assessment)> {
    let mut list = Vec::new();
    for platform in &question.platforms {
        let solves = report.solves.iter().filter(|s| s.platform == *platform);
        let solves: Vec<&Solved> = solves.collect();
        let Some((first, others)) = solves.split_first() else {
            continue;
        };
        let judge = Judge {
            question,
            report,
            as_caller: !from.is_queue_role(),
            platform: *platform,
            by_caller: by_caller(*platform),
        };
        list.push((*platform, judge.platform(first)));
        if !question.for_addon {
            let differ = others.iter().filter_map(|o| judge.difference(first, o));
            list.extend(differ.map(|a| (*platform, a)));
        }
    }
    list
}

/// One platform's judgement.
struct Judge<'a> {
    question: &'a CondaSolve,
    report: &'a SolveReport,
    /// The channels were read as the identity that is signed in.
    as_caller: bool,
    platform: Platform,
    /// The same, read as the identity that is signed in.
    by_caller: Option<&'a Solved>,
}

impl Judge<'_> {
    /// The assessment, as weighty as the question makes it: less for platforms that publish nothing and for AYON's own
    /// list, and never OK for a version that was only guessed.
    fn platform(&self, solve: &Solved) -> Assessment {
        let mut assessment = self.assessment(solve);
        if let (Some(why), Verdict::Ok | Verdict::WorkerOnly) =
            (&self.question.unpinned, assessment.verdict)
        {
            if assessment.verdict == Verdict::Ok {
                assessment.verdict = Verdict::Skipped;
                assessment.code = "not-pinned";
            }
            assessment.message = format!(
                "Not checked with the pinned version: {why}. With the newest: {}",
                assessment.message
            )
            .into();
        }
        let publishes = self.question.publishing.contains(&self.platform);
        if assessment.verdict == Verdict::Fail && (self.question.for_addon || !publishes) {
            assessment.verdict = Verdict::Warn;
        }
        if self.question.for_addon {
            assessment.message = format!(
                "AYON's own jobs name their channels ({}): {}",
                join(&self.question.channels),
                assessment.message
            )
            .into();
        } else if assessment.verdict == Verdict::Warn {
            assessment.why = Some(append(
                assessment.why,
                "no fleet of this platform takes publish steps",
            ));
        }
        assessment
    }

    fn channel(&self, at: usize) -> Printable {
        self.question
            .channels
            .get(at)
            .map_or_else(|| "a channel".into(), |c| Printable::short(c.as_str(), 60))
    }

    fn assessment(&self, solve: &Solved) -> Assessment {
        if let Some(obstacle) = self.at_obstacle(solve) {
            return obstacle;
        }
        let word = self.platform.word();
        match &solve.outcome {
            Outcome::NotTried(why) => {
                Assessment::fail("not-solvable", format!("{word}: not solved: {why}"))
                    .fix("correct the pin or the package in the studio file")
            }
            Outcome::CouldNot(why) => Assessment::unknown(
                "not-solved",
                format!("{word}: not solved: {why}"),
            )
            .why("nothing is known of what a worker would find")
            .fix(if why.as_str().contains("duplicate") {
                "the same file stands in two folders or twice: have that channel indexed again"
            } else {
                "check again; if it stays, a worker may have the same trouble"
            }),
            Outcome::Found(list) => self.found(solve, list),
            Outcome::NotFound(reasons) => self.not_found(solve, reasons),
        }
    }

    fn details(&self, solve: &Solved) -> Vec<Printable> {
        match &solve.outcome {
            Outcome::Found(_) => found::resolved_lines(self.question, solve),
            Outcome::NotFound(reasons) => reasons.iter().map(|r| self.words(r).into()).collect(),
            Outcome::NotTried(why) | Outcome::CouldNot(why) => vec![why.clone()],
        }
    }
}

fn append(words: Option<Printable>, more: &str) -> Printable {
    match words {
        Some(words) => format!("{words}; {more}").into(),
        None => more.into(),
    }
}
