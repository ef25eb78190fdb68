//! Would conda on a worker find and install what a publish job asks for, from these channels in this order?

use super::prelude::*;
use crate::derived::solve_questions::{
    Lack, SolveQuestion, active_fleets, as_caller_too, by_caller, questions,
};
use crate::domain::call::Vantage;
use crate::domain::conda_solve::{Platform, SolveReport};
use crate::domain::finding::Assessment;
use crate::domain::ids::QueueKey;
use crate::probes::{Solve, judge};
use crate::questions::{FleetDetails, QueueFleets};

pub(super) const CHECK: Check = Check {
    id: "conda-solve",
    title: "conda finds the AYON packages for each fleet",
    why: "an environment that can't be solved fails every job at its start, minutes after it was submitted",
    topic: Topic::Channels,
    grade: Grade::Tried,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    match questions(view, key) {
        Err(Lack::Pending) => Vec::new(),
        Err(Lack::Unknown(because)) => {
            let finding = Finding::unknown("no-question", "No conda solve was made").why(because);
            vec![finding.from(view.evidence(&QueueFleets(key.clone())))]
        }
        Err(Lack::Skipped(because)) => {
            vec![Finding::skipped("no-question", "No conda solve was made").why(because)]
        }
        Ok(list) => {
            let mut findings = unread_fleets(view, key);
            findings.extend(list.iter().flat_map(|question| of_question(view, question)));
            findings
        }
    }
}

/// What is said of the other fleets' platforms says nothing about theirs.
fn unread_fleets(view: &View, key: &QueueKey) -> Vec<Finding> {
    let fleets = active_fleets(view, key).unwrap_or_default();
    let unread = fleets.into_iter().filter_map(|(fleet, fact)| {
        let problem = fact.problem()?;
        let line = format!("No conda solve was made for fleet {}", fleet.fleet);
        let finding = Finding::unknown("fleet-unread", line)
            .why(format!("its platform is not known: {}", problem.because))
            .fix(problem.fix.as_str())
            .about(fleet.fleet.as_str());
        Some(finding.from(view.evidence(&FleetDetails(fleet))))
    });
    unread.collect()
}

fn of_question(view: &View, question: &SolveQuestion) -> Vec<Finding> {
    let SolveQuestion { solve, from } = question;
    let caller = as_caller_too(view, question);
    let caller = caller.and_then(|o| o.seen.as_ref().ok());
    let mut findings = match caller {
        Some(report) => of_caller(view, solve, report),
        None => Vec::new(),
    };
    let Some(report) = view.seen(solve, from).value() else {
        findings.extend(assessed(view, solve, from));
        return findings;
    };
    let as_caller = |platform| caller.and_then(|report| by_caller(report, platform));
    let judged = judge(&solve.0, from, report, &as_caller).into_iter();
    findings.extend(judged.map(|(platform, a)| finding(view, solve, from, platform, a)));
    findings
}

fn finding(
    view: &View,
    solve: &Solve,
    from: &Vantage,
    platform: Platform,
    assessment: Assessment,
) -> Finding {
    let whose = if solve.0.for_addon { "addon" } else { "queue" };
    let item = format!("{whose} {}", platform.word());
    let finding = assessment.finding().about(item).seen_from(from);
    finding.from(view.evidence_of(solve, from))
}

/// What giving the queue role its permissions would not cure: the channels lack something, no matter who reads them.
fn of_caller(view: &View, solve: &Solve, report: &SolveReport) -> Vec<Finding> {
    let judged = judge(&solve.0, &Vantage::Here, report, &|_| None).into_iter();
    let lacks = judged.filter(|(_, a)| matches!(a.code, "not-found" | "not-solvable"));
    lacks
        .map(|(platform, a)| finding(view, solve, &Vantage::Here, platform, a))
        .collect()
}
