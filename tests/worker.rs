//! What workers have told by a probe, as findings: whose word it is, what it means beside what is seen from here, and when
//! it is stale. The lines are as `assets/probe` prints them.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{apply_all, look, make, of_check, open, run};
use studiolink::domain::ayon::Variant;
use studiolink::domain::call::Vantage;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::fact::Fact;
use studiolink::domain::finding::{Finding, Verdict};
use studiolink::domain::ids::{FleetKey, JobId};
use studiolink::domain::job::{JobSession, JobStatus};
use studiolink::domain::subject::Subject;
use studiolink::domain::text::Untrusted;
use studiolink::domain::worker::Worker;
use studiolink::questions::{FleetDetails, FleetWorkers, Purpose, View};
use studiolink::ui::probing::{Wish, probing};
use studiolink::world::sandbox::{Sandbox, Truth};

const WISH: Wish = Wish {
    fleet: None,
    variant: Variant::Production,
    conda: true,
};

/// What a healthy worker says of the sandbox's studio.
const HEALTHY: &[&str] = &[
    r#"{"reading":"worker","ok":true,"os":"linux","release":"6.1","python":"3.11.9","region":"us-west-2"}"#,
    r#"{"reading":"conda","ok":true,"packages":41,"asked":2,"named":{"ayon-launcher":"1.6.1"},"channels":["s3://ynput-conda-channel/ayon"]}"#,
    r#"{"reading":"launcher","ok":true,"path":"/opt/env/bin/ayon"}"#,
    r#"{"reading":"variables","ok":true,"url":true,"key":true,"headless":"1","folders":{"HOME":true},"disable_conda_env":""}"#,
    r#"{"reading":"disk","ok":true,"free_mb":81920,"total_mb":102400}"#,
    r#"{"reading":"identity","ok":true,"arn":"arn:aws:sts::111122223333:assumed-role/FjordlysQueueRole/session-1"}"#,
    r#"{"reading":"dns","ok":true,"host":"ayon.example.com","addresses":["203.0.113.20"],"ms":2}"#,
    r#"{"reading":"tcp","ok":true,"address":"203.0.113.20","port":443,"ms":9}"#,
    r#"{"reading":"tls","ok":true,"issuer":"Let's Encrypt","names":["ayon.example.com"],"until":"Feb  9 00:00:00 2027 GMT","ms":14}"#,
    r#"{"reading":"info","ok":true,"status":200,"version":"1.15.18","ms":20}"#,
    r#"{"reading":"key","ok":true,"status":200,"user":"publisher","service":true}"#,
    r#"{"reading":"bundle","ok":true,"status":200,"variant":"production","name":"prod-2026-07","installer":"1.6.1"}"#,
    r#"{"reading":"roots","ok":true,"roots":[{"project":"demo","root":"work","path":"/mnt/projects","there":true,"writable":true}],"unread":0}"#,
    r#"{"reading":"ayon","ok":true,"exit":0,"seconds":12}"#,
    r#"{"reading":"end","ok":true}"#,
];

fn with_version(line: &str) -> Untrusted {
    Untrusted::new(format!(
        "2026/11/30 07:00:00+00:00 studiolink-probe {{\"v\":1,{}",
        &line[1..]
    ))
}

/// A healthy log with some of its lines as given here, by their readings; an empty one is left out.
fn log(other: &[(&str, &str)]) -> Vec<Untrusted> {
    let own = HEALTHY.iter().map(|line| {
        let of = |name: &str| line.contains(&format!(r#""reading":"{name}""#));
        let found = other.iter().find(|(name, _)| of(name));
        found.map_or(*line, |(_, line)| *line)
    });
    own.filter(|l| !l.is_empty()).map(with_version).collect()
}

/// Puts a probe into the sandbox as it would be sent now, with what its worker printed; `None`: no worker took it.
async fn probed(
    world: &mut Sandbox,
    config: &StudioConfig,
    status: JobStatus,
    lines: Option<Vec<Untrusted>>,
) -> JobId {
    let work = look(world, config).await;
    let probing = probing(&work.view(), WISH, || "0".repeat(32)).unwrap();
    let applied = apply_all(world, config, &probing.plan.changes, None).await;
    assert!(applied.stop.is_none(), "{:?}", applied.stop);
    edit(world, |truth| {
        let id = truth.probe_queues.keys().next_back().unwrap().clone();
        let job = truth.jobs.get_mut(&id).unwrap();
        let session = job.sessions.pop().unwrap();
        job.status = status;
        let ran = lines.map(|lines| JobSession {
            log: Ok(lines),
            ..session
        });
        job.sessions = ran.into_iter().collect();
        id
    })
}

/// Somebody changes something by hand.
fn edit<T>(world: &mut Sandbox, change: impl FnOnce(&mut Truth) -> T) -> T {
    let mut truth = (*world.truth()).clone();
    let done = change(&mut truth);
    *world = Sandbox::new(truth, None);
    done
}

async fn audited(world: &Sandbox, config: &StudioConfig) -> Vec<Finding> {
    run(world, config, Purpose::AUDIT).await.findings()
}

fn by_workers(findings: &[Finding]) -> Vec<(&'static str, Verdict, &'static str)> {
    let own = findings.iter().filter(|f| f.check.starts_with("worker-"));
    let own = own.filter(|f| matches!(f.vantage, Vantage::Worker(_)));
    own.map(|f| (f.check, f.verdict, f.code)).collect()
}

/// Of a job that did not come to its end.
fn is_of_job(finding: &Finding) -> bool {
    finding
        .item
        .as_ref()
        .is_some_and(|i| i.as_str().starts_with("job "))
}

fn publish_fleet(world: &Sandbox) -> FleetKey {
    let truth = world.truth();
    let own = truth
        .fleets
        .iter()
        .find(|(_, f)| f.roles.iter().any(|r| r.raw() == "publish"));
    own.unwrap().0.clone()
}

async fn set_up() -> (Sandbox, StudioConfig) {
    let (world, config) = open("studio");
    make(&world, &config).await;
    (world, config)
}

#[tokio::test]
async fn before_a_worker_was_asked_nothing_is_claimed_and_afterwards_each_reading_has_its_job_and_date()
 {
    let (mut world, config) = set_up().await;
    let before = audited(&world, &config).await;
    assert_eq!(
        by_workers(&before),
        [("worker-probe", Verdict::WorkerOnly, "needs-worker")]
    );
    let job = probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    let after = audited(&world, &config).await;
    let told = by_workers(&after);
    assert_eq!(told.len(), 15, "{told:?}");
    let fleet = publish_fleet(&world);
    for finding in after.iter().filter(|f| told.iter().any(|t| t.0 == f.check)) {
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
        assert_eq!(finding.vantage, Vantage::Worker(fleet.clone()));
        let said = finding.message.as_str();
        assert!(said.contains(&job.brief()) && said.contains("20"), "{said}");
        assert!(!finding.evidence.is_empty(), "{}", finding.check);
    }
    // AWS's own channels, which only a worker reads, are no longer open.
    let channels = of_check(&after, "channel-index");
    assert!(
        channels.iter().all(|f| f.verdict == Verdict::Ok),
        "{channels:?}"
    );
    assert!(after.iter().all(|f| f.verdict != Verdict::WorkerOnly));
}

#[tokio::test]
async fn what_is_behind_a_broken_hop_is_not_reached_and_here_beside_it_says_what_that_means() {
    let (mut world, config) = set_up().await;
    let refused = r#"{"reading":"tcp","ok":false,"error":"timeout: timed out","ms":8000}"#;
    let cut = [
        ("tcp", refused),
        ("tls", ""),
        ("info", ""),
        ("key", ""),
        ("bundle", ""),
        ("roots", ""),
    ];
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&cut))).await;
    let findings = audited(&world, &config).await;
    let verdict = |check: &str| of_check(&findings, check)[0].verdict;
    assert_eq!(verdict("worker-name"), Verdict::Ok);
    assert_eq!(verdict("worker-port"), Verdict::Fail);
    let why = of_check(&findings, "worker-port")[0].why.clone().unwrap();
    assert!(
        why.as_str().contains("timed out") && why.as_str().contains("from here it is OK"),
        "{why}"
    );
    for behind in [
        "worker-certificate",
        "worker-info",
        "worker-key",
        "worker-bundle",
        "worker-roots",
    ] {
        assert_eq!(verdict(behind), Verdict::NotReached, "{behind}");
    }
    // The server is well from here, and all the same not for the fleet.
    assert_eq!(of_check(&findings, "server-port")[0].verdict, Verdict::Ok);
}

#[tokio::test]
async fn another_key_than_here_is_told_from_a_key_that_nobody_takes() {
    let (mut world, config) = set_up().await;
    let refused = r#"{"reading":"key","ok":false,"status":401,"detail":"Invalid API key"}"#;
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&[("key", refused)])),
    )
    .await;
    let findings = audited(&world, &config).await;
    let key = of_check(&findings, "worker-key")[0];
    assert_eq!((key.verdict, key.code), (Verdict::Fail, "refused"));
    assert!(
        key.why
            .as_ref()
            .unwrap()
            .as_str()
            .contains("another key than this machine"),
        "{key:?}"
    );
}

#[tokio::test]
async fn a_reading_is_stale_when_what_it_rests_on_has_changed_and_not_when_something_else_has() {
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    edit(&mut world, |truth| {
        let queue = truth.queues.get_mut(&config.queues[0]).unwrap();
        queue.environments[0]
            .text
            .push_str("\n# somebody was here\n");
    });
    let findings = audited(&world, &config).await;
    let stale = |check: &str| of_check(&findings, check)[0].code == "stale";
    for check in [
        "worker-conda",
        "worker-command",
        "worker-name",
        "worker-key",
        "worker-launcher",
    ] {
        assert!(stale(check), "{check} rests on the environments");
        assert_eq!(of_check(&findings, check)[0].verdict, Verdict::WorkerOnly);
    }
    for check in ["worker-python", "worker-disk", "worker-identity"] {
        assert!(!stale(check), "{check} does not rest on the environments");
    }
    // What only that reading had confirmed is open again.
    let open = of_check(&findings, "channel-index");
    assert!(open.iter().any(|f| f.verdict == Verdict::WorkerOnly));
    // How many workers there are just now is no change of the fleet.
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    let fleet = publish_fleet(&world);
    edit(&mut world, |t| {
        t.fleets.get_mut(&fleet).unwrap().workers = 7
    });
    assert!(
        by_workers(&audited(&world, &config).await)
            .iter()
            .all(|t| t.2 != "stale")
    );
    edit(&mut world, |t| {
        t.fleets.get_mut(&fleet).unwrap().role = None
    });
    assert!(
        by_workers(&audited(&world, &config).await)
            .iter()
            .any(|t| t.2 == "stale")
    );
}

#[tokio::test]
async fn a_probe_that_came_to_nothing_is_said_until_something_changes() {
    for (status, lines, verdict, code) in [
        (
            JobStatus::NotCompatible,
            None,
            Verdict::Fail,
            "not-compatible",
        ),
        (JobStatus::Failed, Some(Vec::new()), Verdict::Fail, "failed"),
        (
            JobStatus::Succeeded,
            Some(Vec::new()),
            Verdict::Unknown,
            "not-whole",
        ),
        (JobStatus::Ready, None, Verdict::WorkerOnly, "under-way"),
    ] {
        let (mut world, config) = set_up().await;
        probed(&mut world, &config, status, lines).await;
        let said = audited(&world, &config).await;
        let newest = of_check(&said, "worker-probe");
        let newest = newest.iter().find(|f| is_of_job(f)).unwrap();
        assert_eq!((newest.verdict, newest.code), (verdict, code));
        edit(&mut world, |truth| {
            let queue = truth.queues.get_mut(&config.queues[0]).unwrap();
            queue.environments[0].text.push_str("\n# mended\n");
        });
        let later = audited(&world, &config).await;
        let newest = of_check(&later, "worker-probe");
        let newest = newest.iter().find(|f| is_of_job(f)).unwrap();
        let expected = if verdict == Verdict::Fail {
            "stale"
        } else {
            code
        };
        assert_eq!(newest.code, expected);
    }
    // One that somebody canceled says nothing.
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Canceled, None).await;
    let said = audited(&world, &config).await;
    assert_eq!(
        by_workers(&said),
        [("worker-probe", Verdict::WorkerOnly, "needs-worker")]
    );
}

#[tokio::test]
async fn a_job_without_packages_says_nothing_of_packages() {
    let (mut world, config) = set_up().await;
    let old = probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    let work = look(&world, &config).await;
    let bare = Wish {
        conda: false,
        ..WISH
    };
    let sent = probing(&work.view(), bare, || "1".repeat(32)).unwrap();
    apply_all(&world, &config, &sent.plan.changes, None).await;
    edit(&mut world, |truth| {
        let id = truth.probe_queues.keys().next_back().unwrap().clone();
        assert_ne!(id, old);
        let none = r#"{"reading":"launcher","ok":false,"path":""}"#;
        let session = &mut truth.jobs.get_mut(&id).unwrap().sessions[0];
        session.log = Ok(log(&[("launcher", none)]));
    });
    let findings = audited(&world, &config).await;
    let command = of_check(&findings, "worker-command")[0];
    assert_eq!(command.verdict, Verdict::Ok, "{command:?}");
    assert!(command.message.as_str().contains(&old.brief()));
    let disk = of_check(&findings, "worker-disk")[0];
    assert!(
        !disk.message.as_str().contains(&old.brief()),
        "the newer one counts"
    );
}

#[tokio::test]
async fn a_session_with_another_role_than_the_queues_is_found() {
    let (mut world, config) = set_up().await;
    let other = r#"{"reading":"identity","ok":true,"arn":"arn:aws:sts::111122223333:assumed-role/AdminOfHost/i-1"}"#;
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&[("identity", other)])),
    )
    .await;
    let findings = audited(&world, &config).await;
    let identity = of_check(&findings, "worker-identity")[0];
    assert_eq!(
        (identity.verdict, identity.code),
        (Verdict::Fail, "other-role")
    );
    assert!(
        identity.message.as_str().contains("AdminOfHost"),
        "{identity:?}"
    );
}

#[tokio::test]
async fn what_the_plan_changes_under_a_failed_reading_is_to_do() {
    // Nothing was set up yet: the worker found no ayon, and the plan changes the channels.
    let (mut world, config) = open("studio");
    let none = r#"{"reading":"launcher","ok":false,"path":""}"#;
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&[("launcher", none)])),
    )
    .await;
    let findings = look(&world, &config).await.findings();
    let command = of_check(&findings, "worker-command")[0];
    assert_eq!(command.verdict, Verdict::ToDo, "{command:?}");
    assert!(command.cured_by.is_some());
    // Afterwards it is stale, not well: only another probe can tell.
    make(&world, &config).await;
    let findings = audited(&world, &config).await;
    let command = of_check(&findings, "worker-command")[0];
    assert_eq!(
        (command.verdict, command.code),
        (Verdict::WorkerOnly, "stale")
    );
}

/// A broken reading for each of the checks; the healthy ones are in `HEALTHY`.
const BROKEN: &[(&str, &str, &str, Verdict, &str)] = &[
    (
        "worker-python",
        "worker",
        r#"{"reading":"worker","ok":false,"error":"no python on PATH"}"#,
        Verdict::Fail,
        "no-python",
    ),
    (
        "worker-conda",
        "conda",
        r#"{"reading":"conda","ok":true,"packages":3,"asked":1,"named":{},"channels":[]}"#,
        Verdict::Ok,
        "ok",
    ),
    (
        "worker-command",
        "launcher",
        r#"{"reading":"launcher","ok":false,"path":""}"#,
        Verdict::Fail,
        "not-on-path",
    ),
    (
        "worker-variables",
        "variables",
        r#"{"reading":"variables","ok":false,"url":true,"key":true,"headless":"yes","folders":{}}"#,
        Verdict::Fail,
        "not-headless",
    ),
    (
        "worker-name",
        "dns",
        r#"{"reading":"dns","ok":false,"error":"gaierror: [Errno -2] Name or service not known"}"#,
        Verdict::Fail,
        "broken",
    ),
    (
        "worker-port",
        "tcp",
        r#"{"reading":"tcp","ok":false,"error":"ConnectionRefusedError: [Errno 111] Connection refused"}"#,
        Verdict::Fail,
        "broken",
    ),
    (
        "worker-certificate",
        "tls",
        r#"{"reading":"tls","ok":false,"error":"SSLCertVerificationError: self-signed certificate in certificate chain"}"#,
        Verdict::Fail,
        "broken",
    ),
    (
        "worker-info",
        "info",
        r#"{"reading":"info","ok":false,"status":403,"version":""}"#,
        Verdict::Fail,
        "broken",
    ),
    (
        "worker-key",
        "key",
        r#"{"reading":"key","ok":false,"status":200,"user":"artist","service":false}"#,
        Verdict::Fail,
        "not-service",
    ),
    (
        "worker-bundle",
        "bundle",
        r#"{"reading":"bundle","ok":false,"status":200,"variant":"production","name":""}"#,
        Verdict::Fail,
        "no-bundle",
    ),
    (
        "worker-launcher",
        "ayon",
        r#"{"reading":"ayon","ok":false,"exit":1,"said":["!!! Could not connect to AYON server"]}"#,
        Verdict::Fail,
        "not-started",
    ),
    (
        "worker-roots",
        "roots",
        r#"{"reading":"roots","ok":false,"roots":[{"project":"demo","root":"work","path":"/mnt/projects","there":false,"writable":false}],"unread":0}"#,
        Verdict::Warn,
        "no-root",
    ),
    (
        "worker-disk",
        "disk",
        r#"{"reading":"disk","ok":false,"free_mb":900,"total_mb":8192}"#,
        Verdict::Warn,
        "little",
    ),
    (
        "worker-identity",
        "identity",
        r#"{"reading":"identity","ok":false,"error":"neither boto3 nor the aws command is there"}"#,
        Verdict::Skipped,
        "unread",
    ),
];

#[tokio::test]
async fn each_reading_has_its_check_and_its_words() {
    for (check, reading, line, verdict, code) in BROKEN {
        let (mut world, config) = set_up().await;
        probed(
            &mut world,
            &config,
            JobStatus::Succeeded,
            Some(log(&[(reading, line)])),
        )
        .await;
        let findings = audited(&world, &config).await;
        let said = of_check(&findings, check)[0];
        assert_eq!((said.verdict, said.code), (*verdict, *code), "{said:?}");
        if *verdict == Verdict::Fail || *verdict == Verdict::Warn {
            assert!(said.fix.is_some(), "{check} has no fix");
        }
    }
    // No environment of conda, and no ayon without one.
    let (mut world, config) = set_up().await;
    let lines = [
        (
            "conda",
            r#"{"reading":"conda","ok":false,"error":"no conda environment is active"}"#,
        ),
        ("launcher", r#"{"reading":"launcher","ok":false,"path":""}"#),
    ];
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&lines))).await;
    let findings = audited(&world, &config).await;
    assert_eq!(
        of_check(&findings, "worker-conda")[0].verdict,
        Verdict::Warn
    );
    // With an ayon of its own the machine needs none.
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&lines[..1])),
    )
    .await;
    let findings = audited(&world, &config).await;
    assert_eq!(of_check(&findings, "worker-conda")[0].verdict, Verdict::Ok);
}

fn lost(log: &[&str]) -> Worker {
    Worker {
        id: Untrusted::new("worker-00000000000000000000000000000001"),
        status: "NOT_RESPONDING".into(),
        minutes: Some(8),
        log: Some(Ok(log.iter().map(|l| Untrusted::new(*l)).collect())),
    }
}

fn created(minutes: i64) -> Worker {
    Worker {
        status: "CREATED".into(),
        minutes: Some(minutes),
        log: None,
        ..lost(&[])
    }
}

#[tokio::test]
async fn workers_that_do_not_come_up_are_found_by_fleet_workers() {
    let (world, config) = open("studio");
    let fleet = publish_fleet(&world);
    let snapshot = look(&world, &config).await.snapshot().clone();
    let script = [
        "Running Host Configuration Script",
        "host_configuration.sh: line 4: dig: command not found",
        "Finished running Host Configuration Script, exit code: 127",
    ];
    for (workers, wants, expected) in [
        (vec![], None, None),
        (vec![created(3)], Some(1), None),
        (
            vec![created(26), created(27)],
            None,
            Some((Verdict::Warn, "stuck")),
        ),
        (
            vec![lost(&script)],
            None,
            Some((Verdict::Fail, "script-fails")),
        ),
        (
            vec![lost(&["Worker agent started"])],
            None,
            Some((Verdict::Warn, "not-responding")),
        ),
        (vec![], Some(1), Some((Verdict::Warn, "wants-workers"))),
    ] {
        let mut snapshot = snapshot.clone();
        snapshot
            .facts
            .set(FleetWorkers(fleet.clone()), Fact::Known(workers));
        snapshot
            .facts
            .known_mut(&FleetDetails(fleet.clone()))
            .unwrap()
            .wants = wants;
        let view = View::new(&snapshot, &config, Purpose::AUDIT);
        let check = studiolink::checks::by_id("fleet-workers").unwrap();
        let said = check.run(&view, &Subject::Fleet(fleet.clone()));
        let said: Vec<_> = said.iter().map(|f| (f.verdict, f.code)).collect();
        assert_eq!(said, expected.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_job_without_packages_does_not_mend_a_fault_of_conda() {
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Failed, Some(Vec::new())).await;
    let work = look(&world, &config).await;
    let bare = Wish {
        conda: false,
        ..WISH
    };
    let sent = probing(&work.view(), bare, || "2".repeat(32)).unwrap();
    apply_all(&world, &config, &sent.plan.changes, None).await;
    let findings = audited(&world, &config).await;
    let probe = of_check(&findings, "worker-probe");
    assert!(probe.iter().any(|f| f.code == "failed"), "{probe:?}");
}

#[tokio::test]
async fn what_can_not_be_compared_any_more_is_said() {
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    edit(&mut world, |t| t.denies.push("iam:GetRole".to_owned()));
    let findings = audited(&world, &config).await;
    let conda = of_check(&findings, "worker-conda")[0];
    assert_eq!(
        conda.verdict,
        Verdict::Ok,
        "what was seen was seen: {conda:?}"
    );
    let why = conda.why.as_ref().unwrap().as_str();
    assert!(
        why.contains("the queue role could not be compared"),
        "{why}"
    );
    // What only follows from the reading is not claimed any more.
    let channels = of_check(&findings, "channel-index");
    assert!(channels.iter().any(|f| f.verdict == Verdict::WorkerOnly));
}

#[tokio::test]
async fn a_channel_that_the_addon_left_out_of_the_job_was_not_used() {
    let (mut world, config) = set_up().await;
    edit(&mut world, |t| {
        for settings in t.addon.values_mut() {
            settings.channels =
                Untrusted::new("deadline-cloud s3://ynput-conda-channel/ayon conda-forge");
        }
    });
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    let findings = audited(&world, &config).await;
    let open: Vec<String> = of_check(&findings, "channel-index")
        .iter()
        .filter(|f| f.verdict == Verdict::WorkerOnly)
        .map(|f| f.subject.id())
        .collect();
    assert_eq!(
        open,
        ["deadline-cloud-v2"],
        "the queue lists it, and the job did not"
    );
}

#[tokio::test]
async fn a_role_that_was_taken_away_makes_readings_stale() {
    let (mut world, config) = set_up().await;
    probed(&mut world, &config, JobStatus::Succeeded, Some(log(&[]))).await;
    edit(&mut world, |t| {
        t.queues.get_mut(&config.queues[0]).unwrap().queue.role = None
    });
    let findings = audited(&world, &config).await;
    for check in ["worker-conda", "worker-variables", "worker-identity"] {
        assert_eq!(of_check(&findings, check)[0].code, "stale", "{check}");
    }
}

#[tokio::test]
async fn another_variants_worker_says_nothing_of_this_one() {
    let (mut world, config) = set_up().await;
    let broken = r#"{"reading":"ayon","ok":false,"exit":1,"said":["!!! No studio bundle"]}"#;
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&[("ayon", broken)])),
    )
    .await;
    let work = look(&world, &config).await;
    let staging = Wish {
        variant: Variant::Staging,
        ..WISH
    };
    let sent = probing(&work.view(), staging, || "3".repeat(32)).unwrap();
    apply_all(&world, &config, &sent.plan.changes, None).await;
    let findings = audited(&world, &config).await;
    assert_eq!(
        of_check(&findings, "worker-launcher")[0].verdict,
        Verdict::Fail
    );
}

#[tokio::test]
async fn what_a_worker_prints_of_a_secret_is_masked() {
    let (mut world, config) = set_up().await;
    let shown = r#"{"reading":"ayon","ok":false,"exit":1,"said":["Authorization: Bearer CANARYCANARYCANARYCANARY1234"]}"#;
    probed(
        &mut world,
        &config,
        JobStatus::Succeeded,
        Some(log(&[("ayon", shown)])),
    )
    .await;
    let findings = audited(&world, &config).await;
    assert!(!format!("{findings:?}").contains("CANARY"));
}
