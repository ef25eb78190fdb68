//! What several tests do with a scenario of the sandbox: open it, look at it, make a plan.
#![allow(dead_code, clippy::unwrap_used)] // each test file takes what it needs

use std::sync::atomic::AtomicBool;

use studiolink::domain::config::StudioConfig;
use studiolink::domain::studio::Studio;
use studiolink::engine::apply::{Applied, RunContext, apply};
use studiolink::engine::observe::observe;
use studiolink::engine::plan::plan;
use studiolink::engine::{Purpose, unheard};
use studiolink::world::World;
use studiolink::world::sandbox::{Sandbox, scenario};

pub fn open(name: &str) -> (Sandbox, StudioConfig) {
    let mut opened = scenario::open(name).unwrap();
    opened.truth.millis = 0;
    (Sandbox::new(opened.truth, None), opened.wanted)
}

pub async fn look(world: &dyn World, wanted: &StudioConfig) -> Studio {
    observe(world, wanted, Purpose::Setup, &unheard).await
}

/// Makes the plan that follows from what was seen.
pub async fn make(world: &dyn World, studio: &Studio, wanted: &StudioConfig) -> Applied {
    let plan = plan(studio, wanted, &std::collections::BTreeSet::new());
    let occasion = RunContext::new("test", studio, &wanted.queues, None).unwrap();
    apply(
        world,
        &plan.changes,
        &occasion,
        &AtomicBool::new(false),
        &unheard,
    )
    .await
    .unwrap()
}
