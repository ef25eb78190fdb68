//! What is known beforehand, as dated data under `assets/conda`: what workers are, and what AWS's channels lack.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::channel::{Channel, Place, is_same_place};
use super::conda_solve::Platform;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workers {
    pub as_of: String,
    pub source: String,
    platforms: BTreeMap<Platform, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsChannels {
    pub as_of: String,
    pub source: String,
    /// Names that AWS's channels are known not to hold.
    lacks: Vec<String>,
}

/// Channels that everybody knows, and what they are known not to hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicChannels {
    pub as_of: String,
    pub source: String,
    channels: Vec<String>,
    lack_names_that_begin: Vec<String>,
}

static WORKERS: LazyLock<Workers> =
    LazyLock::new(|| read(include_str!("../../assets/conda/workers.toml")));

static AWS_CHANNELS: LazyLock<AwsChannels> =
    LazyLock::new(|| read(include_str!("../../assets/conda/aws-channels.toml")));

/// AWS's regions, as far as they were known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    pub as_of: String,
    pub source: String,
    codes: Vec<String>,
}

impl Regions {
    pub fn know(&self, region: &str) -> bool {
        self.codes.iter().any(|r| r == region)
    }

    /// The one that is spelled most like it.
    pub fn nearest(&self, region: &str) -> Option<&str> {
        let near = |r: &&String| strsim::damerau_levenshtein(r, region);
        let found = self.codes.iter().min_by_key(near)?;
        (near(&found) <= 2).then_some(found.as_str())
    }
}

static REGIONS: LazyLock<Regions> =
    LazyLock::new(|| read(include_str!("../../assets/aws-regions.toml")));

pub fn regions() -> &'static Regions {
    &REGIONS
}

static PUBLIC_CHANNELS: LazyLock<PublicChannels> =
    LazyLock::new(|| read(include_str!("../../assets/conda/public-channels.toml")));

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|e| unreachable!("built-in data, read by a test: {e}"))
}

pub fn workers() -> &'static Workers {
    &WORKERS
}

pub fn public_channels() -> &'static PublicChannels {
    &PUBLIC_CHANNELS
}

/// Is that channel known not to hold a package of that name, wherever it is looked at from?
pub fn lacks(channel: &Channel, name: &str) -> bool {
    match channel.place() {
        Place::AwsAlias => aws_channels().lack(name),
        _ => public_channels().lack(channel, name),
    }
}

pub fn aws_channels() -> &'static AwsChannels {
    &AWS_CHANNELS
}

impl Workers {
    /// Name, version and build of each virtual package.
    pub fn virtual_packages(&self, platform: Platform) -> impl Iterator<Item = (&str, &str, &str)> {
        let of = self.platforms.get(&platform).into_iter().flatten();
        of.map(|(name, text)| {
            let (version, build) = text.split_once('=').unwrap_or((text, "0"));
            (name.as_str(), version, build)
        })
    }
}

impl PublicChannels {
    fn lack(&self, channel: &Channel, name: &str) -> bool {
        let is_listed = |listed: &String| {
            let is_name = !listed.contains('/') && channel.as_str() == listed;
            is_name || is_same_place(channel.as_str(), &format!("https://{listed}"))
        };
        let begins = |b: &String| name.starts_with(b.as_str());
        self.channels.iter().any(is_listed) && self.lack_names_that_begin.iter().any(begins)
    }
}

impl AwsChannels {
    pub fn lack(&self, name: &str) -> bool {
        self.lacks.iter().any(|l| l == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_data_can_be_read() {
        for platform in Platform::ALL {
            let names: Vec<_> = workers().virtual_packages(*platform).collect();
            assert!(
                names.iter().any(|(n, ..)| *n == "__archspec"),
                "{platform:?}"
            );
            for (_, version, _) in names {
                version.parse::<rattler_conda_types::Version>().unwrap();
            }
        }
        assert!(aws_channels().lack("ayon-launcher") && !aws_channels().lack("python"));
        assert!(regions().know("us-west-2") && !regions().know("us-west-9"));
        assert_eq!(regions().nearest("us-wset-2"), Some("us-west-2"));
        assert_eq!(regions().nearest("moon-base-1"), None);
    }

    #[test]
    fn what_public_channels_lack_is_known_by_every_spelling() {
        for (channel, name, expected) in [
            ("conda-forge", "ayon-launcher", true),
            (
                "https://conda.anaconda.org/conda-forge/",
                "ayon-publish",
                true,
            ),
            ("https://prefix.dev/conda-forge", "ayon-launcher", true),
            ("https://repo.anaconda.com/pkgs/main", "ayon-launcher", true),
            ("deadline-cloud", "ayon-launcher", true),
            ("conda-forge", "python", false),
            ("conda-forge", "ayonix", false),
            (
                "https://conda.example.com/conda-forge",
                "ayon-launcher",
                false,
            ),
            ("s3://ynput-conda-channel/ayon", "ayon-launcher", false),
            ("conda-forge/label/dev", "ayon-launcher", false),
        ] {
            assert_eq!(
                lacks(&channel.parse().unwrap(), name),
                expected,
                "{channel} {name}"
            );
        }
    }
}
