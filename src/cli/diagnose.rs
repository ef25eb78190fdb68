//! `studiolink diagnose`: why can't a worker reach the server? The hops of each connection as they are seen now, read-only, as an
//! audit is; with --watch again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::args::{self, Args, Format, SeenFrom};
use super::init::only_one;
use super::out::{data, ink, leaves_out, talk};
use super::setup::{account, calls, told_while};
use super::stop::Stop;
use super::{Failure, ask, open, probe};
use crate::checks;
use crate::connections;
use crate::derived::implied::implied;
use crate::domain::call::Vantage;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Grade, Severity, Topic, Verdict, could_not_check};
use crate::domain::text::Printable;
use crate::domain::time::clock;
use crate::engine::drive::observe;
use crate::engine::inquiry::Catalogue;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::engine::{Progress, unheard};
use crate::questions::{Check, Consent, Purpose, QueueEnvironments, Run, View};
use crate::ui::report::baseline::without_numbers;
use crate::ui::report::diagnosis::{Way, flips, json_of, paragraph, sparkline, table, ways};
use crate::ui::report::json::{DiagnoseJson, Document};
use crate::ui::report::{by_subject, json as json_report, text};
use crate::world::World;

/// The hops of every path, and what else says why there is none.
fn of_connections() -> Catalogues {
    let hop = |id: &str| {
        let legs = connections::ALL.iter().flat_map(|leg| leg.hops());
        legs.chain(connections::from_worker()).any(|h| h.id == id)
    };
    open::some_checks(|c| hop(c.id) || checks::has(checks::OF_CONNECTIONS, c.id))
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
    (config, consent): (&StudioConfig, Consent),
    stop: &Stop,
) -> Round {
    let region = world.region().clone();
    let mut work = open::reading(args, *catalogues, region, config.clone(), consent);
    let tell = |progress: Progress| {
        if let Progress::WaitingFor(words) = progress {
            talk(words.as_str());
        }
    };
    let before = world.log().total();
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    leaves_out(work.snapshot());
    calls(args, world, before);
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
    if command.watch.is_some() && args.redact {
        return Err(Failure::Usage(
            "--redact holds back what it prints until all names are known, and --watch prints as it goes\n  fix   leave one of them out"
                .to_owned(),
        ));
    }
    let asks_worker = command.from == Some(SeenFrom::Worker);
    if asks_worker && args.redact {
        return Err(Failure::Usage(
            "--from worker asks before it starts a worker, and tells its log; --redact holds back what is said\n  fix   run `studiolink probe`, then diagnose --redact"
                .to_owned(),
        ));
    }
    if command.yes && (!asks_worker || command.watch.is_some()) {
        return Err(Failure::Usage(
            "--yes is for --from worker without --watch: nothing else asks\n  fix   leave it out"
                .to_owned(),
        ));
    }
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let without = file.text.is_none() && args.studio.is_none() && args.sandbox.is_none();
    let (config, opened, implied) = if without {
        let world = open::world(args, None).await?;
        let (config, because) = from_state(args, command, world.as_ref(), &stop).await?;
        (config, world, because)
    } else {
        let config = open::needed(args, &file)?;
        if command.server.is_some() {
            return Err(Failure::Usage(
                "--server is for a diagnosis without a studio file, and there is one\n  fix   leave it out, or correct [server] url"
                    .to_owned(),
            ));
        }
        let world = open::world(args, Some(&config)).await?;
        (config, world, Vec::new())
    };
    let world = &open::journaled(args, "diagnose", opened.as_ref(), &config);
    let mut asked = Exit::Clean;
    if asks_worker && command.watch.is_none() {
        asked = ask_worker(args, command, world.inner(), &config, &stop).await?;
    }
    let catalogues = of_connections();
    let consent = Consent {
        session: command.open_session,
        ..Consent::default()
    };
    let round = look(args, world, &catalogues, (&config, consent), &stop).await;
    open::tried(args, world)?;
    let view = View::new(round.work.snapshot(), &config, Purpose::Audit(consent));
    let findings: Vec<&Finding> = round.work.observed_findings().collect();
    let from = |v: &Vantage| is_from(command.from, v);
    let list = ways(&view, &findings);
    let exit = ended(&round, &list, &findings).and(asked);
    if args.format == Format::Json {
        let parts = DiagnoseJson {
            at: Timestamp::now().to_string(),
            connections: json_of(&list),
            besides: json_report::findings(besides(&findings)),
            inferred: Some(implied).filter(|all| !all.is_empty()),
        };
        let account = account(round.work.snapshot());
        let region = &round.work.snapshot().region;
        let document = Document::new("diagnose", account.as_ref(), Some(region), exit, parts);
        data(&document.text());
        return Ok(exit);
    }
    for way in &list {
        data(&table(way, ink(args), &from));
    }
    // What keeps a connection from being known, or from being used.
    for group in by_subject(besides(&findings)) {
        data(&text::group(&group, ink(args), args.verbose));
    }
    for way in &list {
        data(paragraph(way, ink(args)).trim_end());
    }
    if list.is_empty() {
        data(NONE);
    }
    match command.watch {
        Some(seconds) => watch(args, world, (&catalogues, &config), seconds, &list, &stop).await,
        None => Ok(exit),
    }
}

/// Reads what the way to the server follows from, and says nothing.
const READ: Check = Check {
    id: "implied",
    title: "What a queue implies of the way to the server",
    why: "without a studio file nothing else says it",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Queue(|view, key| {
        let _ = implied(view, key);
        Vec::new()
    }),
};

const READS: Catalogues = Catalogues {
    observe: Catalogue {
        checks: &[&READ],
        expand: crate::derived::roster::expand,
    },
    gate: crate::derived::channel_gate::gate,
    goals: &[],
};

/// Where no studio file says how workers reach the server: what the queue's own state implies, told with what it follows from.
async fn from_state(
    args: &Args,
    command: &args::Diagnose,
    world: &dyn World,
    stop: &Stop,
) -> Result<(StudioConfig, Vec<Printable>), Failure> {
    let key = only_one(args, world).await?;
    let blank = StudioConfig {
        queues: vec![key.clone()],
        ..StudioConfig::blank()
    };
    let region = world.region().clone();
    let mut work = Workflow::looking(READS, region, blank, Consent::default());
    told_while(world, observe(world, &mut work, &stop.flag, &unheard)).await;
    leaves_out(work.snapshot());
    if stop.is_asked() {
        return Err(Failure::Interrupted);
    }
    let implied = implied(&work.view(), &key);
    let Some(config) = implied.config(&key, command.server.as_ref()) else {
        let facts = &work.snapshot().facts;
        let unread = facts.get(&QueueEnvironments(key.clone()));
        let why = unread.and_then(Fact::why_unread).map_or_else(
            || "no environment of the queue names it".to_owned(),
            |why| format!("the queue's environments could not be read: {why}"),
        );
        return Err(Failure::Usage(format!(
            "There is no studio file here, and where the AYON server is was not seen: {why}\n  fix   add --server https://ayon.example.com, or write a studio file with `studiolink init`"
        )));
    };
    let mut because: Vec<Printable> = implied.because.iter().map(Printable::from).collect();
    if command.server.is_some() {
        because.insert(0, format!("--server names {}", config.server.url).into());
    }
    talk("no studio file here: what follows is inferred from the state of the queue");
    for line in &because {
        talk(&format!("  {line}"));
    }
    Ok((config, because))
}

/// A worker is asked again, where somebody says yes to its price; otherwise what workers told before has to do.
async fn ask_worker(
    args: &Args,
    command: &args::Diagnose,
    world: &dyn World,
    config: &StudioConfig,
    stop: &Stop,
) -> Result<Exit, Failure> {
    if !command.yes && !ask::is_answered(args) {
        talk(
            "no worker is asked again, because that starts one, which is billed: --yes does; what follows is of the newest probes",
        );
        return Ok(Exit::Clean);
    }
    let wish = args::Probe::of(command.yes);
    // The hops are told in any case; that a worker was not asked counts.
    match probe::follow(args, world, config, (&wish, !command.yes), stop).await {
        _ if stop.is_asked() => Err(Failure::Interrupted),
        Ok(followed) => Ok(followed.exit),
        Err(Failure::Usage(words)) => {
            talk(&format!("no worker was asked: {words}"));
            Ok(Exit::NotChecked)
        }
        Err(Failure::Problem(problem, exit)) => {
            talk(&format!("no worker was asked: {problem}"));
            Ok(exit)
        }
        Err(Failure::Interrupted) => Err(Failure::Interrupted),
    }
}

const NONE: &str =
    "No connection is known: the fleets that publish could not be told, or no server is named";

/// What is wrong besides the hops, or could not be seen.
fn besides<'a>(findings: &[&'a Finding]) -> Vec<&'a Finding> {
    let counts = |f: &&Finding| matches!(f.verdict, Verdict::Fail | Verdict::Unknown);
    let own = |f: &&Finding| {
        checks::has(checks::OF_PLAN, f.check) || checks::has(checks::OF_CONNECTIONS, f.check)
    };
    let all = findings.iter().copied();
    all.filter(counts).filter(own).collect()
}

fn ended(round: &Round, list: &[Way], findings: &[&Finding]) -> Exit {
    let hops = list.iter().flat_map(|w| w.hops.iter().copied());
    let besides = besides(findings);
    let seen = |w: &Way| w.hops.iter().any(|f| f.verdict == Verdict::Ok);
    Exit::Clean
        .and_if(round.interrupted, Exit::Interrupted)
        .and_if(round.work.names_unknown_queue(), Exit::Usage)
        .and_if(list.iter().any(Way::is_broken), Exit::Problem)
        .and_if(
            besides.iter().any(|f| f.verdict == Verdict::Fail),
            Exit::Problem,
        )
        .and_if(
            could_not_check(hops.chain(besides.iter().copied())),
            Exit::NotChecked,
        )
        .and_if(list.iter().any(|w| w.untried().is_some()), Exit::NotChecked)
        // Of no connection, or of none of its hops, anything was seen.
        .and_if(list.is_empty() || !list.iter().all(seen), Exit::NotChecked)
}

/// So many rounds are shown as blocks.
const ROUNDS: usize = 24;

type Seen = Vec<(String, Verdict, String)>;

fn states(way: &Way) -> Seen {
    let hops = way.hops.iter();
    hops.map(|f| (f.check.to_owned(), f.verdict, without_numbers(f)))
        .collect()
}

/// Again and again until somebody stops it: a line for each round, and one for each hop that has changed.
async fn watch(
    args: &Args,
    world: &dyn World,
    (catalogues, config): (&Catalogues, &StudioConfig),
    seconds: u64,
    first: &[Way<'_>],
    stop: &Stop,
) -> Result<Exit, Failure> {
    // Fleets come together in one way while it is the same for them, and part again: each is followed by itself.
    let mut before: BTreeMap<String, Seen> = BTreeMap::new();
    let mut slow: BTreeMap<String, Vec<Option<u64>>> = BTreeMap::new();
    let names = |way: &Way| -> Vec<String> {
        let each = way.fleets.iter();
        each.map(|f| format!("{}, {f}", way.path)).collect()
    };
    for way in first {
        for name in names(way) {
            before.insert(name, states(way));
        }
    }
    let mut exit = Exit::Clean;
    loop {
        let pause = tokio::time::sleep(Duration::from_secs(seconds));
        if stop.or(pause).await.is_none() {
            return Ok(exit.and(Exit::Interrupted));
        }
        let round = look(args, world, catalogues, (config, Consent::default()), stop).await;
        if round.interrupted {
            return Ok(exit.and(Exit::Interrupted));
        }
        let view = View::new(round.work.snapshot(), config, Purpose::AUDIT);
        let findings: Vec<&Finding> = round.work.observed_findings().collect();
        let list = ways(&view, &findings);
        exit = ended(&round, &list, &findings);
        let now = clock(Timestamp::now());
        let seen: Vec<String> = list.iter().flat_map(names).collect();
        for gone in before.keys().filter(|name| !seen.contains(name)) {
            data(&format!("{now}  {gone}: not seen any more"));
        }
        before.retain(|name, _| seen.contains(name));
        if list.is_empty() {
            data(&format!("{now}  {NONE}"));
            for finding in besides(&findings) {
                let (word, name) = (finding.verdict.word(), &finding.name);
                data(&format!("{now}  {word}  {name}: {}", finding.message));
            }
        }
        for way in &list {
            let names = names(way);
            let mut told: Vec<&str> = Vec::new();
            for name in &names {
                let before = before.get(name).map_or(&[][..], Vec::as_slice);
                for (hop, was) in flips(before, way) {
                    if told.contains(&hop.check) {
                        continue;
                    }
                    told.push(hop.check);
                    let was = was.map_or("not seen", Verdict::word);
                    let word = hop.verdict.word();
                    data(&format!("{now}  {word} was {was}: {}", hop.message));
                }
            }
            let only = |f: &&Finding| matches!(f.verdict, Verdict::WorkerOnly | Verdict::Skipped);
            let (others, judged): (Vec<&Finding>, Vec<&Finding>) =
                way.hops.iter().partition(|f| only(f));
            let fine = judged.iter().filter(|f| f.verdict == Verdict::Ok).count();
            let here = judged.iter().filter(|f| f.vantage == Vantage::Here);
            let millis = here.filter_map(|f| connections::millis(f)).max();
            let rounds = slow.entry(names.join(" ")).or_default();
            rounds.push(millis.filter(|_| !way.is_broken()));
            let shown = rounds.len().saturating_sub(ROUNDS);
            let slowest = millis.map_or_else(String::new, |ms| format!(", slowest {ms} ms"));
            let unseen = match others.len() {
                0 => String::new(),
                n => format!(", {n} not seen"),
            };
            data(&format!(
                "{now}  {}: {fine} of {} hops OK{unseen}{slowest}  {}",
                names.join("; "),
                judged.len(),
                sparkline(&rounds[shown..])
            ));
            for name in names {
                before.insert(name, states(way));
            }
        }
    }
}
