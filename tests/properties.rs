//! What must hold for every studio: planning after applying gives nothing, a kill at any moment resumes to the same
//! end, rolling back restores every byte.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use secrecy::SecretString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{apply_all, bytes, changes, context, look, make, open, open_with, plan_of};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use studiolink::domain::call::Vantage;
use studiolink::domain::ids::Region;
use studiolink::domain::login::AyonLogin;
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::engine::apply::{Stop, apply};
use studiolink::engine::journal::{self, Run, to_undo};
use studiolink::engine::settle::settle_run;
use studiolink::engine::tried::Journaled;
use studiolink::engine::unheard;
use studiolink::probes::{AnyProbe, AnySeen, Observation};
use studiolink::questions::{
    AddonOwn, Answered, AnyAnswer, AnyQuestion, Consent, Purpose, QueueDetails, QueueEnvironments,
    Snapshot,
};
use studiolink::resources::{AnyResource, Change};
use studiolink::world::sandbox::{Sandbox, scenario};
use studiolink::world::{CallLog, LocalState, Outcome, World};

fn names() -> impl Iterator<Item = &'static str> {
    scenario::BUILT_IN.iter().map(|(n, _)| *n)
}

fn runs(world: &Sandbox) -> Vec<Run> {
    let journals = journal::read_all(world.local()).unwrap();
    assert!(journals.unreadable.is_empty());
    journals.runs
}

#[tokio::test]
async fn planning_after_applying_gives_nothing() {
    for name in names().filter(|n| *n != "few-permissions") {
        let (world, config) = open(name);
        let first = make(&world, &config).await;
        assert_eq!(first.stop, None, "{name}");
        let second = changes(&world, &config).await;
        assert!(second.is_empty(), "{name}: {second:?}");
        let again = make(&world, &config).await;
        assert_eq!(
            (again.run, again.done.len()),
            (None, 0),
            "{name}: a run that changed nothing leaves no journal"
        );
    }
}

/// What a plan changes, as it is read: the ids that a service assigns are left aside.
fn read(snapshot: &Snapshot, work: &studiolink::engine::workflow::Workflow) -> Vec<String> {
    let facts = &snapshot.facts;
    let mut lines = Vec::new();
    for key in &work.config().queues {
        let queue = facts.get(&QueueDetails(key.clone()));
        lines.push(format!("{:?}", queue.unwrap()));
        let list = facts.get(&QueueEnvironments(key.clone())).unwrap();
        for e in list.known().unwrap() {
            let e = e.known().unwrap();
            lines.push(format!("{:?} {} {}", e.name, e.priority, e.template.text));
        }
    }
    for (question, _) in facts.asked() {
        match question {
            AnyQuestion::RoleDocuments(q) => lines.push(format!("{:?}", facts.get(&q))),
            AnyQuestion::AddonSettings(q) => lines.push(format!("{:?}", facts.get(&q))),
            AnyQuestion::ProjectAddon(q) => lines.push(format!("{:?}", facts.get(&q))),
            _ => {}
        }
    }
    lines
}

#[tokio::test]
async fn the_preview_is_what_the_services_hold_afterwards() {
    for name in names().filter(|n| *n != "few-permissions") {
        let (world, config) = open(name);
        let work = look(&world, &config).await;
        let mut preview = work.snapshot().clone();
        for change in &work.plan().changes {
            change.apply_to(&mut preview);
        }
        make(&world, &config).await;
        let after = look(&world, &config).await;
        // What nothing asks for any more is asked for here.
        for question in preview.facts.of_kind::<AddonOwn>() {
            let answered = world.look(&question.clone().into()).await;
            let AnyAnswer::AddonOwn(now) = answered.answer else {
                panic!("{name}: another answer");
            };
            assert_eq!(Some(&now), preview.facts.get(question), "{name}");
        }
        let (after, preview) = (read(after.snapshot(), &after), read(&preview, &work));
        for (after, preview) in after.iter().zip(&preview) {
            assert_eq!(after, preview, "{name}");
        }
        assert_eq!(after.len(), preview.len(), "{name}");
    }
}

#[tokio::test]
async fn rolling_back_restores_every_byte() {
    // What a run with a new role leaves behind, tests/roles.rs says.
    // A deleted secret waits for its end, and its name is taken until then.
    let skipped = ["few-permissions", "two-environments", "no-role", "no-key"];
    for name in names().filter(|n| !skipped.contains(n)) {
        let (world, config) = open(name);
        let before = bytes(&world);
        let made = make(&world, &config).await;
        assert_ne!(bytes(&world), before, "{name}");
        let id = made.run.unwrap();
        let all = runs(&world);
        let run = all.iter().find(|r| r.header.id == id).unwrap();
        let back = to_undo(run, &all);
        let undone = apply_all(&world, &config, &back, Some(&id)).await;
        assert_eq!((undone.stop, undone.left), (None, 0), "{name}");
        let all = runs(&world);
        let run = all.iter().find(|r| r.header.id == id).unwrap();
        assert!(to_undo(run, &all).is_empty(), "{name}: nothing is left");
        // A deleted environment comes back with another id; everything else is as it was.
        let ids = |value: &serde_json::Value| value.to_string().replace("queueenv-", "");
        if name != "no-environment" {
            assert_eq!(ids(&bytes(&world)), ids(&before), "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_left_out_is_not_made_and_the_rest_is() {
    let (world, config) = open("hand-edited");
    let work = look(&world, &config).await;
    let whole = work.plan().clone();
    assert_eq!(whole.changes.len(), 3, "role, channels, one removal");
    for change in &whole.changes {
        let without = plan_of(work.snapshot(), &config, &[&change.id]);
        assert!(!without.changes.iter().any(|c| c.id == change.id));
        // What goes along is named, with what it needs.
        let gone = whole.changes.len() - without.changes.len() - 1;
        assert_eq!(without.left_along.len(), gone, "without {}", change.id);
        // Each change begins where the one before it ended, whatever was left out.
        let (other, config) = open("hand-edited");
        let applied = apply_all(&other, &config, &without.changes, None).await;
        assert_eq!((applied.stop, applied.left), (None, 0), "{}", change.id);
    }
}

#[tokio::test]
async fn two_queues_that_share_a_role_are_linked_and_unlinked_together() {
    let (world, mut config) = open("many-queues");
    let second = config.queues[0].farm.to_string() + "/queue-00000000000000000000000000010000";
    config.queues.push(second.try_into().unwrap());
    let before = bytes(&world);
    let made = make(&world, &config).await;
    assert_eq!(
        (made.stop, made.done.len()),
        (None, 3),
        "one policy, two environments"
    );
    assert!(changes(&world, &config).await.is_empty());
    // The channel leaves both queues: the permission goes last, and not while a removal is left out.
    config.channels.retain(|c| !c.as_str().starts_with("s3://"));
    let linked = look(&world, &config).await;
    let whole = linked.plan().changes.clone();
    let calls: Vec<_> = whole.iter().map(Change::operation).collect();
    assert_eq!(
        calls,
        [
            "UpdateQueueEnvironment",
            "UpdateQueueEnvironment",
            "DeleteRolePolicy"
        ]
    );
    let part = plan_of(linked.snapshot(), &config, &[&whole[1].id]);
    assert_eq!(
        part.changes.len(),
        1,
        "the other queue still names the channel, so its permission stays"
    );
    assert_eq!(part.left_along[0].id, whole[2].id);
    let undone = make(&world, &config).await;
    assert_eq!((undone.stop, undone.done.len()), (None, 3));
    let all = runs(&world);
    for run in all.iter().rev() {
        let back = to_undo(run, &all);
        let applied = apply_all(&world, &config, &back, Some(&run.header.id)).await;
        assert_eq!(applied.stop, None);
    }
    assert_eq!(bytes(&world), before, "every byte is back");
}

#[tokio::test]
async fn a_saved_plan_of_two_edits_of_one_thing_can_be_applied_again() {
    let (world, config) = open("hand-edited");
    let changes = changes(&world, &config).await;
    let once = apply_all(&world, &config, &changes, None).await;
    assert_eq!((once.stop, once.left), (None, 0));
    let twice = apply_all(&world, &config, &changes, None).await;
    assert_eq!(
        (twice.stop, twice.left, twice.run),
        (None, 0, None),
        "found done, nothing written"
    );
}

#[tokio::test]
async fn what_was_made_twice_is_undone_twice() {
    let (world, config) = open("studio");
    let before = bytes(&world);
    let first = make(&world, &config).await.run.unwrap();
    let undo = async |id: &str| {
        let all = runs(&world);
        let run = all.iter().find(|r| r.header.id == id).unwrap();
        let back = to_undo(run, &all);
        let applied = apply_all(&world, &config, &back, Some(id)).await;
        assert_eq!(applied.stop, None);
        back.len()
    };
    assert_eq!(undo(&first).await, 2);
    let second = make(&world, &config).await.run.unwrap();
    assert_ne!(first, second, "a run that was undone is not gone on with");
    assert_eq!((undo(&first).await, undo(&second).await), (0, 2));
    assert_eq!(bytes(&world), before);
}

#[tokio::test]
async fn an_s3_channel_waits_for_a_role_that_can_be_read() {
    let (world, config) = open_with("studio", |t| t.denies = vec!["iam:GetRole".to_owned()]);
    let work = look(&world, &config).await;
    let plan = work.plan();
    let says = |part: &str| plan.unread.iter().any(|u| u.as_str().contains(part));
    assert!(says("iam:GetRole"), "{:?}", plan.unread);
    assert_eq!(
        plan.changes.len(),
        1,
        "the channels that need no permission are added"
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
        let (world, config) = open(name);
        make(&world, &config).await;
        let steps = look(&world, &config).await.manual_steps();
        assert_eq!(steps.iter().any(|l| l.for_whom == "YNPUT"), named, "{name}");
    }
}

#[tokio::test]
async fn two_conda_environments_change_nothing_at_all() {
    let (world, config) = open("two-environments");
    let work = look(&world, &config).await;
    let plan = work.plan();
    assert!(
        plan.changes.is_empty() && plan.refused.len() == 1,
        "{plan:?}"
    );
}

#[tokio::test]
async fn a_denied_write_stops_before_the_channels() {
    let (world, config) = open("few-permissions");
    let before = bytes(&world);
    let made = make(&world, &config).await;
    let Some(Stop::Failed(problem)) = made.stop else {
        panic!("{:?}", made.stop)
    };
    assert_eq!(problem.permission.as_deref(), Some("iam:PutRolePolicy"));
    assert_eq!((made.done.len(), made.left), (0, 2));
    assert_eq!(bytes(&world), before);
}

/// What happens at a door.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// It never answers again, before the thing was done.
    DiesBefore,
    /// It never answers again, after the thing was done.
    DiesAfter,
    /// The write is not answered; it is carried out when somebody says so.
    Late,
}

/// A world with one fault, at its n-th door; a late one counts writes alone.
struct Faulty {
    inner: Arc<Sandbox>,
    fault: Fault,
    doors: AtomicUsize,
    at: usize,
    tokens: std::sync::Mutex<Vec<String>>,
}

impl Faulty {
    fn new(inner: &Arc<Sandbox>, fault: Fault, at: usize) -> Self {
        Self {
            inner: inner.clone(),
            fault,
            doors: AtomicUsize::new(0),
            at,
            tokens: std::sync::Mutex::default(),
        }
    }

    fn is_at(&self) -> bool {
        self.doors.fetch_add(1, Ordering::SeqCst) == self.at
    }

    fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }
}

impl World for Faulty {
    fn look<'a>(&'a self, question: &'a AnyQuestion) -> BoxFuture<'a, Answered> {
        async move {
            if self.fault != Fault::Late && self.is_at() {
                std::future::pending::<()>().await;
            }
            self.inner.look(question).await
        }
        .boxed()
    }
    fn change<'a>(&'a self, change: &'a Change, token: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            self.tokens.lock().unwrap().push(token.to_owned());
            let last = self.is_at();
            if last && self.fault == Fault::Late {
                let problem = Problem::new(ProblemKind::Unreached, "d", "no answer in time", "f");
                return Outcome {
                    result: Err(Box::new(problem)),
                    calls: Vec::new(),
                };
            }
            if last && self.fault == Fault::DiesBefore {
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
    fn try_out<'a>(
        &'a self,
        probe: &'a AnyProbe,
        from: &'a Vantage,
    ) -> BoxFuture<'a, Observation<AnySeen>> {
        self.inner.try_out(probe, from)
    }
    fn region(&self) -> &Region {
        self.inner.region()
    }
    fn log(&self) -> &CallLog {
        self.inner.log()
    }
    fn local(&self) -> &dyn LocalState {
        self.inner.local()
    }
    fn hold_key<'a>(&'a self, url: &'a url::Url, key: Option<SecretString>) -> BoxFuture<'a, ()> {
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

#[tokio::test]
async fn a_write_that_was_not_answered_stays_in_doubt_and_is_repeated_as_itself() {
    let (sandbox, config) = open("studio");
    let sandbox = Arc::new(sandbox);
    let world = Faulty::new(&sandbox, Fault::Late, 0);
    let first = make(&world, &config).await;
    assert!(
        matches!(first.stop, Some(Stop::InDoubt(_))),
        "{:?}",
        first.stop
    );
    let all = runs(&sandbox);
    assert_eq!(
        (all.len(), all[0].ended, all[0].in_doubt().count()),
        (1, false, 1),
        "the journal stays, open"
    );
    let second = make(&world, &config).await;
    assert_eq!(
        (second.stop, second.run),
        (None, first.run),
        "the same run goes on"
    );
    let tokens = world.tokens();
    assert_eq!(
        tokens[0], tokens[1],
        "the repeated call carries its own token"
    );
}

#[tokio::test]
async fn a_late_answer_is_looked_for_by_the_next_run_and_by_rollback() {
    for by_rollback in [false, true] {
        let (sandbox, config) = open("no-environment");
        let sandbox = Arc::new(sandbox);
        let changes = changes(sandbox.as_ref(), &config).await;
        let late: Vec<Change> = changes
            .iter()
            .filter(|c| matches!(c.resource, AnyResource::EnvironmentTemplate(_)))
            .cloned()
            .collect();
        let world = Faulty::new(&sandbox, Fault::Late, 0);
        let first = apply_all(&world, &config, &late, None).await;
        assert!(matches!(first.stop, Some(Stop::InDoubt(_))));
        // Another plan by now: the call is looked for, in vain, and is not repeated.
        let none = apply_all(&world, &config, &[], None).await;
        assert_eq!(none.stop, None);
        assert_eq!(runs(&sandbox)[0].done().count(), 0);
        // Then the service carries it out after all.
        sandbox.change(&late[0], "t").await.result.unwrap();
        let context = context(sandbox.as_ref(), "rollback", &config).await;
        if by_rollback {
            let run = runs(&sandbox).remove(0);
            let settled = settle_run(sandbox.as_ref(), &run, &context).await.unwrap();
            assert_eq!((settled.stop, settled.unread.len()), (None, 0));
        } else {
            apply_all(&world, &config, &[], None).await;
        }
        let all = runs(&sandbox);
        assert_eq!(all[0].done().count(), 1, "it is found, and can be undone");
        let back = to_undo(&all[0], &all);
        let id = all[0].header.id.clone();
        let undone = apply_all(sandbox.as_ref(), &config, &back, Some(&id)).await;
        assert_eq!((undone.stop, undone.done.len()), (None, 1));
    }
}

#[tokio::test]
async fn a_kill_at_any_door_resumes_to_the_same_studio() {
    let mut resumed_with_a_token = 0;
    for name in ["studio", "hand-edited", "no-environment"] {
        let (clean, config) = open(name);
        make(&clean, &config).await;
        let end = bytes(&clean);
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            for dies_at in 0..12 {
                let (sandbox, config) = open(name);
                let sandbox = Arc::new(sandbox);
                let before = bytes(&sandbox);
                let changes = changes(sandbox.as_ref(), &config).await;
                let context = context(sandbox.as_ref(), "test", &config).await;
                let dying = Faulty::new(&sandbox, fault, dies_at);
                let stop = AtomicBool::new(false);
                // Dropped at the door where it hangs, as a killed process is.
                let killed = apply(&dying, &changes, &context, &stop, &unheard)
                    .now_or_never()
                    .is_none();
                let second = Faulty::new(&sandbox, fault, usize::MAX);
                let made = make(&second, &config).await;
                let at = format!(
                    "{name}, killed at door {dies_at}, after {}, really {killed}",
                    fault == Fault::DiesAfter
                );
                assert_eq!(made.stop, None, "{at}");
                assert_eq!(bytes(&sandbox), end, "{at}");
                let all = runs(&sandbox);
                assert_eq!(all.len(), 1, "{at}: one run, gone on with");
                assert!(all[0].ended && all[0].in_doubt().next().is_none(), "{at}");
                assert_eq!(
                    all[0].done().count(),
                    changes.len(),
                    "{at}: nothing twice, nothing forgotten"
                );
                let same = second.tokens().first() == dying.tokens().last();
                if killed && fault == Fault::DiesBefore && same {
                    resumed_with_a_token += 1;
                }
                // And the run, in its two parts, is undone as one.
                let back = to_undo(&all[0], &all);
                let id = all[0].header.id.clone();
                let undone = apply_all(sandbox.as_ref(), &config, &back, Some(&id)).await;
                assert_eq!(undone.stop, None, "{at}");
                assert_eq!(bytes(&sandbox), before, "{at}: undone");
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
    let (sandbox, config) = open("studio");
    let sandbox = Arc::new(sandbox);
    let changes = changes(sandbox.as_ref(), &config).await;
    let context = context(sandbox.as_ref(), "test", &config).await;
    let stop = AtomicBool::new(false);
    // Dies inside the first write, before it was done.
    let dying = Faulty::new(&sandbox, Fault::DiesBefore, 1);
    assert!(
        apply(&dying, &changes, &context, &stop, &unheard)
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
    let stopped = apply_all(sandbox.as_ref(), &config, &changes, None).await;
    let Some(Stop::Moved { change, now }) = stopped.stop else {
        panic!("{:?}", stopped.stop)
    };
    assert_eq!(
        (change.before.as_ref(), change.after.as_ref(), now),
        (None, changes[0].after.as_ref(), strange.after)
    );
    // The next command plans from what it is now.
    assert_eq!(make(sandbox.as_ref(), &config).await.stop, None);
}

/// A journal as a run leaves it, line by line.
async fn journal_of_a_run() -> Vec<String> {
    let (world, config) = open("studio");
    let id = make(&world, &config).await.run.unwrap();
    let text = world.local().journal(&id).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_journal_that_this_version_can_not_read_is_refused_whole() {
    let lines = journal_of_a_run().await;
    let join = |lines: &[String]| lines.join("\n") + "\n";
    let whole = Run::parse(&join(&lines)).unwrap();
    assert_eq!((whole.entries.len(), whole.ended), (2, true));
    let edited = |at: usize, from: &str, to: &str| {
        let mut lines = lines.clone();
        assert!(lines[at].contains(from), "{}", lines[at]);
        lines[at] = lines[at].replace(from, to);
        Run::parse(&join(&lines)).unwrap_err().to_string()
    };
    let older = join(&lines).replacen("\"schema\":4", "\"schema\":2", 1);
    assert_eq!(
        Run::parse(&older),
        Ok(whole),
        "an earlier one stays readable"
    );
    let newer = edited(0, "\"schema\":4", "\"schema\":5");
    assert!(newer.contains("version 5"), "{newer}");
    let kind = edited(1, "\"inline-policy\"", "\"vpc-lattice-gateway\"");
    assert!(
        kind.contains("vpc-lattice-gateway") && kind.contains("line 2"),
        "{kind}"
    );
    let record = edited(2, "\"outcome\"", "\"waited\"");
    assert!(record.contains("waited"), "{record}");
    let damaged = edited(2, "{\"record\"", "{\"rec");
    assert!(damaged.contains("line 3 is damaged"), "{damaged}");
    assert!(Run::parse("hello\n").is_err() && Run::parse("").is_err());
    // A last line that a kill cut short is no damage: its call is in doubt.
    for cut in 1..lines[2].len() {
        let text = join(&lines[..2]) + &lines[2][..cut];
        let run = Run::parse(&text).unwrap();
        assert_eq!(run.in_doubt().count(), 1, "cut after {cut} bytes");
    }
    // The same line, cut but ended, is damage: something was written after it.
    let text = join(&lines[..2]) + &lines[2][..9] + "\n" + &lines[3] + "\n";
    assert!(Run::parse(&text).is_err());
}

/// What an audit tries as the queue role is written down before and after each try; a kill at any byte leaves a journal that says
/// what is not known, and that nobody goes on with or undoes.
#[tokio::test]
async fn what_an_audit_tries_is_journaled_and_leaves_nothing_to_undo() {
    let (world, config) = open("studio");
    let consent = Consent {
        queue_role: true,
        session: true,
    };
    let quiet = Journaled::new(&world, "audit", &config.queues, None);
    common::run(&quiet, &config, Purpose::AUDIT).await;
    assert_eq!(quiet.id(), None, "an audit by itself tries nothing");
    let journaled = Journaled::new(&world, "audit", &config.queues, None);
    common::run(&journaled, &config, Purpose::Audit(consent)).await;
    let id = journaled.id().unwrap();
    let text = world.local().journal(&id).unwrap();
    let run = Run::parse(&text).unwrap();
    assert!(!run.tries.is_empty() && run.tries.iter().all(|t| t.came.is_some()));
    assert!(!run.ended && !run.is_cut() && !run.is_nothing());
    journaled.end().unwrap();
    assert!(
        Run::parse(&world.local().journal(&id).unwrap())
            .unwrap()
            .ended
    );
    let first = text.find('\n').unwrap() + 1;
    for cut in first..text.len() {
        let Some(cut) = text.get(..cut) else { continue };
        let run = Run::parse(cut).unwrap();
        assert!(!run.is_cut() || run.tries.is_empty(), "nothing is resumed");
        assert!(to_undo(&run, std::slice::from_ref(&run)).is_empty());
    }
}
