//! Completions and the man page, from the same definitions as the help.

use clap::CommandFactory as _;

use super::args::Args;
use super::out::data;
use super::{FINE, Failure};

pub fn completions(shell: clap_complete::Shell) -> u8 {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "studiolink", &mut out);
    data(&String::from_utf8_lossy(&out));
    FINE
}

pub fn man() -> Result<u8, Failure> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut out)
        .map_err(|e| Failure::Usage(e.to_string()))?;
    data(&String::from_utf8_lossy(&out));
    Ok(FINE)
}
