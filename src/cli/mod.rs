//! One file per command. A command opens the world, drives the engine, prints a report, and says its exit code.

mod apply;
pub mod args;
mod ask;
mod audit;
mod audit_all;
mod checks;
mod diagnose;
mod diagram;
mod explain;
mod in_use;
mod init;
mod open;
mod out;
mod plan;
mod policy;
mod probe;
mod rollback;
mod rotate_key;
mod runs;
mod sandbox;
mod setup;
mod shell;
mod stop;
mod wizard;

use clap::Parser as _;

use self::args::{Args, Command};
pub use self::open::{catalogues, plan_catalogues};
use serde_json::json;

use crate::domain::exit::Exit;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::redact::Kind;
use crate::domain::text::Printable;
use crate::ui::report::json as json_report;

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub enum Failure {
    Usage(String),
    Problem(Box<Problem>, Exit),
    Interrupted,
}

impl From<Problem> for Failure {
    /// Without credentials or an answer nothing could be checked; what does not exist or can't be used was wrong input.
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            ProblemKind::Credentials | ProblemKind::Unreached | ProblemKind::Denied => {
                Exit::NotChecked
            }
            ProblemKind::Missing | ProblemKind::Invalid => Exit::Usage,
            ProblemKind::Moved => Exit::Problem,
            ProblemKind::Local => Exit::Failed,
        };
        Self::Problem(Box::new(problem), code)
    }
}

impl Failure {
    /// In one line, for a command that goes on without it.
    fn brief(&self) -> String {
        match self {
            Self::Usage(words) => words.lines().next().unwrap_or_default().to_owned(),
            Self::Problem(problem, _) => format!("{}: {}", problem.doing, problem.because),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }
}

/// With `--format json` a failure is a document too, on stdout; the words on stderr stay.
fn document_of_failure(exit: Exit, words: &str, problem: Option<&Problem>) {
    let lines = words.lines().map(|l| Printable::new(l.trim()));
    let words: Vec<Printable> = lines.collect();
    let error = match problem {
        Some(p) => json!({
            "what": Printable::new(&p.doing),
            "why": Printable::new(&p.because),
            "fix": Printable::new(&p.fix),
            "call": p.call,
        }),
        None => json!({
            "what": words.first(),
            "why": null,
            "fix": words.iter().find_map(|l| l.as_str().strip_prefix("fix").map(str::trim)),
            "call": null,
        }),
    };
    let parts = json!({ "error": error });
    out::data(&json_report::document("error", None, None, exit, parts).to_string());
}

/// The word after `--sandbox`, where it was taken for a command.
fn after_sandbox(words: &[String], error: &clap::Error) -> Option<Printable> {
    use clap::error::ErrorKind;
    let kinds = [ErrorKind::InvalidSubcommand, ErrorKind::UnknownArgument];
    let name = words
        .windows(2)
        .find_map(|w| (w[0] == "--sandbox").then_some(&w[1]))?;
    let fits = kinds.contains(&error.kind()) && !name.starts_with('-');
    fits.then(|| Printable::short(name, 40))
}

/// The whole program: arguments in, exit code out.
pub fn main() -> u8 {
    crate::domain::time::set_zone(jiff::tz::TimeZone::system());
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            let words: Vec<String> = std::env::args().collect();
            if let Some(name) = after_sandbox(&words, &e) {
                out::talk(&format!(
                    "\n  tip: a studio is named with =: --sandbox={name}"
                ));
            }
            if !e.use_stderr() {
                return Exit::Clean.code();
            }
            // What can't be read as arguments may still have asked for a document.
            let asked = words;
            let pair = |w: &[String]| w[0] == "--format" && w[1] == "json";
            if asked.windows(2).any(pair) || asked.iter().any(|a| a == "--format=json") {
                let text = e.to_string();
                let first = text.lines().next().unwrap_or_default();
                document_of_failure(Exit::Usage, first, None);
            }
            return Exit::Usage.code();
        }
    };
    // Two threads: the screen and the calls; what waits for the network needs no more.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            out::talk(&format!("studiolink could not start: {e}"));
            return Exit::Failed.code();
        }
    };
    let code = runtime.block_on(run(args)).code();
    // A task that still waits for the network has nothing to say any more.
    runtime.shutdown_background();
    code
}

async fn run(args: Args) -> Exit {
    let exit = run_to_end(args).await;
    out::flush();
    exit
}

/// What asks, or goes on for long, shows names before they could be left out.
fn not_redacted(command: Option<&Command>) -> Option<String> {
    let reports = matches!(
        command,
        Some(Command::Audit(_) | Command::Plan(_) | Command::Diagnose(_))
    );
    (!reports).then(|| {
        "--redact is for what is shared: audit, diagnose and plan\n  fix   leave it out here"
            .to_owned()
    })
}

async fn run_to_end(mut args: Args) -> Exit {
    let json = args.format == args::Format::Json;
    if let Err(Failure::Usage(text)) = open::check_flags(&args) {
        out::talk(&text);
        if json {
            document_of_failure(Exit::Usage, &text, None);
        }
        return Exit::Usage;
    }
    if args.redact {
        if let Some(words) = not_redacted(args.command.as_ref()) {
            out::talk(&words);
            return Exit::Usage;
        }
        out::redact();
        let environment = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
        let environment = environment
            .iter()
            .filter_map(|name| std::env::var(name).ok());
        let mut profiles: Vec<String> = args.profile.iter().cloned().chain(environment).collect();
        if let Some(Command::Audit(audit)) = &args.command {
            profiles.extend(audit.profiles.iter().cloned());
        }
        let profiles = profiles.into_iter().map(|p| (Kind::Profile, p));
        let path = args.studio.iter();
        let path = path.map(|p| (Kind::Path, p.display().to_string()));
        out::leaves_out_names(profiles.chain(path).collect());
    }
    let done = match args.command.take() {
        None => wizard::home(&args).await,
        Some(command) => commanded(&args, command).await,
    };
    args.opened.leave().await;
    match done {
        Ok(exit) => exit,
        Err(Failure::Usage(text)) => {
            out::talk(&out::lines(&text));
            if json {
                document_of_failure(Exit::Usage, &text, None);
            }
            Exit::Usage
        }
        Err(Failure::Problem(problem, code)) => {
            out::talk(&problem.to_string());
            if json {
                document_of_failure(code, "", Some(&problem));
            }
            code
        }
        Err(Failure::Interrupted) => {
            out::talk("interrupted");
            if json {
                document_of_failure(Exit::Interrupted, "interrupted", None);
            }
            Exit::Interrupted
        }
    }
}

async fn commanded(args: &Args, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Setup(setup) => setup::run(args, &setup).await,
        Command::Plan(plan) => plan::run(args, &plan).await,
        Command::Apply(apply) => apply::run(args, &apply).await,
        Command::Audit(audit) => audit::run(args, &audit).await,
        Command::Diagnose(diagnose) => diagnose::run(args, &diagnose).await,
        Command::Checks(checks) => checks::run(args, &checks),
        Command::Diagram(diagram) => diagram::run(args, &diagram).await,
        Command::Probe(probe) => probe::run(args, &probe).await,
        Command::Explain(explain) => explain::run(args, &explain).await,
        Command::Rollback(rollback) => rollback::run(args, &rollback).await,
        Command::RotateKey(rotate) => rotate_key::run(args, &rotate).await,
        Command::Runs(runs) => runs::run(args, &runs).await,
        Command::Policy(policy) => policy::run(args, &policy).await,
        Command::Sandbox(sandbox) => sandbox::run(args, &sandbox),
        Command::Completions { shell } => Ok(shell::completions(shell)),
        Command::Init(init) => init::run(args, &init).await,
        Command::Man { page } => shell::man(page.as_deref()),
    }
}
