//! What several tests do with a scenario of the sandbox: open it, observe it, plan, apply.
#![allow(dead_code, clippy::unwrap_used)] // each test file takes what it needs

pub(crate) mod connected;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use studiolink::cli::catalogues;
use studiolink::domain::config::StudioConfig;
use studiolink::domain::fact::Fact;
use studiolink::domain::finding::Finding;
use studiolink::domain::risk::RiskKind;
use studiolink::engine::apply::{Applied, RunContext, apply};
use studiolink::engine::drive::observe;
use studiolink::engine::gate::Rules;
use studiolink::engine::plan::{plan, without};
use studiolink::engine::unheard;
use studiolink::engine::workflow::Workflow;
use studiolink::goals::{Removals, Wishes};
use studiolink::questions::{CallerIdentity, Purpose, Snapshot, View};
use studiolink::resources::{Change, Plan};
use studiolink::world::World;
use studiolink::world::sandbox::{Sandbox, Truth, scenario};

pub(crate) fn open(name: &str) -> (Sandbox, StudioConfig) {
    open_with(name, |_| {})
}

/// A scenario with something changed in its truth.
pub(crate) fn open_with(name: &str, change: impl FnOnce(&mut Truth)) -> (Sandbox, StudioConfig) {
    let mut opened = scenario::open(name).unwrap();
    opened.truth.millis = 0;
    change(&mut opened.truth);
    (Sandbox::new(opened.truth, None), opened.config)
}

pub(crate) async fn run(world: &dyn World, config: &StudioConfig, purpose: Purpose) -> Workflow {
    let wishes = match purpose {
        Purpose::Audit(_) => Wishes::default(),
        Purpose::Setup => all_wishes(),
    };
    run_with(world, config, purpose, wishes).await
}

pub(crate) async fn run_with(
    world: &dyn World,
    config: &StudioConfig,
    purpose: Purpose,
    wishes: Wishes,
) -> Workflow {
    let region = world.region().clone();
    let mut work = match purpose {
        Purpose::Audit(consent) => Workflow::trying(catalogues(), region, config.clone(), consent),
        Purpose::Setup => Workflow::new(catalogues(), region, config.clone(), purpose, true),
    };
    work.wish(wishes);
    observe(world, &mut work, &AtomicBool::new(false), &unheard).await;
    work
}

/// Everything that setup reads of the studio.
pub(crate) async fn look(world: &dyn World, config: &StudioConfig) -> Workflow {
    run(world, config, Purpose::Setup).await
}

pub(crate) fn left_out(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The plan that follows from a snapshot.
pub(crate) fn plan_of(snapshot: &Snapshot, config: &StudioConfig, ids: &[&str]) -> Plan {
    let view = View::new(snapshot, config, Purpose::Setup);
    let goals = studiolink::goals::ALL;
    let wishes = Wishes {
        left_out: left_out(ids),
        ..all_wishes()
    };
    without(&view, goals, &wishes, &plan(&view, goals, &wishes))
}

pub(crate) async fn changes(world: &dyn World, config: &StudioConfig) -> Vec<Change> {
    look(world, config).await.plan().changes.clone()
}

pub(crate) async fn context(world: &dyn World, command: &str, config: &StudioConfig) -> RunContext {
    use studiolink::questions::AnyAnswer;
    let caller = match world.look(&CallerIdentity.into()).await.answer {
        AnyAnswer::CallerIdentity(fact) => fact,
        _ => Fact::PENDING,
    };
    let context = RunContext::new(command, &caller, &config.queues, None).unwrap();
    RunContext {
        rules: Some(rules(config)),
        ..context
    }
}

/// Somebody who insists on everything: what is held back has tests of its own.
pub(crate) fn rules(config: &StudioConfig) -> Rules {
    Rules {
        config: config.clone(),
        expand: catalogues().observe.expand,
        judge: catalogues().gate,
        patience: 0,
        accepted: RiskKind::ALL.iter().copied().collect(),
        insisted: BTreeSet::new(),
    }
}

/// The same of the plan: whatever the studio file does not list goes, and the rest is changed where a part is held back.
pub(crate) fn all_wishes() -> Wishes {
    Wishes {
        left_out: BTreeSet::new(),
        partial: true,
        creates: true,
        unproven_key: false,
        removals: Removals::All,
    }
}

/// Applies these, undoing that run where one is named.
pub(crate) async fn apply_all(
    world: &dyn World,
    config: &StudioConfig,
    changes: &[Change],
    undoes: Option<&str>,
) -> Applied {
    let mut context = context(world, "test", config).await;
    context.undoes = undoes.map(str::to_owned);
    let stop = AtomicBool::new(false);
    apply(world, changes, &context, &stop, &unheard)
        .await
        .unwrap()
}

/// Applies the plan that follows from what is observed now.
pub(crate) async fn make(world: &dyn World, config: &StudioConfig) -> Applied {
    let changes = changes(world, config).await;
    apply_all(world, config, &changes, None).await
}

/// Everything that the services keep, byte for byte; not the ids that were handed out, nor what this machine keeps.
pub(crate) fn bytes(world: &Sandbox) -> serde_json::Value {
    let mut truth = serde_json::to_value(&*world.truth()).unwrap();
    let truth_of = truth.as_object_mut().unwrap();
    truth_of.remove("local");
    truth_of.remove("made");
    // No call of Resource Access Manager makes an association SUSPENDED or FAILED again: what has no force is history.
    let shares = truth["lattice"]["shares"].as_object_mut();
    let shares = shares.into_iter().flat_map(|all| all.values_mut());
    for share in shares.filter_map(|all| all.as_array_mut()).flatten() {
        let all = share["associations"].as_array_mut().unwrap();
        all.retain(|a| a["state"] == "ASSOCIATED");
        all.sort_by_key(ToString::to_string);
    }
    truth
}

pub(crate) fn of_check<'a>(findings: &'a [Finding], check: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|f| f.check == check).collect()
}
