//! Roles: a queue without one, a boundary in the way, what is left out, and what stays when a run is undone.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use common::{apply_all, look, make, of_check, open, open_with, plan_of};
use studiolink::derived::role_use::choices;
use studiolink::domain::config::{FleetRoles, StudioConfig};
use studiolink::domain::fact::Fact;
use studiolink::domain::finding::Verdict;
use studiolink::domain::ids::RoleArn;
use studiolink::domain::needs::{INLINE_LIMIT, QUEUE_POLICY};
use studiolink::domain::problem::{Problem, ProblemKind};
use studiolink::domain::role::PolicyText;
use studiolink::domain::text::Untrusted;
use studiolink::engine::journal::{self, stays, to_undo};
use studiolink::engine::workflow::refused;
use studiolink::probes::{OutsideSeen, ReadOutside};
use studiolink::questions::{ManagedPolicy, QueueDetails};
use studiolink::resources::{AnyResource, Change, Plan, Propagation};
use studiolink::world::World;
use studiolink::world::sandbox::{SandboxQueue, SandboxRole, Truth};

const QUEUE_ROLE: &str = "arn:aws:iam::111122223333:role/FjordlysQueueRole";
const FLEET_ROLE: &str = "arn:aws:iam::111122223333:role/FjordlysFleetRole";
/// The name that a new role gets in the scenario.
const NEW_ROLE: &str = "arn:aws:iam::111122223333:role/studio/studiolink-queue-00000001";

/// A second queue of the farm, as the first but for what is changed.
fn second_queue(truth: &mut Truth, change: impl Fn(&mut SandboxQueue)) {
    let (first, queue) = truth.queues.first_key_value().unwrap();
    let (mut second, mut queue) = (first.clone(), queue.clone());
    second.queue = "queue-00000000000000000000000000000002".parse().unwrap();
    change(&mut queue);
    truth.queue_order.push(second.clone());
    truth.queues.insert(second, queue);
}

fn with_second(mut config: StudioConfig) -> StudioConfig {
    let mut second = config.queues[0].clone();
    second.queue = "queue-00000000000000000000000000000002".parse().unwrap();
    config.queues.push(second);
    config
}

fn makes_role(plan: &Plan) -> bool {
    let makes = |c: &Change| matches!(c.resource, AnyResource::IamRole(_));
    plan.changes.iter().any(makes)
}

fn links_role(plan: &Plan) -> bool {
    let links = |c: &Change| matches!(c.resource, AnyResource::QueueRoleLink(_));
    plan.changes.iter().any(links)
}

fn calls(changes: &[Change]) -> Vec<&'static str> {
    changes.iter().map(Change::operation).collect()
}

fn refuses(plan: &Plan, words: &str) -> bool {
    plan.refused.iter().any(|r| r.as_str().contains(words))
}

#[tokio::test]
async fn a_queue_without_a_role_is_given_one_and_keeps_it() {
    let (world, config) = open("no-role");
    let before = world.truth();
    let made = make(&world, &config).await;
    assert_eq!(
        calls(&made.done),
        [
            "CreateRole",
            "PutRolePolicy",
            "UpdateQueue",
            "UpdateQueueEnvironment"
        ],
        "permissions before the role is used, the role before the channels"
    );
    let after = look(&world, &config).await;
    let findings = after.findings();
    let wrong = findings.iter().filter(|f| f.verdict <= Verdict::Unknown);
    assert_eq!(
        wrong.map(|f| f.message.to_string()).collect::<Vec<_>>(),
        [""; 0]
    );
    let runs = journal::read_all(world.local()).unwrap().runs;
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
    apply_all(&world, &config, &back, made.run.as_deref()).await;
    let undone = world.truth();
    let key = &config.queues[0];
    let arn = undone.queues[key].queue.role_arn().unwrap();
    assert_eq!(arn.path(), "/studio/");
    assert!(undone.roles[&arn].inline.is_empty(), "and can do nothing");
    let texts = |t: &Truth| -> Vec<String> {
        let all = t.queues[key].environments.iter();
        all.map(|e| e.text.clone()).collect()
    };
    assert_eq!(texts(&undone), texts(&before));
}

#[tokio::test]
async fn what_is_left_out_of_a_new_role_takes_the_rest_along() {
    let (world, config) = open("no-role");
    let work = look(&world, &config).await;
    let whole = work.plan();
    let of = |is: fn(&AnyResource) -> bool| whole.changes.iter().find(|c| is(&c.resource)).unwrap();
    let new = of(|r| matches!(r, AnyResource::IamRole(_)));
    let link = of(|r| matches!(r, AnyResource::QueueRoleLink(_)));
    assert!(link.is_final() && link.undo().starts_with("no undo") && link.warning.is_some());
    let permissions = "studiolink-queue/studiolink-queue-00000001";
    for id in [new.id.as_str(), &link.id, permissions] {
        let rest = plan_of(work.snapshot(), &config, &[id]);
        let names_s3 = |c: &Change| c.after.as_deref().is_some_and(|t| t.contains("s3://"));
        assert!(
            !rest.changes.iter().any(names_s3),
            "no queue names a channel that no role of its reads: {id}"
        );
        assert!(!links_role(&rest), "nor a role that is not created: {id}");
        // Each that goes along is named, and what it needs.
        let gone = whole.changes.iter().filter(|c| c.id != id);
        for change in gone.filter(|c| !rest.changes.iter().any(|r| r.id == c.id)) {
            let along = rest.left_along.iter().find(|l| l.id == change.id);
            assert!(along.is_some(), "{id}: {} is not named", change.id);
        }
    }
}

#[tokio::test]
async fn a_boundary_in_the_way_is_named_and_nothing_is_written_behind_it() {
    let (world, config) = open("boundary-role");
    let work = look(&world, &config).await;
    let findings = work.findings();
    let found = of_check(&findings, "queue-role-channels")[0];
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(
        found.message.as_str().contains("permissions boundary"),
        "{}",
        found.message
    );
    let fix = found.fix.as_ref().unwrap().as_str();
    assert!(fix.contains("owner of the permissions boundary"), "{fix}");
    let plan = work.plan();
    let written = |c: &&Change| {
        matches!(c.resource, AnyResource::InlinePolicy(_))
            || c.after.as_deref().is_some_and(|t| t.contains("s3://"))
    };
    assert_eq!(plan.changes.iter().filter(written).count(), 0);
    assert!(
        refuses(plan, "boundary does not allow"),
        "{:?}",
        plan.refused
    );
}

#[tokio::test]
async fn a_fleets_role_is_managed_only_where_the_file_says_so() {
    let (world, mut config) = open_with("studio", |truth| {
        let role = truth.roles.get_mut(&FLEET_ROLE.parse().unwrap()).unwrap();
        role.attached.clear();
        role.trust = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"credentials.deadline.amazonaws.com"},"Action":"sts:AssumeRole"}}"#.to_owned();
    });
    let of_fleet = async |config: &StudioConfig| -> Vec<String> {
        let changes = common::changes(&world, config).await.into_iter();
        let about = changes.filter(|c| c.words().as_str().contains("FjordlysFleetRole"));
        about.map(|c| c.id).collect()
    };
    assert_eq!(of_fleet(&config).await, [""; 0], "other farms may use it");
    let findings = look(&world, &config).await.findings();
    let needs = of_check(&findings, "fleet-role-needs")[0];
    assert_eq!(needs.verdict, Verdict::Warn);
    let fix = needs.fix.as_ref().unwrap().as_str();
    let mut details = needs.details.iter();
    assert!(details.any(|d| d.as_str().contains("deadline:UpdateWorker")));
    assert!(fix.contains("fleets = \"manage\""), "{fix}");
    config.iam.fleets = FleetRoles::Manage;
    assert_eq!(
        of_fleet(&config).await,
        [
            "studiolink-fleet/FjordlysFleetRole",
            "trust/FjordlysFleetRole"
        ]
    );
    let findings = look(&world, &config).await.findings();
    assert_eq!(
        of_check(&findings, "fleet-role-needs")[0].verdict,
        Verdict::ToDo
    );
}

#[tokio::test]
async fn a_policy_that_would_be_too_long_is_refused_beforehand() {
    let sid = "x".repeat(INLINE_LIMIT - 200);
    let long = format!(
        r#"{{"Statement":{{"Sid":"{sid}","Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}}}"#
    );
    let (world, config) = open_with("studio", |truth| {
        let role = truth.roles.get_mut(&QUEUE_ROLE.parse().unwrap()).unwrap();
        role.inline.insert("long".to_owned(), long);
    });
    let work = look(&world, &config).await;
    let plan = work.plan();
    assert!(
        refuses(plan, "10,240") || refuses(plan, "10240"),
        "{:?}",
        plan.refused
    );
    let ours = |c: &Change| matches!(&c.resource, AnyResource::InlinePolicy(p) if p.policy == QUEUE_POLICY);
    assert!(!plan.changes.iter().any(ours));
}

/// A role of the name that a new one is to get, as somebody else made it.
fn with_role(truth: &mut Truth, trust: &str) {
    let role = SandboxRole {
        trust: trust.to_owned(),
        boundary: None,
        boundary_policy: None,
        inline: std::collections::BTreeMap::new(),
        attached: std::collections::BTreeMap::new(),
    };
    truth.roles.insert(NEW_ROLE.parse().unwrap(), role);
}

#[tokio::test]
async fn a_role_of_the_new_name_that_exists_gets_what_it_lacks_before_the_queue_gets_it() {
    let ec2 = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let (world, config) = open_with("no-role", |t| with_role(t, ec2));
    let changes = common::changes(&world, &config).await;
    assert_eq!(
        calls(&changes),
        [
            "UpdateAssumeRolePolicy",
            "PutRolePolicy",
            "UpdateQueue",
            "UpdateQueueEnvironment"
        ]
    );
    let warning = changes[2].warning.clone().unwrap();
    assert!(warning.as_str().contains("existed before"), "{warning}");
    make(&world, &config).await;
    assert_eq!(
        common::changes(&world, &config).await,
        [],
        "and that settles"
    );
    // A trust policy that can't be repaired keeps the role from the queue.
    let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
    let (world, config) = open_with("no-role", |t| with_role(t, deny));
    let work = look(&world, &config).await;
    assert!(!links_role(work.plan()));
    assert!(refuses(work.plan(), "Deny"), "{:?}", work.plan().refused);
}

#[tokio::test]
async fn a_new_roles_boundary_is_read_before_it_is_created() {
    let (world, mut config) = open("no-role");
    let arn = "arn:aws:iam::111122223333:policy/Boundary";
    config.iam.new_role.boundary = Some(arn.to_owned());
    let mut snapshot = look(&world, &config).await.snapshot().clone();
    let mut of = |fact: Fact<PolicyText>| {
        snapshot.facts.set(ManagedPolicy(arn.to_owned()), fact);
        let plan = plan_of(&snapshot, &config, &[]);
        let said = plan.refused.iter().chain(&plan.unread);
        let said: Vec<String> = said.map(ToString::to_string).collect();
        (makes_role(&plan), said.join("; "))
    };
    let policy = |actions: &str| {
        Fact::Known(PolicyText::new(format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#
        )))
    };
    assert!(of(policy(r#"["s3:*","logs:*"]"#)).0);
    let (makes, said) = of(policy(r#""logs:*""#));
    assert!(
        !makes && said.contains("boundary does not allow s3:ListBucket"),
        "{said}"
    );
    let (makes, said) = of(Fact::Absent);
    assert!(!makes && said.contains("does not exist"), "{said}");
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
async fn two_queues_share_one_new_role_and_it_is_created_once() {
    let (world, config) = open_with("no-role", |t| second_queue(t, |_| {}));
    let mut config = with_second(config);
    config.iam.new_role.name = Some("Shared".to_owned());
    let work = look(&world, &config).await;
    for (left_out, links) in [
        (&[][..], 2),
        (&["queue-role/queue-00000000000000000000000000000001"], 1),
    ] {
        let plan = plan_of(work.snapshot(), &config, left_out);
        let count =
            |is: fn(&AnyResource) -> bool| plan.changes.iter().filter(|c| is(&c.resource)).count();
        assert_eq!(count(|r| matches!(r, AnyResource::IamRole(_))), 1);
        assert_eq!(count(|r| matches!(r, AnyResource::InlinePolicy(_))), 1);
        assert_eq!(count(|r| matches!(r, AnyResource::QueueRoleLink(_))), links);
    }
}

#[tokio::test]
async fn a_role_that_a_later_run_gave_to_a_queue_is_not_deleted_by_undoing_an_earlier_one() {
    let (world, config) = open("no-role");
    let changes = common::changes(&world, &config).await;
    for part in [&changes[..2], &changes[2..]] {
        apply_all(&world, &config, part, None).await;
    }
    let runs = journal::read_all(world.local()).unwrap().runs;
    assert_eq!(runs.len(), 2);
    let back = to_undo(&runs[0], &runs);
    assert_eq!(
        calls(&back),
        ["DeleteRolePolicy"],
        "the queue goes on using the role"
    );
    assert_eq!(stays(&runs[0], &runs).len(), 1);
}

#[tokio::test]
async fn a_role_does_not_get_the_attachments_of_another_queue() {
    let (world, config) = open_with("studio", |truth| {
        second_queue(truth, |q| {
            q.queue.role = None;
            q.queue.attachments_bucket = Some(Untrusted::new("somebody-elses"));
        });
    });
    let config = with_second(config);
    let work = look(&world, &config).await;
    let first = QueueDetails(config.queues[0].clone());
    let queue = work.snapshot().facts.get(&first).unwrap().known().unwrap();
    let arn: RoleArn = queue.role_arn().unwrap();
    let choices = choices(&work.view(), &arn).unwrap();
    assert_eq!(
        choices.attachments,
        [("fjord-attachments".to_owned(), "DeadlineCloud".to_owned())]
    );
}

#[tokio::test]
async fn a_refusal_outside_the_channel_says_nothing_while_the_role_can_not_list() {
    let (world, config) = open("studio");
    make(&world, &config).await;
    let work = look(&world, &config).await;
    let check = studiolink::checks::by_id("queue-role-excess-read").unwrap();
    let subject = studiolink::domain::subject::Subject::Queue(config.queues[0].clone());
    let judged = |snapshot: &studiolink::questions::Snapshot| {
        let purpose = studiolink::questions::Purpose::Setup;
        let view = studiolink::questions::View::new(snapshot, &config, purpose);
        check.run(&view, &subject)[0].verdict
    };
    let mut snapshot = work.snapshot().clone();
    assert_eq!(judged(&snapshot), Verdict::Ok);
    for seen in snapshot.observations.of_mut::<ReadOutside>().values_mut() {
        seen.seen = Ok(OutsideSeen {
            outside: false,
            inside: false,
        });
    }
    assert_eq!(judged(&snapshot), Verdict::Unknown);
    assert_eq!(
        refused(&snapshot.observations, Propagation::Permissions).len(),
        1,
        "it is tried again, and nothing else"
    );
}

#[tokio::test]
async fn what_is_left_out_of_an_old_role_takes_the_channels_along() {
    for (name, id) in [
        ("studio", "studiolink-queue/FjordlysQueueRole"),
        ("wrong-trust", "trust/FjordlysQueueRole"),
    ] {
        let (world, config) = open(name);
        let work = look(&world, &config).await;
        let names_s3 = |left_out: &[&str]| {
            let plan = plan_of(work.snapshot(), &config, left_out);
            let of = |c: &Change| {
                matches!(c.resource, AnyResource::EnvironmentTemplate(_))
                    && c.after.as_deref().is_some_and(|t| t.contains("s3://"))
            };
            plan.changes.iter().any(of)
        };
        assert!(
            names_s3(&[]) && !names_s3(&[id]),
            "{name}: every job would stop there"
        );
    }
}

#[tokio::test]
async fn an_owner_that_was_seen_to_be_wrong_is_not_written() {
    let (world, mut config) = open("studio");
    config.channel_account = Some("999988887777".parse().unwrap());
    let work = look(&world, &config).await;
    let findings = work.findings();
    let owner = of_check(&findings, "channel-owner")[0];
    assert_eq!(owner.verdict, Verdict::Fail);
    let fix = owner.fix.as_ref().unwrap().as_str();
    assert!(fix.contains("111122223333"), "{fix}");
    let plan = work.plan();
    let writes = |c: &Change| matches!(c.resource, AnyResource::InlinePolicy(_));
    assert!(!plan.changes.iter().any(writes));
    let words = "does not belong to account 999988887777";
    assert!(refuses(plan, words), "{:?}", plan.refused);
}

const GRANTED: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::ynput-conda-channel"},{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::ynput-conda-channel/ayon/*"}]}"#;

fn grant(truth: &mut studiolink::world::sandbox::Truth) {
    for (arn, role) in &mut truth.roles {
        if arn.name().contains("QueueRole") {
            let granted = GRANTED.to_owned();
            role.inline.insert("Granted".to_owned(), granted);
        }
    }
}

#[tokio::test]
async fn what_a_policy_that_was_not_read_may_give_is_not_given_once_more() {
    let (world, config) = open_with("studio", grant);
    let mut snapshot = look(&world, &config).await.snapshot().clone();
    let whole = plan_of(&snapshot, &config, &[]);
    let writes = |plan: &studiolink::resources::Plan| {
        let mut calls = plan.changes.iter().map(Change::operation);
        calls.any(|o| o == "PutRolePolicy")
    };
    assert!(!writes(&whole), "the role can read the channel already");
    let arn = world
        .truth()
        .roles
        .keys()
        .find(|a| a.name().contains("QueueRole"))
        .cloned();
    let question = studiolink::questions::RoleDocuments(arn.unwrap());
    let role = snapshot.facts.known_mut(&question).unwrap();
    let problem = Problem::new(
        ProblemKind::Denied,
        "Could not read it",
        "AccessDenied",
        "ask",
    );
    role.inline
        .insert("Granted".to_owned(), Fact::from(Err(problem)));
    let plan = plan_of(&snapshot, &config, &[]);
    assert!(!writes(&plan), "{:?}", plan.changes);
    let unread: String = plan.unread.iter().map(ToString::to_string).collect();
    assert!(unread.contains("policy Granted"), "{unread}");
    assert!(plan.refused.iter().all(|r| !r.as_str().contains("Granted")));
}

#[tokio::test]
async fn what_others_give_by_now_leaves_our_policy_and_comes_back_with_an_undo() {
    let (world, config) = open("studio");
    make(&world, &config).await;
    let mut truth = studiolink::world::sandbox::Truth::clone(&world.truth());
    grant(&mut truth);
    let world = studiolink::world::sandbox::Sandbox::new(truth, None);
    let before = common::bytes(&world);
    let changes = common::changes(&world, &config).await;
    let calls: Vec<_> = changes.iter().map(Change::operation).collect();
    assert_eq!(calls, ["DeleteRolePolicy"], "{changes:?}");
    assert!(changes[0].because.as_str().contains("other policies"));
    // One that gives more is no reason: it may be narrowed, and then ours is what is left.
    let mut wide = studiolink::world::sandbox::Truth::clone(&world.truth());
    for role in wide.roles.values_mut() {
        if let Some(granted) = role.inline.get_mut("Granted") {
            *granted = granted.replace("/ayon/*", "/*");
        }
    }
    let wide = studiolink::world::sandbox::Sandbox::new(wide, None);
    let kept = common::changes(&wide, &config).await;
    let keeps_reading = kept.iter().all(|c| {
        let after = c.after.as_deref().unwrap_or_default();
        after.contains("s3:GetObject")
    });
    assert!(keeps_reading, "{kept:?}");
    apply_all(&world, &config, &changes, None).await;
    assert!(common::changes(&world, &config).await.is_empty());
    let back: Vec<Change> = changes.iter().map(Change::reverse).collect();
    apply_all(&world, &config, &back, None).await;
    assert_eq!(common::bytes(&world), before);
}

const PERIMETER: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"OurOrganization","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-abcdefghij"}}}]}"#;

#[tokio::test]
async fn a_deny_with_conditions_is_named_and_no_allow_is_written_against_it() {
    let (world, config) = open_with("studio", |truth| {
        grant(truth);
        for (arn, role) in &mut truth.roles {
            if arn.name().contains("QueueRole") {
                role.inline
                    .insert("Perimeter".to_owned(), PERIMETER.to_owned());
            }
        }
    });
    let work = look(&world, &config).await;
    let calls: Vec<_> = work.plan().changes.iter().map(Change::operation).collect();
    assert!(!calls.contains(&"PutRolePolicy"), "{calls:?}");
    let findings = work.findings();
    let own = of_check(&findings, "queue-role-channels");
    assert_eq!(
        (own[0].verdict, own[0].code),
        (Verdict::Warn, "depends"),
        "{own:?}"
    );
    let line = own[0].message.as_str();
    assert!(
        line.contains("aws:ResourceOrgID") && !line.contains("ResourceAccount"),
        "{line}"
    );
    let why = own[0].why.as_ref().unwrap().as_str();
    assert!(
        why.contains("OurOrganization") && why.contains("no Allow can help"),
        "{why}"
    );
}
