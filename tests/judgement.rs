//! What is said, of what, and on what evidence: subjects, one assessment per observation, TO DO, and demand.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{look, of_check, open, open_with, run};
use studiolink::domain::choices::Tunnel;
use studiolink::domain::config::{PathId, StudioConfig};
use studiolink::domain::finding::{Grade, Verdict};
use studiolink::domain::ids::QueueKey;
use studiolink::domain::permission::Requests;
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::subject::Subject;
use studiolink::domain::text::{Printable, Untrusted};
use studiolink::domain::worker_secret::SecretPlace;
use studiolink::engine::workflow::{Event, Workflow};
use studiolink::probes::{AnyProbe, AnySeen, Carried, Observations, SessionSeen};
use studiolink::questions::{AnyQuestion, Purpose, Snapshot, View};
use studiolink::world::World;
use studiolink::world::sandbox::{Sandbox, Truth};

const SECRET: &str = "arn:aws:secretsmanager:us-west-2:111122223333:secret:ayon/key-AbCdEf";

/// What is done to one of the queues.
type Break = fn(&mut Truth, &QueueKey);

/// Five queues, each with a role and a publish fleet of its own; what is done to the third is the case.
fn five(change: impl Fn(&mut Truth, &QueueKey)) -> (Sandbox, StudioConfig) {
    let mut keys = Vec::new();
    let (world, mut config) = open_with("studio", |truth| {
        let (first, queue) = truth.queues.first_key_value().unwrap();
        let (first, queue) = (first.clone(), queue.clone());
        let role = queue.queue.role_arn().unwrap();
        let text = truth.roles[&role].clone();
        keys.push(first.clone());
        for n in 2..=5 {
            let mut key = first.clone();
            key.queue = format!("queue-{n:032}").parse().unwrap();
            let mut more = queue.clone();
            more.queue.name = Untrusted::new(format!("Queue number {n}"));
            let arn = format!("{role}{n}");
            more.queue.role = Some(Untrusted::new(arn.clone()));
            truth.roles.insert(arn.parse().unwrap(), text.clone());
            truth.queue_order.push(key.clone());
            truth.queues.insert(key.clone(), more);
            keys.push(key);
        }
        // Everything but the case is as the studio file says.
        let list = "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge";
        for queue in truth.queues.values_mut() {
            for environment in &mut queue.environments {
                let from = "default: \"deadline-cloud\"";
                environment.text = environment
                    .text
                    .replace(from, &format!("default: \"{list}\""));
            }
        }
        let granted = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::ynput-conda-channel"},{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::ynput-conda-channel/ayon/*"}]}"#;
        for (arn, role) in &mut truth.roles {
            if arn.name().contains("QueueRole") {
                role.inline.insert("channel".to_owned(), granted.to_owned());
            }
        }
        change(truth, &keys[2]);
    });
    config.queues = keys;
    (world, config)
}

#[tokio::test]
async fn of_five_queues_the_broken_one_is_named_and_no_other() {
    let cases: [(&str, &str, Break); 2] = [
        ("queue-channels", "channels", |truth, key| {
            let queue = truth.queues.get_mut(key).unwrap();
            let text = &mut queue.environments[0].text;
            *text = text.replace(" s3://ynput-conda-channel/ayon", "");
        }),
        ("queue-status", "status", |truth, key| {
            let queue = &mut truth.queues.get_mut(key).unwrap().queue;
            queue.status = "SCHEDULING_BLOCKED".into();
            queue.blocked_reason = Some(Untrusted::new("NO_BUDGET_CONFIGURED"));
        }),
    ];
    for (check, what, change) in cases {
        let (world, config) = five(change);
        let broken = Subject::Queue(config.queues[2].clone());
        for purpose in [Purpose::AUDIT, Purpose::Setup] {
            let findings = run(&world, &config, purpose).await.findings();
            let bad = |v| {
                matches!(
                    v,
                    Verdict::Fail | Verdict::ToDo | Verdict::Unknown | Verdict::Warn
                )
            };
            let wrong: Vec<_> = findings.iter().filter(|f| bad(f.verdict)).collect();
            let said: Vec<String> = wrong
                .iter()
                .map(|f| format!("{} {}", f.name, f.message))
                .collect();
            assert!(
                wrong.iter().all(|f| f.subject == broken),
                "{what}: {said:#?}"
            );
            assert!(wrong.iter().any(|f| f.check == check), "{what}: {said:#?}");
            assert_eq!(wrong[0].name.as_str(), "Queue Queue number 3");
            // Each of the five is said something about, under its own name.
            let own = of_check(&findings, check).into_iter().map(|f| &f.subject);
            assert_eq!(own.collect::<BTreeSet<_>>().len(), 5, "{what}");
        }
    }
}

#[tokio::test]
async fn the_fleet_attributes_are_judged_for_each_queue_by_its_own_fleets() {
    let (world, config) = five(|truth, key| {
        // The third queue loses the fleet that publishes; the others keep it.
        truth.queues.get_mut(key).unwrap().fleets.pop();
    });
    let findings = look(&world, &config).await.findings();
    for finding in of_check(&findings, "fleet-attributes") {
        let broken = finding.subject == Subject::Queue(config.queues[2].clone());
        assert_eq!(
            finding.verdict != Verdict::Ok,
            broken,
            "{}",
            finding.message
        );
    }
}

/// Every observation of a studio, and of each the same test as it would be with each kind of problem.
fn every_kind(mut snapshot: Snapshot) -> Vec<Snapshot> {
    let kinds = [
        None,
        Some((ProblemKind::Denied, None)),
        Some((ProblemKind::Denied, Some("deadline:AssumeQueueRoleForUser"))),
        Some((ProblemKind::Missing, None)),
        Some((ProblemKind::Unreached, None)),
        Some((ProblemKind::Credentials, None)),
        Some((ProblemKind::Invalid, None)),
        Some((ProblemKind::Local, None)),
    ];
    let mut all = Vec::new();
    for kind in kinds {
        if let Some((kind, permission)) = kind {
            let mut problem = Problem::new(kind, "Could not do it", "for a reason", "a way out");
            problem.permission = permission.map(str::to_owned);
            fail_all(&mut snapshot.observations, &problem);
        }
        all.push(snapshot.clone());
    }
    // The sandbox has no machine to open a session on: these are what a real one says.
    let ayon = || Carried::Ayon {
        version: Untrusted::new("1.15.0"),
        agent: "3.3.987.0".into(),
        multiplexed: true,
    };
    let mut sessions: Vec<(Carried, Option<bool>)> = [Some(true), Some(false), None]
        .map(|ended| (ayon(), ended))
        .into();
    let others = [
        Carried::NotAyon("it answers HTTP 404".into()),
        Carried::PortRefused,
        Carried::Encrypted,
        Carried::Forbidden("not allowed".into()),
        Carried::Closed("".into()),
        Carried::Silent("the agent's handshake".into()),
        Carried::Broken("connection reset".into()),
    ];
    sessions.extend(others.map(|carried| (carried, Some(true))));
    for (carried, ended) in sessions {
        set_all(&mut snapshot.observations, |probe| match probe {
            AnyProbe::OpenSession(_) => Some(Ok(AnySeen::OpenSession(SessionSeen {
                carried: carried.clone(),
                ended,
                id: Untrusted::new("mia-0a1b2c3d"),
            }))),
            _ => None,
        });
        all.push(snapshot.clone());
    }
    all
}

fn fail_all(all: &mut Observations, problem: &Problem) {
    set_all(all, |_| Some(Err(Box::new(problem.clone()))));
}

fn set_all(
    all: &mut Observations,
    seen: impl Fn(&AnyProbe) -> Option<Result<AnySeen, Box<Problem>>>,
) {
    for (probe, from) in all.all() {
        let Some(seen) = seen(&probe) else { continue };
        let seen = studiolink::probes::Observation {
            at: jiff::Timestamp::UNIX_EPOCH,
            millis: 1,
            seen,
            calls: [].into(),
        };
        all.keep(&probe, &from, seen);
    }
}

#[tokio::test]
async fn the_pane_of_live_tests_says_what_the_findings_say() {
    let mut judged: BTreeMap<String, usize> = BTreeMap::new();
    let mut said: BTreeMap<&str, BTreeSet<Verdict>> = BTreeMap::new();
    for name in [
        "studio",
        "mixed-fleets",
        "wrong-pin",
        "foreign-channel",
        "wrong-trust",
        "studio, with a secret, by Systems Manager",
    ] {
        let (world, mut config) = open_with(name.split(',').next().unwrap(), |truth| {
            truth.add_secret(SECRET);
        });
        if name.contains(',') {
            config.secret = Some(SecretPlace {
                id: SECRET.to_owned(),
                key: None,
            });
            config.server.path = PathId::Ssm;
            config.tunnel = Some(Tunnel {
                instance: "mi-0123456789abcdef0".to_owned(),
                host: Some("ayon.lan".to_owned()),
                port: None,
            });
        }
        common::make(&world, &config).await;
        let snapshot = look(&world, &config).await.snapshot().clone();
        for snapshot in every_kind(snapshot) {
            let view = View::new(&snapshot, &config, Purpose::Setup);
            for (probe, from) in snapshot.observations.all() {
                let (assessment, _) = snapshot.observations.assess(&probe, &from).unwrap();
                let what: Printable = probe.words(&from).into();
                // The finding that rests on this observation alone, where a check makes one of it.
                let checks = studiolink::checks::ALL.iter();
                let checks = checks.filter(|c| c.grade == Grade::Tried);
                let subjects = snapshot.roster.all();
                let mut own = Vec::new();
                for check in checks {
                    for subject in &subjects {
                        let findings = check.run(&view, subject).into_iter();
                        own.extend(findings.filter(|f| {
                            f.evidence.len() == 1 && f.evidence[0].what == what && f.vantage == from
                        }));
                    }
                }
                // A hop behind a broken one is not reached, whatever its own test saw.
                own.retain(|f| f.verdict != Verdict::NotReached);
                for finding in &own {
                    said.entry(finding.check)
                        .or_default()
                        .insert(finding.verdict);
                }
                let Some(worst) = own.iter().map(|f| f.verdict).min() else {
                    continue;
                };
                *judged
                    .entry(format!("{probe:?}").split('(').next().unwrap().to_owned())
                    .or_default() += 1;
                // That the channel is not public is its own check's business, and no page's worry.
                let messages: Vec<_> = own
                    .iter()
                    .map(|f| (f.check, f.verdict, &f.message))
                    .collect();
                assert_eq!(worst, assessment.verdict, "{name}: {what}: {messages:?}");
            }
        }
    }
    let kinds: BTreeSet<&str> = judged.keys().map(String::as_str).collect();
    let all: BTreeSet<&str> = [
        "ReadIndex",
        "ReadOutside",
        "BucketRegion",
        "BucketOwner",
        "Solve",
        "Resolve",
        "Connect",
        "Handshake",
        "AyonInfo",
        "AyonKey",
        "ReadSecret",
        "OpenSession",
    ]
    .into();
    assert!(kinds.is_superset(&all), "{judged:?}");
    let said = &said["tunnel-as-queue-role"];
    let all = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Unknown];
    assert!(all.iter().all(|v| said.contains(v)), "{said:?}");
}

#[tokio::test]
async fn a_fresh_studio_is_to_do_and_not_red() {
    let (world, config) = open("studio");
    let mut work = look(&world, &config).await;
    let findings = work.findings();
    let count = |v| findings.iter().filter(|f| f.verdict == v).count();
    assert_eq!((count(Verdict::Fail), count(Verdict::Unknown)), (0, 0));
    assert!(count(Verdict::ToDo) >= 3);
    let ids: Vec<String> = work.plan().changes.iter().map(|c| c.id.clone()).collect();
    for finding in findings.iter().filter(|f| f.verdict == Verdict::ToDo) {
        let change = finding.cured_by.as_deref().unwrap();
        assert!(
            ids.iter().any(|id| id == change),
            "{}: {change}",
            finding.message
        );
    }
    // With a change left out, what it would have cured is wrong again.
    work.leave_out(common::left_out(&[&ids[0]]));
    let findings = work.findings();
    assert!(findings.iter().any(|f| f.verdict == Verdict::Fail));
    // An audit plans nothing: what is wrong is wrong.
    let audit = run(&world, &config, Purpose::AUDIT).await.findings();
    assert!(audit.iter().all(|f| f.verdict != Verdict::ToDo));
}

#[tokio::test]
async fn shared_things_are_asked_once_and_an_edit_asks_only_what_it_changes() {
    let (world, config) = five(|_, _| {});
    let mut work = look(&world, &config).await;
    let calls = world.log().recent(2_000);
    let of = |operation: &str| calls.iter().filter(|c| c.operation == operation).count();
    assert_eq!(of("GetFleet"), 2, "two fleets, five queues");
    assert_eq!(of("GetQueue"), 5);
    assert_eq!(of("GET api/bundles"), 1);
    // Another pin asks for other solves, and for nothing else.
    let mut edited = config.clone();
    edited.pin = studiolink::domain::config::Pin::Latest;
    let requests = work.step(0, Event::Edited(Box::new(edited)));
    let is_solve = |r: &studiolink::engine::workflow::Request| {
        matches!(
            r,
            studiolink::engine::workflow::Request::Try(_, AnyProbe::Solve(_), _)
        )
    };
    assert!(
        !requests.is_empty() && requests.iter().all(is_solve),
        "{requests:?}"
    );
    // The same file again, or another address of a channel that nobody reads, asks nothing.
    let mut work = look(&world, &config).await;
    assert_eq!(work.step(0, Event::Edited(Box::new(config.clone()))), []);
    assert_eq!(work.step(0, Event::Tick), []);
}

#[tokio::test]
async fn a_known_queue_takes_at_most_four_dependent_round_trips() {
    use futures_util::future::join_all;
    use studiolink::engine::workflow::Request;
    let (world, config) = open("studio");
    let region = world.region().clone();
    let catalogues = studiolink::cli::catalogues();
    let mut work = Workflow::new(catalogues, region, config, Purpose::AUDIT, true);
    let mut requests = work.step(0, Event::Begin);
    let mut waves = 0;
    while !requests.is_empty() {
        waves += 1;
        let asked = requests.iter().map(async |request| match request {
            Request::Ask(n, q) => Event::Learned(*n, q.clone(), world.look(q).await),
            Request::Try(n, p, v) => {
                Event::Observed(*n, p.clone(), v.clone(), world.try_out(p, v).await)
            }
            other => panic!("{other:?}"),
        });
        let answers = join_all(asked).await;
        requests = Vec::new();
        for answer in answers {
            requests.extend(work.step(0, answer));
        }
    }
    assert!(waves <= 4, "{waves} waves");
}

#[test]
fn setup_asks_for_every_permission_that_its_questions_and_changes_take() {
    use studiolink::domain::caller::{NEW_ROLE_ACTIONS, SETUP_ACTIONS};
    use studiolink::domain::own_policy::{For, Scope, policy};
    let role = "arn:aws:iam::111122223333:role/Q".parse().unwrap();
    let region = "us-west-2".parse().unwrap();
    let farm = ["farm-00000000000000000000000000000001".to_owned()];
    let scope = Scope {
        region: &region,
        farms: &farm,
        roles: &[role],
        buckets: &[],
        new_role: Some("/studio/*"),
        path_reads: &[],
        path_writes: &[],
        secret: None,
    };
    let document = policy(For::Setup, &scope).to_string();
    let mut permissions: BTreeSet<&str> = BTreeSet::new();
    let key: QueueKey = format!("{}/queue-00000000000000000000000000000001", farm[0])
        .try_into()
        .unwrap();
    let arn: studiolink::domain::ids::RoleArn = "arn:aws:iam::111122223333:role/Q".parse().unwrap();
    let questions: Vec<AnyQuestion> = vec![
        studiolink::questions::FarmList.into(),
        studiolink::questions::QueueList(key.farm.clone()).into(),
        studiolink::questions::FarmDetails(key.farm.clone()).into(),
        studiolink::questions::QueueDetails(key.clone()).into(),
        studiolink::questions::QueueFleets(key.clone()).into(),
        studiolink::questions::QueueEnvironments(key.clone()).into(),
        studiolink::questions::RoleDocuments(arn.clone()).into(),
        studiolink::questions::RoleSimulation(arn, Requests::default()).into(),
        studiolink::questions::PolicyValidation(String::new(), Requests::default()).into(),
        studiolink::questions::CallerPermissions.into(),
    ];
    for question in &questions {
        permissions.extend(question.permissions());
    }
    permissions.extend(SETUP_ACTIONS);
    permissions.extend(NEW_ROLE_ACTIONS);
    for permission in permissions {
        assert!(
            document.contains(&format!("\"{permission}\"")),
            "{permission}"
        );
    }
}
