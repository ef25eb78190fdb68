//! What AYON answers: its bundles, what it hands out, its projects and users.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::farm::OperatingSystem;
use super::text::Untrusted;

words!(
    /// AYON keeps settings per variant of a studio's bundle.
    Variant { Production = "production", Staging = "staging" }
);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundles {
    pub production: Option<Bundle>,
    pub staging: Option<Bundle>,
    /// The `deadline_cloud` addon's version in every other bundle, by the bundle's name: a project may have a bundle of its own.
    /// `None`: it is switched off there.
    #[serde(default)]
    pub others: BTreeMap<String, Option<Untrusted>>,
    /// The dev bundles, by name.
    #[serde(default)]
    pub devs: BTreeMap<String, DevBundle>,
}

/// A bundle of a developer's, with settings of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevBundle {
    /// The version of the `deadline_cloud` addon in it.
    pub addon: Option<Untrusted>,
    /// Who works with it.
    pub user: Option<Untrusted>,
}

/// In place of a version: the studio's.
pub const INHERITED: &str = "__inherit__";

impl Bundles {
    pub fn of(&self, variant: Variant) -> Option<&Bundle> {
        match variant {
            Variant::Production => self.production.as_ref(),
            Variant::Staging => self.staging.as_ref(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    pub name: Untrusted,
    pub installer: Option<Untrusted>,
    /// The version of the `deadline_cloud` addon in it.
    pub addon: Option<Untrusted>,
    /// The version of the `core` addon in it.
    #[serde(default)]
    pub core: Option<Untrusted>,
    /// The files of its dependency packages, by platform as AYON spells it.
    #[serde(default)]
    pub packages: BTreeMap<String, Untrusted>,
}

/// What AYON hands out to launchers: installers and dependency packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desktop {
    pub installers: Vec<Installer>,
    /// The names of the files.
    pub packages: Vec<Untrusted>,
}

impl Desktop {
    pub fn has_installer(&self, version: &str, platform: &str) -> bool {
        let own = |i: &Installer| i.version.raw() == version && i.platform.raw() == platform;
        self.installers.iter().any(own)
    }

    pub fn has_package(&self, file: &str) -> bool {
        self.packages.iter().any(|p| p.raw() == file)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installer {
    pub version: Untrusted,
    pub platform: Untrusted,
}

/// The active projects, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projects {
    pub read: Vec<Project>,
    /// So many more there are.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub name: Untrusted,
    /// The roots of its anatomy: each by its name, with its path by platform.
    pub roots: BTreeMap<String, BTreeMap<String, String>>,
    /// The bundle of its own, which freezes its addons and their settings, by variant.
    #[serde(default)]
    pub bundles: BTreeMap<Variant, Untrusted>,
}

/// How AYON spells the platform of workers; `None`: none that AYON knows.
pub fn platform(os: &OperatingSystem) -> Option<&'static str> {
    match os {
        OperatingSystem::Linux => Some("linux"),
        OperatingSystem::Windows => Some("windows"),
        OperatingSystem::Macos => Some("darwin"),
        OperatingSystem::Unknown(_) => None,
    }
}

/// An AYON user, as far as the keys of workers are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AyonUser {
    pub service: bool,
    pub active: bool,
    /// Has it the one key that only a service user has, which has no label?
    pub own_key: bool,
    pub keys: Vec<LabelledKey>,
}

/// One of the API keys that AYON keeps by their labels: what it is, not what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledKey {
    pub id: Untrusted,
    pub label: Untrusted,
}

/// The studio's AYON server, as a base for its REST calls: the path without `/api`, ending in a slash.
pub fn api_base(url: &Url) -> Url {
    let mut base = url.clone();
    let path = base
        .path()
        .trim_end_matches('/')
        .trim_end_matches("/api")
        .to_owned();
    base.set_path(&format!("{path}/"));
    base.set_query(None);
    base.set_fragment(None);
    base
}
