//! Roles: a queue without one, a boundary in the way, what is left out, and what stays when a run is undone.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use common::{look, make, open};
use studiolink::domain::change::{Change, Thing};
use studiolink::domain::choices::Choices;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::fact::Fact;
use studiolink::domain::finding::Verdict;
use studiolink::domain::ids::RoleArn;
use studiolink::domain::needs::{INLINE_LIMIT, QUEUE_POLICY};
use studiolink::domain::probe::{Probe, Seen};
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::studio::{Queue, Role, Studio};
use studiolink::domain::text::Untrusted;
use studiolink::engine::apply::{RunContext, apply};
use studiolink::engine::check::check_all;
use studiolink::engine::journal::{self, stays, to_undo};
use studiolink::engine::plan::plan;
use studiolink::engine::verify::{Propagation, to_retry};
use studiolink::engine::{Purpose, unheard};
use studiolink::world::World;

/// A second queue of the farm, as the first but for what is changed.
fn second_queue(studio: &mut Studio, wanted: &mut StudioConfig, change: impl Fn(&mut Queue)) {
    let first = wanted.queues[0].clone();
    let mut second = first.clone();
    second.queue = "queue-00000000000000000000000000000002".parse().unwrap();
    let mut facts = studio.queues[&first].clone();
    if let Fact::Known(queue) = &mut facts.queue {
        change(queue);
    }
    studio.queues.insert(second.clone(), facts);
    wanted.queues.push(second);
}

#[tokio::test]
async fn a_queue_without_a_role_is_given_one_and_keeps_it() {
    let (world, wanted) = open("no-role");
    let before = look(&world, &wanted).await;
    let made = make(&world, &before, &wanted).await;
    let calls: Vec<&str> = made.done.iter().map(Change::operation).collect();
    assert_eq!(
        calls,
        [
            "CreateRole",
            "PutRolePolicy",
            "UpdateQueue",
            "UpdateQueueEnvironment"
        ],
        "rights before the role is used, the role before the channels"
    );
    let after = look(&world, &wanted).await;
    let findings = check_all(&after, &wanted, Purpose::Setup);
    let wrong = findings
        .iter()
        .filter(|f| f.verdict <= Verdict::Unknown && f.verdict != Verdict::Ok);
    assert_eq!(
        wrong.map(|f| f.says.to_string()).collect::<Vec<_>>(),
        [""; 0]
    );
    let (runs, _) = journal::read_all(world.local()).unwrap();
    let kept: Vec<&str> = stays(&runs[0], &runs)
        .iter()
        .map(|c| c.operation())
        .collect();
    assert_eq!(
        kept,
        ["CreateRole", "UpdateQueue"],
        "AWS can't take the role away again"
    );
    let back = to_undo(&runs[0], &runs);
    let mut occasion = RunContext::new("rollback", &after, &wanted.queues, None).unwrap();
    occasion.undoes = made.run.clone();
    apply(&world, &back, &occasion, &AtomicBool::new(false), &unheard)
        .await
        .unwrap();
    let undone = look(&world, &wanted).await;
    let key = &wanted.queues[0];
    let arn = undone.queue(key).known().unwrap().role_arn().unwrap();
    assert_eq!(arn.path(), "/studio/");
    assert!(
        undone.role(&arn).known().unwrap().inline.is_empty(),
        "and may do nothing"
    );
    assert_eq!(undone.environments(key), before.environments(key));
}

#[tokio::test]
async fn what_is_left_out_of_a_new_role_takes_the_rest_along() {
    let (world, wanted) = open("no-role");
    let before = look(&world, &wanted).await;
    let whole = plan(&before, &wanted, &BTreeSet::new());
    let new = whole
        .changes
        .iter()
        .find(|c| matches!(c.thing, Thing::NewRole { .. }))
        .unwrap();
    let link = whole
        .changes
        .iter()
        .find(|c| matches!(c.thing, Thing::QueueRole { .. }))
        .unwrap();
    assert!(link.is_final() && link.undo().starts_with("no undo") && link.warning.is_some());
    let rights = "studiolink-queue/studiolink-queue-00000001".to_owned();
    for key in [&new.key, &link.key, &rights] {
        let rest = plan(&before, &wanted, &[key.clone()].into());
        let s3 = rest
            .changes
            .iter()
            .any(|c| c.after.as_deref().is_some_and(|t| t.contains("s3://")));
        assert!(
            !s3,
            "no queue names a channel that no role of its reads: {key}"
        );
        let kept = rest
            .changes
            .iter()
            .any(|c| matches!(c.thing, Thing::QueueRole { .. }));
        assert!(!kept, "nor a role that is not made: {key}");
    }
}

#[tokio::test]
async fn a_boundary_in_the_way_is_named_and_nothing_is_written_behind_it() {
    let (world, wanted) = open("boundary-role");
    let studio = look(&world, &wanted).await;
    let findings = check_all(&studio, &wanted, Purpose::Setup);
    let found = findings
        .iter()
        .find(|f| f.check == "queue-role-channels")
        .unwrap();
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(
        found.says.as_str().contains("permissions boundary")
            && found
                .fix
                .as_ref()
                .unwrap()
                .as_str()
                .contains("keeps the boundary")
    );
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    let written = |c: &&Change| {
        matches!(c.thing, Thing::RolePolicy { .. })
            || c.after.as_deref().is_some_and(|t| t.contains("s3://"))
    };
    assert_eq!(plan.changes.iter().filter(written).count(), 0);
    assert!(
        plan.refused
            .iter()
            .any(|r| r.as_str().contains("boundary does not allow"))
    );
}

#[tokio::test]
async fn a_fleets_role_is_mended_only_where_the_file_says_so() {
    let (world, mut wanted) = open("studio");
    let mut studio = look(&world, &wanted).await;
    let fleet = "arn:aws:iam::111122223333:role/FjordlysFleetRole"
        .parse()
        .unwrap();
    let Some(Fact::Known(role)) = studio.roles.get_mut(&fleet) else {
        panic!("the sandbox has a fleet role")
    };
    role.attached.clear();
    role.trust = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"credentials.deadline.amazonaws.com"},"Action":"sts:AssumeRole"}}"#.to_owned();
    let of_fleet = |wanted: &StudioConfig| -> Vec<String> {
        let plan = plan(&studio, wanted, &BTreeSet::new());
        let about = plan
            .changes
            .into_iter()
            .filter(|c| c.thing.words().as_str().contains("FjordlysFleetRole"));
        about.map(|c| c.key).collect()
    };
    assert_eq!(of_fleet(&wanted), [""; 0], "other farms may use it");
    let findings = check_all(&studio, &wanted, Purpose::Setup);
    let needs = findings
        .iter()
        .find(|f| f.check == "fleet-role-needs")
        .unwrap();
    assert_eq!(needs.verdict, Verdict::Warn);
    assert!(
        needs.says.as_str().contains("deadline:UpdateWorker")
            && needs
                .fix
                .as_ref()
                .unwrap()
                .as_str()
                .contains("fleets = \"mend\"")
    );
    wanted.roles.fleets = studiolink::domain::config::FleetRoles::Manage;
    assert_eq!(
        of_fleet(&wanted),
        [
            "studiolink-fleet/FjordlysFleetRole",
            "trust/FjordlysFleetRole"
        ]
    );
}

#[tokio::test]
async fn a_policy_that_would_be_too_long_is_refused_beforehand() {
    let (world, wanted) = open("studio");
    let mut studio = look(&world, &wanted).await;
    let arn = studio
        .queue(&wanted.queues[0])
        .known()
        .unwrap()
        .role_arn()
        .unwrap();
    let Some(Fact::Known(role)) = studio.roles.get_mut(&arn) else {
        panic!("the sandbox has a queue role")
    };
    let sid = "x".repeat(INLINE_LIMIT - 200);
    let long = format!(
        r#"{{"Statement":{{"Sid":"{sid}","Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}}}"#
    );
    role.inline.insert("long".to_owned(), Fact::Known(long));
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    assert!(
        plan.refused.iter().any(|r| r.as_str().contains("10240")),
        "{:?}",
        plan.refused
    );
    assert!(
        !plan.changes.iter().any(
            |c| matches!(&c.thing, Thing::RolePolicy { policy, .. } if policy == QUEUE_POLICY)
        )
    );
}

/// A role of the name that a new one is to get, as somebody else made it.
fn with_role(studio: &mut Studio, trust: &str, inline: &[(&str, &str)]) -> RoleArn {
    let arn: RoleArn = "arn:aws:iam::111122223333:role/studio/studiolink-queue-00000001"
        .parse()
        .unwrap();
    let known = |(name, text): &(&str, &str)| ((*name).to_owned(), Fact::Known((*text).to_owned()));
    let role = Role {
        arn: arn.clone(),
        trust: trust.to_owned(),
        boundary: None,
        fence: Fact::NotAsked,
        inline: inline.iter().map(known).collect(),
        attached: std::collections::BTreeMap::new(),
        lists: Fact::Known(()),
    };
    studio
        .roles
        .insert(arn.clone(), Fact::Known(Box::new(role)));
    arn
}

#[tokio::test]
async fn a_role_of_the_new_name_that_is_there_gets_what_it_lacks_before_the_queue_gets_it() {
    let (world, wanted) = open("no-role");
    let mut studio = look(&world, &wanted).await;
    let ec2 = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let arn = with_role(&mut studio, ec2, &[]);
    let of = |studio: &Studio| plan(studio, &wanted, &BTreeSet::new());
    let calls: Vec<&str> = of(&studio).changes.iter().map(Change::operation).collect();
    assert_eq!(
        calls,
        [
            "UpdateAssumeRolePolicy",
            "PutRolePolicy",
            "UpdateQueue",
            "UpdateQueueEnvironment"
        ]
    );
    let warning = of(&studio).changes[2].warning.clone().unwrap();
    assert!(warning.as_str().contains("was there before"), "{warning}");
    let after = of(&studio)
        .changes
        .iter()
        .fold(studio.clone(), |s, c| s.after(c));
    assert_eq!(of(&after).changes, [], "and that settles");
    // A trust that can't be repaired keeps the role from the queue.
    let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
    assert_eq!(with_role(&mut studio, deny, &[]), arn);
    let refused = of(&studio);
    assert!(
        !refused
            .changes
            .iter()
            .any(|c| matches!(c.thing, Thing::QueueRole { .. }))
    );
    assert!(
        refused.refused.iter().any(|r| r.as_str().contains("Deny")),
        "{:?}",
        refused.refused
    );
}

#[tokio::test]
async fn a_new_roles_boundary_is_read_before_it_is_made() {
    let (world, mut wanted) = open("no-role");
    let arn = "arn:aws:iam::111122223333:policy/Fence";
    wanted.roles.new.boundary = Some(arn.to_owned());
    let mut studio = look(&world, &wanted).await;
    let mut of = |fact: Fact<String>| {
        studio.boundaries.insert(arn.to_owned(), fact);
        let plan = plan(&studio, &wanted, &BTreeSet::new());
        let makes = plan
            .changes
            .iter()
            .any(|c| matches!(c.thing, Thing::NewRole { .. }));
        let said: Vec<String> = plan
            .refused
            .iter()
            .chain(&plan.unread)
            .map(ToString::to_string)
            .collect();
        (makes, said.join("; "))
    };
    let policy = |actions: &str| {
        Fact::Known(format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#
        ))
    };
    assert!(of(policy(r#"["s3:*","logs:*"]"#)).0);
    let (makes, said) = of(policy(r#""logs:*""#));
    assert!(
        !makes && said.contains("boundary does not allow s3:ListBucket"),
        "{said}"
    );
    let (makes, said) = of(Fact::Absent);
    assert!(
        !makes && said.contains("a boundary that does not exist"),
        "{said}"
    );
    let denied = Problem::new(
        ProblemKind::Denied,
        "Could not read it",
        "not allowed",
        "ask",
    );
    let (makes, said) = of(Fact::from(Err(denied)));
    assert!(!makes && said.contains("Could not read it"), "{said}");
}

#[tokio::test]
async fn two_queues_share_one_new_role_and_it_is_made_once() {
    let (world, mut wanted) = open("no-role");
    wanted.roles.new.name = Some("Shared".to_owned());
    let mut studio = look(&world, &wanted).await;
    second_queue(&mut studio, &mut wanted, |_| {});
    let shared = "arn:aws:iam::111122223333:role/studio/Shared"
        .parse()
        .unwrap();
    studio.roles.insert(shared, Fact::Absent);
    for (left_out, links) in [
        (None, 2),
        (Some("queue-role/queue-00000000000000000000000000000001"), 1),
    ] {
        let left_out = left_out.map(str::to_owned).into_iter().collect();
        let plan = plan(&studio, &wanted, &left_out);
        let count = |of: fn(&Thing) -> bool| plan.changes.iter().filter(|c| of(&c.thing)).count();
        assert_eq!(count(|t| matches!(t, Thing::NewRole { .. })), 1);
        assert_eq!(count(|t| matches!(t, Thing::RolePolicy { .. })), 1);
        assert_eq!(count(|t| matches!(t, Thing::QueueRole { .. })), links);
    }
}

#[tokio::test]
async fn a_role_that_a_later_run_gave_to_a_queue_is_not_deleted_by_undoing_an_earlier_one() {
    let (world, wanted) = open("no-role");
    let before = look(&world, &wanted).await;
    let changes = plan(&before, &wanted, &BTreeSet::new()).changes;
    let occasion = RunContext::new("test", &before, &wanted.queues, None).unwrap();
    for part in [&changes[..2], &changes[2..]] {
        apply(&world, part, &occasion, &AtomicBool::new(false), &unheard)
            .await
            .unwrap();
    }
    let (runs, _) = journal::read_all(world.local()).unwrap();
    assert_eq!(runs.len(), 2);
    let back: Vec<&str> = to_undo(&runs[0], &runs)
        .iter()
        .map(Change::operation)
        .collect();
    assert_eq!(
        back,
        ["DeleteRolePolicy"],
        "the queue goes on using the role"
    );
    assert_eq!(stays(&runs[0], &runs).len(), 1);
}

#[tokio::test]
async fn a_role_does_not_get_the_attachments_of_another_queue() {
    let (world, mut wanted) = open("studio");
    let mut studio = look(&world, &wanted).await;
    let first = wanted.queues[0].clone();
    second_queue(&mut studio, &mut wanted, |queue| {
        queue.role = None;
        queue.attachments_bucket = Some(Untrusted::new("somebody-elses"));
    });
    let arn = studio.queue(&first).known().unwrap().role_arn().unwrap();
    let choices = Choices::of(&studio, &wanted, &arn).unwrap();
    assert_eq!(
        choices.attachments,
        [("fjord-attachments".to_owned(), "DeadlineCloud".to_owned())]
    );
}

#[tokio::test]
async fn refused_beside_the_channel_says_nothing_while_the_role_may_not_list() {
    let (world, wanted) = open("studio");
    let studio = look(&world, &wanted).await;
    make(&world, &studio, &wanted).await;
    let mut after = look(&world, &wanted).await;
    let of = |studio: &Studio| {
        let findings = check_all(studio, &wanted, Purpose::Setup);
        findings
            .into_iter()
            .find(|f| f.check == "beside-channel")
            .unwrap()
            .verdict
    };
    assert_eq!(of(&after), Verdict::Ok);
    for (probe, reading) in &mut after.readings {
        if matches!(probe, Probe::ChannelAsQueueRole(..)) {
            reading.seen = Ok(Seen::Index { lists: Some(false) });
        }
    }
    assert_eq!(of(&after), Verdict::Unknown);
    assert_eq!(
        to_retry(&after, Propagation::CallerPermissions).len(),
        2,
        "both are asked again, and nothing else"
    );
}

#[tokio::test]
async fn what_is_left_out_of_an_old_role_takes_the_channels_along() {
    for (name, key) in [
        ("studio", "studiolink-queue/FjordlysQueueRole"),
        ("wrong-trust", "trust/FjordlysQueueRole"),
    ] {
        let (world, wanted) = open(name);
        let studio = look(&world, &wanted).await;
        let names_s3 = |left_out: &[&str]| {
            let left_out = left_out.iter().map(|k| (*k).to_owned()).collect();
            let plan = plan(&studio, &wanted, &left_out);
            let of = |c: &Change| {
                matches!(c.thing, Thing::Environment { .. })
                    && c.after.as_deref().is_some_and(|t| t.contains("s3://"))
            };
            plan.changes.iter().any(of)
        };
        assert!(
            names_s3(&[]) && !names_s3(&[key]),
            "{name}: every job would stop there"
        );
    }
}

#[tokio::test]
async fn an_owner_that_was_seen_to_be_wrong_is_not_written() {
    let (world, mut wanted) = open("studio");
    wanted.channel_account = Some("999988887777".parse().unwrap());
    let studio = look(&world, &wanted).await;
    let findings = check_all(&studio, &wanted, Purpose::Setup);
    let owner = findings
        .iter()
        .find(|f| f.check == "channel-owner")
        .unwrap();
    assert_eq!(owner.verdict, Verdict::Fail);
    let fix = owner.fix.as_ref().unwrap().as_str();
    assert!(fix.contains("it is account 111122223333's own"), "{fix}");
    let plan = plan(&studio, &wanted, &BTreeSet::new());
    assert!(
        !plan
            .changes
            .iter()
            .any(|c| matches!(c.thing, Thing::RolePolicy { .. }))
    );
    assert!(
        plan.refused.iter().any(|r| r
            .as_str()
            .contains("does not belong to account 999988887777")),
        "{:?}",
        plan.refused
    );
}
