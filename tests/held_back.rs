//! What an unattended run does not do by itself: name a channel that its role can't be seen to read, change half a list,
//! take a channel away.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

mod common;

use std::sync::atomic::AtomicBool;

use common::{context, open, open_with, run_with};
use studiolink::cli::plan_catalogues;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::finding::Verdict;
use studiolink::domain::risk::RiskKind;
use studiolink::engine::apply::{Applied, apply};
use studiolink::engine::drive::observe;
use studiolink::engine::unheard;
use studiolink::engine::workflow::Workflow;
use studiolink::goals::{Removals, Wishes};
use studiolink::questions::Purpose;
use studiolink::resources::{Change, Plan};
use studiolink::world::World as _;
use studiolink::world::sandbox::Sandbox;

async fn planned(world: &Sandbox, config: &StudioConfig, wishes: Wishes) -> Plan {
    let work = run_with(world, config, Purpose::Setup, wishes).await;
    work.plan().clone()
}

async fn unattended(
    world: &Sandbox,
    config: &StudioConfig,
    changes: &[Change],
    accepted: &[RiskKind],
) -> Applied {
    let mut context = context(world, "test", config).await;
    if let Some(rules) = &mut context.rules {
        rules.accepted = accepted.iter().copied().collect();
    }
    let stop = AtomicBool::new(false);
    apply(world, changes, &context, &stop, &unheard)
        .await
        .unwrap()
}

fn operations(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(Change::operation).collect()
}

#[tokio::test]
async fn a_channel_that_the_role_is_refused_is_held_back_and_an_insisting_run_makes_it() {
    let (world, config) = open("foreign-channel");
    let plan = planned(&world, &config, Wishes::default()).await;
    assert_eq!(
        operations(&plan.changes),
        ["PutRolePolicy", "UpdateQueueEnvironment"]
    );
    assert_eq!(plan.changes[1].risk, Some(RiskKind::UnreadChannel));
    // A plan does not act as the role, and says the same.
    let region = world.region().clone();
    let mut by_plan = Workflow::new(
        plan_catalogues(),
        region,
        config.clone(),
        Purpose::AUDIT,
        true,
    );
    observe(&world, &mut by_plan, &AtomicBool::new(false), &unheard).await;
    let by_plan = by_plan.plan();
    assert_eq!(by_plan.changes[1].risk, Some(RiskKind::UnreadChannel));
    let made = unattended(&world, &config, &plan.changes, &[]).await;
    assert_eq!(operations(&made.done), ["PutRolePolicy"]);
    assert!(
        made.held[0].why.as_str().contains("can't read s3://"),
        "{:?}",
        made.held
    );
    assert_eq!((made.left, made.stop), (1, None));
    // Once more: the permissions are there, and the channel is still refused.
    let plan = planned(&world, &config, Wishes::default()).await;
    let again = unattended(&world, &config, &plan.changes, &[]).await;
    assert_eq!(
        (again.held.len(), again.run),
        (1, None),
        "nothing was changed, so there is no run"
    );
    let insisted = unattended(&world, &config, &plan.changes, &[RiskKind::UnreadChannel]).await;
    assert_eq!((insisted.done.len(), insisted.held.len()), (1, 0));
}

#[tokio::test]
async fn a_channel_that_the_run_itself_opens_is_added() {
    let (world, config) = open("studio");
    let plan = planned(&world, &config, Wishes::default()).await;
    let made = unattended(&world, &config, &plan.changes, &[]).await;
    assert_eq!(
        operations(&made.done),
        ["PutRolePolicy", "UpdateQueueEnvironment"]
    );
    assert!(made.held.is_empty());
}

#[tokio::test]
async fn what_needs_a_held_change_is_held_with_it() {
    let (world, config) = open_with("hand-edited", |truth| {
        for channel in &mut truth.channels {
            channel.indexed = false;
        }
    });
    let wishes = Wishes {
        removals: Removals::All,
        ..Wishes::default()
    };
    let plan = planned(&world, &config, wishes).await;
    let made = unattended(&world, &config, &plan.changes, &[]).await;
    assert_eq!(
        made.stop, None,
        "the removal's text is not taken for somebody else's"
    );
    assert_eq!(made.held.len(), 2, "{:?}", made.held);
    assert!(made.held[1].why.as_str().contains("which is held back"));
}

#[tokio::test]
async fn half_a_list_is_not_written_unless_somebody_says_so() {
    let (world, config) = open("boundary-role");
    let plan = planned(&world, &config, Wishes::default()).await;
    let edits = |plan: &Plan| operations(&plan.changes).contains(&"UpdateQueueEnvironment");
    assert!(!edits(&plan), "{:?}", operations(&plan.changes));
    let refused = plan
        .refused
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    assert!(
        refused.contains("its channels are not changed") && refused.contains("--partial"),
        "{refused}"
    );
    let wishes = Wishes {
        partial: true,
        ..Wishes::default()
    };
    assert!(edits(&planned(&world, &config, wishes).await));
}

#[tokio::test]
async fn a_channel_that_the_file_does_not_list_stays_and_is_a_finding() {
    let (world, config) = open("hand-edited");
    let plan = planned(&world, &config, Wishes::default()).await;
    assert!(
        !plan
            .changes
            .iter()
            .any(|c| c.risk == Some(RiskKind::RemovedChannel))
    );
    unattended(&world, &config, &plan.changes, &[]).await;
    let work = run_with(&world, &config, Purpose::Setup, Wishes::default()).await;
    assert!(work.plan().changes.is_empty(), "{:?}", work.plan().changes);
    let findings = work.findings();
    let own = common::of_check(&findings, "queue-channels");
    assert_eq!(
        (own[0].verdict, own[0].code),
        (Verdict::Warn, "not-listed"),
        "{own:?}"
    );
    let wishes = Wishes {
        removals: Removals::All,
        ..Wishes::default()
    };
    let plan = planned(&world, &config, wishes).await;
    assert_eq!(plan.changes[0].risk, Some(RiskKind::RemovedChannel));
}
