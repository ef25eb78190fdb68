//! AYON's REST API: is it AYON, whose key is it, which bundles, what the addon says. Answers of `users/me` carry
//! password hashes, so no body is ever logged or kept; only the named fields are taken out.

mod client;
mod projects;
mod settings;
mod users;

use std::collections::BTreeMap;

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

pub use self::client::{Client, client};
pub use self::projects::{look_desktop, look_projects};
pub use self::settings::{change_own, look_addon, look_dev_addon, look_own};
pub use self::users::{delete_key, look_user, make_key};

use self::client::{Key, LOCKED_OUT, Question, dated, get, send};
use super::Record;
use crate::domain::ayon::{Bundle, Bundles, DevBundle, INHERITED};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};
use crate::probes::{Info, KeySeen};

/// What a version may hold as it is, in a path.
const IN_PATH: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

pub async fn try_info(record: &Record, client: &Client, url: &Url) -> Result<Info, Problem> {
    let doing = "The server does not answer /api/info as AYON does";
    let question = Question {
        doing,
        path: "api/info".to_owned(),
        key: None,
    };
    let (value, ahead) = match dated(record, client, url, question, (Method::GET, None)).await {
        Ok(answered) => answered,
        Err(problem) => return Err(or_tls(problem, url).await),
    };
    match value.get("version").and_then(Value::as_str) {
        Some(version) => Ok(Info {
            version: Untrusted::new(version),
            ahead,
        }),
        None => Err(Problem::new(
            ProblemKind::Invalid,
            doing,
            "its /api/info is JSON without a version, so it is not AYON's",
            "open the url in a browser: it must be AYON itself",
        )),
    }
}

/// AYON's version, from an answer to `/api/info` that came by another way; or what it is instead.
pub fn version_of(status: u16, body: &str) -> Result<Untrusted, Printable> {
    if status != 200 {
        return Err(format!("it answers HTTP {status}").into());
    }
    let value: Value = serde_json::from_str(body).map_err(|_| "its answer is not JSON")?;
    let version = value.get("version").and_then(Value::as_str);
    version
        .map(Untrusted::new)
        .ok_or_else(|| "its JSON has no version".into())
}

/// A server that speaks TLS says little of use to one who asks in plain HTTP.
async fn or_tls(mut problem: Problem, url: &Url) -> Problem {
    let asked = matches!(problem.kind, ProblemKind::Invalid | ProblemKind::Unreached);
    if url.scheme() != "http" || !asked {
        return problem;
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    if crate::world::net::speaks_tls(bare, port).await {
        problem.kind = ProblemKind::Invalid;
        problem.because = format!("{host}:{port} speaks TLS, and was asked over plain http://");
        "write https:// in place of http://".clone_into(&mut problem.fix);
    }
    problem
}

pub async fn try_key(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Result<KeySeen, Problem> {
    let doing = "Could not test the key at AYON";
    let question = Question {
        doing,
        path: "api/users/me".to_owned(),
        key: Some(Key::Worker(key)),
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
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Bundles> {
    let question = Question {
        doing: "Could not read AYON's bundles",
        path: "api/bundles".to_owned(),
        key: Some(Key::Worker(key)),
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
                packages: packages(b.get("dependencyPackages")),
            })
        };
        let others = value.get("bundles").and_then(Value::as_array);
        // What a project's own bundle does not list, it takes from the studio's; null switches the addon off.
        let version = |b: &Value| {
            let version = b.pointer("/addons/deadline_cloud");
            let version = version.map_or(Some(INHERITED), Value::as_str);
            Some((
                b.get("name")?.as_str()?.to_owned(),
                version.map(Untrusted::new),
            ))
        };
        let is_other = |b: &&Value| {
            let set = |flag: &str| b.get(flag).and_then(Value::as_bool) == Some(true);
            !set("isProduction") && !set("isStaging")
        };
        let dev = |b: &Value| {
            let text = |v: Option<&Value>| v.and_then(Value::as_str).map(Untrusted::new);
            let set = |flag: &str| b.get(flag).and_then(Value::as_bool) == Some(true);
            let dev = DevBundle {
                addon: text(b.pointer("/addons/deadline_cloud")),
                user: text(b.get("activeUser")),
            };
            let name = b.get("name")?.as_str()?.to_owned();
            (set("isDev") && !set("isArchived")).then_some((name, dev))
        };
        Bundles {
            devs: others.into_iter().flatten().filter_map(dev).collect(),
            production: find("isProduction"),
            staging: find("isStaging"),
            others: others
                .into_iter()
                .flatten()
                .filter(is_other)
                .filter_map(version)
                .collect(),
        }
    };
    get(record, client, url, question)
        .await
        .map(|v| bundles(&v))
        .into()
}

/// By platform; one that is null is none.
fn packages(value: Option<&Value>) -> BTreeMap<String, Untrusted> {
    let all = value.and_then(Value::as_object).into_iter().flatten();
    let named = all.filter_map(|(platform, file)| Some((platform, file.as_str()?)));
    named
        .filter(|(_, file)| !file.is_empty())
        .map(|(platform, file)| (platform.clone(), Untrusted::new(file)))
        .collect()
}

/// Can this key change settings? Asked once, so that a mistyped one is not tried again and again.
pub async fn try_admin(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Result<(), Problem> {
    let doing = "Could not sign in to AYON";
    let question = Question {
        doing,
        path: "api/users/me".to_owned(),
        key: Some(Key::Administrator(key)),
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
    client: &Client,
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
    let answer = send(record, client, url, question, (Method::POST, Some(&body)))
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

/// Closes a session that `log_in` opened.
pub async fn log_out(
    record: &Record,
    client: &Client,
    url: &Url,
    token: &SecretString,
) -> Result<(), Problem> {
    let question = Question {
        doing: "Could not close the session at AYON",
        path: "api/auth/logout".to_owned(),
        key: Some(Key::Session(token)),
    };
    send(
        record,
        client,
        url,
        question,
        (Method::POST, Some(&serde_json::json!({}))),
    )
    .await
    .map(|_| ())
}
