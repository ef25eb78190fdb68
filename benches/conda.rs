//! One conda solve against one channel, measured: seconds and peak memory as JSON. `benches/conda.py` makes the channel,
//! runs this and py-rattler on it, and prints both beside each other.

use std::time::Instant;

use studiolink::domain::call::Vantage;
use studiolink::domain::conda_solve::{CondaSolve, Engine, Outcome, Platform, Priority};
use studiolink::world::conda::{Lent, Names, progress::Downloads, read_and_solve};
use studiolink::world::{CallLog, Record};

/// In kilobytes, as Linux keeps it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}

/// Of it, what is the process's own; the rest is the index on the disk, mapped.
fn own() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("RssAnon:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}

#[allow(clippy::print_stdout)] // its result
fn main() {
    let Ok(channel) = std::env::var("STUDIOLINK_BENCH_CHANNEL") else {
        println!("run benches/conda.py, which makes the channel for this");
        return;
    };
    let packages = std::env::var("STUDIOLINK_BENCH_PACKAGES").unwrap_or_default();
    let question = CondaSolve {
        channels: vec![channel.parse().expect("an address of a channel")],
        packages: packages.split_whitespace().map(str::to_owned).collect(),
        platforms: vec![Platform::Linux64],
        engine: Engine::Rattler,
        priorities: vec![Priority::Strict],
        publishing: vec![Platform::Linux64],
        for_addon: false,
        unpinned: None,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let began = Instant::now();
    let seen = runtime.block_on(async {
        let record = Record::new(&CallLog::default());
        let lent = Lent {
            vantage: Vantage::Here,
            sign: None,
            names: Names::default(),
            cache: studiolink::world::conda::cache_folder(),
            downloads: Downloads::default(),
        };
        read_and_solve(&record, lent, &question).await
    });
    let seconds = began.elapsed().as_secs_f64();
    let report = seen.expect("a conda solve");
    let found = match &report.solves[0].outcome {
        Outcome::Found(list) => list.len(),
        other => panic!("{other:?} {:?}", report.channels),
    };
    println!(
        "{{\"seconds\": {seconds:.3}, \"peak_mb\": {}, \"own_mb\": {}, \"found\": {found}}}",
        peak() / 1000,
        own() / 1000
    );
}
