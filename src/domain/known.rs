//! What is known beforehand, as dated data under `assets/conda`: what workers are, and what AWS's channels lack.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

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

static WORKERS: LazyLock<Workers> =
    LazyLock::new(|| read(include_str!("../../assets/conda/workers.toml")));

static AWS_CHANNELS: LazyLock<AwsChannels> =
    LazyLock::new(|| read(include_str!("../../assets/conda/aws-channels.toml")));

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|e| unreachable!("built-in data, read by a test: {e}"))
}

pub fn workers() -> &'static Workers {
    &WORKERS
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
    }
}
