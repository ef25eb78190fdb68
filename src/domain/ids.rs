//! Names of AWS things, parsed once and trusted afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the id it was taken for; the message says what one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnId(pub String);

fn shown(text: &str) -> String {
    super::text::Printable::short(text, 60).to_string()
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $noun:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id with its middle left out, for narrow screens.
            pub fn brief(&self) -> String {
                with_brief_ids(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let hex = text.strip_prefix($prefix).unwrap_or_default();
                if hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NotAnId(format!(
                        "\"{}\" is not {}: that is `{}` and 32 of 0-9 a-f",
                        shown(text), $noun, $prefix
                    )))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

hex_id!(
    /// `farm-` and 32 hex digits.
    FarmId, "farm-", "a farm id"
);
hex_id!(
    /// `queue-` and 32 hex digits.
    QueueId, "queue-", "a queue id"
);
hex_id!(
    /// `fleet-` and 32 hex digits.
    FleetId, "fleet-", "a fleet id"
);
hex_id!(
    /// `job-` and 32 hex digits.
    JobId, "job-", "a job id"
);
hex_id!(
    /// `queueenv-` and 32 hex digits.
    QueueEnvironmentId, "queueenv-", "a queue environment id"
);

/// A queue with the farm that it is in; neither means anything alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueueKey {
    pub farm: FarmId,
    pub queue: QueueId,
}

impl QueueKey {
    /// A fleet of the same farm.
    pub fn fleet(&self, fleet: &FleetId) -> FleetKey {
        FleetKey {
            farm: self.farm.clone(),
            fleet: fleet.clone(),
        }
    }
}

impl fmt::Display for QueueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.farm, self.queue)
    }
}

impl TryFrom<String> for QueueKey {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        let (farm, queue) = text
            .split_once('/')
            .ok_or_else(|| NotAnId(format!("\"{}\" is not FARM/QUEUE", shown(&text))))?;
        Ok(Self {
            farm: farm.parse()?,
            queue: queue.parse()?,
        })
    }
}

impl From<QueueKey> for String {
    fn from(key: QueueKey) -> String {
        key.to_string()
    }
}

/// A fleet with the farm that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FleetKey {
    pub farm: FarmId,
    pub fleet: FleetId,
}

impl fmt::Display for FleetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.farm, self.fleet)
    }
}

impl TryFrom<String> for FleetKey {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        let (farm, fleet) = text
            .split_once('/')
            .ok_or_else(|| NotAnId(format!("\"{}\" is not FARM/FLEET", shown(&text))))?;
        Ok(Self {
            farm: farm.parse()?,
            fleet: fleet.parse()?,
        })
    }
}

impl From<FleetKey> for String {
    fn from(key: FleetKey) -> String {
        key.to_string()
    }
}

/// A twelve-digit AWS account id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId(format!(
                "\"{}\" is not an AWS account id: that is 12 digits, as a text in quotes",
                shown(text)
            )))
        }
    }
}

impl TryFrom<String> for AccountId {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> String {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region's name, `us-west-2`; only its form is known here, not whether it exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let parts: Vec<&str> = text.split('-').collect();
        let lettered = parts
            .iter()
            .rev()
            .skip(1)
            .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()));
        let numbered = parts
            .last()
            .is_some_and(|p| !p.is_empty() && p.len() < 3 && p.bytes().all(|b| b.is_ascii_digit()));
        if (3..=4).contains(&parts.len()) && lettered && numbered {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId(format!(
                "\"{}\" is not a region: one looks like us-west-2",
                shown(text)
            )))
        }
    }
}

impl TryFrom<String> for Region {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An IAM role's ARN. The role's name is its last part, whatever its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

impl RoleArn {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// `/`, or `/studio/` of `role/studio/Name`.
    pub fn path(&self) -> &str {
        let after = self.0.find(":role/").map_or(0, |at| at + ":role".len());
        let end = self.0.rfind('/').unwrap_or(after);
        self.0.get(after..=end).unwrap_or("/")
    }

    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// `aws`, `aws-cn` or `aws-us-gov`: the first part of every other ARN of this account.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or("aws")
    }
}

impl FromStr for RoleArn {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let role = parts.get(5).and_then(|p| p.strip_prefix("role/"));
        if parts[0] == "arn"
            && parts.get(2) == Some(&"iam")
            && role.is_some_and(|r| !r.is_empty() && !r.ends_with('/'))
            && text.bytes().all(|b| b.is_ascii_graphic())
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId(format!(
                "\"{}\" is not a role's ARN: one looks like arn:aws:iam::123456789012:role/Name",
                shown(text)
            )))
        }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> String {
        arn.0
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A farm's ARN. The account is its roles' own.
pub fn farm_arn(region: &Region, account: &str, farm: &FarmId) -> String {
    let partition = partition_of(region);
    format!("arn:{partition}:deadline:{region}:{account}:farm/{farm}")
}

/// The partition that a region belongs to, the `aws` of an ARN.
pub fn partition_of(region: &Region) -> &'static str {
    match region.as_str() {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The same text with the middle of every id left out, for narrow screens: programs get them whole.
pub fn with_brief_ids(text: &str) -> String {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let bytes = text.as_bytes();
    let (mut out, mut from, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        let hex = bytes[at..].iter().take_while(|b| is_hex(**b)).count();
        if hex == 32 && at > 0 && bytes[at - 1] == b'-' {
            out.push_str(&text[from..at + 4]);
            out.push('…');
            from = at + 26;
        }
        at += hex.max(1);
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_refuse_each_other() {
        let farm = "farm-0123456789abcdef0123456789abcdef";
        assert_eq!(farm.parse::<FarmId>().unwrap().to_string(), farm);
        let wrong = farm.parse::<QueueId>().unwrap_err().to_string();
        assert!(
            wrong.contains("is not a queue id") && wrong.contains("`queue-` and 32"),
            "{wrong}"
        );
        assert!("farm-0123".parse::<FarmId>().is_err());
        assert!(
            "farm-0123456789ABCDEF0123456789abcdef"
                .parse::<FarmId>()
                .is_err()
        );
        assert_eq!(farm.parse::<FarmId>().unwrap().brief(), "farm-0123…abcdef");
    }

    #[test]
    fn a_role_with_a_path_keeps_its_name() {
        let arn: RoleArn = "arn:aws:iam::123456789012:role/render/Queue"
            .parse()
            .unwrap();
        assert_eq!(
            (arn.name(), arn.account(), arn.partition(), arn.path()),
            ("Queue", "123456789012", "aws", "/render/")
        );
        let plain: RoleArn = "arn:aws:iam::123456789012:role/Queue".parse().unwrap();
        assert_eq!(plain.path(), "/");
        assert!(
            "arn:aws:iam::123456789012:user/Queue"
                .parse::<RoleArn>()
                .is_err()
        );
        assert!("x".parse::<RoleArn>().is_err());
    }

    #[test]
    fn regions_are_known_by_their_form() {
        for good in ["us-west-2", "us-gov-west-1", "ap-southeast-10"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "us-west",
            "US-west-2",
            "us west 2",
            "us-west-2\n",
            "https://x",
        ] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_is_shown_with_brief_ids_and_nothing_else_changed() {
        let id: FleetId = format!("fleet-{}", "0a1b2c3d".repeat(4)).parse().unwrap();
        for (words, shown) in [
            (format!("fleet {id}"), format!("fleet {}", id.brief())),
            (
                format!("é {id} and {id}."),
                format!("é {} and {}.", id.brief(), id.brief()),
            ),
            (
                format!("fleet-{}", "a".repeat(33)),
                format!("fleet-{}", "a".repeat(33)),
            ),
            (
                format!("sha {}", "a".repeat(32)),
                format!("sha {}", "a".repeat(32)),
            ),
            (String::new(), String::new()),
        ] {
            assert_eq!(with_brief_ids(&words), shown);
        }
    }
}
