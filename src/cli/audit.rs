//! `studiolink audit`: the checks, read-only. It takes no queue-role credentials. Findings are printed as they come, and
//! what was found is kept when it is interrupted.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::json;

use super::args::{Args, Format};
use super::open::catalogues;
use super::out::{data, ink, talk};
use super::setup::{account, calls, expired, told_while};
use super::stop::Stop;
use super::{Failure, open};
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict, could_not_check, is_expired};
use crate::domain::subject::Subject;
use crate::engine::Progress;
use crate::engine::drive::observe;
use crate::engine::workflow::Workflow;
use crate::ui::report::{by_subject, json as json_report, text};

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let stop = Stop::listen();
    let file = open::studio_file(args)?;
    let config = open::needed(args, &file)?;
    let world = open::world(args, Some(&config)).await?;
    let world = world.as_ref();
    let mut work = Workflow::audit(catalogues(), world.region().clone(), config);
    let streams = args.format == Format::Text;
    let told: Mutex<BTreeSet<Subject>> = Mutex::default();
    let tell = |progress: Progress| match (progress, told.lock()) {
        (Progress::Findings(findings), Ok(mut told)) if streams => {
            told.extend(findings.iter().map(|f| f.subject.clone()));
            print(args, findings.iter().filter(|f| !is_expired(f)));
        }
        (Progress::WaitingFor(words), _) => talk(words.as_str()),
        _ => {}
    };
    told_while(world, observe(world, &mut work, &stop.flag, &tell)).await;
    calls(args, world, 0);
    // There may be thousands: they are looked through where they are.
    let findings = || work.observed_findings();
    let fails = findings().any(|f| f.verdict == Verdict::Fail);
    let exit = Exit::Clean
        .and_if(stop.is_asked(), Exit::Interrupted)
        .and_if(work.names_unknown_queue(), Exit::Usage)
        .and_if(fails, Exit::Problem)
        .and_if(could_not_check(findings()), Exit::NotChecked);
    if streams {
        let told = told.lock().map(|t| t.clone()).unwrap_or_default();
        let fresh = findings().filter(|f| !told.contains(&f.subject));
        print(args, fresh.filter(|f| !is_expired(f)));
        data(&text::summary(findings()));
        if let Some(problem) = expired(&work) {
            let unread = findings().filter(|f| is_expired(f)).count();
            data(&format!(
                "Of these, {unread} UNKNOWN have one reason:\n{problem}"
            ));
        }
        return Ok(exit);
    }
    let parts = json!({ "findings": json_report::findings(findings()) });
    let account = account(work.snapshot());
    let region = &work.snapshot().region;
    let document = json_report::document("audit", account.as_ref(), Some(region), exit, parts);
    data(&document.to_string());
    Ok(exit)
}

fn print<'a>(args: &Args, findings: impl IntoIterator<Item = &'a Finding>) {
    for group in by_subject(findings) {
        data(&text::group(&group, ink(args), args.verbose));
    }
}
