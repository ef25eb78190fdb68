//! Does a port accept a connection.

use tokio::net::TcpStream;

use super::proxy::Proxy;
use super::{DEADLINE, io_words};
use crate::domain::address::Scheme;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::probes::Connected;

/// A connection to the first address that takes one, within the deadline of a live test.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Problem> {
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

/// The way that the calls to that host go: through the proxy that this machine names for it, or directly.
pub(super) async fn connect_as_calls_do(
    scheme: Scheme,
    host: &str,
    port: u16,
) -> Result<(TcpStream, Option<Printable>), Problem> {
    match Proxy::of(scheme, host, port) {
        Some(proxy) => Ok((proxy.connect(host, port).await?, Some(proxy.words()))),
        None => Ok((connect(host, port).await?, None)),
    }
}

pub async fn try_port(host: &str, port: u16, scheme: Scheme) -> Result<Connected, Problem> {
    if let (Scheme::Http, Some(proxy)) = (scheme, Proxy::of(scheme, host, port)) {
        return Ok(Connected::LeftToProxy(proxy.words()));
    }
    let (stream, proxy) = connect_as_calls_do(scheme, host, port).await?;
    if let Some(proxy) = proxy {
        return Ok(Connected::Through(proxy));
    }
    let peer = stream.peer_addr().map_err(|e| {
        Problem::new(
            ProblemKind::Unreached,
            format!("{host}:{port} closed at once"),
            io_words(&e),
            "look at the server's log",
        )
    })?;
    Ok(Connected::To(peer.ip()))
}
