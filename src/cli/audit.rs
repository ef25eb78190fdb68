//! `studiolink audit`: the checks, read-only. It takes no queue-role credentials. Findings are printed as they come, and
//! what was found is kept when it is interrupted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Mutex;

use super::args::{self, Args, FailOn, Format};
use super::checks::named;
use super::open::StudioFile;
use super::out::{data, ink, leaves_out, shared, talk};
use super::setup::{account, calls, expired, told_while};
use super::stop::Stop;
use super::{Failure, open};
use crate::checks;
use crate::domain::config::StudioConfig;
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict, could_not_check, is_expired};
use crate::domain::mark::{CHECK_ID as OF_MARKS, Marks};
use crate::domain::subject::Subject;
use crate::engine::Progress;
use crate::engine::drive::observe;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::questions::{Purpose, View};
use crate::ui::diagram;
use crate::ui::report::baseline::{self, Baseline, Gone, Heard};
use crate::ui::report::{Audit, by_subject, html, json as json_report, junit, sarif, text, ticket};
use crate::world::World as _;
use crate::world::local::files;
use jiff::Timestamp;

/// Which checks somebody wants to hear of.
pub(super) struct Wanted {
    only: BTreeSet<&'static str>,
    skip: BTreeSet<&'static str>,
}

impl Wanted {
    pub(super) fn read(command: &args::Audit) -> Result<Self, Failure> {
        let ids = |list: &[String]| -> Result<BTreeSet<&'static str>, Failure> {
            list.iter().map(|id| Ok(named(id)?.id)).collect()
        };
        let wanted = Self {
            only: ids(&command.only)?,
            skip: ids(&command.skip)?,
        };
        let never = wanted.only.iter().filter_map(|id| checks::by_id(id));
        if let Some(check) = never.into_iter().find(|c| !c.in_audit) {
            return Err(Failure::Usage(format!(
                "--only {}: it runs in setup alone, so an audit would say nothing\n  fix   leave it out",
                check.id
            )));
        }
        if !checks::ALL.iter().any(|c| wanted.has(c.id)) {
            return Err(Failure::Usage(
                "--only and --skip leave no check\n  fix   leave one of them out".to_owned(),
            ));
        }
        Ok(wanted)
    }

    pub(super) fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        (self.only.is_empty() || self.only.contains(id)) && !self.skip.contains(id)
    }

    /// Who is signed in and whether the queue exists is asked all the same: without them everything else is said in vain.
    fn shows(&self, finding: &Finding) -> bool {
        let rests_on = [checks::OF_PLAN, checks::OF_LISTING];
        let rests_on = rests_on.iter().any(|list| checks::has(list, finding.check));
        let says = matches!(finding.verdict, Verdict::Fail | Verdict::Unknown);
        self.has(finding.check) || (rests_on && says)
    }

    pub(super) fn catalogues(&self) -> Catalogues {
        open::some_checks(|c| self.has(c.id))
    }
}

/// What is told of a finding besides what its check says.
pub(super) struct Telling<'a> {
    wanted: &'a Wanted,
    marks: Marks<'a>,
    pub(super) baseline: Option<Baseline>,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        wanted: &'a Wanted,
        config: &'a StudioConfig,
        baseline: Option<Baseline>,
    ) -> Self {
        let today = Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::system())
            .date();
        Self {
            wanted,
            marks: Marks::new(&config.marks, today),
            baseline,
        }
    }

    /// A finding as it is told; `None`: nobody wants to hear of it. There may be thousands, so what needs no word stays where it is.
    pub(super) fn told<'f>(&mut self, finding: &'f Finding) -> Option<Cow<'f, Finding>> {
        if !self.wanted.shows(finding) {
            return None;
        }
        if self.marks.is_empty() && self.baseline.is_none() {
            return Some(Cow::Borrowed(finding));
        }
        let mut own = finding.clone();
        self.marks.put_on(&mut own);
        own.since = self.baseline.as_mut().map(|b| b.since(&own));
        Some(Cow::Owned(own))
    }

    /// What is wrong with the studio file's own entries, among the findings of the account.
    pub(super) fn of_marks(&mut self, whole: bool, list: &[Cow<Finding>]) -> Vec<Finding> {
        let mut own = self.marks.findings(whole);
        own.retain(|_| self.wanted.has(OF_MARKS));
        let of_account = list.iter().find(|f| f.subject == Subject::Account);
        let heading = of_account.map_or_else(|| "Studio file".into(), |f| f.name.clone());
        for finding in &mut own {
            finding.name = heading.clone();
            finding.since = self.baseline.as_mut().map(|b| b.since(finding));
        }
        own
    }

    /// A baseline of another studio would excuse what is wrong in this one.
    pub(super) fn comparable(&self, met: &[(String, String)]) -> Result<(), Failure> {
        let baseline = self.baseline.as_ref();
        let other = baseline.and_then(|b| b.is_of_another(met));
        match other {
            None => Ok(()),
            Some(why) => Err(Failure::Usage(format!(
                "the baseline can't be compared: {why}\n  fix   write one of this studio with `studiolink audit --format json > FILE`"
            ))),
        }
    }
}

pub(super) fn read_baseline(command: &args::Audit) -> Result<Option<Baseline>, Failure> {
    let Some(path) = &command.baseline else {
        return Ok(None);
    };
    let shown = path.display();
    let bytes = files::read(path).map_err(|p| Failure::Usage(p.to_string()))?;
    let bytes = bytes.ok_or_else(|| {
        Failure::Usage(format!(
            "There is no baseline {shown}\n  fix   write one with `studiolink audit --format json > FILE`"
        ))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let read = Baseline::read(&text).map_err(|why| {
        Failure::Usage(format!(
            "{shown} can't be a baseline: {why}\n  fix   write one with `studiolink audit --format json > FILE`"
        ))
    })?;
    Ok(Some(read))
}

/// A mark for a check that does not exist would hide nothing and look as if it did.
pub(super) fn check_marks(file: &StudioFile, config: &StudioConfig) -> Result<(), Failure> {
    for mark in &config.marks {
        if let Err(Failure::Usage(words)) = named(&mark.check) {
            let path = file.path.as_deref().map(|p| p.display().to_string());
            let path = path.unwrap_or_else(|| "the studio file".to_owned());
            return Err(Failure::Usage(format!(
                "{path}: line {}: {words}",
                mark.line
            )));
        }
    }
    Ok(())
}

pub(super) async fn run(args: &Args, command: &args::Audit) -> Result<Exit, Failure> {
    if command.all {
        return super::audit_all::run(args, command).await;
    }
    let stop = Stop::listen();
    let wanted = Wanted::read(command)?;
    let file = open::studio_file(args)?;
    let config = open::needed_by_audit(args, &file)?;
    if config.only_marks {
        talk(
            "note: the studio file says nothing of what the studio should be; what compares the two is not checked",
        );
    }
    check_marks(&file, &config)?;
    let compared = read_baseline(command)?;
    let world = open::world(args, Some(&config)).await?;
    let world = &open::journaled(args, "audit", world.as_ref(), &config);
    let region = world.region().clone();
    let consent = open::consent(command.tries);
    let mut work = open::reading(args, wanted.catalogues(), region, config.clone(), consent);
    let streams = args.format == Format::Text;
    let told: Mutex<BTreeSet<Subject>> = Mutex::default();
    // What is printed as it comes is told twice: once for the eye, once for the end.
    let early = Mutex::new(Telling::new(&wanted, &config, compared.clone()));
    let tell = |progress: Progress| match (progress, told.lock(), early.lock()) {
        (Progress::Findings(findings), Ok(mut told), Ok(mut early)) if streams => {
            told.extend(findings.iter().map(|f| f.subject.clone()));
            let list = findings.iter().filter(|f| !is_expired(f));
            let list: Vec<_> = list.filter_map(|f| early.told(f)).collect();
            print(args, list.iter().map(AsRef::as_ref));
        }
        (Progress::WaitingFor(words), ..) => talk(words.as_str()),
        _ => {}
    };
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    leaves_out(work.snapshot());
    calls(args, world, 0);
    open::tried(args, world)?;
    drop(early);

    let mut telling = Telling::new(&wanted, &config, compared);
    let all = work.observed_findings();
    let mut list: Vec<Cow<Finding>> = all.filter_map(|f| telling.told(f)).collect();
    // Flags that name what a file of marks leaves open narrow nothing down.
    let all_queues = config.only_marks || !config.only_some_queues;
    let whole = wanted.is_all() && all_queues && !stop.is_asked();
    let of_marks = telling.of_marks(whole, &list);
    list.extend(of_marks.into_iter().map(Cow::Owned));
    let list = left_out(args, list);
    let findings = || list.iter().map(AsRef::as_ref);
    let fails = |f: &Finding| gate(command, f);
    let exit = Exit::Clean
        .and_if(stop.is_asked(), Exit::Interrupted)
        .and_if(work.names_unknown_queue(), Exit::Usage)
        .and_if(findings().any(fails), Exit::Problem)
        .and_if(could_not_check(findings()), Exit::NotChecked)
        .and_if(list.is_empty(), Exit::NotChecked);

    let account = account(work.snapshot());
    let region = &work.snapshot().region;
    let own = account.as_ref().map(ToString::to_string);
    let met: Vec<(String, String)> = own
        .map(|own| (own, region.to_string()))
        .into_iter()
        .collect();
    telling.comparable(&met)?;
    let gone = telling
        .baseline
        .map(|baseline| baseline.gone(&Heard::of(findings())));
    let drift = gone
        .as_ref()
        .map(|gone| baseline::text(gone, findings()).trim_end().to_owned());
    if streams {
        let told = told.lock().map(|t| t.clone()).unwrap_or_default();
        let late = findings().filter(|f| !told.contains(&f.subject) || f.check == OF_MARKS);
        print(args, late.filter(|f| !is_expired(f)));
        data(&text::summary(findings()));
        if let Some(drift) = &drift {
            data(drift);
        }
        if stop.is_asked() {
            data("interrupted: what is not listed was not checked");
        }
        say_expired(&work, findings());
        return Ok(exit);
    }
    let audit = Audit {
        findings: by_subject(findings()).into_iter().flatten().collect(),
        account: account.as_ref(),
        region: Some(region),
        places: &[],
        unreached: &[],
        exit,
        at: Timestamp::now(),
        file: named_file(&file),
        // The picture shortens names.
        svg: (args.format == Format::Html && !args.redact)
            .then(|| picture(&work, &config))
            .flatten(),
        drift,
    };
    data(&document(args.format, &audit, gone.as_ref(), &fails)?);
    Ok(exit)
}

/// That the credentials have expired is said once, for all that could not be read.
fn say_expired<'a>(work: &Workflow, findings: impl Iterator<Item = &'a Finding>) {
    if let Some(problem) = expired(work) {
        let unread = findings.filter(|f| is_expired(f)).count();
        data(&format!(
            "Of these, {unread} UNKNOWN have one reason:\n{problem}"
        ));
    }
}

/// With --redact, the findings without names.
fn left_out<'a>(args: &Args, list: Vec<Cow<'a, Finding>>) -> Vec<Cow<'a, Finding>> {
    if !args.redact {
        return list;
    }
    let own = list
        .into_iter()
        .map(|f| Cow::Owned(shared(&f).into_owned()));
    own.collect()
}

/// Does it make the run end with 1?
pub(super) fn gate(command: &args::Audit, finding: &Finding) -> bool {
    let is_bad = match finding.verdict {
        Verdict::Fail | Verdict::ToDo => true,
        Verdict::Warn => command.fail_on == FailOn::Warn,
        _ => false,
    };
    is_bad && baseline::is_news(finding)
}

pub(super) fn named_file(file: &StudioFile) -> Option<(String, String)> {
    let path = file.path.as_ref()?.display().to_string();
    Some((path, file.text.clone()?))
}

fn picture(work: &Workflow, config: &StudioConfig) -> Option<String> {
    let view = View::new(work.snapshot(), config, Purpose::AUDIT);
    let findings: Vec<&Finding> = work.observed_findings().collect();
    let drawn = diagram::of(&view, &findings);
    (!drawn.connections.is_empty()).then(|| diagram::svg(&drawn))
}

pub(super) fn document(
    format: Format,
    audit: &Audit,
    gone: Option<&Gone>,
    fails: &dyn Fn(&Finding) -> bool,
) -> Result<String, Failure> {
    Ok(match format {
        Format::Sarif => sarif::sarif(audit).to_string(),
        Format::Junit => junit::junit(audit, fails).map_err(Failure::Usage)?,
        Format::Markdown => ticket::ticket(audit),
        Format::Html => html::page(audit),
        _ => json_report::audit(audit, gone),
    })
}

fn print<'a>(args: &Args, findings: impl IntoIterator<Item = &'a Finding>) {
    for group in by_subject(findings) {
        data(&text::group(&group, ink(args), args.verbose));
    }
}
