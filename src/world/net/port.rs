//! Does a port accept a connection.

use tokio::net::TcpStream;

use super::{DEADLINE, io_words};
use crate::domain::probe::Seen;
use crate::domain::problem::{Problem, ProblemKind};

/// A connection to the first address that takes one, within the deadline of a live test.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Problem> {
    let problem = |because: String| {
        Problem::new(
            ProblemKind::Unreached,
            format!("{host}:{port} does not take connections from here"),
            because,
            "see that the server runs and that no firewall stands between",
        )
    };
    match tokio::time::timeout(DEADLINE, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(problem(io_words(&e))),
        Err(_) => Err(problem(format!(
            "no answer within {} s",
            DEADLINE.as_secs()
        ))),
    }
}

pub async fn try_port(host: &str, port: u16) -> Result<Seen, Problem> {
    let stream = connect(host, port).await?;
    let peer = stream.peer_addr().map_err(|e| {
        Problem::new(
            ProblemKind::Unreached,
            format!("{host}:{port} closed at once"),
            io_words(&e),
            "look at the server's log",
        )
    })?;
    Ok(Seen::Connected(peer.ip()))
}
