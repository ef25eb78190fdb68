//! `studiolink diagnose`: why can't a worker reach the server? The hops of each connection as they are seen now, read-only, as an
//! audit is; with --watch again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::args::{self, Args, Format, SeenFrom};
use super::open::catalogues;
use super::out::{data, ink, talk};
use super::setup::{account, calls, told_while};
use super::stop::Stop;
use super::{Failure, open};
use crate::connections;
use crate::domain::call::Vantage;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict, could_not_check};
use crate::domain::time::clock;
use crate::engine::Progress;
use crate::engine::drive::observe;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::questions::{Check, Purpose, View};
use crate::ui::report::diagnosis::{Way, flips, json_of, paragraph, sparkline, table, ways};
use crate::ui::report::json as json_report;
use crate::world::World;

/// What says something of a connection besides its hops.
const BESIDE: &[&str] = &["connection-fleets", "connection-path", "server-url"];

/// The hops of every path, and whether the queues exist.
fn of_connections() -> Catalogues {
    let hop = |id: &str| {
        let legs = connections::ALL.iter().flat_map(|leg| leg.hops());
        legs.chain(connections::from_worker()).any(|h| h.id == id)
    };
    let needed = |c: &&&'static Check| {
        let of_plan = crate::checks::OF_PLAN.iter().any(|own| own.id == c.id);
        of_plan || hop(c.id) || BESIDE.contains(&c.id)
    };
    let mut own = catalogues();
    let checks: Vec<&'static Check> = own.observe.checks.iter().filter(needed).copied().collect();
    // Once for the program's life.
    own.observe.checks = Box::leak(checks.into_boxed_slice());
    own
}

fn is_from(from: Option<SeenFrom>, vantage: &Vantage) -> bool {
    match (from, vantage) {
        (None, _) | (Some(SeenFrom::Worker), Vantage::Worker(_)) => true,
        (Some(SeenFrom::Here), vantage) => *vantage == Vantage::Here,
        (Some(SeenFrom::Aws), vantage) => *vantage == Vantage::Aws,
        (Some(SeenFrom::Worker), _) => false,
    }
}

/// What a round has seen.
struct Round {
    work: Workflow,
    interrupted: bool,
}

async fn look(
    args: &Args,
    world: &dyn World,
    catalogues: &Catalogues,
    config: &StudioConfig,
    stop: &Stop,
) -> Round {
    let region = world.region().clone();
    let mut work = Workflow::audit(*catalogues, region, config.clone());
    let tell = |progress: Progress| {
        if let Progress::WaitingFor(words) = progress {
            talk(words.as_str());
        }
    };
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    calls(args, world, 0);
    Round {
        work,
        interrupted: stop.is_asked(),
    }
}

pub(super) async fn run(args: &Args, command: &args::Diagnose) -> Result<Exit, Failure> {
    if command.watch.is_some() && args.format == Format::Json {
        return Err(Failure::Usage(
            "--watch prints lines, and a document has an end\n  fix   leave out --format json, or run it again and again"
                .to_owned(),
        ));
    }
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let config = open::needed(args, &file)?;
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let catalogues = of_connections();
    let round = look(args, world, &catalogues, &config, &stop).await;
    let view = View::new(round.work.snapshot(), &config, Purpose::Audit);
    let findings: Vec<&Finding> = round.work.observed_findings().collect();
    let from = |v: &Vantage| is_from(command.from, v);
    let list = ways(&view, &findings, &from);
    let hops = || list.iter().flat_map(|w| w.hops.iter().copied());
    let exit = Exit::Clean
        .and_if(round.interrupted, Exit::Interrupted)
        .and_if(round.work.names_unknown_queue(), Exit::Usage)
        .and_if(list.iter().any(Way::is_broken), Exit::Problem)
        .and_if(could_not_check(hops()), Exit::NotChecked)
        // Of no connection nothing was seen.
        .and_if(list.is_empty(), Exit::NotChecked);
    if args.format == Format::Json {
        let parts = json!({ "at": Timestamp::now().to_string(), "connections": json_of(&list) });
        let (account, region) = (
            account(round.work.snapshot()),
            &round.work.snapshot().region,
        );
        let document =
            json_report::document("diagnose", account.as_ref(), Some(region), exit, parts);
        data(&document.to_string());
        return Ok(exit);
    }
    if list.is_empty() {
        // Why there is none, these say.
        let bad = findings.iter().filter(|f| f.verdict.is_bad());
        for finding in bad {
            data(&format!(
                "{}  {}: {}",
                finding.verdict.word(),
                finding.name,
                finding.message
            ));
        }
        data("No connection is known: no fleet that publishes was found, or no server is named");
        return Ok(exit);
    }
    for way in &list {
        data(&table(way, ink(args)));
    }
    for way in &list {
        data(paragraph(way, ink(args)).trim_end());
    }
    match command.watch {
        Some(seconds) => {
            watch(
                args,
                world,
                (&catalogues, &config),
                seconds,
                &list,
                &stop,
                &from,
            )
            .await
        }
        None => Ok(exit),
    }
}

/// So many rounds are shown as blocks.
const ROUNDS: usize = 24;

type Seen = Vec<(String, Verdict)>;

fn states(way: &Way) -> Seen {
    let hops = way.hops.iter();
    hops.map(|f| (f.check.to_owned(), f.verdict)).collect()
}

/// Again and again until somebody stops it: a line for each round, and one for each hop that has become other.
async fn watch(
    args: &Args,
    world: &dyn World,
    (catalogues, config): (&Catalogues, &StudioConfig),
    seconds: u64,
    first: &[Way<'_>],
    stop: &Stop,
    from: &dyn Fn(&Vantage) -> bool,
) -> Result<Exit, Failure> {
    let mut before: BTreeMap<String, Seen> = BTreeMap::new();
    let mut slow: BTreeMap<String, Vec<Option<u64>>> = BTreeMap::new();
    let key = |way: &Way| {
        format!(
            "{} {}",
            way.path,
            way.fleets.first().map_or("", |f| f.as_str())
        )
    };
    for way in first {
        before.insert(key(way), states(way));
    }
    let mut exit = Exit::Clean;
    loop {
        let pause = tokio::time::sleep(Duration::from_secs(seconds));
        if stop.or(pause).await.is_none() {
            return Ok(exit.and(Exit::Interrupted));
        }
        let round = look(args, world, catalogues, config, stop).await;
        if round.interrupted {
            return Ok(exit.and(Exit::Interrupted));
        }
        let view = View::new(round.work.snapshot(), config, Purpose::Audit);
        let findings: Vec<&Finding> = round.work.observed_findings().collect();
        let list = ways(&view, &findings, from);
        exit = Exit::Clean.and_if(list.iter().any(Way::is_broken), Exit::Problem);
        let now = clock(Timestamp::now());
        for way in &list {
            let name = key(way);
            for (hop, was) in flips(before.get(&name).map_or(&[], Vec::as_slice), way) {
                data(&format!(
                    "{now}  {} was {}: {}",
                    hop.verdict.word(),
                    was.word(),
                    hop.message
                ));
            }
            let wrong = way
                .hops
                .iter()
                .filter(|f| f.verdict.is_bad() || f.verdict == Verdict::NotReached);
            let (wrong, all) = (wrong.count(), way.hops.len());
            let last = way.hops.iter().filter(|f| f.vantage == Vantage::Here);
            let millis = last.filter_map(|f| connections::millis(f)).max();
            let rounds = slow.entry(name.clone()).or_default();
            rounds.push(millis.filter(|_| !way.is_broken()));
            let shown = rounds.len().saturating_sub(ROUNDS);
            let millis = millis.map_or_else(String::new, |ms| format!(", slowest {ms} ms"));
            data(&format!(
                "{now}  {name}: {} of {all} hops OK{millis}  {}",
                all - wrong,
                sparkline(&rounds[shown..])
            ));
            before.insert(name, states(way));
        }
    }
}
