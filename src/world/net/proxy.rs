//! The proxies of this machine, as its environment names them: which one takes a connection, and a connection through it.
//! The same matcher decides for the HTTPS clients, so that a live test goes the way that the calls go.

use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;
use tower_service::Service as _;

use super::DEADLINE;
use crate::domain::address::Scheme;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, without_url_secrets};

/// The variables that name proxies, as they are looked for.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A proxy that takes connections to some host.
pub(super) struct Proxy {
    uri: Uri,
    auth: Option<HeaderValue>,
    login: Option<(String, String)>,
}

impl Proxy {
    /// The proxy of this machine for that host; `None`: it is reached directly.
    pub(super) fn of(scheme: Scheme, host: &str, port: u16) -> Option<Self> {
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let target = format!("{}://{host}:{port}/", scheme.word());
        let found = Matcher::from_env().intercept(&target.parse().ok()?)?;
        Some(Self {
            uri: found.uri().clone(),
            auth: found.basic_auth().cloned(),
            login: found
                .raw_auth()
                .map(|(user, password)| (user.to_owned(), password.to_owned())),
        })
    }

    /// Its address, without a name and a password, and the variable that names it.
    pub(super) fn words(&self) -> Printable {
        let own = |name: &&&str| {
            let value = std::env::var(name).unwrap_or_default();
            let authority = self
                .uri
                .authority()
                .map_or("", http::uri::Authority::as_str);
            !authority.is_empty() && value.contains(authority)
        };
        let shown = without_url_secrets(self.uri.to_string().trim_end_matches('/'));
        let shown = Printable::short(&shown, 80);
        match VARIABLES.iter().find(own) {
            Some(variable) => format!("{shown} ({variable})").into(),
            None => shown,
        }
    }

    /// A connection to that host through the proxy, within the deadline of a live test.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Problem> {
        let problem = |because: String| {
            Problem::new(
                ProblemKind::Unreached,
                format!(
                    "{host}:{port} was not reached through the proxy {}",
                    self.words()
                ),
                because,
                "see that the proxy lets this address through, or name the host in NO_PROXY if it is reached without",
            )
        };
        let bracketed = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let target: Uri = format!("https://{bracketed}:{port}/")
            .parse()
            .map_err(|e: http::uri::InvalidUri| problem(e.to_string()))?;
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        let connecting = async {
            match self.uri.scheme_str() {
                Some("http") => {
                    let mut tunnel = Tunnel::new(self.uri.clone(), plain);
                    if let Some(auth) = &self.auth {
                        tunnel = tunnel.with_auth(auth.clone());
                    }
                    tunnel.call(target).await.map_err(|e| words(&e))
                }
                Some("socks5" | "socks5h") => {
                    let mut socks = SocksV5::new(self.uri.clone(), plain);
                    if let Some((user, password)) = &self.login {
                        socks = socks.with_auth(user.clone(), password.clone());
                    }
                    socks.call(target).await.map_err(|e| words(&e))
                }
                other => Err(format!(
                    "a live test can't go through a proxy of the kind {}://",
                    Printable::short(other.unwrap_or("?"), 20)
                )),
            }
        };
        match tokio::time::timeout(DEADLINE, connecting).await {
            Ok(Ok(stream)) => Ok(stream.into_inner()),
            Ok(Err(because)) => Err(problem(because)),
            Err(_) => Err(problem(format!(
                "no answer within {} s",
                DEADLINE.as_secs()
            ))),
        }
    }
}

/// The error and what led to it; the library words the kinds.
fn words(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut at = error.source();
    while let Some(e) = at {
        parts.push(e.to_string());
        at = e.source();
    }
    let all = parts.join(": ");
    let said = if all.contains("authorization required") {
        "the proxy asks for a name and a password (407): write them into the variable, as http://NAME:PASSWORD@HOST"
    } else if all.ends_with("unsuccessful") {
        "the proxy refuses to connect there, or could not"
    } else {
        &all
    };
    without_url_secrets(said)
}

/// ` through the proxy …` where one of this machine takes that address, for a sentence on a call that failed.
pub fn through(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    Proxy::of(Scheme::of(url), host, port)
        .map_or_else(String::new, |p| format!(" through the proxy {}", p.words()))
}
