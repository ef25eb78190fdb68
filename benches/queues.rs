//! `cargo bench --bench queues`: what an audit and a plan of many queues cost, each with a role of its own, on a sandbox
//! without latency: processor time per queue and peak memory at 50 and at 400 queues, each in a process of its own.
//! Prints figures; asserts nothing, because a machine's speed is not the fault of a change.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench prints its figures

use std::process::Command;
use std::sync::atomic::AtomicBool;

use studiolink::cli::{catalogues, plan_catalogues};
use studiolink::engine::drive::observe;
use studiolink::engine::unheard;
use studiolink::engine::workflow::Workflow;
use studiolink::questions::Purpose;
use studiolink::world::World as _;
use studiolink::world::sandbox::{Sandbox, scenario};

const QUEUES: &str = "STUDIOLINK_BENCH_QUEUES";
const COMMAND: &str = "STUDIOLINK_BENCH_COMMAND";

/// Peak memory in kilobytes, as Linux keeps it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time of this process in milliseconds; Linux counts it in hundredths of a second.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(") ").next().unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 10
}

fn child(queues: u32, command: &str) {
    let base = include_str!("../assets/sandbox/studio.toml");
    let text = base.replacen(
        "millis = 15",
        &format!("millis = 0\nmore_queues = {}\nown_roles = true", queues - 1),
        1,
    );
    let scenario = scenario::read("bench", &text).unwrap();
    let mut config = scenario.config;
    config.queues.clone_from(&scenario.truth.queue_order);
    let world = Sandbox::new(scenario.truth, None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (before, held) = (cpu(), peak());
    let region = world.region().clone();
    let mut work = if command == "audit" {
        Workflow::audit(catalogues(), region, config)
    } else {
        Workflow::new(plan_catalogues(), region, config, Purpose::AUDIT, true)
    };
    runtime.block_on(observe(
        &world,
        &mut work,
        &AtomicBool::new(false),
        &unheard,
    ));
    let said = if command == "audit" {
        work.observed_findings().count()
    } else {
        work.plan().changes.len()
    };
    println!("{} {} {said}", cpu() - before, peak() - held);
}

fn main() {
    if let (Ok(queues), Ok(command)) = (std::env::var(QUEUES), std::env::var(COMMAND)) {
        return child(queues.parse().unwrap(), &command);
    }
    println!("at {}", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%MZ"));
    for command in ["audit", "plan"] {
        let mut rows = Vec::new();
        for queues in [50_u32, 400] {
            let output = Command::new(std::env::current_exe().unwrap())
                .env(QUEUES, queues.to_string())
                .env(COMMAND, command)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let words: Vec<u64> = text
                .split_whitespace()
                .map(|w| w.parse().unwrap())
                .collect();
            let [millis, kilobytes, said] = words[..] else {
                panic!("{text} {}", String::from_utf8_lossy(&output.stderr));
            };
            let per_queue = f64::from(u32::try_from(millis).unwrap()) / f64::from(queues);
            println!(
                "{command}, {queues} queues: {per_queue:.2} ms of processor per queue, {} MB more memory, {said} {}",
                kilobytes / 1000,
                if command == "audit" {
                    "findings"
                } else {
                    "changes"
                }
            );
            rows.push((per_queue, kilobytes));
        }
        println!(
            "{command}: {:.2} times the processor time per queue (target 1.3), {} MB more (target 20)",
            rows[1].0 / rows[0].0,
            (rows[1].1.saturating_sub(rows[0].1)) / 1000
        );
    }
}
