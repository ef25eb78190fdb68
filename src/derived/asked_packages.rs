//! Which packages AYON's jobs on a queue ask for, by the queue's default and the addon's settings (field facts F).

use rattler_conda_types::{MatchSpec, ParseStrictness};

use super::conda_environment::conda_environments;
use super::job_packages::{job_packages, server};
use crate::domain::ayon::{AddonSettings as Settings, Variant};
use crate::domain::ids::QueueKey;
use crate::domain::template::Template;
use crate::questions::{AddonSettings, AyonBundles, View};

/// What could be read of a queue and of AYON.
pub struct Asked<'a> {
    pub environment: crate::domain::text::Printable,
    pub settings: &'a Settings,
    pub question: AddonSettings,
    /// Of what publish jobs need, what nothing asks for.
    pub missing: Vec<String>,
    pub wanted: Vec<String>,
}

/// `None`: it could not be read, AYON sends no jobs to that queue, or it is not known what is wanted.
pub fn asked<'a>(view: &View<'a>, key: &QueueKey) -> Option<Asked<'a>> {
    let found = conda_environments(view, key);
    let [(environment, template)] = found.as_slice() else {
        return None;
    };
    let url = server(view)?;
    let bundles = view.fact(&AyonBundles(url.clone())).known()?;
    let version = bundles.production.as_ref()?.addon.as_ref()?;
    let question = AddonSettings(url, Variant::Production, version.raw().to_owned());
    let settings = view.fact(&question).known()?;
    let queue = settings.queue.raw();
    if !queue.is_empty() && queue != key.queue.as_str() {
        return None;
    }
    let wanted = job_packages(view).ok()?;
    let asked = text(template, settings);
    let missing = wanted
        .iter()
        .filter(|w| !names(&asked).any(|n| Some(n) == name(w)))
        .cloned()
        .collect();
    Some(Asked {
        environment: environment.name.show(),
        settings,
        question,
        missing,
        wanted,
    })
}

fn text(template: &Template, settings: &Settings) -> String {
    let default = template.packages.clone().flatten().unwrap_or_default();
    let (packages, more) = (settings.packages.raw(), settings.job_parameters.raw());
    format!("{default} {packages} {more}")
}

fn name(spec: &str) -> Option<String> {
    let spec = MatchSpec::from_str(spec, ParseStrictness::Lenient).ok()?;
    Some(spec.name.as_exact()?.as_normalized().to_owned())
}

/// The packages that a text names. In a setting they may stand among other words.
fn names(text: &str) -> impl Iterator<Item = String> {
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | '[' | ']' | '{' | '}'));
    words.filter(|w| !w.is_empty()).filter_map(name)
}
