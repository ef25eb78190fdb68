//! `studiolink setup`: the wizard, the same as plain questions, or unattended from the studio file.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::json;

use super::args::{Args, Format, Setup};
use super::open::{self, StudioFile};
use super::out::{data, ink, talk};
use super::stop::Stop;
use super::{COULD_NOT_LOOK, FINDINGS, FINE, Failure, INTERRUPTED};
use crate::domain::change::{Change, Plan};
use crate::domain::finding::{Finding, Verdict, could_not_look};
use crate::domain::studio::Studio;
use crate::domain::text::{Printable, without_url_secrets};
use crate::domain::config::StudioConfig;
use crate::engine::apply::{self, Applied, RunContext};
use crate::engine::check::check_all;
use crate::engine::left::{Left, left_for_you};
use crate::engine::observe::observe;
use crate::engine::plan::plan;
use crate::engine::verify::{IAM_PATIENCE, verify};
use crate::engine::{Event, Purpose, State, unheard};
use crate::ui::report::{json as json_report, text};
use crate::world::World;
use crate::world::local::files;

pub async fn run(args: &Args, setup: &Setup) -> Result<u8, Failure> {
    let file = open::studio_file(args)?;
    if setup.yes {
        return unattended(args, setup, &file).await;
    }
    let dumb = std::env::var("TERM").is_ok_and(|t| t == "dumb");
    if setup.plain || dumb || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return super::wizard::plain(args, &file).await;
    }
    super::wizard::full_screen(args, &file).await
}

async fn unattended(args: &Args, setup: &Setup, file: &StudioFile) -> Result<u8, Failure> {
    let stop = Stop::listen();
    let wanted = open::needed_by_setup(args, file)?;
    let world = open::world(args, Some(&wanted)).await?;
    let world = world.as_ref();
    talk(&format!(
        "looking at {} in {}",
        where_to(&wanted),
        world.region()
    ));
    let studio = stop
        .or(observe(world, &wanted, Purpose::Setup, &unheard))
        .await
        .ok_or(Failure::Interrupted)?;
    calls(args, world, 0);
    let plan = plan(&studio, &wanted, &std::collections::BTreeSet::new());
    let patience = setup.wait.map_or(IAM_PATIENCE, Duration::from_mins);
    let occasion = ("setup --yes", patience);
    let made = make(args, world, &studio, &wanted, &plan, occasion, &stop).await?;
    if let (Some(path), false) = (&file.path, made.exit == INTERRUPTED) {
        let text = wanted_text(file, &wanted);
        if file.text.as_deref() != Some(text.as_str())
            && (args.farm.is_none() && args.queue.is_none())
        {
            files::write_whole(path, &text)?;
            talk(&format!("wrote {}", path.display()));
        }
    }
    made.print(args, "setup");
    Ok(made.exit)
}

fn wanted_text(file: &StudioFile, wanted: &StudioConfig) -> String {
    wanted.write_into(file.text.as_deref())
}

fn where_to(wanted: &StudioConfig) -> String {
    wanted
        .queues
        .iter()
        .map(|k| k.queue.brief())
        .collect::<Vec<_>>()
        .join(", ")
}

/// With -v, every call since `seen`, on stderr.
pub fn calls(args: &Args, world: &dyn World, seen: usize) {
    if args.verbose {
        for call in world.log().since(seen) {
            talk(&format!(
                "{}  {}  {}",
                call.vantage.word(),
                call.line(),
                call.about
            ));
        }
    }
}

/// What came of making a plan and looking again.
pub struct Made {
    pub plan: Plan,
    pub applied: Applied,
    pub studio: Studio,
    pub findings: Vec<Finding>,
    pub left: Vec<Left>,
    pub exit: u8,
}

/// Shows the plan, makes it, looks again. The preview on screen is the plan that is made.
pub async fn make(
    args: &Args,
    world: &dyn World,
    studio: &Studio,
    wanted: &StudioConfig,
    plan: &Plan,
    (command, patience): (&str, Duration),
    stop: &Stop,
) -> Result<Made, Failure> {
    if args.format == Format::Text {
        data(&text::plan(plan, ink(args)));
    }
    let occasion = match RunContext::new(
        command,
        studio,
        &wanted.queues,
        open::endpoint(args).as_deref(),
    ) {
        Ok(occasion) => occasion,
        Err(problem) => {
            // Nothing is written as nobody; what was seen is still told.
            talk(&problem.to_string());
            let applied = Applied {
                run: None,
                done: Vec::new(),
                left: plan.changes.len(),
                stop: None,
            };
            let findings = check_all(studio, wanted, Purpose::Setup);
            let left = left_for_you(studio, wanted);
            return Ok(Made {
                plan: plan.clone(),
                applied,
                studio: studio.clone(),
                findings,
                left,
                exit: COULD_NOT_LOOK,
            });
        }
    };
    let seen = world.log().total();
    let applied = apply::apply(world, &plan.changes, &occasion, &stop.flag, &progress).await?;
    calls(args, world, seen);
    if matches!(applied.stop, Some(apply::Stop::Interrupted)) {
        talk("stopped; run the same command again to go on");
        return Ok(Made {
            plan: plan.clone(),
            applied,
            studio: studio.clone(),
            findings: Vec::new(),
            left: Vec::new(),
            exit: INTERRUPTED,
        });
    }
    let seen = world.log().total();
    talk("looking again");
    let looked = stop
        .or(verify(
            world,
            wanted,
            applied.spreading(),
            patience,
            &progress,
        ))
        .await;
    let Some((after, findings)) = looked else {
        // What was made is still told, with its undo.
        return Ok(Made {
            plan: plan.clone(),
            applied,
            studio: studio.clone(),
            findings: Vec::new(),
            left: Vec::new(),
            exit: INTERRUPTED,
        });
    };
    calls(args, world, seen);
    let left = left_for_you(&after, wanted);
    let failed = applied.stop.is_some() || findings.iter().any(|f| f.verdict == Verdict::Fail);
    let exit = if failed {
        FINDINGS
    } else if could_not_look(&findings) || !plan.unread.is_empty() {
        COULD_NOT_LOOK
    } else {
        FINE
    };
    Ok(Made {
        plan: plan.clone(),
        applied,
        studio: after,
        findings,
        left,
        exit,
    })
}

/// Progress as sentences, on stderr.
pub fn progress(event: Event) {
    match event {
        Event::Run { id, resumed: true } => {
            talk(&format!("going on with run {id}, which was interrupted"))
        }
        Event::Change {
            change,
            state: State::Done { millis },
            ..
        } => talk(&format!(
            "DONE  {}  {}  {millis} ms",
            change.operation(),
            change.thing.words()
        )),
        Event::Change {
            state: State::UnderWay | State::Waiting,
            ..
        } => {}
        Event::Change { change, state, .. } => talk(&format!(
            "{}  {}  {}",
            state.word(),
            change.operation(),
            change.thing.words()
        )),
        Event::WaitingForIam { seconds, most } if seconds < IAM_PATIENCE.as_secs() => {
            talk(&format!(
                "IAM needs a moment: asking as the queue role, {seconds} s of at most {most} s"
            ))
        }
        Event::WaitingForIam { seconds, most } => talk(&format!(
            "waiting for whoever lets the role in: asked as the queue role, {seconds} s of at most {most} s"
        )),
        _ => {}
    }
}

impl Made {
    pub fn print(&self, args: &Args, kind: &str) {
        let stopped = self.applied.stop.as_ref().map(stop_words);
        if args.format == Format::Json {
            let changes: Vec<&str> = self.applied.done.iter().map(|c| c.key.as_str()).collect();
            let parts = json!({
                "plan": json_report::changes(&self.plan),
                "unread": self.plan.unread,
                "refused": self.plan.refused,
                "run": self.applied.run,
                "done": changes,
                "stopped": stopped,
                "findings": json_report::findings(&self.findings, &self.studio),
                "left": json_report::left(&self.left),
            });
            data(&json_report::document(kind, &self.studio, self.exit, parts).to_string());
            return;
        }
        if let Some(words) = &stopped {
            talk(words);
        }
        if !self.findings.is_empty() {
            data(&text::findings(
                &self.findings,
                &self.studio,
                ink(args),
                args.verbose,
            ));
            data(&text::left(&self.left, ink(args)));
        }
        if let Some(run) = &self.applied.run {
            match (&args.sandbox, &args.sandbox_state) {
                (None, _) => talk(&format!("run {run}; undo: studiolink rollback {run}")),
                (Some(_), Some(state)) => talk(&format!(
                    "run {run}; undo: studiolink rollback {run} --sandbox --sandbox-state {}",
                    state.display()
                )),
                (Some(_), None) => {
                    talk("the sandbox forgets this now; --sandbox-state FILE keeps it")
                }
            }
        }
    }
}

/// Why a run stopped, with all that is needed to decide.
pub fn stop_words(stop: &apply::Stop) -> String {
    match stop {
        apply::Stop::Interrupted => {
            "stopped before the next change; run the same command again to go on".to_owned()
        }
        apply::Stop::Failed(problem) => problem.to_string(),
        apply::Stop::InDoubt(problem) => format!(
            "{problem}\n  note  what came of the call is not known; run the same command again, and it is read first"
        ),
        apply::Stop::Moved { change, now } => moved_words(change, now.as_deref()),
    }
}

fn moved_words(change: &Change, now: Option<&str>) -> String {
    let shown = |text: Option<&str>| match text {
        None => "  (not there)".to_owned(),
        Some(t) => t
            .lines()
            .map(|l| format!("  | {}", Printable::new(without_url_secrets(l))))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    format!(
        "{} has been changed by somebody else; nothing was written over it\n  fix   look at the three texts; run the command again to plan from what is there now\nbefore, as this run found it:\n{}\nafter, as this run wants it:\n{}\nnow:\n{}",
        change.thing.words(),
        shown(change.before.as_deref()),
        shown(change.after.as_deref()),
        shown(now)
    )
}
