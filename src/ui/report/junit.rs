//! JUnit XML, for CI: a suite for each subject, a case for each finding.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Audit, by_subject};
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Severity, Verdict};

/// `fails`: does that finding fail the run?
pub fn junit(audit: &Audit, fails: &dyn Fn(&Finding) -> bool) -> Result<String, String> {
    let mut report = Report::new("studiolink audit");
    for group in by_subject(audit.findings.iter().copied()) {
        let Some(first) = group.first() else {
            continue;
        };
        let mut suite = TestSuite::new(first.name.as_str());
        suite.add_property(("subject", first.subject.id().as_str()));
        suite.add_test_cases(group.iter().map(|f| case(f, fails)));
        report.add_test_suite(suite);
    }
    if audit.exit == Exit::Interrupted {
        let mut suite = TestSuite::new("studiolink");
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("the audit was interrupted: what is not listed was not checked");
        suite.add_test_case(TestCase::new("the audit came to its end", status));
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|e| e.to_string())
}

fn case(finding: &Finding, fails: &dyn Fn(&Finding) -> bool) -> TestCase {
    let mut text = vec![finding.message.to_string()];
    for (label, more) in [("why", &finding.why), ("fix", &finding.fix)] {
        text.extend(more.as_ref().map(|m| format!("{label}: {m}")));
    }
    text.extend(
        super::text::evidence(finding, false)
            .into_iter()
            .map(|l| format!("seen: {l}")),
    );
    let text = text.join("\n");
    let not = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(finding.message.as_str());
        status.set_type(finding.code);
        status.set_description(text.as_str());
        status
    };
    let mut said = None;
    let status = match finding.verdict {
        Verdict::Ok => TestCaseStatus::success(),
        Verdict::Fail | Verdict::ToDo | Verdict::Warn if fails(finding) => {
            not(NonSuccessKind::Failure)
        }
        Verdict::Fail | Verdict::ToDo | Verdict::Warn => {
            said = Some(text.clone());
            TestCaseStatus::success()
        }
        // As the exit code has it.
        Verdict::Unknown if finding.severity == Severity::Fail => not(NonSuccessKind::Error),
        Verdict::Unknown
        | Verdict::WorkerOnly
        | Verdict::NotReached
        | Verdict::Confirmed
        | Verdict::Ignored
        | Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {}", finding.verdict.word(), finding.message));
            status
        }
    };
    let name = match &finding.item {
        Some(item) => format!("{} ({item})", finding.check),
        None => finding.check.to_owned(),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(finding.subject.id());
    if let Some(said) = said {
        case.set_system_out(said);
    }
    case
}
