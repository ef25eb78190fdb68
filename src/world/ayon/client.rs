//! One call of AYON's REST API: what may be sent where, what an answer means, and the line of the call log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::domain::address::near;
use crate::domain::ayon::api_base;
use crate::domain::call::{Call, Vantage};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::world::Record;

pub(super) const LOCKED_OUT: &str = "AYON locked this address out";

/// No answer that is of use here is longer.
const LONGEST: usize = 8 * 1024 * 1024;

/// How long a failure to prove that the server is AYON counts, for questions that are asked at the same time.
const FAILURE_COUNTS: Duration = Duration::from_secs(5);

/// Whether a server is AYON, and when that was seen.
type Proven = (Instant, Result<(), Problem>);

/// A client that follows no redirect (a key must not travel on), and sends no key and no password before what answers has
/// shown itself to be AYON. It goes through this machine's proxy where there is one, as the live tests do.
pub struct Client {
    http: reqwest::Client,
    /// By server: is it AYON, and when was that seen?
    proven: Mutex<HashMap<String, Proven>>,
    allow_http: bool,
}

/// `allow_http`: keys may cross public networks in the clear.
pub fn client(allow_http: bool) -> Result<Client, Problem> {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .user_agent(crate::world::net::USER_AGENT)
        .build()
        .map_err(|e| crate::world::net::no_client(&e))?;
    Ok(Client {
        http,
        proven: Mutex::default(),
        allow_http,
    })
}

impl Client {
    /// May a key or a password be sent there?
    async fn may_send(&self, record: &Record, url: &Url, doing: &str) -> Result<(), Problem> {
        self.is_private_enough(url, doing).await?;
        let name = api_base(url).to_string();
        // Held across the question, so that calls which start together ask once.
        let mut proven = self.proven.lock().await;
        let counts = |(at, seen): &Proven| {
            (seen.is_ok() || at.elapsed() < FAILURE_COUNTS).then(|| seen.clone())
        };
        let seen = match proven.get(&name).and_then(counts) {
            Some(seen) => seen,
            None => {
                // A call without a key: it does not come back here.
                let seen = Box::pin(super::try_info(record, self, url))
                    .await
                    .map(|_| ());
                proven.insert(name, (Instant::now(), seen.clone()));
                seen
            }
        };
        seen.map_err(|mut p| {
            doing.clone_into(&mut p.doing);
            p.because = format!("nothing was sent, because {}", p.because);
            p
        })
    }

    /// Over plain http everybody on the way reads the key.
    async fn is_private_enough(&self, url: &Url, doing: &str) -> Result<(), Problem> {
        if url.scheme() != "http" || self.allow_http {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // A name that leads nowhere is the next call's to say.
        let found = crate::world::net::addresses(bare).await;
        let refused = |why: String| {
            let because = format!(
                "{host} is reached over plain http:// {why}, where everybody on the way would read the key"
            );
            let fix =
                "put TLS in front of the AYON server and use https://; or insist with --allow-http";
            Err(Problem::new(ProblemKind::Local, doing, because, fix))
        };
        // A proxy resolves the name itself, wherever that leads.
        let through = crate::world::net::through(url);
        if found.is_err() && !through.is_empty() {
            return refused(format!(
                "{} at an address that is not seen from here",
                through.trim()
            ));
        }
        let mut addresses = found.into_iter().flatten();
        match addresses.find(|ip| near(*ip).is_none()) {
            Some(public) => refused(format!("at the public address {public}")),
            None => Ok(()),
        }
    }
}

pub(super) struct Question<'a> {
    pub doing: &'a str,
    pub path: String,
    pub key: Option<Key<'a>>,
}

/// What a call is signed in with, and whose it is: what can be done about a refusal depends on that.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// The API key that workers have.
    Worker(&'a SecretString),
    /// What an administrator gave: an API key of theirs, or the token of a session.
    Administrator(&'a SecretString),
    /// The token of a session, for what is said of the session itself.
    Session(&'a SecretString),
}

impl<'a> Key<'a> {
    fn secret(self) -> &'a SecretString {
        match self {
            Self::Worker(key) | Self::Administrator(key) | Self::Session(key) => key,
        }
    }
}

/// A GET.
pub(super) async fn get(
    record: &Record,
    client: &Client,
    url: &Url,
    question: Question<'_>,
) -> Result<Value, Problem> {
    send(record, client, url, question, (Method::GET, None)).await
}

pub(super) async fn send(
    record: &Record,
    client: &Client,
    url: &Url,
    question: Question<'_>,
    what: (Method, Option<&Value>),
) -> Result<Value, Problem> {
    let answered = dated(record, client, url, question, what).await;
    answered.map(|(value, _)| value)
}

/// The same, and so many seconds the server's clock is ahead of this machine's, where the answer has a date.
pub(super) async fn dated(
    record: &Record,
    client: &Client,
    url: &Url,
    question: Question<'_>,
    (method, body): (Method, Option<&Value>),
) -> Result<(Value, Option<i64>), Problem> {
    let base = api_base(url);
    let host = base.host_str().unwrap_or_default().to_owned();
    let doing = question.doing;
    let problem = |kind, because: String, fix: &str| Problem::new(kind, doing, because, fix);
    let target = base.join(&question.path).map_err(|e| {
        problem(
            ProblemKind::Local,
            e.to_string(),
            "correct the server's url",
        )
    })?;
    // A body of this program's is a login or a setting: neither is for strangers.
    if question.key.is_some() || body.is_some() {
        client.may_send(record, url, doing).await?;
    }
    let mut request = client.http.request(method.clone(), target);
    if let Some(body) = body {
        request = request.json(body);
    }
    if let Some(key) = question.key {
        let (header, value) = match key {
            Key::Session(token) => ("Authorization", format!("Bearer {}", token.expose_secret())),
            _ => ("X-Api-Key", key.secret().expose_secret().to_owned()),
        };
        let mut value = reqwest::header::HeaderValue::try_from(value).map_err(|_| {
            problem(
                ProblemKind::Invalid,
                "the API key holds characters that no key has".to_owned(),
                "enter the key again",
            )
        })?;
        value.set_sensitive(true);
        request = request.header(header, value);
    }
    let (began, at) = (Instant::now(), Timestamp::now());
    let answer = async {
        let mut response = request.send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                break;
            }
        }
        Ok::<_, reqwest::Error>((
            response.status(),
            response.headers().get("date").and_then(ahead),
            response
                .headers()
                .get("location")
                .and_then(|l| l.to_str().ok())
                .map(str::to_owned),
            body,
        ))
    }
    .await;
    let outcome = match &answer {
        Ok((status, ..)) if status.is_success() => "OK".to_owned(),
        Ok((status, ..)) => format!("HTTP {}", status.as_u16()),
        Err(_) => "NotReached".to_owned(),
    };
    let shown = question.path.split('?').next().unwrap_or_default();
    let call = Call {
        vantage: Vantage::Here,
        service: "ayon".to_owned(),
        operation: format!("{method} {}", Printable::short(shown, 60)),
        about: Printable::short(&host, 80),
        millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        outcome: outcome.into(),
        request_id: None,
        at,
    };
    record.add(call.clone());
    let judged = match answer {
        Err(e) => Err(problem(
            ProblemKind::Unreached,
            format!(
                "{host}{}: {}",
                crate::world::net::through(url),
                crate::world::net::http_words(&e)
            ),
            "see that the AYON server runs and is reached from here",
        )),
        Ok((status, ahead, location, body)) => {
            let value = judge(status, location, &body, &host, question.key, &problem);
            value.map(|value| (value, ahead))
        }
    };
    judged.map_err(|p| p.seen(call))
}

fn ahead(date: &reqwest::header::HeaderValue) -> Option<i64> {
    let there = jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok()?;
    Some(there.timestamp().as_second() - Timestamp::now().as_second())
}

fn judge(
    status: StatusCode,
    location: Option<String>,
    body: &[u8],
    host: &str,
    key: Option<Key<'_>>,
    problem: &dyn Fn(ProblemKind, String, &str) -> Problem,
) -> Result<Value, Problem> {
    let detail = |v: &Value| {
        v.get("detail")
            .and_then(Value::as_str)
            .map(|d| Printable::short(d, 120).to_string())
            .unwrap_or_default()
    };
    let json: Option<Value> = serde_json::from_slice(body).ok();
    match (status.as_u16(), json) {
        (204, _) => Ok(Value::Null),
        (200..=299, Some(value)) => Ok(value),
        (200..=299, None) => Err(problem(
            ProblemKind::Invalid,
            format!(
                "{host} answered with a page that is not AYON's (a proxy, a sign-in page, another server)"
            ),
            "open the url in a browser: it must be AYON itself",
        )),
        (300..=399, _) => {
            let to = location.map_or_else(
                || "elsewhere".to_owned(),
                |l| {
                    Printable::short(
                        &crate::domain::text::without_url_secrets(
                            l.split(['?', '#']).next().unwrap_or_default(),
                        ),
                        80,
                    )
                    .to_string()
                },
            );
            Err(problem(
                ProblemKind::Invalid,
                format!("{host} redirects to {to}"),
                "write the address it redirects to, if that is the AYON server",
            ))
        }
        (400, Some(v)) => {
            let wrong: Vec<String> = v
                .get("errors")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .take(3)
                .map(|e| {
                    let text = |k: &str| e.get(k).map(ToString::to_string).unwrap_or_default();
                    Printable::short(&format!("{} {}", text("loc"), text("msg")), 120).to_string()
                })
                .collect();
            Err(problem(
                ProblemKind::Invalid,
                format!("AYON answered 400 {} {}", detail(&v), wrong.join("; ")),
                "look at the value; nothing was stored",
            ))
        }
        (401, Some(v)) if detail(&v).contains("Too many failed") => Err(problem(
            ProblemKind::Denied,
            format!("{LOCKED_OUT} for ten minutes: {}", detail(&v)),
            "wait ten minutes; do not try again before, the lock would begin again",
        )),
        (401, Some(v)) => {
            let (because, fix) = refused(&detail(&v), key);
            Err(problem(ProblemKind::Denied, because, &fix))
        }
        (403, v) => {
            let said = v.as_ref().map(detail).unwrap_or_default();
            let (who, fix) = match key {
                Some(Key::Administrator(_) | Key::Session(_)) => (
                    " to the administrator's login",
                    "look in AYON at what this user may do, and whether the bundle is frozen",
                ),
                Some(Key::Worker(_)) => (" to the worker's key", "use the key of a service user"),
                None => ("", "open the url in a browser, and compare"),
            };
            let because = format!("AYON answered 403{who}: {said}");
            Err(problem(
                ProblemKind::Denied,
                because.trim_end_matches([' ', ':']).to_owned(),
                fix,
            ))
        }
        (404, Some(v)) => Err(problem(
            ProblemKind::Missing,
            format!("AYON answered 404 {}", detail(&v)),
            "compare the addon's version with the bundle",
        )),
        (404, None) => Err(problem(
            ProblemKind::Invalid,
            format!("{host} has no such page: it is not AYON, or AYON lives under another path"),
            "open the url in a browser: it must be AYON itself",
        )),
        (status, _) => Err(problem(
            ProblemKind::Invalid,
            format!("{host} answered HTTP {status}"),
            "look at the AYON server's log",
        )),
    }
}

/// What a 401 means, by AYON's own words (`ayon-recordings`), and what to do.
fn refused(detail: &str, key: Option<Key<'_>>) -> (String, String) {
    let (what, place) = match key {
        Some(Key::Worker(_)) => (
            "the key",
            "check the key in AYON's user settings, and enter it again with `studiolink setup`",
        ),
        Some(Key::Administrator(_) | Key::Session(_)) => (
            "the administrator's login",
            "sign in again: with a valid API key of your own (AYON_ADMIN_KEY), or by name and password",
        ),
        None => ("the call", "open the url in a browser, and compare"),
    };
    let (why, fix) = match detail {
        "Invalid API key" => ("it was mistyped, deleted or has expired", place),
        "Invalid session" => (
            "for a minute after a refused try AYON answers this to the same key, even if it has been made valid by then",
            "wait a minute and check again; if it stays so, the key is wrong, deleted or expired",
        ),
        "Session expired" | "User logged out" => ("the session has ended", place),
        "User is not active" => (
            "its user is switched off in AYON",
            "activate the user in AYON, or use the key of another one",
        ),
        "Access token is missing" => (
            "no key arrived: something on the way takes the header X-Api-Key out, or the key is not an AYON key",
            "let the web server or proxy in front of AYON pass X-Api-Key on; and compare the key",
        ),
        "Client IP mismatch" => (
            "AYON binds a session to the address that opened it, and this call came from another",
            "sign in again from this address, or use an API key",
        ),
        _ => ("", place),
    };
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    };
    (
        format!("AYON does not accept {what}: {detail}{why}"),
        fix.to_owned(),
    )
}
