//! One dry run against one channel, measured: seconds and peak memory as JSON. `benches/conda.py` makes the channel,
//! runs this and py-rattler on it, and prints both beside each other.

use std::time::Instant;

use studiolink::domain::conda_solve::{CondaSolve, Engine, Outcome, Platform, Priority, Reader};
use studiolink::domain::probe::Seen;
use studiolink::world::conda::{Lent, Names, dry_run, progress::Downloads};
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
        reader: Reader::Caller,
        channels: vec![channel.parse().expect("an address of a channel")],
        packages: packages.split_whitespace().map(str::to_owned).collect(),
        platforms: vec![Platform::Linux64],
        engine: Engine::Rattler,
        priorities: vec![Priority::Strict],
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let began = Instant::now();
    let seen = runtime.block_on(async {
        let record = Record::new(&CallLog::default());
        let lent = Lent {
            vantage: question.reader.vantage(),
            sign: None,
            names: Names::default(),
            cache: studiolink::world::conda::cache_folder(),
            downloads: Downloads::default(),
        };
        dry_run(&record, lent, &question).await
    });
    let seconds = began.elapsed().as_secs_f64();
    let Ok(Seen::CondaSolve(tried)) = seen else {
        panic!("no dry run: {seen:?}");
    };
    let found = match &tried.solves[0].outcome {
        Outcome::Found(list) => list.len(),
        other => panic!("{other:?} {:?}", tried.channels),
    };
    println!(
        "{{\"seconds\": {seconds:.3}, \"peak_mb\": {}, \"own_mb\": {}, \"found\": {found}}}",
        peak() / 1000,
        own() / 1000
    );
}
