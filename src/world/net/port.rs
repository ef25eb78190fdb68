//! Does a port accept a connection.

use tokio::net::TcpStream;

use super::{DEADLINE, io_words};
use crate::domain::problem::{Problem, ProblemKind};

/// A connection to the first address that takes one, within the deadline of a live test.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Problem> {
    let problem = |kind, because: String| {
        Problem::new(
            kind,
            format!("{host}:{port} does not take connections from here"),
            because,
            "see that the server runs and that no firewall stands between",
        )
    };
    match tokio::time::timeout(DEADLINE, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => Ok(stream),
        // Refused is an answer; silence and a missing route are not.
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            Err(problem(ProblemKind::Invalid, io_words(&e)))
        }
        Ok(Err(e)) => Err(problem(ProblemKind::Unreached, io_words(&e))),
        Err(_) => Err(problem(
            ProblemKind::Unreached,
            format!("no answer within {} s", DEADLINE.as_secs()),
        )),
    }
}

pub async fn try_port(host: &str, port: u16) -> Result<std::net::IpAddr, Problem> {
    let stream = connect(host, port).await?;
    let peer = stream.peer_addr().map_err(|e| {
        Problem::new(
            ProblemKind::Unreached,
            format!("{host}:{port} closed at once"),
            io_words(&e),
            "look at the server's log",
        )
    })?;
    Ok(peer.ip())
}
