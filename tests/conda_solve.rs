//! What the dry run's check makes of answers that are not whole: what was not seen is not claimed.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use studiolink::checks::{View, by_id};
use studiolink::domain::call::Vantage;
use studiolink::domain::conda_solve::{Outcome, Priority, Solve, SolveReport, SubdirState};
use studiolink::domain::config::{Pin, StudioConfig};
use studiolink::domain::fact::Fact;
use studiolink::domain::finding::{Finding, Verdict};
use studiolink::domain::probe::{Probe, Seen};
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::studio::Studio;
use studiolink::domain::text::Printable;
use studiolink::engine::observe::observe;
use studiolink::engine::{Purpose, unheard};
use studiolink::world::sandbox::{Sandbox, scenario};

async fn seen(name: &str, change: impl Fn(&mut StudioConfig)) -> (Studio, StudioConfig) {
    let mut scenario = scenario::open(name).unwrap();
    scenario.truth.millis = 0;
    change(&mut scenario.wanted);
    let world = Sandbox::new(scenario.truth, None);
    let studio = observe(&world, &scenario.wanted, Purpose::Setup, &unheard).await;
    (studio, scenario.wanted)
}

fn judged(studio: &Studio, wanted: &StudioConfig) -> Vec<Finding> {
    by_id("dry-run").unwrap().check(&View { studio, wanted })
}

fn each_answer(studio: &mut Studio, change: impl Fn(&mut SolveReport)) {
    for reading in studio.readings.values_mut() {
        if let Ok(Seen::CondaSolve(tried)) = &mut reading.seen {
            change(tried);
        }
    }
}

/// As if the queue role had been let in.
fn let_in(studio: &mut Studio) {
    each_answer(studio, |tried| {
        for row in tried
            .channels
            .iter_mut()
            .flat_map(|c| &mut c.subdirs)
            .flatten()
        {
            if matches!(row.state, SubdirState::Forbidden(_)) {
                row.state = SubdirState::Present;
            }
        }
    });
}

#[tokio::test]
async fn a_fleet_that_could_not_be_read_is_unknown_beside_those_that_were() {
    let (mut studio, wanted) = seen("studio", |_| {}).await;
    let before = judged(&studio, &wanted);
    assert!(before.iter().all(|f| f.verdict != Verdict::Unknown));
    let key = &wanted.queues[0];
    let queue = studio.queues.get_mut(key).unwrap();
    let Fact::Known(fleets) = &mut queue.fleets else {
        panic!("the sandbox tells its fleets");
    };
    let mut dark = fleets[0].clone();
    dark.id = "fleet-000000000000000000000000000000ff".parse().unwrap();
    dark.fleet = Fact::Denied(Box::new(Problem::new(
        ProblemKind::Denied,
        "Could not read a fleet",
        "AWS refused it",
        "allow deadline:GetFleet",
    )));
    fleets.push(dark);
    let after = judged(&studio, &wanted);
    assert_eq!(after.len(), before.len() + 1);
    let of_fleet = after
        .iter()
        .find(|f| f.verdict == Verdict::Unknown)
        .unwrap();
    assert!(
        of_fleet
            .says
            .as_str()
            .contains("fleet-000000000000000000000000000000ff")
    );
    assert!(of_fleet.could_fail, "an audit must not end well on it");
}

#[tokio::test]
async fn a_priority_that_was_not_solved_is_not_called_unfit() {
    let (mut studio, wanted) = seen("mixed-fleets", |_| {}).await;
    let_in(&mut studio);
    each_answer(&mut studio, |tried| {
        let first = tried.solves[0].clone();
        let could_not = |s: &Solve| Solve {
            priority: Priority::Flexible,
            outcome: Outcome::CouldNot("the solver found no answer in 120 s".into()),
            ..s.clone()
        };
        tried.solves = vec![first.clone(), could_not(&first)];
    });
    let findings = judged(&studio, &wanted);
    let of_other = findings
        .iter()
        .find(|f| f.says.as_str().contains("flexible"))
        .unwrap();
    assert_eq!(of_other.verdict, Verdict::Unknown);
    assert!(
        !findings
            .iter()
            .any(|f| f.says.as_str().contains("would not be found"))
    );
}

#[tokio::test]
async fn what_a_channel_lacks_is_not_guessed_from_a_solve_that_was_not_made() {
    let (mut studio, wanted) = seen("studio", |_| {}).await;
    each_answer(&mut studio, |tried| {
        let rows = tried.channels.iter_mut().flat_map(|c| &mut c.subdirs);
        for row in rows.flatten() {
            row.state = SubdirState::TooLarge("it has no end".into());
        }
        for solve in &mut tried.solves {
            solve.outcome = Outcome::CouldNot("the solver failed".into());
        }
    });
    let findings = judged(&studio, &wanted);
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
    let (mut studio, wanted) = seen("studio", |w| w.pin = Pin::StagingBundle).await;
    studio.bundles = Fact::NotAsked;
    studio.readings.retain(|p, _| p.vantage() == Vantage::Here);
    // The question is then about the newest; the answers are taken as if they had been to that.
    let answers: Vec<_> = std::mem::take(&mut studio.readings).into_iter().collect();
    for (probe, reading) in answers {
        let probe = match probe {
            Probe::CondaSolve(mut ask) => {
                ask.packages = vec!["ayon-launcher".to_owned()];
                Probe::CondaSolve(ask)
            }
            other => other,
        };
        studio.readings.insert(probe, reading);
    }
    let findings = judged(&studio, &wanted);
    assert!(!findings.is_empty());
    for finding in findings {
        assert_ne!(finding.verdict, Verdict::Ok, "{}", finding.says);
        assert!(
            finding
                .says
                .as_str()
                .starts_with("Not checked with the version that is pinned"),
            "{}",
            finding.says
        );
    }
}
