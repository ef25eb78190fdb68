//! Conda channels as a queue names them, and their order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::Printable;

/// The channels that only a worker can read: the service maps the names to its own storage (field facts A4).
pub const AWS_ALIASES: [&str; 2] = ["deadline-cloud-v2", "deadline-cloud"];

/// Why a text is not a channel. A channel list is one space-separated string, so a space ends a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a channel: {why}")]
pub struct NotAChannel {
    pub text: Printable,
    pub why: &'static str,
}

/// One channel, spelled as the queue spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Channel(String);

/// What kind of place a channel is, which decides who can read it and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'a> {
    AwsAlias,
    S3 {
        bucket: &'a str,
        prefix: &'a str,
    },
    Url(&'a str),
    /// On a disk of the worker's, or mounted there.
    Path(&'a str),
    Name(&'a str),
}

impl Channel {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn show(&self) -> Printable {
        Printable::new(&self.0)
    }

    pub fn place(&self) -> Place<'_> {
        if AWS_ALIASES.contains(&self.0.as_str()) {
            return Place::AwsAlias;
        }
        if let Some(rest) = self.0.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Place::S3 {
                bucket,
                prefix: prefix.trim_matches('/'),
            };
        }
        if self.0.contains("://") {
            Place::Url(&self.0)
        } else if is_path(&self.0) {
            Place::Path(&self.0)
        } else {
            Place::Name(&self.0)
        }
    }

    /// A bucket's: read with AWS credentials, on a worker the queue role's.
    pub fn is_s3(&self) -> bool {
        self.bucket().is_some()
    }

    pub fn bucket(&self) -> Option<&str> {
        match self.place() {
            Place::S3 { bucket, .. } => Some(bucket),
            _ => None,
        }
    }

    /// A path, which on a worker means the worker's own disk.
    pub fn is_on_disk(&self) -> bool {
        self.0.starts_with("file://") || is_path(&self.0)
    }

    /// In a registry of container images, which rattler and mamba read and conda does not.
    pub fn is_oci(&self) -> bool {
        self.0.starts_with("oci://")
    }

    /// An address that means the machine itself.
    pub fn is_loopback(&self) -> bool {
        let Some((_, rest)) = self.0.split_once("://") else {
            return false;
        };
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]")
    }

    fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl FromStr for Channel {
    type Err = NotAChannel;
    fn from_str(text: &str) -> Result<Self, NotAChannel> {
        let no = |why| {
            Err(NotAChannel {
                text: Printable::short(&super::text::without_url_secrets(text), 80),
                why,
            })
        };
        if text.is_empty() {
            return no("it is empty");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return no("a space ends a channel in the queue's list, so a channel can't hold one");
        }
        if text.chars().any(|c| {
            matches!(
                c,
                '"' | '\'' | '\\' | '`' | '$' | '{' | '}' | ';' | '|' | '<' | '>'
            )
        }) {
            return no(
                "it holds a character that a shell or a template on the worker would read as its own",
            );
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if !matches!(scheme, "s3" | "https" | "http" | "file" | "oci") {
                return no("only s3://, https://, http://, file:// and oci:// are channels");
            }
            if rest.is_empty() || (rest.starts_with('/') && scheme != "file") {
                return no("it names no host or bucket");
            }
            let authority = rest.split('/').next().unwrap_or_default();
            if authority.contains('@') {
                return no("it holds a user or password, which every job and log would show");
            }
            if rest.contains("/t/") {
                return no("it holds a token (/t/…), which every job and log would show");
            }
            if text.contains(['?', '#']) {
                return no("a channel has no query and no fragment");
            }
            if scheme == "s3" {
                let named = |c: u8| {
                    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.')
                };
                if !(3..=63).contains(&authority.len()) || !authority.bytes().all(named) {
                    return no("that is not a bucket's name (3 to 63 of a-z 0-9 - .)");
                }
            }
        } else if text.contains(',') && !is_path(text) {
            return no("a comma ends no channel: list them one by one");
        } else if text == "nodefaults" {
            return no("it is a word of conda's environment files, and no channel");
        } else if text.starts_with('-') {
            return no("it begins like an option");
        } else if text.starts_with(['.', '~']) {
            return no(
                "a path on a disk is written whole: conda runs in a folder and for a user of its own",
            );
        } else if is_path(text) {
            return Ok(Self(text.to_owned()));
        } else if text
            .split_once('/')
            .is_some_and(|(host, rest)| host.contains('.') && !rest.starts_with("label/"))
        {
            return no("it looks like an address that lacks its https:// or s3://");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Channel {
    type Error = NotAChannel;
    fn try_from(text: String) -> Result<Self, NotAChannel> {
        text.parse()
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> String {
        channel.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// `/mnt/conda`, `//server/share/conda`, `Z:/conda`.
fn is_path(text: &str) -> bool {
    let drive = |t: &str| {
        let mut chars = t.chars();
        let letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
        letter
            && chars.next() == Some(':')
            && chars.next() == Some('/')
            && chars.next() != Some('/')
    };
    text.starts_with('/') || drive(text)
}

/// One spelling for each place: a slash more, a port that is the scheme's own, a host in capitals lead nowhere else, and
/// conda-forge stands for its address on anaconda.org.
fn key(word: &str) -> String {
    let path = |text: &str| {
        let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty()).collect();
        parts.join("/")
    };
    let Some((scheme, rest)) = word.split_once("://") else {
        let lead = if word.starts_with('/') { "/" } else { "" };
        return format!("{lead}{}", path(word));
    };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if scheme == "file" {
        return format!("/{}", path(rest));
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let own = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(own).unwrap_or(&host);
    if scheme == "https" && host == "conda.anaconda.org" && user.is_empty() {
        return path(rest);
    }
    format!("{scheme}://{user}@{host}/{}", path(rest))
}

/// Do two words of a list lead to one place?
pub fn is_same_place(one: &str, other: &str) -> bool {
    one == other || key(one) == key(other)
}

/// The channels of a queue's `CondaChannels` text, first wins. Words that are no channels stay as they are.
pub fn split(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

pub fn join(channels: &[Channel]) -> String {
    channels
        .iter()
        .map(Channel::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The order that is proposed: what the queue has stays in its order, `deadline-cloud-v2` goes just before a lone
/// `deadline-cloud`, then YNPUT's channel, and conda-forge last, where under strict priority it hides nothing of AWS's.
pub fn proposed(today: &[Channel], ynput: &Channel) -> Vec<Channel> {
    let (v2, v1, forge) = (
        Channel::named(AWS_ALIASES[0]),
        Channel::named(AWS_ALIASES[1]),
        Channel::named("conda-forge"),
    );
    let mut list: Vec<Channel> = Vec::new();
    for channel in today {
        if *channel == v1 && !today.contains(&v2) {
            list.push(v2.clone());
        }
        list.push(channel.clone());
    }
    if list.is_empty() {
        list.extend([v2, v1]);
    }
    if !list.contains(ynput) {
        let last_is_forge = list.last() == Some(&forge);
        list.insert(list.len() - usize::from(last_is_forge), ynput.clone());
    }
    if !list.contains(&forge) {
        list.push(forge);
    }
    list
}

/// The desired list, and what the queue has besides: each stays behind the channel that it followed. Taking a channel away
/// takes packages away from jobs, so that has to be said outright.
pub fn merged<'a>(today: &[&'a str], desired: &[&'a str]) -> Vec<&'a str> {
    // What the queue has under another spelling stays as it is spelled.
    let spelled = |d: &&'a str| {
        today
            .iter()
            .copied()
            .find(|t| is_same_place(t, d))
            .unwrap_or(*d)
    };
    let mut merged: Vec<&str> = desired.iter().map(spelled).collect();
    for (at, word) in today.iter().enumerate() {
        if merged.iter().any(|m| is_same_place(m, word)) {
            continue;
        }
        let before = today[..at].iter().rev();
        let mut places = before.filter_map(|w| merged.iter().position(|m| m == w));
        let behind = places.next();
        merged.insert(behind.map_or(0, |p| p + 1), word);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Channel> {
        split(text).iter().map(|c| c.parse().unwrap()).collect()
    }

    #[test]
    fn the_proposal_keeps_what_is_there() {
        let ynput: Channel = "s3://ynput-conda-channel/ayon".parse().unwrap();
        for (today, wanted) in [
            (
                "deadline-cloud",
                "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge",
            ),
            (
                "",
                "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge",
            ),
            (
                "conda-forge deadline-cloud s3://own/x",
                "conda-forge deadline-cloud-v2 deadline-cloud s3://own/x s3://ynput-conda-channel/ayon",
            ),
            (
                "deadline-cloud-v2 deadline-cloud conda-forge",
                "deadline-cloud-v2 deadline-cloud s3://ynput-conda-channel/ayon conda-forge",
            ),
            (
                "s3://own/x",
                "s3://own/x s3://ynput-conda-channel/ayon conda-forge",
            ),
        ] {
            let proposal = proposed(&list(today), &ynput);
            assert_eq!(join(&proposal), wanted);
            assert_eq!(
                proposed(&proposal, &ynput),
                proposal,
                "proposing twice changes nothing"
            );
        }
    }

    #[test]
    fn what_nobody_listed_stays_behind_what_it_followed() {
        for (today, desired, wanted) in [
            ("a b c", "a b c", "a b c"),
            ("a x b", "b a", "b a x"),
            ("x a", "a", "x a"),
            ("a x y b", "a b", "a x y b"),
            ("a a", "a", "a"),
            ("", "a b", "a b"),
            (
                "s3://b-1/c/ HTTPS://H.example.com:443/x https://conda.anaconda.org/conda-forge file:///mnt/c",
                "s3://b-1/c https://h.example.com/x conda-forge /mnt/c/",
                "s3://b-1/c/ HTTPS://H.example.com:443/x https://conda.anaconda.org/conda-forge file:///mnt/c",
            ),
            ("http://h/x", "https://h/x", "http://h/x https://h/x"),
            ("s3://b-1/c", "s3://b-1/C", "s3://b-1/c s3://b-1/C"),
        ] {
            assert_eq!(merged(&split(today), &split(desired)).join(" "), wanted);
        }
    }

    #[test]
    fn places() {
        let s3: Channel = "s3://b-1/Conda/Default/".parse().unwrap();
        assert_eq!(
            s3.place(),
            Place::S3 {
                bucket: "b-1",
                prefix: "Conda/Default"
            }
        );
        assert_eq!(
            "deadline-cloud".parse::<Channel>().unwrap().place(),
            Place::AwsAlias
        );
        let is = |c: &str| {
            let channel: Channel = c.parse().unwrap();
            (channel.is_s3(), channel.is_on_disk())
        };
        assert_eq!(is("s3://b-1/x"), (true, false));
        assert_eq!(is("file:///srv/channel"), (false, true));
        assert_eq!(is("conda-forge"), (false, false));
        for path in ["/mnt/conda", "//server/share/conda", "Z:/conda"] {
            assert_eq!(is(path), (false, true), "{path}");
        }
        for plain in [
            "my.lab/label/dev",
            "https://h.example.com:8443/a,b/c",
            "oci://ghcr.io/channel-mirrors/conda-forge",
            "s3://bucket",
        ] {
            let (_, on_disk) = is(plain);
            assert!(!on_disk, "{plain}");
        }
    }

    #[test]
    fn what_is_no_channel_says_why_and_shows_no_password() {
        for bad in [
            "",
            "a b",
            "ftp://x",
            "s3://",
            "s3://UPPER/x",
            "https://h/c?token=1",
            "-c",
            "x;rm",
            "$(x)",
            "a\u{1b}[0m",
            "../channel",
            "~/channel",
            "conda.example.com/c",
            "deadline-cloud,conda-forge",
            "nodefaults",
        ] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
        }
        let message = "https://me:hunter2@host/c"
            .parse::<Channel>()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("user or password") && !message.contains("hunter2"),
            "{message}"
        );
    }
}
