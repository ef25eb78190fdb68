//! AYON's REST API: is it AYON, whose key is it, which bundles, what the addon says. Answers of `users/me` carry
//! password hashes, so no body is ever logged or kept; only the named fields are taken out.

use secrecy::{ExposeSecret as _, SecretString};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::Record;
use crate::domain::ayon::{AddonChannels, AddonSettings, Bundle, Bundles, Variant, api_base};
use crate::domain::call::{Call, Vantage};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};
use crate::probes::KeySeen;

const LOCKED_OUT: &str = "AYON locked this address out";

/// No answer that is of use here is longer.
const LONGEST: usize = 8 * 1024 * 1024;

/// What a version may hold as it is, in a path.
const IN_PATH: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// A client that follows no redirect (the key must not travel on) and takes no proxy (a worker has none).
pub fn client() -> Result<reqwest::Client, Problem> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .user_agent(crate::world::net::USER_AGENT)
        .build()
        .map_err(|e| crate::world::net::no_client(&e))
}

struct Question<'a> {
    doing: &'a str,
    path: String,
    key: Option<&'a SecretString>,
}

async fn get(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    question: Question<'_>,
) -> Result<Value, Problem> {
    send(record, client, url, question, None).await
}

/// A GET, or with a body a POST.
async fn send(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    question: Question<'_>,
    body: Option<&Value>,
) -> Result<Value, Problem> {
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
    let method = if body.is_some() { "POST" } else { "GET" };
    let mut request = match body {
        Some(body) => client.post(target).json(body),
        None => client.get(target),
    };
    if let Some(key) = question.key {
        let mut value =
            reqwest::header::HeaderValue::from_str(key.expose_secret()).map_err(|_| {
                problem(
                    ProblemKind::Invalid,
                    "the API key holds characters that no key has".to_owned(),
                    "enter the key again",
                )
            })?;
        value.set_sensitive(true);
        request = request.header("X-Api-Key", value);
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
            format!("{host}: {}", super::net::http_words(&e)),
            "see that the AYON server runs and is reached from here",
        )),
        Ok((status, location, body)) => judge(status, location, &body, &host, &problem),
    };
    judged.map_err(|p| p.seen(call))
}

fn judge(
    status: StatusCode,
    location: Option<String>,
    body: &[u8],
    host: &str,
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
            let waits = if detail(&v) == "Invalid session" {
                "; a key that was made a minute ago is refused until AYON's cache forgets it (60 s)"
            } else {
                ""
            };
            Err(problem(
                ProblemKind::Denied,
                format!("AYON does not accept the key: {}{waits}", detail(&v)),
                "check the key in AYON's user settings, and enter it again with `studiolink setup`",
            ))
        }
        (403, v) => Err(problem(
            ProblemKind::Denied,
            format!(
                "AYON answered 403 {}",
                v.as_ref().map(detail).unwrap_or_default()
            ),
            "use the key of a service user",
        )),
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

pub async fn try_info(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
) -> Result<Untrusted, Problem> {
    let doing = "The server does not answer /api/info as AYON does";
    let value = get(
        record,
        client,
        url,
        Question {
            doing,
            path: "api/info".to_owned(),
            key: None,
        },
    )
    .await?;
    match value.get("version").and_then(Value::as_str) {
        Some(version) => Ok(Untrusted::new(version)),
        None => Err(Problem::new(
            ProblemKind::Invalid,
            doing,
            "its /api/info is JSON without a version, so it is not AYON's",
            "open the url in a browser: it must be AYON itself",
        )),
    }
}

pub async fn try_key(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
) -> Result<KeySeen, Problem> {
    let doing = "Could not test the key at AYON";
    let question = Question {
        doing,
        path: "api/users/me".to_owned(),
        key: Some(key),
    };
    let me = get(record, client, url, question).await.map_err(|mut p| {
        // Only a plain refusal says something of the key; a lock-out or an error of the server does not.
        let refused = p.kind == ProblemKind::Denied && !p.because.contains(LOCKED_OUT);
        if refused {
            "AYON does not accept the key".clone_into(&mut p.doing);
        } else {
            p.kind = ProblemKind::Unreached;
        }
        p
    })?;
    let data = me.get("data");
    let flag = |name: &str| {
        data.and_then(|d| d.get(name))
            .and_then(Value::as_bool)
            .unwrap_or(false)
    };
    let name = me.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| {
        Problem::new(
            ProblemKind::Invalid,
            doing,
            "its users/me names no user, so it is not AYON's",
            "open the url in a browser: it must be AYON itself",
        )
    })?;
    Ok(KeySeen::Owner {
        user: Untrusted::new(name),
        service: flag("isService"),
        admin: flag("isAdmin"),
    })
}

pub async fn look_bundles(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Bundles> {
    let question = Question {
        doing: "Could not read AYON's bundles",
        path: "api/bundles".to_owned(),
        key: Some(key),
    };
    let bundles = |value: &Value| {
        let find = |flag: &str| {
            let list = value.get("bundles").and_then(Value::as_array)?;
            let b = list
                .iter()
                .find(|b| b.get(flag).and_then(Value::as_bool) == Some(true))?;
            let text = |v: Option<&Value>| v.and_then(Value::as_str).map(Untrusted::new);
            Some(Bundle {
                name: text(b.get("name"))?,
                installer: text(b.get("installerVersion")),
                addon: text(b.pointer("/addons/deadline_cloud")),
                core: text(b.pointer("/addons/core")),
            })
        };
        Bundles {
            production: find("isProduction"),
            staging: find("isStaging"),
        }
    };
    get(record, client, url, question)
        .await
        .map(|v| bundles(&v))
        .into()
}

pub async fn look_addon(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
) -> Fact<AddonSettings> {
    let settings = |value: &Value| {
        let text = |name: &str| {
            Untrusted::new(value.get(name).and_then(Value::as_str).unwrap_or_default())
        };
        AddonSettings {
            version: Untrusted::new(version),
            channels: text(CHANNELS),
            packages: text("conda_packages"),
            farm: text("farm_id"),
            queue: text("queue_id"),
        }
    };
    read_settings(record, client, url, key, variant, version)
        .await
        .map(|v| settings(&v))
        .into()
}

/// `conda_channels` of the addon, with an administrator's login: its value, and whether the studio has set it.
pub async fn look_addon_channels(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
) -> Fact<AddonChannels> {
    let read = async {
        let settings = read_settings(record, client, url, key, variant, version).await?;
        let conda_channels = settings
            .get(CHANNELS)
            .and_then(Value::as_str)
            .ok_or_else(|| no_field(version))?
            .to_owned();
        let doing = "Could not read which settings of deadline_cloud are the studio's own";
        let raw = Question {
            doing,
            path: addon_path(version, "rawOverrides", variant),
            key: Some(key),
        };
        // An administrator may see the stored difference; a manager only the list of what is overridden.
        let overridden = match get(record, client, url, raw).await {
            Ok(raw) => raw.get(CHANNELS).is_some(),
            Err(p) if p.kind == ProblemKind::Denied => {
                let list = Question {
                    doing,
                    path: addon_path(version, "overrides", variant),
                    key: Some(key),
                };
                get(record, client, url, list)
                    .await?
                    .get(CHANNELS)
                    .is_some()
            }
            Err(p) => return Err(p),
        };
        Ok(AddonChannels {
            conda_channels,
            overridden,
        })
    };
    read.await.into()
}

const CHANNELS: &str = "conda_channels";

fn addon_path(version: &str, what: &str, variant: Variant) -> String {
    let encoded = percent_encoding::utf8_percent_encode(version, IN_PATH);
    format!(
        "api/addons/deadline_cloud/{encoded}/{what}?variant={}",
        variant.word()
    )
}

fn no_field(version: &str) -> Problem {
    Problem::new(
        ProblemKind::Invalid,
        "Could not read the settings of the deadline_cloud addon",
        format!(
            "its version {} has no setting conda_channels",
            Printable::short(version, 30)
        ),
        "compare the addon's version with the bundle",
    )
}

async fn read_settings(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
) -> Result<Value, Problem> {
    let question = Question {
        doing: "Could not read the settings of the deadline_cloud addon",
        path: addon_path(version, "settings", variant),
        key: Some(key),
    };
    get(record, client, url, question).await
}

/// Sets one field. A POST replaces the whole object, so all of it is read, one field is changed, and all is sent
/// (`ayon-recordings`). A value that the studio had not set is unpinned again, so that it follows the addon.
pub async fn change_addon_channels(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
    then: &AddonChannels,
) -> Result<(), Problem> {
    let mut settings = read_settings(record, client, url, key, variant, version).await?;
    let fields = settings
        .as_object_mut()
        .filter(|f| f.contains_key(CHANNELS))
        .ok_or_else(|| no_field(version))?;
    fields.insert(
        CHANNELS.to_owned(),
        Value::String(then.conda_channels.clone()),
    );
    if !then.overridden {
        fields.insert(
            "__unpinned_fields__".to_owned(),
            serde_json::json!([[CHANNELS]]),
        );
    }
    let doing = "Could not change the settings of the deadline_cloud addon";
    let question = Question {
        doing,
        path: addon_path(version, "settings", variant),
        key: Some(key),
    };
    send(record, client, url, question, Some(&settings)).await?;
    Ok(())
}

/// Can this key change settings? Asked once, so that a mistyped one is not tried again and again.
pub async fn try_admin(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    key: &SecretString,
) -> Result<(), Problem> {
    let doing = "Could not sign in to AYON";
    let question = Question {
        doing,
        path: "api/users/me".to_owned(),
        key: Some(key),
    };
    let me = get(record, client, url, question).await?;
    let flag = |name: &str| me.pointer(&format!("/data/{name}")) == Some(&Value::Bool(true));
    let refused = |because: &str, fix: &str| Problem::new(ProblemKind::Denied, doing, because, fix);
    if flag("isService") {
        return Err(refused(
            "that is the key of a service user, such as workers have",
            "use your own key, or your name and password",
        ));
    }
    if !flag("isAdmin") && !flag("isManager") {
        return Err(refused(
            "this user is neither a manager nor an administrator of AYON",
            "ask one of them to paste the value, or sign in as one",
        ));
    }
    Ok(())
}

/// A session of an AYON user who signs in by name. The answer holds hashes: only the token is taken out of it.
pub async fn log_in(
    record: &Record,
    client: &reqwest::Client,
    url: &Url,
    name: &str,
    password: &SecretString,
) -> Result<SecretString, Problem> {
    let doing = "Could not sign in to AYON";
    let question = Question {
        doing,
        path: "api/auth/login".to_owned(),
        key: None,
    };
    let body = serde_json::json!({ "name": name, "password": password.expose_secret() });
    let answer = send(record, client, url, question, Some(&body))
        .await
        .map_err(|mut p| {
            // AYON answers 403 to a wrong password, and 400 to a body that it does not take.
            let locked = p.because.contains("Too many failed");
            if p.kind == ProblemKind::Denied && !locked {
                "name and password are not accepted".clone_into(&mut p.because);
                "correct them; after ten wrong passwords AYON refuses this address for ten minutes"
                    .clone_into(&mut p.fix);
            } else if locked {
                "wait ten minutes before you try again; each try begins them again"
                    .clone_into(&mut p.fix);
            } else if p.because.contains("HTTP 503") {
                "AYON takes ten logins a minute from one address".clone_into(&mut p.because);
                "wait a minute, then try again".clone_into(&mut p.fix);
            }
            p
        })?;
    let token = answer.get("token").and_then(Value::as_str);
    token
        .map(|t| SecretString::from(t.to_owned()))
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::Invalid,
                doing,
                "the answer holds no session, so it is not AYON's",
                "open the url in a browser: it must be AYON itself",
            )
        })
}
