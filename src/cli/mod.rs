//! One file per command. A command opens the world, drives the engine, prints a report, and says its exit code.

mod apply;
pub mod args;
mod audit;
mod open;
mod out;
mod plan;
mod policy;
mod rollback;
mod runs;
mod sandbox;
mod setup;
mod shell;
mod stop;
mod wizard;

use clap::Parser as _;

use self::args::{Args, Command};
use crate::domain::problem::{Problem, ProblemKind};

pub const FINE: u8 = 0;
pub const FINDINGS: u8 = 1;
pub const USAGE: u8 = 2;
pub const COULD_NOT_LOOK: u8 = 3;
pub const INTERRUPTED: u8 = 130;

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub enum Failure {
    Usage(String),
    Problem(Box<Problem>, u8),
    Interrupted,
}

impl From<Problem> for Failure {
    /// Without credentials or an answer nothing was looked at; everything else is a failure of what was asked.
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            ProblemKind::Credentials | ProblemKind::Unreached | ProblemKind::Denied => {
                COULD_NOT_LOOK
            }
            _ => FINDINGS,
        };
        Self::Problem(Box::new(problem), code)
    }
}

/// The whole program: arguments in, exit code out.
pub fn main() -> u8 {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { USAGE } else { FINE };
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
            return COULD_NOT_LOOK;
        }
    };
    let code = runtime.block_on(run(args));
    // A task that still waits for the network has nothing to say any more.
    runtime.shutdown_background();
    code
}

async fn run(mut args: Args) -> u8 {
    if let Err(Failure::Usage(text)) = open::check_flags(&args) {
        out::talk(&text);
        return USAGE;
    }
    let command = args.command.take().unwrap_or(Command::Setup(args::Setup {
        plain: args.plain,
        ..args::Setup::default()
    }));
    let done = match command {
        Command::Setup(setup) => setup::run(&args, &setup).await,
        Command::Plan(plan) => plan::run(&args, &plan).await,
        Command::Apply(apply) => apply::run(&args, &apply).await,
        Command::Audit => audit::run(&args).await,
        Command::Rollback(rollback) => rollback::run(&args, &rollback).await,
        Command::Runs(runs) => runs::run(&args, &runs),
        Command::Policy(policy) => policy::run(&args, &policy).await,
        Command::Sandbox(sandbox) => sandbox::run(&args, &sandbox),
        Command::Completions { shell } => Ok(shell::completions(shell)),
        Command::Man => shell::man(),
    };
    match done {
        Ok(code) => code,
        Err(Failure::Usage(text)) => {
            out::talk(&out::lines(&text));
            USAGE
        }
        Err(Failure::Problem(problem, code)) => {
            out::talk(&problem.to_string());
            code
        }
        Err(Failure::Interrupted) => {
            out::talk("interrupted");
            INTERRUPTED
        }
    }
}
