//! The secret of AWS Secrets Manager that holds the workers' AYON key: where it is, and what is known of it. Its value is
//! no part of it: nothing here ever holds one.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::Region;
use super::text::Untrusted;

/// A secret and, where it is a customer's own, the key that it is encrypted with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretPlace {
    /// Its whole ARN, or the name of one in this account and region.
    #[serde(alias = "arn")]
    pub id: String,
    /// The ARN of its KMS key; left out: the key that Secrets Manager has of its own.
    pub key: Option<String>,
}

impl SecretPlace {
    pub fn is_arn(&self) -> bool {
        self.id.starts_with("arn:")
    }

    /// As people call it: without account, and without the six characters that AWS adds to a name.
    pub fn name(&self) -> &str {
        if !self.is_arn() {
            return &self.id;
        }
        let last = self.id.rsplit(':').next().unwrap_or(&self.id);
        last.rsplit_once('-').map_or(last, |(name, _)| name)
    }

    /// The resource of a policy. AWS adds six characters to a name, which nobody knows before the secret is made.
    pub fn resource(&self, partition: &str, region: &Region, account: &str) -> String {
        if self.is_arn() {
            return self.id.clone();
        }
        let name = &self.id;
        format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????")
    }

    /// Where it is.
    pub fn region<'a>(&'a self, farms: &'a str) -> &'a str {
        if self.is_arn() {
            self.id.split(':').nth(3).unwrap_or(farms)
        } else {
            farms
        }
    }
}

/// Could that be a secret's name? One without a slash is refused, because a pasted key looks like it.
pub fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
    let whole = text.split('/').all(|part| !part.is_empty());
    text.contains('/') && whole && text.len() <= 256 && text.bytes().all(good)
}

/// What `DescribeSecret` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerSecret {
    pub arn: Untrusted,
    pub name: Untrusted,
    /// The KMS key, as the service names it.
    pub key: Option<Untrusted>,
    /// Since when it waits to be deleted.
    pub deleted: Option<Timestamp>,
    /// The version that is handed out; `None`: it holds no value.
    pub current: Option<String>,
    /// Every version that has a label, in their own order.
    pub versions: Vec<String>,
}

impl WorkerSecret {
    /// The id of the version that comes next, by those that exist: the same each time that it is worked out, so that a plan,
    /// a journal and a repeated call mean the same version, and another one after each change.
    pub fn next_version(&self) -> String {
        next_version(self.name.raw(), &self.versions)
    }
}

/// The first version of a secret that does not exist yet.
pub fn first_version(name: &str) -> String {
    next_version(name, &[])
}

fn next_version(name: &str, versions: &[String]) -> String {
    let mut all: Vec<&str> = versions.iter().map(String::as_str).collect();
    all.sort_unstable();
    let hash = Sha256::digest(format!("studiolink/{name}/{}", all.join("/")));
    let mut id = String::new();
    for byte in hash.iter().take(20) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_arn_lead_to_the_same_policy_shape() {
        let region = "us-west-2".parse().unwrap();
        let by_name = SecretPlace {
            id: "ayon/nordlicht/workers".to_owned(),
            key: None,
        };
        assert_eq!(
            by_name.resource("aws", &region, "123456789012"),
            "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/nordlicht/workers-??????"
        );
        let arn =
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ayon/nordlicht/workers-AbCdEf";
        let by_arn = SecretPlace {
            id: arn.to_owned(),
            key: None,
        };
        assert_eq!(by_arn.resource("aws", &region, "x"), arn);
        assert_eq!(by_arn.name(), by_name.name());
        assert_eq!(
            (by_arn.region("us-west-2"), by_name.region("us-west-2")),
            ("eu-west-1", "us-west-2")
        );
    }

    #[test]
    fn each_change_has_a_version_of_its_own() {
        let ids = |list: &[&str]| -> Vec<String> { list.iter().map(|v| (*v).to_owned()).collect() };
        let first = first_version("a/b");
        assert_eq!(first.len(), 40, "Secrets Manager takes 32 to 64 characters");
        assert_ne!(first, first_version("a/c"));
        let second = next_version("a/b", std::slice::from_ref(&first));
        assert_ne!(second, first);
        assert_eq!(
            next_version("a/b", &ids(&[&second, &first])),
            next_version("a/b", &ids(&[&first, &second]))
        );
    }

    #[test]
    fn a_pasted_key_is_no_name() {
        for bad in [
            "",
            "0123456789abcdef0123456789abcdef",
            "a",
            "/a",
            "a/",
            "a//b",
            "a b/c",
            "a/*",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_name("ayon/workers") && is_name("ayon/nordlicht/workers"));
    }
}
