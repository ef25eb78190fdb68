//! Questions of a command on a terminal: a yes before something is written, and an administrator's login for AYON. A command
//! that is not on a terminal, or prints a document, asks nothing.

use std::io::{self, IsTerminal as _};

use url::Url;

use super::args::{Args, Format};
use super::out::talk;
use super::{Exit, Failure};
use crate::domain::problem::{Problem, ProblemKind};
use crate::ui::plain::ask;
use crate::world::World;

/// Is there somebody to ask?
pub(super) fn is_answered(args: &Args) -> bool {
    args.format == Format::Text && io::stdin().is_terminal() && io::stderr().is_terminal()
}

pub(super) async fn confirm(question: String) -> Result<bool, Failure> {
    blocking(move || ask::confirm(&question)).await
}

/// What is typed is not shown.
pub(super) async fn hidden(label: String) -> Result<String, Failure> {
    blocking(move || ask::hidden(&label)).await
}

/// An administrator's login for that server: tried at once, and asked for again while it is refused. An empty one goes on
/// without.
pub(super) async fn sign_in(
    world: &dyn World,
    url: &Url,
    (what, who): (&str, &str),
) -> Result<(), Failure> {
    talk(&format!(
        "AYON {}: {what} needs the login of {who}",
        url.host_str().unwrap_or_default()
    ));
    while let Some(login) = blocking(ask::login).await? {
        match world.hold_admin(url, login).await {
            Ok(()) => break,
            Err(problem) => talk(&problem.to_string()),
        }
    }
    Ok(())
}

/// Waits for the terminal on a thread of its own.
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let asked = tokio::task::spawn_blocking(ask).await;
    let asked = asked.unwrap_or_else(|e| Err(io::Error::other(e)));
    asked.map_err(|e| {
        if e.kind() == io::ErrorKind::Interrupted {
            return Failure::Interrupted;
        }
        let doing = "Could not ask on this terminal";
        let fix = "add --yes, and give the login of AYON by AYON_ADMIN_KEY";
        let problem = Problem::new(ProblemKind::Local, doing, e.to_string(), fix);
        Failure::Problem(Box::new(problem), Exit::Failed)
    })
}
