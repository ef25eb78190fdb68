//! DNS, TCP and TLS from this machine. Only this room opens its own sockets. Each live test ends within five seconds.

pub mod channel;
mod dns;
mod name;
mod port;
mod proxy;
mod tls;

use std::error::Error as _;
use std::time::Duration;

use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::without_url_secrets;

pub use dns::ask_dns;
pub use name::{addresses, try_name};
pub use port::try_port;
pub use proxy::through;
pub use tls::{check_roots, speaks_tls, try_certificate};

/// Every live test has answered, one way or the other, by then.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// How this program names itself to a server.
pub const USER_AGENT: &str = concat!("studiolink/", env!("CARGO_PKG_VERSION"));

/// Why there is no HTTPS client at all.
pub fn no_client(error: &reqwest::Error) -> Problem {
    Problem::new(
        ProblemKind::Local,
        "Could not set up HTTPS on this machine",
        error.to_string(),
        "install this machine's CA certificates (Debian: ca-certificates)",
    )
}

/// Why an HTTP request got no answer, without the URL and its query.
pub fn http_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", DEADLINE.as_secs());
    }
    let mut last = error.to_string();
    let mut at = error.source();
    while let Some(e) = at {
        last = e.to_string();
        at = e.source();
    }
    without_url_secrets(&last)
}

/// Why a connection was not made, in words.
fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "the machine exists and refuses the port".to_owned()
        }
        std::io::ErrorKind::TimedOut => format!("no answer within {} s", DEADLINE.as_secs()),
        std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable => {
            "there is no route to it from here".to_owned()
        }
        std::io::ErrorKind::ConnectionReset => {
            "the other side closed the connection at once".to_owned()
        }
        _ => error.to_string(),
    }
}
