//! The settings of the `deadline_cloud` addon: read with the workers' key, and with an administrator's login changed field by
//! field, with what the studio has set of its own.

use std::collections::BTreeSet;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::client::{Client, Key, LOCKED_OUT, Question, get, send};
use super::{IN_PATH, Record};
use crate::domain::addon::{AddonAt, AddonField, AddonFields, AddonSettings};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::questions::DevAddon;

pub async fn look_addon(
    record: &Record,
    client: &Client,
    at: &AddonAt,
    key: &SecretString,
) -> Fact<AddonSettings> {
    let read = read_settings(record, client, at, Key::Worker(key)).await;
    read.map(|v| AddonSettings::read(&at.version, &v)).into()
}

pub async fn look_dev_addon(
    record: &Record,
    client: &Client,
    of: &DevAddon,
    key: &SecretString,
) -> Fact<AddonSettings> {
    let question = Question {
        doing: DOING,
        path: path((&of.version, &of.bundle, None), "settings"),
        key: Some(Key::Worker(key)),
    };
    let read = get(record, client, &of.server, question).await;
    read.map(|v| AddonSettings::read(&of.version, &v)).into()
}

const DOING: &str = "Could not read the settings of the deadline_cloud addon";

/// The addon's settings in one place as an administrator or manager sees them, and which of them the place has set.
pub async fn look_own(
    record: &Record,
    client: &Client,
    at: &AddonAt,
    key: &SecretString,
) -> Fact<AddonFields> {
    let key = Key::Administrator(key);
    let settings = match read_settings(record, client, at, key).await {
        Ok(settings) => settings,
        Err(problem) => return Fact::from(Err(problem)),
    };
    let raw = Question {
        doing: DOING_OWN,
        path: addon_path(at, "rawOverrides"),
        key: Some(key),
    };
    // An administrator may see the stored difference; a manager only the list of what is overridden.
    let is_own: Box<dyn Fn(AddonField) -> bool + Send> =
        match get(record, client, &at.server, raw).await {
            Ok(raw) => Box::new(move |field| raw.get(field.setting()).is_some()),
            Err(p) if p.kind == ProblemKind::Denied => {
                let list = Question {
                    doing: DOING_OWN,
                    path: addon_path(at, "overrides"),
                    key: Some(key),
                };
                match get(record, client, &at.server, list).await {
                    Ok(list) => {
                        let level = level_of(at);
                        Box::new(move |field| is_listed(&list, field, level))
                    }
                    Err(problem) => return Fact::from(Err(problem)),
                }
            }
            Err(problem) => return Fact::from(Err(problem)),
        };
    let all = AddonField::ALL.iter().copied();
    let values = all.filter_map(|f| Some((f, f.of_object(&settings)?)));
    let mut fields = AddonFields::of(values, true);
    fields.own.retain(|f| is_own(*f));
    Fact::Known(fields)
}

const DOING_OWN: &str = "Could not read which settings of deadline_cloud are its own";

/// How AYON's list of overrides names where a value was set.
fn level_of(at: &AddonAt) -> &'static str {
    match at.project {
        Some(_) => "project",
        None => "studio",
    }
}

/// Does the list of overrides hold the field, set at that level? Its keys are AYON's own (`root_conda_channels`); the path is
/// the field's.
fn is_listed(overrides: &Value, field: AddonField, level: &str) -> bool {
    let mut list = overrides.as_object().into_iter().flat_map(|o| o.values());
    list.any(|row| {
        let path = row.get("path").and_then(Value::as_array);
        let is_field = path.is_some_and(|p| p.len() == 1 && p[0].as_str() == Some(field.setting()));
        is_field && row.get("level").and_then(Value::as_str) == Some(level)
    })
}

fn addon_path(at: &AddonAt, what: &str) -> String {
    let (version, variant) = (at.version.as_str(), at.variant.word());
    path((version, variant, at.project.as_deref()), what)
}

/// A dev bundle's name stands in place of the variant.
fn path((version, variant, project): (&str, &str, Option<&str>), what: &str) -> String {
    let encoded = |text| percent_encoding::utf8_percent_encode(text, IN_PATH).to_string();
    let (version, variant) = (encoded(version), encoded(variant));
    let project = project.map_or_else(String::new, |p| format!("/{}", encoded(p)));
    format!("api/addons/deadline_cloud/{version}/{what}{project}?variant={variant}")
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
    at: &AddonAt,
    key: Key<'_>,
) -> Result<Value, Problem> {
    let question = Question {
        doing: DOING,
        path: addon_path(at, "settings"),
        key: Some(key),
    };
    get(record, client, &at.server, question).await
}

/// Sets some settings of one place. A POST replaces the whole object, so all of it is read, these are changed, and all is sent
/// (`ayon-recordings`). A value that the place had not set is unpinned again, so that it follows the studio, or the addon.
pub async fn change_own(
    record: &Record,
    client: &Client,
    at: &AddonAt,
    key: &SecretString,
    then: &AddonFields,
) -> Result<(), Problem> {
    let key = Key::Administrator(key);
    let mut settings = read_settings(record, client, at, key).await?;
    for (field, value) in &then.values {
        if !field.put(&mut settings, value) {
            return Err(no_field(&at.version, field.word()));
        }
    }
    let unset = then.values.keys().filter(|f| !then.own.contains(f));
    let unset: BTreeSet<&str> = unset.map(|f| f.setting()).collect();
    let unset: Vec<Value> = unset.iter().map(|name| serde_json::json!([name])).collect();
    if let (Some(fields), false) = (settings.as_object_mut(), unset.is_empty()) {
        fields.insert("__unpinned_fields__".to_owned(), Value::Array(unset));
    }
    let doing = "Could not change the settings of the deadline_cloud addon";
    let question = Question {
        doing,
        path: addon_path(at, "settings"),
        key: Some(key),
    };
    let what = (Method::POST, Some(&settings));
    let sent = send(record, client, &at.server, question, what).await;
    sent.map(|_| ()).map_err(|p| not_stored(p, at, then))
}

/// A login that may change settings, and a server that does not let it: what is left is to paste the value where it may be
/// changed. AYON answers 403 to administrators too where settings are frozen with their bundle (field facts F).
fn not_stored(mut problem: Problem, at: &AddonAt, then: &AddonFields) -> Problem {
    if problem.kind != ProblemKind::Denied || problem.because.contains(LOCKED_OUT) {
        return problem;
    }
    let place = at.settings_words();
    if problem.because.contains("403") {
        problem.because = format!(
            "{}. AYON refuses this to administrators too where the settings are frozen with their bundle",
            problem.because
        );
    }
    let each = then.values.iter().map(|(field, value)| {
        let name = field.word();
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if then.own.contains(field) {
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
