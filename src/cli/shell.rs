//! Completions and the man pages, from the same definitions as the help.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::Failure;
use super::args::{self, Args};
use super::out::data;
use crate::domain::exit::Exit;

pub(super) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "studiolink", &mut out);
    data(&String::from_utf8_lossy(&out));
    Exit::Clean
}

/// Name and meaning, as a list of a man page.
const FILES: &[(&str, &str)] = &[
    (
        "studiolink.toml",
        "The studio file: what is wanted, without secrets. Of the current folder, unless --studio names another.",
    ),
    (
        "~/.local/state/studiolink/runs",
        "The journals of the runs made from this machine, for undo; readable by their owner alone. $XDG_STATE_HOME comes first.",
    ),
    (
        "~/.cache/studiolink",
        "Indexes of conda channels. $XDG_CACHE_HOME and $RATTLER_CACHE_DIR come first.",
    ),
    (
        "~/.aws/config, ~/.aws/credentials",
        "Profiles and sign-ins of AWS, as the aws CLI has them.",
    ),
    (
        "condarc",
        "Where the names of conda channels lead from this machine.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "AYON_API_KEY",
        "The workers' API key of AYON, in place of the keyring's.",
    ),
    (
        "AYON_ADMIN_KEY",
        "An administrator's or manager's own API key of AYON, for the addon's settings.",
    ),
    (
        "AYON_ADMIN_USER, AYON_ADMIN_PASSWORD",
        "The same by name and password; the session is closed at the end.",
    ),
    (
        "AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, AWS_CONFIG_FILE and the others of AWS",
        "As in the aws CLI.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxies of this machine, which calls and live tests use and name.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "The CA certificates that are trusted here.",
    ),
    ("CONDARC, CONDA_CHANNEL_ALIAS", "As in conda."),
    ("NO_COLOR", "No colours."),
    (
        "XDG_STATE_HOME, XDG_CACHE_HOME, RATTLER_CACHE_DIR",
        "Where journals and caches are kept.",
    ),
];

fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

/// The page of the program, or of one of its commands.
pub(super) fn man(command: Option<&str>) -> Result<Exit, Failure> {
    let mut whole = Args::command();
    whole.build();
    let page = match command {
        None => whole.clone(),
        Some(name) => {
            let own = whole.find_subcommand(name).cloned();
            let names = whole.get_subcommands().map(clap::Command::get_name);
            let names: Vec<&str> = names.collect();
            own.ok_or_else(|| {
                Failure::Usage(format!(
                    "There is no command {name}\n  fix   name one of {}",
                    names.join(", ")
                ))
            })?
        }
    };
    let render = || -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let man = clap_mangen::Man::new(page.clone());
        man.render_title(&mut out)?;
        man.render_name_section(&mut out)?;
        man.render_synopsis_section(&mut out)?;
        man.render_description_section(&mut out)?;
        man.render_options_section(&mut out)?;
        if page.has_subcommands() {
            man.render_subcommands_section(&mut out)?;
        }
        if command.is_none() {
            writeln!(out, ".SH \"EXIT STATUS\"")?;
            for exit in Exit::ALL {
                writeln!(out, ".TP\n{}\n{}", exit.code(), roff(exit.words()))?;
            }
            writeln!(out, ".PP\n{}", roff(args::PRECEDENCE))?;
            for (title, rows) in [("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)] {
                writeln!(out, ".SH {title}")?;
                for (name, what) in rows {
                    writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(name), roff(what))?;
                }
            }
        }
        let examples = args::examples(command);
        if !examples.is_empty() {
            writeln!(out, ".SH EXAMPLES")?;
            for (line, what) in examples {
                writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(line), roff(what))?;
            }
        }
        Ok(out)
    };
    let out = render().map_err(|e| Failure::Usage(e.to_string()))?;
    data(&String::from_utf8_lossy(&out));
    Ok(Exit::Clean)
}
