//! Where a channel's name leads from this machine: conda's own settings say, for studios have mirrors. What a worker's
//! settings say is another matter; AWS's aliases are only there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::domain::channel::{Channel, Place};
use crate::domain::problem::Problem;
use crate::world::local::files;

pub(super) const DEFAULT_ALIAS: &str = "https://conda.anaconda.org";

/// The settings that lead from a name to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    alias: String,
    /// Name to the address that it is put behind.
    custom: BTreeMap<String, String>,
    /// Name to whole addresses; the first is taken.
    mirrored: BTreeMap<String, Vec<String>>,
    /// Settings that could not be read: what they say of names is not known.
    pub unread: Vec<Problem>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            alias: DEFAULT_ALIAS.to_owned(),
            custom: BTreeMap::new(),
            mirrored: BTreeMap::new(),
            unread: Vec::new(),
        }
    }
}

impl Names {
    /// As conda reads them here: files from the system's to the user's, then `CONDA_CHANNEL_ALIAS`. A file that can't
    /// be read or parsed is named, and the others count.
    pub fn here() -> Self {
        let mut names = Self::default();
        for path in places(&|name| std::env::var(name).ok().filter(|v| !v.is_empty())) {
            match files::read(&path) {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    let text = String::from_utf8_lossy(&bytes);
                    if let Err(because) = names.take(&text) {
                        names.unread.push(unread(&path, &because));
                    }
                }
                Err(problem) => names.unread.push(problem),
            }
        }
        if let Ok(alias) = std::env::var("CONDA_CHANNEL_ALIAS")
            && !alias.is_empty()
        {
            names.alias = alias;
        }
        names
    }

    /// Takes in one condarc.
    fn take(&mut self, text: &str) -> Result<(), String> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let value: Value = serde_saphyr::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or("it is not YAML with settings at its top")?;
        if let Some(alias) = value.get("channel_alias").and_then(Value::as_str) {
            self.alias = alias.to_owned();
        }
        let table = |key: &str| value.get(key).and_then(Value::as_object);
        for (name, at) in table("custom_channels").into_iter().flatten() {
            if let Some(at) = at.as_str() {
                self.custom.insert(name.clone(), at.to_owned());
            }
        }
        for (name, list) in table("mirrored_channels").into_iter().flatten() {
            let list: Vec<String> = list
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect();
            if !list.is_empty() {
                self.mirrored.insert(name.clone(), list);
            }
        }
        Ok(())
    }

    /// Does this machine lead the name elsewhere than conda does by itself? Then a worker may go another way.
    pub fn is_own(&self, channel: &Channel) -> bool {
        self.address(channel) != Self::default().address(channel)
    }

    /// The address of a channel that is read without AWS; `None` for S3 and for AWS's aliases.
    pub fn address(&self, channel: &Channel) -> Option<String> {
        let name = match channel.place() {
            Place::Url(url) => return Some(url.trim_end_matches('/').to_owned()),
            Place::Path(path) => {
                let lead = if path.starts_with('/') { "" } else { "/" };
                return Some(format!("file://{lead}{}", path.trim_end_matches('/')));
            }
            Place::AwsAlias | Place::S3 { .. } => return None,
            Place::Name(name) => name,
        };
        if let Some(first) = self.mirrored.get(name).and_then(|list| list.first()) {
            return Some(first.trim_end_matches('/').to_owned());
        }
        // `conda-forge/label/dev` belongs to a custom channel `conda-forge`.
        let mut head = name;
        loop {
            if let Some(at) = self.custom.get(head) {
                return Some(format!("{}/{name}", at.trim_end_matches('/')));
            }
            match head.rsplit_once('/') {
                Some((shorter, _)) => head = shorter,
                None => break,
            }
        }
        Some(format!("{}/{name}", self.alias.trim_end_matches('/')))
    }
}

fn unread(path: &Path, because: &str) -> Problem {
    Problem::new(
        crate::domain::problem::ProblemKind::Local,
        format!("Could not read conda's settings in {}", path.display()),
        because,
        "correct the file; `conda config --validate` names the line",
    )
}

/// The files in which conda looks, a later one beats an earlier one.
fn places(env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    let system = if cfg!(windows) {
        "C:/ProgramData/conda"
    } else {
        "/etc/conda"
    };
    places.extend([".condarc", "condarc"].map(|f| Path::new(system).join(f)));
    if let Some(root) = env("CONDA_ROOT") {
        places.extend(["condarc", ".condarc"].map(|f| Path::new(&root).join(f)));
    }
    let home = env("HOME")
        .or_else(|| env("USERPROFILE"))
        .map(PathBuf::from);
    let config = env("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| home.as_ref().map(|h| h.join(".config")));
    if let Some(config) = config {
        places.extend([".condarc", "condarc"].map(|f| config.join("conda").join(f)));
    }
    if let Some(home) = home {
        places.extend([".conda/.condarc", ".conda/condarc", ".condarc"].map(|f| home.join(f)));
    }
    if let Some(prefix) = env("CONDA_PREFIX") {
        places.extend([".condarc", "condarc"].map(|f| Path::new(&prefix).join(f)));
    }
    places.extend(env("CONDARC").map(PathBuf::from));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Names {
        let mut names = Names::default();
        names.take(text).unwrap();
        names
    }

    fn at(names: &Names, channel: &str) -> Option<String> {
        names.address(&channel.parse().unwrap())
    }

    #[test]
    fn a_name_leads_where_conda_would_go() {
        let plain = Names::default();
        assert_eq!(
            at(&plain, "conda-forge").unwrap(),
            "https://conda.anaconda.org/conda-forge"
        );
        let mirror = names(
            "# the studio's mirror\nchannel_alias: https://conda.example.com/\ncustom_channels:\n  conda-forge: https://mirror.example.com/c\nmirrored_channels:\n  bioconda: [https://a.example.com/bio/, https://b.example.com/bio]\n",
        );
        for (channel, address) in [
            ("conda-forge", "https://mirror.example.com/c/conda-forge"),
            (
                "conda-forge/label/dev",
                "https://mirror.example.com/c/conda-forge/label/dev",
            ),
            ("bioconda", "https://a.example.com/bio"),
            ("own", "https://conda.example.com/own"),
            ("https://h.example.com/x/", "https://h.example.com/x"),
            ("file:///srv/channel", "file:///srv/channel"),
        ] {
            assert_eq!(at(&mirror, channel).as_deref(), Some(address), "{channel}");
        }
        for channel in ["deadline-cloud", "deadline-cloud-v2", "s3://bucket/x"] {
            assert_eq!(at(&mirror, channel), None, "{channel}");
        }
    }

    #[test]
    fn a_later_file_beats_an_earlier_one_and_nonsense_is_named() {
        let mut both = names("channel_alias: https://one.example.com\n");
        both.take("channel_alias: https://two.example.com\n")
            .unwrap();
        assert_eq!(at(&both, "x").unwrap(), "https://two.example.com/x");
        both.take("").unwrap();
        assert!(both.take("- a\n- list\n").is_err());
        assert!(both.take("a: [").is_err());
        assert_eq!(at(&both, "x").unwrap(), "https://two.example.com/x");
    }

    #[test]
    fn the_users_own_file_comes_after_the_systems() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/mia".to_owned()),
            "CONDARC" => Some("/srv/rc".to_owned()),
            _ => None,
        };
        let list = places(&env);
        let place = |p: &str| list.iter().position(|l| l == Path::new(p)).unwrap();
        assert!(place("/home/mia/.config/conda/.condarc") < place("/home/mia/.condarc"));
        assert_eq!(place("/srv/rc"), list.len() - 1);
    }
}
