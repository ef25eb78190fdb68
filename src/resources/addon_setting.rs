//! Settings of the `deadline_cloud` addon in one place: the studio's or a project's, in one variant.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{AsCode, Change, Found, Resource, Step, Touched, changed, other_answer, told};
use crate::domain::addon::{AddonAt, AddonField, AddonFields, AddonSettings as Settings};
use crate::domain::ayon::Variant;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AddonOwn, AddonSettings, AnyAnswer, AnyQuestion, ProjectAddon, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonSetting {
    pub server: Url,
    pub variant: Variant,
    pub version: Untrusted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Untrusted>,
    /// Which settings, for people. A journal of an earlier version does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<AddonField>,
}

impl AddonSetting {
    pub fn new(at: &AddonAt, fields: impl IntoIterator<Item = AddonField>) -> Self {
        Self {
            server: at.server.clone(),
            variant: at.variant,
            version: Untrusted::new(at.version.clone()),
            project: at.project.clone().map(Untrusted::new),
            fields: fields.into_iter().collect(),
        }
    }

    pub fn at(&self) -> AddonAt {
        AddonAt {
            server: self.server.clone(),
            variant: self.variant,
            version: self.version.raw().to_owned(),
            project: self.project.as_ref().map(|p| p.raw().to_owned()),
        }
    }

    /// The question that tells what jobs of that place go by.
    fn of_jobs(&self) -> AnyQuestion {
        let at = self.at();
        match at.project {
            Some(project) => ProjectAddon(at.server, at.variant, at.version, project).into(),
            None => AddonSettings(at.server, at.variant, at.version).into(),
        }
    }

    fn settings<'a>(&self, snapshot: &'a mut Snapshot) -> Option<&'a mut Settings> {
        match self.of_jobs() {
            AnyQuestion::ProjectAddon(question) => snapshot.facts.known_mut(&question),
            AnyQuestion::AddonSettings(question) => snapshot.facts.known_mut(&question),
            _ => None,
        }
    }

    /// The projects whose settings stand on top of these.
    fn projects(&self, snapshot: &Snapshot) -> Vec<ProjectAddon> {
        let version = self.version.raw();
        let is_studio = self.project.is_none();
        let stands_on = |q: &&ProjectAddon| {
            is_studio && (&q.0, q.1, q.2.as_str()) == (&self.server, self.variant, version)
        };
        let asked = snapshot.facts.of_kind::<ProjectAddon>();
        asked.filter(stands_on).cloned().collect()
    }
}

impl Resource for AddonSetting {
    fn words(&self) -> Printable {
        let names: Vec<&str> = self.fields.iter().map(|f| f.word()).collect();
        let at = self.at().settings_words();
        match names.as_slice() {
            [] => at.into(),
            names => format!("{at} / {}", names.join(" and ")).into(),
        }
    }

    fn question(&self) -> AnyQuestion {
        AddonOwn(self.at()).into()
    }

    fn found(&self, answer: AnyAnswer, change: &Change) -> Result<Found, Problem> {
        let AnyAnswer::AddonOwn(fact) = answer else {
            return Err(other_answer());
        };
        let read = told(fact, "Could not read the AYON addon's settings")?;
        let text = change.after.as_ref().or(change.before.as_ref());
        let changed = text.and_then(|t| AddonFields::of_text(t));
        let fields: Vec<AddonField> = changed.unwrap_or_default().values.into_keys().collect();
        Ok(Found::text(read.map(|own| own.only(&fields).text())))
    }

    fn service(&self) -> &'static str {
        "ayon"
    }

    fn operation(&self, _: Step) -> &'static str {
        "POST settings"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: restores the old value, or what stood below where the place had set none"
    }

    /// AYON takes the whole object, so of one server one change is made at a time.
    fn lock(&self, _: &AccountId, _: &Region) -> String {
        format!("ayon-{}", self.server.host_str().unwrap_or("server"))
    }

    fn is_json(&self) -> bool {
        true
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        let read = |text| AddonFields::of_text(text);
        one == other || (read(one).is_some() && read(one) == read(other))
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let then = change.after.as_deref().and_then(AddonFields::of_text);
        let values = then.unwrap_or_default().values;
        let each = values
            .iter()
            .map(|(field, value)| format!("{} = {value}", field.word()));
        let each: Vec<String> = each.collect();
        AsCode::by_hand(format!(
            "AYON keeps its settings itself: in {} set {}; or let `studiolink apply` do it with your login",
            self.at().settings_words(),
            each.join(", ")
        ))
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let Some(then) = text.and_then(AddonFields::of_text) else {
            return;
        };
        let Some(settings) = self.settings(snapshot) else {
            return;
        };
        let before = settings.clone();
        for (field, value) in &then.values {
            settings.set(*field, value);
        }
        // A project that has not set it itself follows; of one that could not be asked nothing is claimed.
        for question in self.projects(snapshot) {
            let facts = &mut snapshot.facts;
            let own_question = AddonOwn(question.at());
            let Some(own) = facts.get(&own_question).and_then(Fact::known).cloned() else {
                continue;
            };
            for (field, value) in &then.values {
                if own.own.contains(field) {
                    continue;
                }
                let settings = facts.known_mut(&question);
                if let Some(settings) = settings.filter(|s| s.value(*field) == before.value(*field))
                {
                    settings.set(*field, value);
                }
                if let Some(own) = facts.known_mut(&own_question) {
                    own.values.insert(*field, value.clone());
                }
            }
        }
        let question = AddonOwn(self.at());
        match snapshot.facts.known_mut(&question) {
            Some(own) => {
                for field in then.values.keys() {
                    own.own.remove(field);
                }
                own.values.extend(then.values);
                own.own.extend(then.own);
            }
            None => snapshot.facts.set(question, Fact::Known(then)),
        }
    }

    fn touches(&self, snapshot: &Snapshot) -> Vec<Touched> {
        let projects = self.projects(snapshot).into_iter();
        let projects = projects.flat_map(|q| [AddonOwn(q.at()).into(), AnyQuestion::from(q)]);
        let own = [self.of_jobs(), AddonOwn(self.at()).into()];
        changed(own.into_iter().chain(projects))
    }
}
