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
    /// A setting, as AYON names it; of the list of extra parameters the one row, because the others are nobody's business here.
    AddonField {
        Channels = "conda_channels",
        Packages = "conda_packages",
        ChannelsParameter = "extra_job_parameters.CondaChannels",
        PackagesParameter = "extra_job_parameters.CondaPackages",
        Farm = "farm_id",
        Queue = "queue_id",
        PublishRoles = "publish_host_requirement_roles",
        RenderRoles = "render_host_requirement_roles",
    }
);

const PARAMETERS: &str = "extra_job_parameters";

impl AddonField {
    /// The parameter of a job whose row it is.
    pub fn row(self) -> Option<&'static str> {
        self.word().split_once('.').map(|(_, row)| row)
    }

    /// The whole setting that it is, or is a row of.
    pub fn setting(self) -> &'static str {
        self.word()
            .split_once('.')
            .map_or(self.word(), |(setting, _)| setting)
    }

    /// Its value in the object that AYON answers.
    pub fn of_object(self, object: &Value) -> Option<Value> {
        let value = object.get(self.setting())?;
        let Some(row) = self.row() else {
            return Some(value.clone());
        };
        value_of_row(value, row).map(Value::from)
    }

    /// Puts a value in its place; false: there is no such setting or row.
    pub fn put(self, object: &mut Value, to: &Value) -> bool {
        let Some(value) = object.get_mut(self.setting()) else {
            return false;
        };
        let Some(name) = self.row() else {
            value.clone_from(to);
            return true;
        };
        let mut is_there = false;
        for row in value.as_array_mut().into_iter().flatten() {
            if row["name"].as_str() == Some(name) {
                row["value"].clone_from(to);
                is_there = true;
            }
        }
        is_there
    }
}

/// The value that a list of parameters gives one; of several rows the last counts.
fn value_of_row<'a>(list: &'a Value, name: &str) -> Option<&'a str> {
    let named = |row: &&Value| row["name"].as_str() == Some(name);
    list.as_array()?.iter().rfind(named)?["value"].as_str()
}

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
        let parameters = value.get(PARAMETERS).map(ToString::to_string);
        let mut settings = Self {
            version: Untrusted::new(version),
            channels: Untrusted::new(""),
            packages: Untrusted::new(""),
            job_parameters: Untrusted::new(parameters.unwrap_or_default()),
            farm: Untrusted::new(""),
            queue: Untrusted::new(""),
            publish_roles: None,
            render_roles: None,
        };
        for field in AddonField::ALL.iter().filter(|f| f.row().is_none()) {
            if let Some(value) = field.of_object(value) {
                settings.set(*field, &value);
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
            AddonField::ChannelsParameter | AddonField::PackagesParameter => {
                let list: Option<Value> = serde_json::from_str(self.job_parameters.raw()).ok();
                let mut object = serde_json::json!({ PARAMETERS: list });
                field.put(&mut object, value);
                self.job_parameters = Untrusted::new(object[PARAMETERS].to_string());
            }
            AddonField::Farm => self.farm = text(),
            AddonField::Queue => self.queue = text(),
            AddonField::PublishRoles => self.publish_roles = texts(),
            AddonField::RenderRoles => self.render_roles = texts(),
        }
    }

    /// As AYON holds it; `None`: this version has no such setting, or the list no such row.
    pub fn value(&self, field: AddonField) -> Option<Value> {
        let texts = |all: &Option<Vec<Untrusted>>| {
            let all = all.as_ref()?.iter().map(|t| Value::from(t.raw()));
            Some(Value::Array(all.collect()))
        };
        match field {
            AddonField::Channels => Some(self.channels.raw().into()),
            AddonField::Packages => Some(self.packages.raw().into()),
            AddonField::ChannelsParameter | AddonField::PackagesParameter => {
                self.parameter(field).map(Value::from)
            }
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
        self.in_jobs(
            AddonField::ChannelsParameter,
            AddonField::Channels,
            &self.channels,
        )
    }

    /// The packages, in the same way.
    pub fn packages_in_jobs(&self) -> Option<(AddonField, String)> {
        self.in_jobs(
            AddonField::PackagesParameter,
            AddonField::Packages,
            &self.packages,
        )
    }

    /// The addon takes a setting for set unless it is "": spaces alone win over the queue's default too.
    fn in_jobs(
        &self,
        row: AddonField,
        field: AddonField,
        own: &Untrusted,
    ) -> Option<(AddonField, String)> {
        if let Some(value) = self.parameter(row) {
            return Some((row, value));
        }
        (!own.raw().is_empty()).then(|| (field, own.raw().to_owned()))
    }

    fn parameter(&self, field: AddonField) -> Option<String> {
        let all: Value = serde_json::from_str(self.job_parameters.raw()).ok()?;
        value_of_row(&all, field.row()?).map(str::to_owned)
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
            &json!({
                "farm_id": "farm-0123456789abcdef0123456789abcdef",
                "queue_id": "queue-demo-show",
                "conda_packages": "blender=4.2.* python=3.11",
                "conda_channels": "deadline-cloud conda-forge",
                "extra_job_parameters": [{"name": "Priority", "value": "60"}],
                "publish_host_requirement_roles": ["publish", "ingest"],
                "render_host_requirement_roles": ["render"],
            }),
        )
    }

    #[test]
    fn every_setting_comes_back_as_it_was_read() {
        let settings = recorded();
        let mut other = AddonSettings::read("0.3.0", &json!({}));
        for field in AddonField::ALL.iter().filter(|f| f.row().is_none()) {
            other.set(*field, &settings.value(*field).unwrap());
        }
        other.job_parameters = settings.job_parameters.clone();
        assert_eq!(other, settings);
        assert_eq!(
            other.value(AddonField::Packages),
            Some("blender=4.2.* python=3.11".into())
        );
        assert_eq!(other.value(AddonField::ChannelsParameter), None);
    }

    #[test]
    fn an_extra_parameter_wins_and_is_changed_in_its_row_alone() {
        let mut object = json!({
            "conda_channels": "a b",
            "extra_job_parameters": [
                {"name": "CondaChannels", "value": "old"},
                {"name": "Token", "value": "canary"},
            ],
        });
        let settings = AddonSettings::read("0.3.0", &object);
        let told = settings.channels_in_jobs();
        assert_eq!(
            told,
            Some((AddonField::ChannelsParameter, "old".to_owned()))
        );
        assert!(AddonField::ChannelsParameter.put(&mut object, &"new".into()));
        assert_eq!(
            object["extra_job_parameters"],
            json!([{"name": "CondaChannels", "value": "new"}, {"name": "Token", "value": "canary"}])
        );
        assert!(!AddonField::PackagesParameter.put(&mut object, &"new".into()));
        // What a change keeps of it has nothing of the other rows.
        let value = AddonField::ChannelsParameter.of_object(&object).unwrap();
        let kept = AddonFields::of([(AddonField::ChannelsParameter, value)], true).text();
        assert!(
            !kept.contains("canary") && AddonFields::of_text(&kept).is_some(),
            "{kept}"
        );
    }

    #[test]
    fn only_what_is_empty_is_left_to_the_queue() {
        let mut settings = recorded();
        for (value, wins) in [("", false), (" ", true), ("x", true)] {
            settings.set(AddonField::Packages, &value.into());
            assert_eq!(settings.packages_in_jobs().is_some(), wins, "{value:?}");
        }
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
