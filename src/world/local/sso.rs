//! `aws sso login`, run for somebody whose session has ended. It opens a browser; what it prints is handed on line by line.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;

/// Waits until it ends.
pub fn sso_login(profile: &str, tell: &dyn Fn(Printable)) -> Result<(), Problem> {
    let problem = |because: String| {
        Problem::new(
            ProblemKind::Credentials,
            "aws sso login did not sign in",
            because,
            format!("run it in another terminal: aws sso login --profile {profile}"),
        )
    };
    let started = Command::new("aws")
        .args(["sso", "login", "--profile", profile])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => problem("the aws CLI is not on PATH".to_owned()),
        _ => problem(e.to_string()),
    })?;
    let lines = child.stdout.take().into_iter().flat_map(|out| {
        let lines = BufReader::new(out).lines();
        lines.map_while(Result::ok)
    });
    for line in lines.filter(|l| !l.trim().is_empty()) {
        tell(Printable::short(line.trim(), 200));
    }
    let done = child
        .wait_with_output()
        .map_err(|e| problem(e.to_string()))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().rfind(|l| !l.trim().is_empty());
    let last = last.unwrap_or("it said nothing");
    Err(problem(Printable::short(last, 160).to_string()))
}
