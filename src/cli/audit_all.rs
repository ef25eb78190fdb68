//! `studiolink audit --all`: every queue of every farm, in several profiles and regions. Queues are read in windows, so that
//! what is kept does not grow with the studio; each window is told when it is whole, in the order of the lists.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::args::{self, Args, Format};
use super::audit::{Telling, Wanted, check_marks, document, gate, named_file, read_baseline};
use super::out::{data, ink, leaves_out, shared, talk};
use super::setup::{account, calls};
use super::stop::Stop;
use super::{Failure, open};
use crate::checks;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Since, Verdict, could_not_check};
use crate::domain::ids::{FarmId, QueueKey, Region};
use crate::domain::problem::Problem;
use crate::domain::subject::Subject;
use crate::domain::text::Printable;
use crate::engine::drive::observe;
use crate::engine::unheard;
use crate::engine::workflow::Workflow;
use crate::questions::{Consent, FarmList, QueueList, Snapshot};
use crate::ui::report::baseline::{self, Heard};
use crate::ui::report::{Audit, Place, by_subject, text};
use crate::world::World;
use crate::world::aws::Login;
use crate::world::real::RealWorld;

/// So many queues are read at once.
const WINDOW: usize = 16;

/// One profile and region.
struct Wish {
    login: Login,
    /// Several are told apart in each finding.
    shown: Option<Printable>,
}

impl Wish {
    fn words(&self) -> Printable {
        let region = self.login.region.as_ref().map(ToString::to_string);
        let profile = self.login.profile.clone();
        let words: Vec<String> = [profile, region].into_iter().flatten().collect();
        if words.is_empty() {
            return "the default profile".into();
        }
        words.join(", ").into()
    }
}

/// What became of a profile and region.
enum Listed {
    Place(Place),
    /// Another profile led there before.
    Again,
    /// Before its queues were listed.
    Interrupted,
}

/// What was found everywhere, as far as it is told at the end.
struct Found<'a> {
    telling: Telling<'a>,
    heard: Heard<'a>,
    list: Vec<Finding>,
    counts: BTreeMap<Verdict, usize>,
    could_not: bool,
    fails: bool,
    /// What was met anywhere.
    listed: BTreeSet<QueueKey>,
    farms: BTreeSet<FarmId>,
    /// Roles, fleets, channels and the account may be met in several windows: each finding of theirs is told once.
    seen: BTreeSet<(&'static str, String, &'static str, String)>,
}

pub(super) async fn run(args: &Args, command: &args::Audit) -> Result<Exit, Failure> {
    check_flags(args, command)?;
    let stop = Stop::listen();
    let wanted = Wanted::read(command)?;
    let file = open::studio_file(args)?;
    let own = file.config.clone();
    if args.studio.is_some() && file.text.is_none() {
        open::needed_by_audit(args, &file)?;
    }
    let blank = StudioConfig {
        marks: own.as_ref().map(|c| c.marks.clone()).unwrap_or_default(),
        region: own.as_ref().and_then(|c| c.region.clone()),
        profile: own.as_ref().and_then(|c| c.profile.clone()),
        only_marks: true,
        only_farms: command.farms.clone(),
        ..StudioConfig::blank()
    };
    check_marks(&file, &blank)?;
    let says_nothing = own.as_ref().is_none_or(|c| c.only_marks);
    if command.like_file && says_nothing {
        return Err(Failure::Usage(
            "--like-file compares every queue with the studio file, and none says what a queue should be\n  fix   name one with --studio FILE"
                .to_owned(),
        ));
    }
    if says_nothing {
        talk(
            "note: no studio file says what the studio should be; what compares the two is not checked",
        );
    }
    let mut found = Found {
        telling: Telling::new(&wanted, &blank, read_baseline(command)?),
        heard: Heard::default(),
        list: Vec::new(),
        counts: BTreeMap::new(),
        could_not: false,
        fails: false,
        listed: BTreeSet::new(),
        farms: BTreeSet::new(),
        seen: BTreeSet::new(),
    };
    let mut places: Vec<Place> = Vec::new();
    let studio = Studio {
        args,
        command,
        wanted: &wanted,
        own: own.as_ref().filter(|c| !c.only_marks),
        blank: &blank,
        stop: &stop,
    };
    let mut unreached: Vec<Printable> = Vec::new();
    for wish in wishes(args, command, &blank)? {
        if stop.is_asked() {
            unreached.push(wish.words());
            continue;
        }
        let world = match opened(args, &wish).await? {
            Ok(world) => world,
            Err(problem) => {
                found.take(&studio, vec![not_opened(&wish, &problem)]);
                continue;
            }
        };
        let place = studio
            .place(world.as_ref(), &wish, &places, &mut found)
            .await;
        match place {
            Listed::Place(place) => places.push(place),
            Listed::Again => {}
            Listed::Interrupted => unreached.push(wish.words()),
        }
        calls(args, world.as_ref(), 0);
    }
    end(&studio, &file, found, (&places, &unreached))
}

/// Flags that say the opposite of --all.
fn check_flags(args: &Args, command: &args::Audit) -> Result<(), Failure> {
    let beside = [
        ("--farm", args.farm.is_some(), "--farms"),
        ("--queue", args.queue.is_some(), "--farms"),
        (
            "--profile",
            args.profile.is_some() && !command.profiles.is_empty(),
            "--profiles alone",
        ),
        (
            "--region",
            args.region.is_some() && !command.regions.is_empty(),
            "--regions alone",
        ),
    ];
    for (flag, is_set, other) in beside {
        if is_set {
            return Err(Failure::Usage(format!(
                "{flag} can't be combined with --all\n  fix   write {other}"
            )));
        }
    }
    let several = !command.profiles.is_empty() || !command.regions.is_empty();
    if args.sandbox.is_some() && several {
        return Err(Failure::Usage(
            "a sandbox has one account and region\n  fix   leave --profiles and --regions out"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The profiles and regions, each with each.
fn wishes(args: &Args, command: &args::Audit, config: &StudioConfig) -> Result<Vec<Wish>, Failure> {
    let base = open::login(args, Some(config))?;
    let some = |list: &[String]| -> Vec<Option<String>> {
        if list.is_empty() {
            vec![base.profile.clone()]
        } else {
            list.iter().cloned().map(Some).collect()
        }
    };
    let regions: Vec<Option<Region>> = if command.regions.is_empty() {
        vec![base.region.clone()]
    } else {
        command.regions.iter().cloned().map(Some).collect()
    };
    let profiles = some(&command.profiles);
    let several = profiles.len() * regions.len() > 1;
    let mut all = Vec::new();
    for profile in &profiles {
        for region in &regions {
            let mut wish = Wish {
                login: Login {
                    profile: profile.clone(),
                    region: region.clone(),
                    endpoint: base.endpoint.clone(),
                },
                shown: None,
            };
            wish.shown = several.then(|| wish.words());
            all.push(wish);
        }
    }
    Ok(all)
}

/// A place that can't be opened is told like one that can't be read: the others are looked at all the same.
async fn opened(args: &Args, wish: &Wish) -> Result<Result<Arc<dyn World>, Problem>, Failure> {
    if let Some(name) = &args.sandbox {
        talk("sandbox: a studio in memory; nothing that follows was seen on AWS");
        return Ok(Ok(Arc::new(open::sandbox(args, name)?)));
    }
    let world = match RealWorld::connect(&wish.login, args.allow_http).await {
        Ok(world) => Arc::new(world) as Arc<dyn World>,
        Err(problem) => return Ok(Err(problem)),
    };
    args.opened.keep(&world);
    Ok(Ok(world))
}

fn not_opened(wish: &Wish, problem: &Problem) -> Finding {
    let mut finding = Finding::unknown("not-opened", problem.doing.as_str()).for_problem(problem);
    finding.check = checks::ALL_QUEUES.id;
    finding.topic = checks::ALL_QUEUES.topic;
    finding.name = wish.shown.clone().unwrap_or_else(|| "AWS account".into());
    finding
}

/// What all places share.
struct Studio<'a> {
    args: &'a Args,
    command: &'a args::Audit,
    wanted: &'a Wanted,
    /// What the studio file says of its own queues.
    own: Option<&'a StudioConfig>,
    blank: &'a StudioConfig,
    stop: &'a Stop,
}

impl Studio<'_> {
    /// Lists the place's queues and checks them, a window at a time.
    async fn place(
        &self,
        world: &dyn World,
        wish: &Wish,
        before: &[Place],
        found: &mut Found<'_>,
    ) -> Listed {
        let region = world.region().clone();
        let listing = StudioConfig {
            lists_all: true,
            ..self.blank.clone()
        };
        let mut catalogues = open::catalogues();
        catalogues.observe.checks = checks::OF_LISTING;
        let mut work = Workflow::looking(catalogues, region.clone(), listing, Consent::default());
        observe(world, &mut work, &self.stop.flag, &unheard).await;
        if self.stop.is_asked() {
            return Listed::Interrupted;
        }
        leaves_out(work.snapshot());
        let account = account(work.snapshot());
        if let Some(account) = &account
            && before
                .iter()
                .any(|p| p.account.as_ref() == Some(account) && p.region == region)
        {
            let profile = wish.login.profile.as_deref().unwrap_or("default");
            talk(&format!(
                "note: profile {profile} leads to account {account} in {region}, which was looked at already"
            ));
            return Listed::Again;
        }
        let keys = queues(work.snapshot(), &self.command.farms);
        found.listed.extend(keys.iter().cloned());
        found.farms.extend(farms(work.snapshot()));
        let named = |f: &Finding| Self::placed(f.clone(), wish);
        found.take(self, work.observed_findings().map(named).collect());
        drop(work);
        let bar = Self::bar(keys.len(), wish);
        let mut place = Place {
            profile: wish.login.profile.clone(),
            account,
            region,
            queues: keys.len(),
            unchecked: Vec::new(),
        };
        for (at, window) in keys.chunks(WINDOW).enumerate() {
            if self.stop.is_asked() {
                place.unchecked = keys[at * WINDOW..].to_vec();
                break;
            }
            let list = self.window(world, &place.region, window).await;
            // What an interrupted window has not read is not told as if it were unknown to AWS.
            if self.stop.is_asked() {
                place.unchecked = keys[at * WINDOW..].to_vec();
            }
            let list = list.into_iter().map(|f| Self::placed(f, wish)).collect();
            bar.suspend(|| found.take(self, list));
            bar.inc(window.len() as u64);
            if !place.unchecked.is_empty() {
                break;
            }
        }
        bar.finish_and_clear();
        Listed::Place(place)
    }

    fn placed(mut finding: Finding, wish: &Wish) -> Finding {
        if let Some(shown) = &wish.shown {
            finding.name = format!("{} ({shown})", finding.name).into();
        }
        finding
    }

    /// On a terminal alone: a log has no use for it.
    fn bar(queues: usize, wish: &Wish) -> ProgressBar {
        if !std::io::stderr().is_terminal() || queues <= WINDOW {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(queues as u64);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} queues {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(wish.shown.clone().unwrap_or_default().to_string());
        bar
    }

    /// The findings of some queues: those of the studio file by what it says, the others by what holds for any.
    async fn window(&self, world: &dyn World, region: &Region, keys: &[QueueKey]) -> Vec<Finding> {
        let every = self.command.like_file;
        let is_own = |key: &&QueueKey| self.own.is_some_and(|c| every || c.queues.contains(key));
        let (own, other): (Vec<&QueueKey>, Vec<&QueueKey>) = keys.iter().partition(is_own);
        let of = |config: &StudioConfig, keys: &[&QueueKey]| StudioConfig {
            queues: keys.iter().map(|k| (*k).clone()).collect(),
            only_some_queues: true,
            ..config.clone()
        };
        let configs = [self.own.map(|c| of(c, &own)), Some(of(self.blank, &other))];
        let configs = configs
            .into_iter()
            .flatten()
            .filter(|c| !c.queues.is_empty());
        let each = configs.map(|config| async move {
            let catalogues = self.wanted.catalogues();
            let mut work = open::reading(
                self.args,
                catalogues,
                region.clone(),
                config.clone(),
                Consent::default(),
            );
            observe(world, &mut work, &self.stop.flag, &unheard).await;
            leaves_out(work.snapshot());
            work.observed_findings().cloned().collect::<Vec<_>>()
        });
        let all = futures_util::future::join_all(each).await;
        let mut all: Vec<Finding> = all.into_iter().flatten().collect();
        // The account and the queues in the order of the list, then what they use.
        let place = |f: &Finding| match &f.subject {
            Subject::Account => 0,
            Subject::Queue(key) => 1 + keys.iter().position(|k| k == key).unwrap_or(keys.len()),
            _ => keys.len() + 2,
        };
        all.sort_by_key(place);
        all
    }
}

impl Found<'_> {
    /// Takes in what is whole, and prints it where text is asked for. OK is counted.
    fn take(&mut self, studio: &Studio, list: Vec<Finding>) {
        let (args, command) = (studio.args, studio.command);
        let mut kept = Vec::new();
        for finding in list {
            let is_queues = matches!(finding.subject, Subject::Queue(_));
            let item = finding
                .item
                .as_ref()
                .map(Printable::as_str)
                .unwrap_or_default();
            let id = format!("{} {item} {}", finding.subject.id(), finding.name);
            let key = (finding.check, id, finding.code, finding.message.to_string());
            if !is_queues && !self.seen.insert(key) {
                continue;
            }
            let Some(told) = self.telling.told(&finding) else {
                continue;
            };
            let told = told.into_owned();
            self.heard.hear(&told);
            *self.counts.entry(told.verdict).or_default() += 1;
            self.could_not |= could_not_check([&told]);
            self.fails |= gate(command, &told);
            let got_better = told.since == Some(Since::Better);
            if told.verdict != Verdict::Ok || got_better || args.verbose {
                kept.push(told);
            }
        }
        if args.format == Format::Text {
            for group in by_subject(&kept) {
                data(&text::group(&group, ink(args), args.verbose));
            }
            // What a baseline is compared with is told at the end.
            if self.telling.baseline.is_none() {
                return;
            }
        }
        self.list.extend(kept);
    }
}

fn farms(snapshot: &Snapshot) -> Vec<FarmId> {
    let list = snapshot.facts.get(&FarmList).and_then(|f| f.known());
    let list = list.into_iter().flatten();
    list.filter_map(|f| f.id.parse().ok()).collect()
}

/// The queues that were listed, in the order of the lists.
fn queues(snapshot: &Snapshot, only: &[FarmId]) -> Vec<QueueKey> {
    let farms = farms(snapshot).into_iter();
    let farms = farms.filter(|id| only.is_empty() || only.contains(id));
    let of_farm = |farm: FarmId| {
        let list = snapshot.facts.get(&QueueList(farm.clone()));
        let list = list.and_then(|f| f.known()).into_iter().flatten();
        let keys = list.filter_map(|q| {
            Some(QueueKey {
                farm: farm.clone(),
                queue: q.id.parse().ok()?,
            })
        });
        keys.collect::<Vec<_>>()
    };
    farms.flat_map(of_farm).collect()
}

/// What was named, and met nowhere.
fn missing(studio: &Studio, found: &Found<'_>) -> Vec<Finding> {
    let farms = studio.command.farms.iter();
    let farms = farms.filter(|f| !found.farms.contains(f)).map(|farm| {
        let line = format!("There is no farm {farm} in what was looked at");
        Finding::unknown("no-farm", line)
            .about(farm.to_string())
            .why("--farms names it, and no list of farms does")
            .fix("compare its id in the Deadline Cloud console, the account and the region")
    });
    let own = studio.own.into_iter().flat_map(|c| &c.queues);
    let of_farms = |k: &&QueueKey| {
        let only = &studio.command.farms;
        only.is_empty() || only.contains(&k.farm)
    };
    let queues = own.filter(of_farms).filter(|k| !found.listed.contains(k)).map(|key| {
        let line = format!("Queue {} of the studio file was not among those that were listed", key.queue);
        Finding::unknown("no-queue", line)
            .about(key.queue.to_string())
            .why("nothing that the studio file says of it was compared: it does not exist, or is in another account or region")
            .fix("look at it with `studiolink audit`, or correct [queue] in the studio file")
    });
    let placed = |mut f: Finding| {
        f.check = checks::ALL_QUEUES.id;
        f.topic = checks::ALL_QUEUES.topic;
        f.name = "What was looked at".into();
        f
    };
    farms.chain(queues).map(placed).collect()
}

fn end(
    studio: &Studio,
    file: &open::StudioFile,
    mut found: Found<'_>,
    (places, unreached): (&[Place], &[Printable]),
) -> Result<Exit, Failure> {
    let (args, command) = (studio.args, studio.command);
    let stopped = studio.stop.is_asked();
    let missing = if stopped {
        Vec::new()
    } else {
        missing(studio, &found)
    };
    let all_met = missing.is_empty() && !found.could_not;
    let whole = studio.wanted.is_all() && command.farms.is_empty() && !stopped && all_met;
    found.take(studio, missing);
    let of_marks = found.telling.of_marks(whole, &[]);
    let late: Vec<Finding> = of_marks;
    for finding in &late {
        *found.counts.entry(finding.verdict).or_default() += 1;
        found.fails |= gate(command, finding);
    }
    if args.format == Format::Text {
        for group in by_subject(&late) {
            data(&text::group(&group, ink(args), args.verbose));
        }
    }
    found.list.extend(late);
    if args.redact {
        let own = found.list.iter().map(|f| shared(f).into_owned());
        found.list = own.collect();
    }
    let nothing = found.counts.is_empty();
    let exit = Exit::Clean
        .and_if(stopped, Exit::Interrupted)
        .and_if(found.fails, Exit::Problem)
        .and_if(found.could_not || nothing, Exit::NotChecked);
    let audit = Audit {
        findings: by_subject(&found.list).into_iter().flatten().collect(),
        account: None,
        region: None,
        places,
        unreached,
        exit,
        at: Timestamp::now(),
        file: named_file(file),
        svg: None,
        drift: None,
    };
    let met: Vec<(String, String)> = places
        .iter()
        .filter_map(|p| Some((p.account.as_ref()?.to_string(), p.region.to_string())))
        .collect();
    found.telling.comparable(&met)?;
    let gone = found.telling.baseline.take().map(|b| b.gone(&found.heard));
    let drift = gone
        .as_ref()
        .map(|gone| baseline::text(gone, &found.list).trim_end().to_owned());
    if args.format == Format::Text {
        summary(&found.counts, places);
        for place in unreached {
            data(&format!(
                "interrupted: the queues of {place} were not listed"
            ));
        }
        if let Some(drift) = drift {
            data(&drift);
        }
        return Ok(exit);
    }
    let fails = |f: &Finding| gate(command, f);
    let audit = Audit { drift, ..audit };
    data(&document(args.format, &audit, gone.as_ref(), &fails)?);
    Ok(exit)
}

/// How much was looked at, and what came of it.
fn summary(counts: &BTreeMap<Verdict, usize>, places: &[Place]) {
    for place in places {
        let of = place.queues - place.unchecked.len();
        let profile = place.profile.as_deref();
        let profile = profile.map_or_else(String::new, |p| {
            format!(" (profile {})", Printable::short(p, 60))
        });
        data(&format!(
            "{of} of {} queues were checked in account {}, {}{profile}",
            place.queues,
            place.account(),
            place.region
        ));
        let left: Vec<String> = place.unchecked.iter().map(|k| k.queue.brief()).collect();
        if !left.is_empty() {
            data(&format!(
                "interrupted: not, or not wholly, checked were {}",
                left.join(", ")
            ));
        }
    }
    let count = |v: &Verdict| Some(format!("{} {}", counts.get(v)?, v.word()));
    let all: Vec<String> = Verdict::ALL.iter().filter_map(count).collect();
    data(&if all.is_empty() {
        "nothing was checked".to_owned()
    } else {
        all.join(", ")
    });
}
