//! Completions and the man page, from the same definitions as the help.

use clap::CommandFactory as _;

use super::Failure;
use super::args::Args;
use super::out::data;
use crate::domain::exit::Exit;

pub(super) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "studiolink", &mut out);
    data(&String::from_utf8_lossy(&out));
    Exit::Clean
}

pub(super) fn man() -> Result<Exit, Failure> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut out)
        .map_err(|e| Failure::Usage(e.to_string()))?;
    data(&String::from_utf8_lossy(&out));
    Ok(Exit::Clean)
}
