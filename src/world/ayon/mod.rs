//! AYON's REST API: is it AYON, whose key is it, which bundles, what the addon says. Answers of `users/me` carry
//! password hashes, so no body is ever logged or kept; only the named fields are taken out.

mod client;
mod users;

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

pub use self::client::{Client, client};
pub use self::users::{delete_key, look_user, make_key};

use self::client::{Key, LOCKED_OUT, Question, dated, get, send};
use super::Record;
use crate::domain::ayon::{
    AddonChannels, AddonSettings, AddonTarget, Bundle, Bundles, Desktop, Installer, Project,
    Projects, Variant,
};
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

/// By platform; one that is null is none.
fn packages(value: Option<&Value>) -> BTreeMap<String, Untrusted> {
    let all = value.and_then(Value::as_object).into_iter().flatten();
    let named = all.filter_map(|(platform, file)| Some((platform, file.as_str()?)));
    named
        .filter(|(_, file)| !file.is_empty())
        .map(|(platform, file)| (platform.clone(), Untrusted::new(file)))
        .collect()
}

pub async fn look_desktop(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Desktop> {
    let doing = "Could not read AYON's installers and dependency packages";
    let ask = |path: &str| Question {
        doing,
        path: path.to_owned(),
        key: Some(Key::Worker(key)),
    };
    let (installers, packages) = join(
        get(record, client, url, ask("api/desktop/installers")),
        get(record, client, url, ask("api/desktop/dependencyPackages")),
    )
    .await;
    let read = installers.and_then(|installers| {
        let packages = packages?;
        let rows = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
        let lacks = || no_list(doing);
        let installers = rows(&installers, "installers").ok_or_else(lacks)?;
        let packages = rows(&packages, "packages").ok_or_else(lacks)?;
        let text = |row: &Value, name: &str| row.get(name)?.as_str().map(Untrusted::new);
        let installer = |row: &Value| {
            Some(Installer {
                version: text(row, "version")?,
                platform: text(row, "platform")?,
            })
        };
        Ok(Desktop {
            installers: installers.iter().filter_map(installer).collect(),
            packages: packages
                .iter()
                .filter_map(|p| text(p, "filename"))
                .collect(),
        })
    });
    read.into()
}

fn no_list(doing: &str) -> Problem {
    let fix = "compare the AYON server's version with one that studiolink knows (1.15)";
    Problem::new(
        ProblemKind::Invalid,
        doing,
        "the answer has no such list",
        fix,
    )
}

/// So many projects are read, so many of them at once.
const PROJECTS: usize = 50;
const AT_ONCE: usize = 8;

pub async fn look_projects(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
) -> Fact<Projects> {
    let doing = "Could not read AYON's projects";
    let ask = |path: String| Question {
        doing,
        path,
        key: Some(Key::Worker(key)),
    };
    let read = async {
        let list = get(record, client, url, ask("api/projects".to_owned())).await?;
        let rows = list.get("projects").and_then(Value::as_array);
        let rows = rows.ok_or_else(|| no_list(doing))?;
        let active = |row: &&Value| {
            row.get("active") != Some(&Value::Bool(false))
                && row.get("library") != Some(&Value::Bool(true))
        };
        let names = rows.iter().filter(active);
        let mut names: Vec<&str> = names.filter_map(|row| row.get("name")?.as_str()).collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(PROJECTS);
        let one = |name: &str| {
            let (encoded, name) = (
                percent_encoding::utf8_percent_encode(name, IN_PATH).to_string(),
                Untrusted::new(name),
            );
            async move {
                let path = format!("api/projects/{encoded}");
                let project = get(record, client, url, ask(path)).await?;
                let roots = project.pointer("/config/roots").and_then(Value::as_object);
                let paths = |root: &Value| -> BTreeMap<String, String> {
                    let all = root.as_object().into_iter().flatten();
                    let text =
                        all.filter_map(|(p, path)| Some((p.clone(), path.as_str()?.to_owned())));
                    text.collect()
                };
                let roots = roots.into_iter().flatten();
                Ok(Project {
                    name,
                    roots: roots.map(|(n, root)| (n.clone(), paths(root))).collect(),
                })
            }
        };
        let some = names.into_iter().take(PROJECTS).map(one);
        let read: Vec<Result<Project, Problem>> =
            stream::iter(some).buffered(AT_ONCE).collect().await;
        let read: Result<Vec<Project>, Problem> = read.into_iter().collect();
        Ok::<_, Problem>(Projects { read: read?, more })
    };
    read.await.into()
}

pub async fn look_addon(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    (variant, version, project): (Variant, &str, Option<&str>),
) -> Fact<AddonSettings> {
    let settings = |value: &Value| {
        let text = |name: &str| {
            Untrusted::new(value.get(name).and_then(Value::as_str).unwrap_or_default())
        };
        AddonSettings {
            version: Untrusted::new(version),
            channels: text(CHANNELS),
            packages: text("conda_packages"),
            job_parameters: Untrusted::new(
                value
                    .get("extra_job_parameters")
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
            farm: text("farm_id"),
            queue: text("queue_id"),
            publish_roles: value
                .get("publish_host_requirement_roles")
                .and_then(Value::as_array)
                .map(|roles| {
                    let roles = roles.iter().filter_map(Value::as_str);
                    roles.map(Untrusted::new).collect()
                }),
        }
    };
    let mut path = addon_path(version, "settings", variant);
    if let Some(project) = project {
        let encoded = percent_encoding::utf8_percent_encode(project, IN_PATH);
        path = path.replace("settings?", &format!("settings/{encoded}?"));
    }
    let question = Question {
        doing: "Could not read the settings of the deadline_cloud addon",
        path,
        key: Some(Key::Worker(key)),
    };
    get(record, client, url, question)
        .await
        .map(|v| settings(&v))
        .into()
}

/// `conda_channels` of the addon, with an administrator's login: its value, and whether the studio has set it.
pub async fn look_addon_channels(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
) -> Fact<AddonChannels> {
    let read = own_fields(record, client, url, key, (variant, version), [CHANNELS]).await;
    read.map(|([conda_channels], overridden)| AddonChannels {
        conda_channels,
        overridden: !overridden.is_empty(),
    })
    .into()
}

/// `farm_id` and `queue_id` of the addon, in the same way.
pub async fn look_addon_target(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    at: (Variant, &str),
) -> Fact<AddonTarget> {
    let read = own_fields(record, client, url, key, at, AddonTarget::FIELDS).await;
    read.map(|([farm_id, queue_id], overridden)| AddonTarget {
        farm_id,
        queue_id,
        overridden,
    })
    .into()
}

/// Fields of the addon as an administrator sees them: their values, and which of them the studio has set.
async fn own_fields<const N: usize>(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    (variant, version): (Variant, &str),
    names: [&str; N],
) -> Result<([String; N], Vec<String>), Problem> {
    let key = Key::Administrator(key);
    let settings = read_settings(record, client, url, key, variant, version).await?;
    let mut values = [const { String::new() }; N];
    for (value, name) in values.iter_mut().zip(names) {
        let text = settings.get(name).and_then(Value::as_str);
        *value = text.ok_or_else(|| no_field(version, name))?.to_owned();
    }
    let doing = "Could not read which settings of deadline_cloud are the studio's own";
    let raw = Question {
        doing,
        path: addon_path(version, "rawOverrides", variant),
        key: Some(key),
    };
    // An administrator may see the stored difference; a manager only the list of what is overridden.
    let is_own: Box<dyn Fn(&str) -> bool + Send> = match get(record, client, url, raw).await {
        Ok(raw) => Box::new(move |name| raw.get(name).is_some()),
        Err(p) if p.kind == ProblemKind::Denied => {
            let list = Question {
                doing,
                path: addon_path(version, "overrides", variant),
                key: Some(key),
            };
            let list = get(record, client, url, list).await?;
            Box::new(move |name| is_listed(&list, name))
        }
        Err(p) => return Err(p),
    };
    let own = names.into_iter().filter(|name| is_own(name));
    Ok((values, own.map(str::to_owned).collect()))
}

const CHANNELS: &str = "conda_channels";

/// Does the list of overrides hold the field? Its keys are AYON's own (`root_conda_channels`); the path is the field's.
fn is_listed(overrides: &Value, name: &str) -> bool {
    let list = overrides.as_object().into_iter().flat_map(|o| o.values());
    let mut paths = list.filter_map(|o| o.get("path")?.as_array());
    paths.any(|path| path.len() == 1 && path[0].as_str() == Some(name))
}

fn addon_path(version: &str, what: &str, variant: Variant) -> String {
    let encoded = percent_encoding::utf8_percent_encode(version, IN_PATH);
    format!(
        "api/addons/deadline_cloud/{encoded}/{what}?variant={}",
        variant.word()
    )
}

fn no_field(version: &str, name: &str) -> Problem {
    Problem::new(
        ProblemKind::Invalid,
        "Could not read the settings of the deadline_cloud addon",
        format!(
            "its version {} has no setting {name}",
            Printable::short(version, 30)
        ),
        "compare the addon's version with the bundle",
    )
}

async fn read_settings(
    record: &Record,
    client: &Client,
    url: &Url,
    key: Key<'_>,
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

pub async fn change_addon_channels(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    variant: Variant,
    version: &str,
    then: &AddonChannels,
) -> Result<(), Problem> {
    let field = (CHANNELS, then.conda_channels.as_str(), then.overridden);
    set_fields(record, client, url, key, (variant, version), &[field]).await
}

pub async fn change_addon_target(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    at: (Variant, &str),
    then: &AddonTarget,
) -> Result<(), Problem> {
    let [farm, queue] = AddonTarget::FIELDS;
    let own = |name: &str| then.overridden.iter().any(|o| o == name);
    let fields = [
        (farm, then.farm_id.as_str(), own(farm)),
        (queue, then.queue_id.as_str(), own(queue)),
    ];
    set_fields(record, client, url, key, at, &fields).await
}

/// A field's name, its value, and whether the studio sets it.
type Field<'a> = (&'a str, &'a str, bool);

/// Sets some fields. A POST replaces the whole object, so all of it is read, these are changed, and all is sent
/// (`ayon-recordings`). A value that the studio had not set is unpinned again, so that it follows the addon.
async fn set_fields(
    record: &Record,
    client: &Client,
    url: &Url,
    key: &SecretString,
    (variant, version): (Variant, &str),
    then: &[Field<'_>],
) -> Result<(), Problem> {
    let key = Key::Administrator(key);
    let mut settings = read_settings(record, client, url, key, variant, version).await?;
    for (name, value, _) in then {
        let fields = settings
            .as_object_mut()
            .filter(|f| f.contains_key(*name))
            .ok_or_else(|| no_field(version, name))?;
        fields.insert((*name).to_owned(), Value::String((*value).to_owned()));
    }
    let unset = then.iter().filter(|(_, _, own)| !own);
    let unset: Vec<Value> = unset
        .map(|(name, _, _)| serde_json::json!([name]))
        .collect();
    if let (Some(fields), false) = (settings.as_object_mut(), unset.is_empty()) {
        fields.insert("__unpinned_fields__".to_owned(), Value::Array(unset));
    }
    let doing = "Could not change the settings of the deadline_cloud addon";
    let question = Question {
        doing,
        path: addon_path(version, "settings", variant),
        key: Some(key),
    };
    let what = (Method::POST, Some(&settings));
    let sent = send(record, client, url, question, what).await;
    sent.map(|_| ())
        .map_err(|p| not_stored(p, variant, version, then))
}

/// A login that may change settings, and a server that does not let it: what is left is to paste the value where it may be
/// changed. AYON answers 403 to administrators too where settings are frozen with their bundle (field facts F).
fn not_stored(
    mut problem: Problem,
    variant: Variant,
    version: &str,
    then: &[Field<'_>],
) -> Problem {
    if problem.kind != ProblemKind::Denied || problem.because.contains(LOCKED_OUT) {
        return problem;
    }
    let place = format!(
        "deadline_cloud {} ({})",
        Printable::short(version, 30),
        variant.word()
    );
    if problem.because.contains("403") {
        problem.because = format!(
            "{}. AYON refuses this to administrators too where the settings are frozen with their bundle",
            problem.because
        );
    }
    let each = then.iter().map(|(name, value, own)| {
        if *own {
            format!("paste into {name} of {place} there: {value}")
        } else {
            format!("unpin {name} of {place} there")
        }
    });
    let each: Vec<String> = each.collect();
    problem.fix = format!(
        "unfreeze or copy the bundle in AYON, then run it again; or {}",
        each.join("; ")
    );
    problem
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
