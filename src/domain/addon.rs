//! The settings of AYON's `deadline_cloud` addon: what its jobs carry, and each setting as an administrator sees and changes it.
//!
//! In a job a value of `extra_job_parameters` wins over `conda_channels` and `conda_packages`, and these win over the queue's
//! default, whole: they are not added to it (field facts A2, and the addon's own descriptions).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::ayon::Variant;
use super::ids::QueueKey;
use super::text::{Printable, Untrusted};

words!(
    /// A setting, as AYON names it.
    AddonField {
        Channels = "conda_channels",
        Packages = "conda_packages",
        Parameters = "extra_job_parameters",
        Farm = "farm_id",
        Queue = "queue_id",
        PublishRoles = "publish_host_requirement_roles",
        RenderRoles = "render_host_requirement_roles",
    }
);

/// The parameters of a job that name channels and packages.
pub const CHANNELS_PARAMETER: &str = "CondaChannels";
pub const PACKAGES_PARAMETER: &str = "CondaPackages";

/// A place where settings stand: the studio's, or a project's on top of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddonAt {
    pub server: Url,
    pub variant: Variant,
    pub version: String,
    /// `None`: the studio's.
    pub project: Option<String>,
}

impl AddonAt {
    /// Where in AYON it stands, as people find it.
    pub fn words(&self) -> String {
        let variant = self.variant.word();
        self.project.as_ref().map_or_else(
            || variant.to_owned(),
            |project| format!("{variant}, project {}", Printable::short(project, 60)),
        )
    }

    /// The addon and the place.
    pub fn settings_words(&self) -> String {
        let version = Printable::short(&self.version, 30);
        format!("deadline_cloud {version} ({})", self.words())
    }

    #[must_use]
    pub fn of_studio(&self) -> Self {
        Self {
            project: None,
            ..self.clone()
        }
    }
}

/// What the addon's jobs go by, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonSettings {
    pub version: Untrusted,
    pub channels: Untrusted,
    pub packages: Untrusted,
    /// `extra_job_parameters`, as JSON: what AYON puts into its jobs besides.
    pub job_parameters: Untrusted,
    pub farm: Untrusted,
    pub queue: Untrusted,
    /// What its publish steps ask of a worker as `attr.role`; `None`: this version of the addon has no such setting.
    #[serde(default)]
    pub publish_roles: Option<Vec<Untrusted>>,
    /// The same of its render steps.
    #[serde(default)]
    pub render_roles: Option<Vec<Untrusted>>,
}

impl AddonSettings {
    /// Out of the whole object that AYON answers.
    pub fn read(version: &str, value: &Value) -> Self {
        let mut settings = Self {
            version: Untrusted::new(version),
            channels: Untrusted::new(""),
            packages: Untrusted::new(""),
            job_parameters: Untrusted::new(""),
            farm: Untrusted::new(""),
            queue: Untrusted::new(""),
            publish_roles: None,
            render_roles: None,
        };
        for field in AddonField::ALL {
            if let Some(value) = value.get(field.word()) {
                settings.set(*field, value);
            }
        }
        settings
    }

    pub fn set(&mut self, field: AddonField, value: &Value) {
        let text = || Untrusted::new(value.as_str().unwrap_or_default());
        let texts = || {
            let all = value.as_array()?.iter().filter_map(Value::as_str);
            Some(all.map(Untrusted::new).collect())
        };
        match field {
            AddonField::Channels => self.channels = text(),
            AddonField::Packages => self.packages = text(),
            AddonField::Parameters => self.job_parameters = Untrusted::new(value.to_string()),
            AddonField::Farm => self.farm = text(),
            AddonField::Queue => self.queue = text(),
            AddonField::PublishRoles => self.publish_roles = texts(),
            AddonField::RenderRoles => self.render_roles = texts(),
        }
    }

    /// As AYON holds it; `None`: this version has no such setting.
    pub fn value(&self, field: AddonField) -> Option<Value> {
        let texts = |all: &Option<Vec<Untrusted>>| {
            let all = all.as_ref()?.iter().map(|t| Value::from(t.raw()));
            Some(Value::Array(all.collect()))
        };
        match field {
            AddonField::Channels => Some(self.channels.raw().into()),
            AddonField::Packages => Some(self.packages.raw().into()),
            AddonField::Parameters => serde_json::from_str(self.job_parameters.raw()).ok(),
            AddonField::Farm => Some(self.farm.raw().into()),
            AddonField::Queue => Some(self.queue.raw().into()),
            AddonField::PublishRoles => texts(&self.publish_roles),
            AddonField::RenderRoles => texts(&self.render_roles),
        }
    }

    /// Which of these queues it submits to.
    pub fn submits_to<'a>(&self, queues: &'a [QueueKey]) -> Option<&'a QueueKey> {
        let (farm, queue) = (self.farm.raw().trim(), self.queue.raw().trim());
        let named = |q: &&QueueKey| q.farm.as_str() == farm && q.queue.as_str() == queue;
        queues.iter().find(named)
    }

    /// The channels of its jobs, and which setting says so; `None`: the queue's default, or the job template's.
    pub fn channels_in_jobs(&self) -> Option<(AddonField, String)> {
        self.in_jobs(CHANNELS_PARAMETER, AddonField::Channels, &self.channels)
    }

    /// The packages, in the same way.
    pub fn packages_in_jobs(&self) -> Option<(AddonField, String)> {
        self.in_jobs(PACKAGES_PARAMETER, AddonField::Packages, &self.packages)
    }

    fn in_jobs(
        &self,
        parameter: &str,
        field: AddonField,
        own: &Untrusted,
    ) -> Option<(AddonField, String)> {
        if let Some(value) = self.parameter(parameter) {
            return Some((AddonField::Parameters, value));
        }
        let is_set = !own.raw().trim().is_empty();
        is_set.then(|| (field, own.raw().to_owned()))
    }

    /// The value that `extra_job_parameters` gives that parameter; of several the last.
    fn parameter(&self, name: &str) -> Option<String> {
        let all: Value = serde_json::from_str(self.job_parameters.raw()).ok()?;
        let named = |row: &&Value| row["name"].as_str() == Some(name);
        let row = all.as_array()?.iter().rfind(named)?;
        Some(row["value"].as_str()?.to_owned())
    }

    /// The setting and its value with which jobs carry that one, said where it is said today.
    pub fn with_in_jobs(
        &self,
        parameter: &str,
        field: AddonField,
        to: &str,
    ) -> (AddonField, Value) {
        let mut all = match self.parameter(parameter) {
            Some(_) => self.value(AddonField::Parameters).unwrap_or_default(),
            None => Value::Null,
        };
        let Some(rows) = all.as_array_mut() else {
            return (field, to.into());
        };
        for row in rows {
            if row["name"].as_str() == Some(parameter) {
                row["value"] = to.into();
            }
        }
        (AddonField::Parameters, all)
    }
}

/// Some settings of one place as an administrator sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonFields {
    /// A setting that the addon's version does not have is not there.
    pub values: BTreeMap<AddonField, Value>,
    /// Which of them the place has set itself: the others follow the studio, or the addon's default.
    pub own: BTreeSet<AddonField>,
}

/// The member of a text that lists the settings of the place itself.
const OWN: &str = "overridden";

impl AddonFields {
    pub fn of(values: impl IntoIterator<Item = (AddonField, Value)>, is_own: bool) -> Self {
        let values: BTreeMap<_, _> = values.into_iter().collect();
        let own = values.keys().copied().filter(|_| is_own).collect();
        Self { values, own }
    }

    /// These settings alone.
    #[must_use]
    pub fn only(&self, fields: &[AddonField]) -> Self {
        let named = |f: &AddonField| fields.contains(f);
        let values = self.values.iter().filter(|(f, _)| named(f));
        Self {
            values: values.map(|(f, v)| (*f, v.clone())).collect(),
            own: self.own.iter().copied().filter(named).collect(),
        }
    }

    /// As a change keeps and shows it.
    pub fn text(&self) -> String {
        let mut all = serde_json::Map::new();
        for (field, value) in &self.values {
            all.insert(field.word().to_owned(), value.clone());
        }
        let own: Vec<&str> = self.own.iter().map(|f| f.word()).collect();
        all.insert(OWN.to_owned(), own.into());
        Value::Object(all).to_string()
    }

    /// Also of journals whose texts said `true` of their one setting.
    pub fn of_text(text: &str) -> Option<Self> {
        let all: serde_json::Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut fields = Self::default();
        for (name, value) in all.iter().filter(|(name, _)| *name != OWN) {
            fields
                .values
                .insert(AddonField::of_word(name)?, value.clone());
        }
        fields.own = match all.get(OWN)? {
            Value::Bool(all) => {
                let names = fields.values.keys().copied();
                names.filter(|_| *all).collect()
            }
            Value::Array(list) => {
                let each = list.iter().map(|n| AddonField::of_word(n.as_str()?));
                each.collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As AYON's recordings have it.
    fn recorded() -> AddonSettings {
        AddonSettings::read(
            "0.3.0",
            &json!({"farm_id": "farm-0123456789abcdef0123456789abcdef", "queue_id": "queue-demo-show", "conda_packages": "blender=4.2.* python=3.11", "conda_channels": "deadline-cloud conda-forge", "extra_job_parameters": [{"name": "Priority", "value": "60"}], "publish_host_requirement_roles": ["publish", "ingest"], "render_host_requirement_roles": ["render"]}),
        )
    }

    #[test]
    fn every_setting_comes_back_as_it_was_read() {
        let settings = recorded();
        let mut other = AddonSettings::read("0.3.0", &json!({}));
        for field in AddonField::ALL {
            other.set(*field, &settings.value(*field).unwrap());
        }
        assert_eq!(other, settings);
        assert_eq!(
            other.value(AddonField::Packages),
            Some("blender=4.2.* python=3.11".into())
        );
    }

    #[test]
    fn an_extra_parameter_wins_and_is_where_a_new_value_goes() {
        let mut settings = recorded();
        let (field, list) = settings.channels_in_jobs().unwrap();
        assert_eq!(
            (field, list.as_str()),
            (AddonField::Channels, "deadline-cloud conda-forge")
        );
        let rows =
            json!([{"name": "CondaChannels", "value": "old"}, {"name": "Priority", "value": "1"}]);
        settings.set(AddonField::Parameters, &rows);
        let (field, list) = settings.channels_in_jobs().unwrap();
        assert_eq!((field, list.as_str()), (AddonField::Parameters, "old"));
        let (field, value) = settings.with_in_jobs(CHANNELS_PARAMETER, AddonField::Channels, "a b");
        assert_eq!(field, AddonField::Parameters);
        assert_eq!(
            value,
            json!([{"name": "CondaChannels", "value": "a b"}, {"name": "Priority", "value": "1"}])
        );
        let (field, value) = settings.with_in_jobs(PACKAGES_PARAMETER, AddonField::Packages, "x");
        assert_eq!((field, value), (AddonField::Packages, "x".into()));
        settings.set(AddonField::Packages, &" ".into());
        assert_eq!(settings.packages_in_jobs(), None);
    }

    #[test]
    fn texts_of_earlier_journals_are_read_too() {
        let was = AddonFields::of_text(r#"{"conda_channels":"a","overridden":true}"#).unwrap();
        assert_eq!(
            was,
            AddonFields::of([(AddonField::Channels, "a".into())], true)
        );
        let text = r#"{"farm_id":"f","queue_id":"","overridden":["farm_id"]}"#;
        let target = AddonFields::of_text(text).unwrap();
        assert_eq!(target.own, BTreeSet::from([AddonField::Farm]));
        assert_eq!(AddonFields::of_text(&target.text()), Some(target));
        assert!(AddonFields::of_text(r#"{"no_such":1,"overridden":[]}"#).is_none());
    }
}
