//! What the check `conda-solve` makes of answers that are not whole: what was not seen is not claimed.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{look, open};
use studiolink::domain::call::Vantage;
use studiolink::domain::conda_solve::{
    Outcome, Priority, Solve as Solved, SolveReport, SubdirState,
};
use studiolink::domain::config::{Pin, StudioConfig};
use studiolink::domain::fact::Fact;
use studiolink::domain::farm::Association;
use studiolink::domain::finding::{Finding, Severity, Verdict};
use studiolink::domain::ids::FleetKey;
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::subject::Subject;
use studiolink::domain::text::Printable;
use studiolink::probes::Solve;
use studiolink::questions::{AyonBundles, FleetDetails, Purpose, QueueFleets, Snapshot, View};

async fn seen(name: &str, change: impl Fn(&mut StudioConfig)) -> (Snapshot, StudioConfig) {
    let (world, mut config) = open(name);
    change(&mut config);
    (look(&world, &config).await.snapshot().clone(), config)
}

fn judged(snapshot: &Snapshot, config: &StudioConfig) -> Vec<Finding> {
    let check = studiolink::checks::by_id("conda-solve").unwrap();
    let view = View::new(snapshot, config, Purpose::Setup);
    check.run(&view, &Subject::Queue(config.queues[0].clone()))
}

fn each_answer(snapshot: &mut Snapshot, change: impl Fn(&mut SolveReport)) {
    for seen in snapshot.observations.of_mut::<Solve>().values_mut() {
        if let Ok(report) = &mut seen.seen {
            change(report);
        }
    }
}

/// As if the queue role had its permissions.
fn let_in(snapshot: &mut Snapshot) {
    each_answer(snapshot, |report| {
        let rows = report.channels.iter_mut().flat_map(|c| &mut c.subdirs);
        for row in rows.flatten() {
            if matches!(row.state, SubdirState::Forbidden(_)) {
                row.state = SubdirState::Present;
            }
        }
    });
}

#[tokio::test]
async fn a_fleet_that_could_not_be_read_is_unknown_beside_those_that_were() {
    let (mut snapshot, config) = seen("studio", |_| {}).await;
    let before = judged(&snapshot, &config);
    assert!(before.iter().all(|f| f.verdict != Verdict::Unknown));
    let key = config.queues[0].clone();
    let fleets = snapshot.facts.known_mut(&QueueFleets(key.clone())).unwrap();
    let dark = "fleet-000000000000000000000000000000ff";
    fleets.push(Association {
        fleet: dark.parse().unwrap(),
        ..fleets[0].clone()
    });
    let problem = Problem::new(
        ProblemKind::Denied,
        "Could not read a fleet",
        "AWS refused it",
        "allow deadline:GetFleet",
    );
    let fleet = FleetKey {
        farm: key.farm,
        fleet: dark.parse().unwrap(),
    };
    snapshot
        .facts
        .set(FleetDetails(fleet), Fact::Denied(Box::new(problem)));
    let after = judged(&snapshot, &config);
    assert_eq!(after.len(), before.len() + 1);
    let of_fleet = after
        .iter()
        .find(|f| f.verdict == Verdict::Unknown)
        .unwrap();
    assert!(of_fleet.message.as_str().contains(dark));
    assert_eq!(
        of_fleet.severity,
        Severity::Fail,
        "an audit must not end well on it"
    );
}

#[tokio::test]
async fn a_priority_that_was_not_solved_is_not_called_unfit() {
    let (mut snapshot, config) = seen("mixed-fleets", |_| {}).await;
    let_in(&mut snapshot);
    each_answer(&mut snapshot, |report| {
        let first = report.solves[0].clone();
        let could_not = |s: &Solved| Solved {
            priority: Priority::Flexible,
            outcome: Outcome::CouldNot("the solver found no answer in 120 s".into()),
            ..s.clone()
        };
        report.solves = vec![first.clone(), could_not(&first)];
    });
    let findings = judged(&snapshot, &config);
    let says = |words: &str| findings.iter().find(|f| f.message.as_str().contains(words));
    assert_eq!(says("flexible").unwrap().verdict, Verdict::Unknown);
    assert!(says("would not be found").is_none());
}

#[tokio::test]
async fn what_a_channel_lacks_is_not_guessed_from_a_solve_that_was_not_made() {
    let (mut snapshot, config) = seen("studio", |_| {}).await;
    each_answer(&mut snapshot, |report| {
        let rows = report.channels.iter_mut().flat_map(|c| &mut c.subdirs);
        for row in rows.flatten() {
            row.state = SubdirState::TooLarge("it has no end".into());
        }
        for solve in &mut report.solves {
            solve.outcome = Outcome::CouldNot("the solver failed".into());
        }
    });
    let findings = judged(&snapshot, &config);
    let whys: Vec<&str> = findings
        .iter()
        .flat_map(|f| &f.why)
        .map(Printable::as_str)
        .collect();
    assert!(
        whys.iter().any(|w| w.contains("were not solved")),
        "{whys:?}"
    );
    assert!(!whys.iter().any(|w| w.contains("do not have")), "{whys:?}");
}

#[tokio::test]
async fn the_newest_version_stands_for_no_pinned_one() {
    let (mut snapshot, config) = seen("studio", |c| c.pin = Pin::StagingBundle).await;
    let_in(&mut snapshot);
    let why = "no API key was given";
    let bundles = AyonBundles(config.server.url.clone());
    snapshot.facts.set(bundles, Fact::declined(why));
    // The question is then about the newest; the answers are taken as if they had been to that.
    let asked = {
        let view = View::new(&snapshot, &config, Purpose::Setup);
        studiolink::derived::solve_questions::questions(&view, &config.queues[0]).unwrap()
    };
    let all = snapshot.observations.of_mut::<Solve>();
    let answer = all.values().next().unwrap().clone();
    for question in asked {
        assert!(question.solve.0.unpinned.is_some());
        all.insert((question.solve, question.from), answer.clone());
    }
    let findings = judged(&snapshot, &config);
    assert!(!findings.is_empty());
    for finding in findings {
        assert_ne!(finding.verdict, Verdict::Ok, "{}", finding.message);
        let words = "Not checked with the pinned version";
        assert!(
            finding.message.as_str().starts_with(words),
            "{}",
            finding.message
        );
    }
}

#[tokio::test]
async fn what_no_permission_would_cure_is_not_called_to_do() {
    let (world, config) = open("wrong-pin");
    let findings = look(&world, &config).await.findings();
    let of = |from: &dyn Fn(&Vantage) -> bool| -> Vec<Verdict> {
        let own = findings.iter().filter(|f| f.check == "conda-solve");
        own.filter(|f| from(&f.vantage))
            .map(|f| f.verdict)
            .collect()
    };
    assert!(
        of(&|v| *v == Vantage::Here).contains(&Verdict::Fail),
        "the channels lack the version, whoever reads them: {:?}",
        findings.iter().map(|f| &f.message).collect::<Vec<_>>()
    );
}
