//! What must hold for every studio: planning after applying gives nothing, a kill at any moment resumes to the same
//! end, rolling back restores every byte.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::open;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use studiolink::domain::ask::{Answered, Ask};
use studiolink::domain::change::Change;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::ids::Region;
use studiolink::domain::login::AyonLogin;
use studiolink::domain::probe::{Probe, Reading};
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::studio::Studio;
use studiolink::domain::text::Secret;
use studiolink::engine::apply::{RunContext, Stop, apply};
use studiolink::engine::journal::{self, to_undo};
use studiolink::engine::left::left_for_you;
use studiolink::engine::observe::observe;
use studiolink::engine::plan::plan;
use studiolink::engine::{Purpose, unheard};
use studiolink::world::sandbox::{Sandbox, scenario};
use studiolink::world::{CallLog, LocalState, Outcome, World};

async fn look(world: &dyn World, wanted: &StudioConfig) -> Studio {
    let mut studio = common::look(world, wanted).await;
    studio.readings.clear();
    studio.evidence.clear();
    // What IAM's simulator and Access Analyzer think of a policy is no part of the studio that a change makes.
    studio.simulated.clear();
    studio.lints.clear();
    studio
}

async fn make(world: &dyn World, wanted: &StudioConfig) -> studiolink::engine::apply::Applied {
    common::make(world, &look(world, wanted).await, wanted).await
}

fn names() -> impl Iterator<Item = &'static str> {
    scenario::BUILT_IN.iter().map(|(n, _)| *n)
}

#[tokio::test]
async fn planning_after_applying_gives_nothing() {
    for name in names().filter(|n| *n != "few-permissions") {
        let (world, wanted) = open(name);
        let first = make(&world, &wanted).await;
        assert_eq!(first.stop, None, "{name}");
        let studio = look(&world, &wanted).await;
        let second = plan(&studio, &wanted, &BTreeSet::new());
        assert!(second.changes.is_empty(), "{name}: {:?}", second.changes);
        let again = make(&world, &wanted).await;
        assert_eq!(
            (again.run, again.done.len()),
            (None, 0),
            "{name}: a run that changed nothing leaves no journal"
        );
    }
}

#[tokio::test]
async fn the_preview_is_what_is_made() {
    for name in names().filter(|n| *n != "few-permissions") {
        let (world, wanted) = open(name);
        let before = look(&world, &wanted).await;
        let plan = plan(&before, &wanted, &BTreeSet::new());
        let preview = plan
            .changes
            .iter()
            .fold(before, |studio, change| studio.after(change));
        make(&world, &wanted).await;
        assert!(look(&world, &wanted).await == preview, "{name}");
    }
}

#[tokio::test]
async fn rolling_back_restores_every_byte() {
    // What a run with a new role leaves behind, tests/roles.rs says.
    let skipped = ["few-permissions", "two-environments", "no-role"];
    for name in names().filter(|n| !skipped.contains(n)) {
        let (world, wanted) = open(name);
        let before = look(&world, &wanted).await;
        let made = make(&world, &wanted).await;
        let (runs, _) = journal::read_all(world.local()).unwrap();
        let run = runs
            .iter()
            .find(|r| Some(&r.header.id) == made.run.as_ref())
            .unwrap();
        let back = to_undo(run, &runs);
        let mut occasion = RunContext::new("rollback", &before, &wanted.queues, None).unwrap();
        occasion.undoes = made.run.clone();
        let undone = apply(&world, &back, &occasion, &AtomicBool::new(false), &unheard)
            .await
            .unwrap();
        assert_eq!((undone.stop, undone.left), (None, 0), "{name}");
        assert_eq!(look(&world, &wanted).await, before, "{name}");
        let (runs, _) = journal::read_all(world.local()).unwrap();
        let run = runs
            .iter()
            .find(|r| Some(&r.header.id) == made.run.as_ref())
            .unwrap();
        assert!(
            to_undo(run, &runs).is_empty(),
            "{name}: nothing is left to undo"
        );
    }
}

#[tokio::test]
async fn what_is_left_out_is_not_made_and_the_rest_is() {
    let (world, wanted) = open("hand-edited");
    let studio = look(&world, &wanted).await;
    let whole = plan(&studio, &wanted, &BTreeSet::new());
    assert_eq!(whole.changes.len(), 3, "role, channels, one removal");
    for change in &whole.changes {
        let without = plan(&studio, &wanted, &BTreeSet::from([change.key.clone()]));
        assert_eq!(without.changes.len(), 2, "without {}", change.key);
        // Each change begins where the one before it ended, whatever was left out.
        let mut now = studio.clone();
        for step in &without.changes {
            let ask = step.thing.ask();
            assert!(matches!(ask, Ask::RolePolicy(..) | Ask::Environment(..)));
            now = now.after(step);
        }
    }
}

#[tokio::test]
async fn two_queues_that_share_a_role_are_linked_and_unlinked_together() {
    let (world, mut wanted) = open("many-queues");
    let second = wanted.queues[0].farm.to_string() + "/queue-00000000000000000000000000010000";
    wanted.queues.push(second.try_into().unwrap());
    let before = look(&world, &wanted).await;
    let made = make(&world, &wanted).await;
    assert_eq!(
        (made.stop, made.done.len()),
        (None, 3),
        "one policy, two environments"
    );
    let linked = look(&world, &wanted).await;
    assert!(plan(&linked, &wanted, &BTreeSet::new()).changes.is_empty());
    // The channel leaves both queues: the right goes last, and not while a removal is left out.
    wanted.channels.retain(|c| !c.as_str().starts_with("s3://"));
    let whole = plan(&linked, &wanted, &BTreeSet::new()).changes;
    let calls: Vec<_> = whole.iter().map(Change::operation).collect();
    assert_eq!(
        calls,
        [
            "UpdateQueueEnvironment",
            "UpdateQueueEnvironment",
            "DeleteRolePolicy"
        ]
    );
    let kept = BTreeSet::from([whole[1].key.clone()]);
    let part = plan(&linked, &wanted, &kept).changes;
    assert_eq!(
        part.len(),
        1,
        "the other queue still names the channel, so its right stays"
    );
    let undone = make(&world, &wanted).await;
    assert_eq!((undone.stop, undone.done.len()), (None, 3));
    let (runs, _) = journal::read_all(world.local()).unwrap();
    for run in runs.iter().rev() {
        let mut occasion = RunContext::new("rollback", &before, &wanted.queues, None).unwrap();
        occasion.undoes = Some(run.header.id.clone());
        let stop = AtomicBool::new(false);
        let back = apply(&world, &to_undo(run, &runs), &occasion, &stop, &unheard)
            .await
            .unwrap();
        assert_eq!(back.stop, None);
    }
    assert!(look(&world, &wanted).await == before, "every byte is back");
}

#[tokio::test]
async fn a_saved_plan_of_two_edits_of_one_thing_can_be_made_again() {
    let (world, wanted) = open("hand-edited");
    let before = look(&world, &wanted).await;
    let changes = plan(&before, &wanted, &BTreeSet::new()).changes;
    let occasion = RunContext::new("test", &before, &wanted.queues, None).unwrap();
    let stop = AtomicBool::new(false);
    let once = apply(&world, &changes, &occasion, &stop, &unheard)
        .await
        .unwrap();
    assert_eq!((once.stop, once.left), (None, 0));
    let twice = apply(&world, &changes, &occasion, &stop, &unheard)
        .await
        .unwrap();
    assert_eq!(
        (twice.stop, twice.left, twice.run),
        (None, 0, None),
        "found done, nothing written"
    );
}

#[tokio::test]
async fn what_was_made_twice_is_undone_twice() {
    let (world, wanted) = open("studio");
    let before = look(&world, &wanted).await;
    let stop = AtomicBool::new(false);
    let first = make(&world, &wanted).await.run.unwrap();
    let undo = async |id: &str| {
        let (runs, _) = journal::read_all(world.local()).unwrap();
        let run = runs.iter().find(|r| r.header.id == id).unwrap();
        let mut occasion = RunContext::new("rollback", &before, &wanted.queues, None).unwrap();
        occasion.undoes = Some(id.to_owned());
        let back = to_undo(run, &runs);
        let made = back.len();
        let applied = apply(&world, &back, &occasion, &stop, &unheard)
            .await
            .unwrap();
        assert_eq!(applied.stop, None);
        made
    };
    assert_eq!(undo(&first).await, 2);
    let second = make(&world, &wanted).await.run.unwrap();
    assert_ne!(first, second, "a run that was undone is not gone on with");
    assert_eq!((undo(&first).await, undo(&second).await), (0, 2));
    assert!(look(&world, &wanted).await == before);
}

#[tokio::test]
async fn an_s3_channel_waits_for_a_role_that_can_be_read() {
    let mut scenario = scenario::open("studio").unwrap();
    scenario.truth.millis = 0;
    scenario.truth.denies = vec!["iam:GetRole".to_owned()];
    let (world, wanted) = (Sandbox::new(scenario.truth, None), scenario.wanted);
    let studio = look(&world, &wanted).await;
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    assert!(
        plan.unread
            .iter()
            .any(|u| u.as_str().contains("iam:GetRole")),
        "{:?}",
        plan.unread
    );
    assert_eq!(
        plan.changes.len(),
        1,
        "the channels that need no right are added"
    );
    let after = plan.changes[0].after.as_deref().unwrap();
    assert!(
        after.contains("deadline-cloud-v2 deadline-cloud conda-forge\""),
        "{after}"
    );
}

#[tokio::test]
async fn the_channels_owner_is_named_only_where_our_own_documents_allow_it() {
    for (name, named) in [
        ("few-permissions", false),
        ("foreign-channel", true),
        ("studio", false),
    ] {
        let (world, wanted) = open(name);
        make(&world, &wanted).await;
        let studio = observe(&world, &wanted, Purpose::Setup, &unheard).await;
        let left = left_for_you(&studio, &wanted);
        assert_eq!(left.iter().any(|l| l.for_whom == "YNPUT"), named, "{name}");
    }
}

#[tokio::test]
async fn two_conda_environments_change_nothing_at_all() {
    let (world, wanted) = open("two-environments");
    let studio = look(&world, &wanted).await;
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    assert!(
        plan.changes.is_empty() && plan.refused.len() == 1,
        "{plan:?}"
    );
}

#[tokio::test]
async fn a_denied_write_stops_before_the_channels() {
    let (world, wanted) = open("few-permissions");
    let before = look(&world, &wanted).await;
    let made = make(&world, &wanted).await;
    let Some(Stop::Failed(problem)) = made.stop else {
        panic!("{:?}", made.stop)
    };
    assert_eq!(problem.permission.as_deref(), Some("iam:PutRolePolicy"));
    assert_eq!((made.done.len(), made.left), (0, 2));
    assert_eq!(look(&world, &wanted).await, before);
}

/// A world that dies: at its n-th door it never answers again, before or after the thing was done.
struct Dying {
    inner: Arc<Sandbox>,
    doors: AtomicUsize,
    dies_at: usize,
    after: bool,
    tokens: std::sync::Mutex<Vec<String>>,
}

impl Dying {
    fn is_last(&self) -> bool {
        self.doors.fetch_add(1, Ordering::SeqCst) == self.dies_at
    }
}

impl World for Dying {
    fn look<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answered> {
        async move {
            if self.is_last() {
                std::future::pending::<()>().await;
            }
            self.inner.look(ask).await
        }
        .boxed()
    }
    fn change<'a>(&'a self, change: &'a Change, token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            self.tokens.lock().unwrap().push(token.to_owned());
            let last = self.is_last();
            if last && !self.after {
                std::future::pending::<()>().await;
            }
            let outcome = self.inner.change(change, token).await;
            if last {
                std::future::pending::<()>().await;
            }
            outcome
        }
        .boxed()
    }
    fn try_out<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Reading> {
        self.inner.try_out(probe)
    }
    fn region(&self) -> &Region {
        self.inner.region()
    }
    fn log(&self) -> &CallLog {
        self.inner.log()
    }
    fn desk(&self) -> &dyn LocalState {
        self.inner.local()
    }
    fn hold_key<'a>(&'a self, url: &'a url::Url, key: Option<Secret<String>>) -> BoxFuture<'a, ()> {
        self.inner.hold_key(url, key)
    }
    fn has_key<'a>(&'a self, url: &'a url::Url) -> BoxFuture<'a, bool> {
        self.inner.has_key(url)
    }
    fn hold_admin<'a>(
        &'a self,
        url: &'a url::Url,
        login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        self.inner.hold_admin(url, login)
    }
}

/// A world whose first write is never answered, and never carried out either.
struct Silent(Dying);

impl World for Silent {
    fn look<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answered> {
        self.0.inner.look(ask)
    }
    fn change<'a>(&'a self, change: &'a Change, token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            self.0.tokens.lock().unwrap().push(token.to_owned());
            if self.0.is_last() {
                let problem = Problem::new(ProblemKind::Unreached, "d", "no answer in time", "f");
                return Outcome {
                    result: Err(Box::new(problem)),
                    calls: Vec::new(),
                };
            }
            self.0.inner.change(change, token).await
        }
        .boxed()
    }
    fn try_out<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Reading> {
        self.0.inner.try_out(probe)
    }
    fn region(&self) -> &Region {
        self.0.inner.region()
    }
    fn log(&self) -> &CallLog {
        self.0.inner.log()
    }
    fn desk(&self) -> &dyn LocalState {
        self.0.inner.local()
    }
    fn hold_key<'a>(&'a self, url: &'a url::Url, key: Option<Secret<String>>) -> BoxFuture<'a, ()> {
        self.0.inner.hold_key(url, key)
    }
    fn has_key<'a>(&'a self, url: &'a url::Url) -> BoxFuture<'a, bool> {
        self.0.inner.has_key(url)
    }
    fn hold_admin<'a>(
        &'a self,
        url: &'a url::Url,
        login: AyonLogin,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        self.0.inner.hold_admin(url, login)
    }
}

#[tokio::test]
async fn a_write_that_was_not_answered_stays_in_doubt_and_is_repeated_as_itself() {
    let (sandbox, wanted) = open("studio");
    let sandbox = Arc::new(sandbox);
    let tokens = std::sync::Mutex::default();
    let world = Silent(Dying {
        inner: sandbox.clone(),
        doors: AtomicUsize::new(0),
        dies_at: 0,
        after: false,
        tokens,
    });
    let first = make(&world, &wanted).await;
    assert!(
        matches!(first.stop, Some(Stop::InDoubt(_))),
        "{:?}",
        first.stop
    );
    let (runs, _) = journal::read_all(sandbox.local()).unwrap();
    assert_eq!(
        (runs.len(), runs[0].ended, runs[0].in_doubt().count()),
        (1, false, 1),
        "the journal stays, open"
    );
    let second = make(&world, &wanted).await;
    assert_eq!(
        (second.stop, second.run),
        (None, first.run),
        "the same run goes on"
    );
    let tokens = world.0.tokens.lock().unwrap().clone();
    assert_eq!(
        tokens[0], tokens[1],
        "the repeated call carries its own token"
    );
}

#[tokio::test]
async fn a_kill_at_any_door_resumes_to_the_same_studio() {
    let mut resumed_with_a_token = 0;
    for name in ["studio", "hand-edited", "no-environment"] {
        let (clean, wanted) = open(name);
        make(&clean, &wanted).await;
        let end = look(&clean, &wanted).await;
        for after in [false, true] {
            for dies_at in 0..12 {
                let (sandbox, wanted) = open(name);
                let sandbox = Arc::new(sandbox);
                let before = look(sandbox.as_ref(), &wanted).await;
                let changes = plan(&before, &wanted, &BTreeSet::new()).changes;
                let occasion = RunContext::new("test", &before, &wanted.queues, None).unwrap();
                let dying = Dying {
                    inner: sandbox.clone(),
                    doors: AtomicUsize::new(0),
                    dies_at,
                    after,
                    tokens: std::sync::Mutex::default(),
                };
                let stop = AtomicBool::new(false);
                // Dropped at the door where it hangs, as a killed process is.
                let killed = apply(&dying, &changes, &occasion, &stop, &unheard)
                    .now_or_never()
                    .is_none();
                let first_tokens = dying.tokens.lock().unwrap().clone();
                let second = Dying {
                    inner: sandbox.clone(),
                    doors: AtomicUsize::new(0),
                    dies_at: usize::MAX,
                    after: false,
                    tokens: std::sync::Mutex::default(),
                };
                let made = make(&second, &wanted).await;
                assert_eq!(made.stop, None, "{name}, door {dies_at}, after {after}");
                let at =
                    format!("{name}, killed at door {dies_at}, after {after}, really {killed}");
                assert_eq!(look(sandbox.as_ref(), &wanted).await, end, "{at}");
                let (runs, broken) = journal::read_all(sandbox.local()).unwrap();
                assert!(
                    runs.len() == 1 && broken.is_empty(),
                    "{at}: one run, gone on with"
                );
                assert!(runs[0].ended && runs[0].in_doubt().next().is_none(), "{at}");
                assert_eq!(
                    runs[0].done().count(),
                    changes.len(),
                    "{at}: nothing twice, nothing forgotten"
                );
                let tokens = second.tokens.lock().unwrap().clone();
                if killed && !after && tokens.first() == first_tokens.last() {
                    resumed_with_a_token += 1;
                }
                // And the run, in its two parts, is undone as one.
                let mut occasion =
                    RunContext::new("rollback", &before, &wanted.queues, None).unwrap();
                occasion.undoes = Some(runs[0].header.id.clone());
                let undone = apply(
                    sandbox.as_ref(),
                    &to_undo(&runs[0], &runs),
                    &occasion,
                    &stop,
                    &unheard,
                )
                .await
                .unwrap();
                assert_eq!(undone.stop, None, "{at}");
                assert_eq!(
                    look(sandbox.as_ref(), &wanted).await,
                    before,
                    "{at}: undone"
                );
            }
        }
    }
    assert!(
        resumed_with_a_token > 0,
        "a call cut short is repeated with its own token"
    );
}

#[tokio::test]
async fn neither_before_nor_after_stops_and_shows_all_three() {
    let (sandbox, wanted) = open("studio");
    let sandbox = Arc::new(sandbox);
    let before = look(sandbox.as_ref(), &wanted).await;
    let changes = plan(&before, &wanted, &BTreeSet::new()).changes;
    let occasion = RunContext::new("test", &before, &wanted.queues, None).unwrap();
    let stop = AtomicBool::new(false);
    // Dies inside the first write, before it was done.
    let dying = Dying {
        inner: sandbox.clone(),
        doors: AtomicUsize::new(0),
        dies_at: 1,
        after: false,
        tokens: std::sync::Mutex::default(),
    };
    assert!(
        apply(&dying, &changes, &occasion, &stop, &unheard)
            .now_or_never()
            .is_none()
    );
    let mut strange = changes[0].clone();
    strange.after = Some(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#
            .to_owned(),
    );
    sandbox
        .change(&strange, "somebody else")
        .await
        .result
        .unwrap();
    let stopped = apply(sandbox.as_ref(), &changes, &occasion, &stop, &unheard)
        .await
        .unwrap();
    let Some(Stop::Moved { change, now }) = stopped.stop else {
        panic!("{:?}", stopped.stop)
    };
    assert_eq!(
        (change.before.as_ref(), change.after.as_ref(), now),
        (None, changes[0].after.as_ref(), strange.after)
    );
    // The next command plans from what is there now.
    assert_eq!(make(sandbox.as_ref(), &wanted).await.stop, None);
}
