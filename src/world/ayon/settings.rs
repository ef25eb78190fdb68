//! The settings of the `deadline_cloud` addon: read with the workers' key, and with an administrator's login changed field by
//! field, with what the studio has set of its own.

use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::client::{Client, Key, LOCKED_OUT, Question, get, send};
use super::{IN_PATH, Record};
use crate::domain::ayon::{AddonChannels, AddonSettings, AddonTarget, Variant};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::{Printable, Untrusted};

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
    let at = (variant, version, project);
    read_settings(record, client, url, Key::Worker(key), at)
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
    let settings = read_settings(record, client, url, key, (variant, version, None)).await?;
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

/// Of the studio, or as a project has them.
async fn read_settings(
    record: &Record,
    client: &Client,
    url: &Url,
    key: Key<'_>,
    (variant, version, project): (Variant, &str, Option<&str>),
) -> Result<Value, Problem> {
    let mut path = addon_path(version, "settings", variant);
    if let Some(project) = project {
        let encoded = percent_encoding::utf8_percent_encode(project, IN_PATH);
        path = path.replace("settings?", &format!("settings/{encoded}?"));
    }
    let question = Question {
        doing: "Could not read the settings of the deadline_cloud addon",
        path,
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
    let mut settings = read_settings(record, client, url, key, (variant, version, None)).await?;
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
