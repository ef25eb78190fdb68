//! `studiolink.toml`: the studio as it is wanted. Read strictly, with line and column; written with its comments kept.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml_edit::{Array, Document, DocumentMut, Item, TableLike, Value, value};
use url::Url;

use super::channel::Channel;
use super::choices::{SecretPlace, Tunnel};
use super::ids::{AccountId, FarmId, QueueKey, Region, RoleArn};
use super::text::Printable;

pub const SCHEMA: i64 = 1;

/// What is wrong with a studio file, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub line: usize,
    pub column: usize,
    pub what: String,
    pub fix: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}\n  fix   {}",
            self.line,
            self.column,
            Printable::new(&self.what),
            Printable::new(&self.fix)
        )
    }
}

impl std::error::Error for Refused {}

words!(
    /// Which AYON packages a worker gets (`package.rs` says which, and what each is good for).
    Strategy { Launcher = "launcher", Publish = "publish", Components = "components", CoreSync = "core-sync" }
);
words!(
    /// Where the AYON server lives.
    Location { Lan = "lan", AyonCloud = "ayon-cloud", Ec2 = "ec2", Public = "public" }
);
words!(
    /// The connection path from the workers to the server.
    PathId { Direct = "direct", Vpn = "vpn", Lattice = "lattice", Ssm = "ssm", Lan = "lan" }
);

words!(
    /// What setup does with the fleets' roles: other farms may use them, so it leaves them as they are unless told.
    FleetRoles { Leave = "leave", Mend = "mend" }
);

/// How a queue role is made where the queue has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewRole {
    /// Left out: made from the queue's id.
    pub name: Option<String>,
    /// Begins and ends with a slash; left out: `/`.
    pub path: Option<String>,
    /// The ARN of a permissions boundary.
    pub boundary: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// What the studio file says of IAM roles, beside the names that steps ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChoices {
    /// Roles of the studio's own machines, which no call of AWS reveals.
    pub worker_hosts: Vec<RoleArn>,
    pub fleets: FleetRoles,
    pub new: NewRole,
}

impl Default for RoleChoices {
    fn default() -> Self {
        Self {
            worker_hosts: Vec::new(),
            fleets: FleetRoles::Leave,
            new: NewRole::default(),
        }
    }
}

/// Which launcher the workers should install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    ProductionBundle,
    StagingBundle,
    Latest,
    Exactly(String),
}

impl Pin {
    pub fn text(&self) -> String {
        match self {
            Self::ProductionBundle => "bundle:production".to_owned(),
            Self::StagingBundle => "bundle:staging".to_owned(),
            Self::Latest => "latest".to_owned(),
            Self::Exactly(version) => format!("=={version}"),
        }
    }

    pub fn of_text(text: &str) -> Option<Self> {
        match text {
            "bundle:production" => Some(Self::ProductionBundle),
            "bundle:staging" => Some(Self::StagingBundle),
            "latest" => Some(Self::Latest),
            other => {
                let version = other.strip_prefix("==")?;
                version.parse::<rattler_conda_types::Version>().ok()?;
                Some(Self::Exactly(version.to_owned()))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub url: Url,
    pub location: Location,
    pub path: PathId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub region: Option<Region>,
    pub profile: Option<String>,
    pub queues: Vec<QueueKey>,
    /// A flag left queues of the file aside.
    #[serde(default)]
    pub only_some_queues: bool,
    pub channels: Vec<Channel>,
    pub channel_account: Option<AccountId>,
    /// Whose other buckets are, by their names.
    #[serde(default)]
    pub bucket_owners: BTreeMap<String, AccountId>,
    /// The KMS key that encrypts YNPUT's bucket.
    #[serde(default)]
    pub channel_key: Option<String>,
    pub strategy: Strategy,
    pub pin: Pin,
    pub server: Server,
    /// Where the AYON key lies for the workers, in AWS Secrets Manager.
    #[serde(default)]
    pub secret: Option<SecretPlace>,
    /// Where a tunnel of Systems Manager ends, for the path `ssm`.
    #[serde(default)]
    pub tunnel: Option<Tunnel>,
    #[serde(default)]
    pub roles: RoleChoices,
    pub render_roles: Vec<String>,
    pub publish_roles: Vec<String>,
}

/// A table that is being read: what it was asked for is ticked off, and what is left over is refused.
struct Reader<'a> {
    text: &'a str,
    name: &'a str,
    table: &'a dyn TableLike,
    place: Range<usize>,
    asked: Vec<&'static str>,
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

fn refuse(text: &str, at: usize, what: impl Into<String>, fix: impl Into<String>) -> Refused {
    let (line, column) = position(text, at);
    Refused {
        line,
        column,
        what: what.into(),
        fix: fix.into(),
    }
}

impl<'a> Reader<'a> {
    fn new(
        text: &'a str,
        name: &'a str,
        item: &'a Item,
        place: Range<usize>,
    ) -> Result<Self, Refused> {
        let at = item.span().map_or(place.start, |s| s.start);
        let table = item.as_table_like().ok_or_else(|| {
            refuse(
                text,
                at,
                format!("`{name}` is {}, not a table", item.type_name()),
                format!("write it as [{name}]"),
            )
        })?;
        Ok(Self {
            text,
            name,
            table,
            place: item.span().unwrap_or(place),
            asked: Vec::new(),
        })
    }

    fn spot(&self, key: &str) -> usize {
        let item = self.table.get(key).and_then(Item::span);
        item.or_else(|| self.table.get_key_value(key).and_then(|(k, _)| k.span()))
            .map_or(self.place.start, |s| s.start)
    }

    fn wrong(&self, key: &str, what: impl Into<String>, fix: impl Into<String>) -> Refused {
        refuse(self.text, self.spot(key), what, fix)
    }

    fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, Refused> {
        self.asked.push(key);
        match self.table.get(key) {
            None => Ok(None),
            Some(item) => item.as_str().map(Some).ok_or_else(|| {
                self.wrong(
                    key,
                    format!("`{key}` is {}, not a text", item.type_name()),
                    format!("write {key} = \"…\""),
                )
            }),
        }
    }

    fn needed(&mut self, key: &'static str, example: &str) -> Result<&'a str, Refused> {
        let name = self.name;
        self.text(key)?.ok_or_else(|| {
            refuse(
                self.text,
                self.place.start,
                format!("[{name}] has no `{key}`"),
                format!("add {key} = \"{example}\""),
            )
        })
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str, text: &str, fix: &str) -> Result<T, Refused>
    where
        T::Err: fmt::Display,
    {
        text.parse()
            .map_err(|e: T::Err| self.wrong(key, format!("{key}: {e}"), fix))
    }

    fn texts(&mut self, key: &'static str) -> Result<Option<Vec<(&'a str, usize)>>, Refused> {
        self.asked.push(key);
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        let list = item.as_array().ok_or_else(|| {
            self.wrong(
                key,
                format!("`{key}` is {}, not a list of texts", item.type_name()),
                format!("write {key} = [\"…\"]"),
            )
        })?;
        let mut out = Vec::new();
        for v in list {
            let at = v.span().map_or_else(|| self.spot(key), |s| s.start);
            let text = v.as_str().ok_or_else(|| {
                refuse(
                    self.text,
                    at,
                    format!("`{key}` holds {}, not a text", v.type_name()),
                    "put it in quotes",
                )
            })?;
            out.push((text, at));
        }
        Ok(Some(out))
    }

    /// An ARN of that service, as a text.
    fn arn(
        &mut self,
        key: &'static str,
        service: &str,
        example: &str,
    ) -> Result<Option<String>, Refused> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let good = parts[0] == "arn"
            && parts.get(2) == Some(&service)
            && parts.get(5).is_some_and(|r| !r.is_empty())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"*?$".contains(&b))
            && parts.get(5).is_some_and(|rest| whole_name(service, rest));
        if good {
            return Ok(Some(text.to_owned()));
        }
        // What is no ARN at all may be a key that was pasted here by mistake: it is not repeated.
        let shown = if text.starts_with("arn:") {
            format!(": \"{}\"", Printable::short(text, 80))
        } else {
            String::new()
        };
        Err(self.wrong(
            key,
            format!("`{key}` is no ARN of {service}{shown}"),
            format!("write it as {example}"),
        ))
    }

    fn word<T: Copy>(
        &mut self,
        key: &'static str,
        of: fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        of(text).map(Some).ok_or_else(|| {
            self.wrong(
                key,
                format!("`{key}` can't be \"{text}\""),
                format!("one of {}", words.join(", ")),
            )
        })
    }

    /// Nothing may stand in the table that was not asked for.
    fn finish(self) -> Result<(), Refused> {
        for (key, _) in self.table.iter() {
            if !self.asked.contains(&key) {
                let at = self
                    .table
                    .get_key_value(key)
                    .and_then(|(k, _)| k.span())
                    .map_or_else(|| self.spot(key), |s| s.start);
                let place = if self.name.is_empty() {
                    "at the top".to_owned()
                } else {
                    format!("in [{}]", self.name)
                };
                let near = self
                    .asked
                    .iter()
                    .min_by_key(|a| distance(a, key))
                    .filter(|a| distance(a, key) < 3);
                let fix = near.map_or_else(
                    || format!("known here: {}", self.asked.join(", ")),
                    |n| format!("did you mean `{n}`?"),
                );
                return Err(refuse(
                    self.text,
                    at,
                    format!("unknown key `{key}` {place}"),
                    fix,
                ));
            }
        }
        Ok(())
    }
}

/// An alias grants nothing in a policy, and a secret's name without its six letters matches no secret.
fn whole_name(service: &str, rest: &str) -> bool {
    match service {
        "kms" => rest.starts_with("key/"),
        "secretsmanager" => rest.rsplit_once('-').is_some_and(|(name, six)| {
            name.starts_with("secret:")
                && six.len() == 6
                && six.bytes().all(|b| b.is_ascii_alphanumeric())
        }),
        _ => true,
    }
}

/// Letters to change to get from one key to the other, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut last = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let here = row[j + 1];
            row[j + 1] = (last + usize::from(ca != *cb))
                .min(here + 1)
                .min(row[j] + 1);
            last = here;
        }
    }
    row[b.len()]
}

/// Stands for a server while none is given; no name resolves to it.
pub const NOWHERE: &str = "https://ayon.invalid";

/// An AYON server's address; only what a browser would open.
pub fn server_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL; it begins with https://")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("only https:// and http:// reach an AYON server");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or password, which everyone who reads the file would see");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it holds a query or fragment; the server's address has none");
    }
    Ok(url)
}

impl Wanted {
    /// The wanted channels that are buckets.
    pub fn s3_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|c| c.is_s3())
    }

    /// Whose a bucket is, as far as the studio file says: it names owners by bucket, and the owner of the only bucket there
    /// is, or of the one that carries YNPUT's name.
    pub fn owner_of(&self, bucket: &str) -> Option<&AccountId> {
        let other = |c: &&Channel| c.bucket().is_some_and(|b| b != bucket);
        let only = !self.s3_channels().any(|c| other(&c));
        let ynputs = || {
            self.channel_account
                .as_ref()
                .filter(|_| only || bucket.contains("ynput"))
        };
        self.bucket_owners.get(bucket).or_else(ynputs)
    }

    pub fn read_bytes(bytes: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            refuse(
                good,
                good.len(),
                "this is not a text file (not UTF-8)",
                "name a studiolink.toml with --studio",
            )
        })?;
        if let Some(at) = text.find('\0') {
            return Err(refuse(
                text,
                at,
                "this is a binary file",
                "name a studiolink.toml with --studio",
            ));
        }
        Self::read(text)
    }

    pub fn read(text: &str) -> Result<Self, Refused> {
        if text.trim().is_empty() {
            return Err(refuse(
                text,
                0,
                "the studio file is empty",
                "run `studiolink setup` to write one, or begin with schema = 1",
            ));
        }
        let document = Document::parse(text.to_owned()).map_err(|e| {
            let at = e.span().map_or(0, |s| s.start);
            refuse(
                text,
                at,
                e.message().replace('\n', ", "),
                "mend the TOML at this place",
            )
        })?;
        let mut top = Reader::new(text, "", document.as_item(), 0..0)?;
        top.place = 0..0;
        let schema = top.table.get("schema");
        top.asked.push("schema");
        match schema.map(|s| (s.as_integer(), s)) {
            None => {
                return Err(refuse(
                    text,
                    0,
                    "there is no `schema`",
                    "begin the file with schema = 1",
                ));
            }
            Some((Some(SCHEMA), _)) => {}
            Some((Some(later), _)) if later > SCHEMA => {
                return Err(top.wrong(
                    "schema",
                    format!("the file has schema {later}; this studiolink reads schema {SCHEMA}"),
                    "use the studiolink that wrote it, or a newer one",
                ));
            }
            Some((_, item)) => {
                return Err(top.wrong(
                    "schema",
                    format!("schema is {}", item.to_string().trim()),
                    "write schema = 1",
                ));
            }
        }
        for name in ["aws", "queue", "conda", "server", "roles"] {
            top.asked.push(name);
        }
        // A table for each path that comes later: its content is for the version that builds the path.
        for path in PathId::WORDS {
            top.asked.push(path);
        }
        let section = |name: &'static str| -> Result<Option<Reader<'_>>, Refused> {
            document
                .get(name)
                .map(|item| Reader::new(text, name, item, 0..0))
                .transpose()
        };

        let (mut region, mut profile) = (None, None);
        if let Some(mut aws) = section("aws")? {
            if let Some(r) = aws.text("region")? {
                region =
                    Some(aws.parsed("region", r, "write the region's code, such as us-west-2")?);
            }
            profile = aws.text("profile")?.map(str::to_owned);
            aws.finish()?;
        }

        let queues = read_queues(text, document.get("queue"))?;

        let mut conda = section("conda")?.ok_or_else(|| {
            refuse(
                text,
                text.len(),
                "there is no [conda]",
                "add [conda] with channels = [\"deadline-cloud\", …]",
            )
        })?;
        let listed = conda.texts("channels")?.ok_or_else(|| {
            refuse(
                text,
                conda.place.start,
                "[conda] has no `channels`",
                "add channels = [\"deadline-cloud\", …]",
            )
        })?;
        let mut channels: Vec<Channel> = Vec::new();
        for (word, at) in listed {
            let channel: Channel = word.parse().map_err(|e: super::channel::NotAChannel| {
                refuse(text, at, e.to_string(), "write one channel per entry")
            })?;
            if channels.contains(&channel) {
                return Err(refuse(
                    text,
                    at,
                    format!("the channel {} is listed twice", channel.show()),
                    "keep the one at the place where it should rank",
                ));
            }
            channels.push(channel);
        }
        if channels.is_empty() {
            return Err(conda.wrong(
                "channels",
                "`channels` is empty: a job could install nothing",
                "list the channels, first one first",
            ));
        }
        let channel_account = match conda.text("channel_account")? {
            Some(a) => Some(conda.parsed("channel_account", a, "write the 12 digits in quotes")?),
            None => None,
        };
        let strategy = conda
            .word("strategy", Strategy::of_word, Strategy::WORDS)?
            .unwrap_or(Strategy::Launcher);
        let pin = match conda.text("pin")? {
            Some(p) => Pin::of_text(p).ok_or_else(|| {
                conda.wrong(
                    "pin",
                    format!("`pin` can't be \"{p}\""),
                    "bundle:production, bundle:staging, latest, or a version such as ==1.6.1",
                )
            })?,
            None => Pin::ProductionBundle,
        };
        let bucket_owners = read_owners(&mut conda)?;
        let example = "arn:aws:kms:us-west-2:123456789012:key/…, or leave it out";
        let channel_key = conda.arn("channel_key", "kms", example)?;
        if channel_account.is_some() && !channels.iter().any(Channel::is_s3) {
            return Err(conda.wrong(
                "channel_account",
                "`channel_account` names a bucket's owner, but no channel is an s3:// bucket",
                "leave it out, or list the bucket's channel",
            ));
        }
        conda.finish()?;

        let mut table = section("server")?.ok_or_else(|| {
            refuse(
                text,
                text.len(),
                "there is no [server]",
                "add [server] with url = \"https://ayon.example.com\"",
            )
        })?;
        let given = table.needed("url", "https://ayon.example.com")?;
        let url = server_url(given).map_err(|why| {
            table.wrong(
                "url",
                format!("the server's url can't be used: {why}"),
                "write https://host or https://host:port",
            )
        })?;
        let location = table.word("location", Location::of_word, Location::WORDS)?;
        let path = table.word("path", PathId::of_word, PathId::WORDS)?;
        for path in PathId::WORDS {
            table.asked.push(path);
        }
        if location == Some(Location::AyonCloud) && path.is_some_and(|p| p != PathId::Direct) {
            return Err(table.wrong(
                "path",
                "AYON cloud is reached over public HTTPS; no other path leads there",
                "write path = \"direct\", or another location",
            ));
        }
        if path == Some(PathId::Lan) && location.is_some_and(|l| l != Location::Lan) {
            return Err(table.wrong(
                "path",
                "path \"lan\" is for a server on the studio LAN, and location says another place",
                "write location = \"lan\", or another path",
            ));
        }
        if path == Some(PathId::Ssm) && location == Some(Location::Public) {
            return Err(table.wrong("path", "path \"ssm\" ends at a machine that Systems Manager manages, and location says a public server", "write location = \"ec2\" or \"lan\", or path = \"direct\""));
        }
        let example = "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key-AbCdEf, whole, as the console shows it";
        let secret = table.arn("secret", "secretsmanager", example)?;
        let key = table.arn(
            "secret_key",
            "kms",
            "arn:aws:kms:us-west-2:123456789012:key/…",
        )?;
        if key.is_some() && secret.is_none() {
            return Err(table.wrong(
                "secret_key",
                "`secret_key` names the key of a secret, but no `secret` is named",
                "name the secret too, or leave the key out",
            ));
        }
        let secret = secret.map(|arn| SecretPlace { arn, key });
        table.finish()?;
        let tunnel = read_tunnel(text, document.get("ssm"))?;

        let (mut render, mut publish) = (None, None);
        let mut choices = RoleChoices::default();
        if let Some(mut roles) = section("roles")? {
            roles.asked.push("new");
            if let Some(item) = roles.table.get("new") {
                choices.new = read_new_role(text, item)?;
            }
            if let Some(fleets) = roles.word("fleets", FleetRoles::of_word, FleetRoles::WORDS)? {
                choices.fleets = fleets;
            }
            for (arn, at) in roles.texts("worker_hosts")?.unwrap_or_default() {
                let arn = arn.parse().map_err(|e: super::ids::NotAnId| {
                    refuse(
                        text,
                        at,
                        format!("worker_hosts: {e}"),
                        "copy the role's ARN from the IAM console",
                    )
                })?;
                choices.worker_hosts.push(arn);
            }
            render = roles.texts("render")?;
            publish = roles.texts("publish")?;
            for (role, at) in render.iter().chain(&publish).flatten() {
                let good = role.chars().enumerate().all(|(i, c)| {
                    c == '_'
                        || c.is_ascii_alphabetic()
                        || (i > 0 && (c == '-' || c.is_ascii_digit()))
                });
                if role.is_empty() || !good {
                    return Err(refuse(
                        text,
                        *at,
                        format!("\"{role}\" can't be a value of attr.role"),
                        "letters, digits, _ and -, beginning with a letter or _",
                    ));
                }
            }
            roles.finish()?;
        }
        top.finish()?;
        let owned = |list: Option<Vec<(&str, usize)>>, default: &str| {
            list.map_or_else(
                || vec![default.to_owned()],
                |l| l.into_iter().map(|(r, _)| r.to_owned()).collect(),
            )
        };
        Ok(Self {
            region,
            profile,
            queues,
            only_some_queues: false,
            channels,
            channel_account,
            bucket_owners,
            channel_key,
            secret,
            tunnel,
            roles: choices,
            strategy,
            pin,
            server: Server {
                url,
                location: location.unwrap_or(if path == Some(PathId::Lan) {
                    Location::Lan
                } else {
                    Location::Public
                }),
                path: path.unwrap_or(PathId::Direct),
            },
            render_roles: owned(render, "render"),
            publish_roles: owned(publish, "publish"),
        })
    }

    /// The file's text with these values: comments, order and what is not ours stay; a new file gets the whole shape.
    pub fn write_into(&self, old: Option<&str>) -> String {
        let mut document: DocumentMut = old.and_then(|t| t.parse().ok()).unwrap_or_default();
        let fresh = old.is_none_or(|t| t.trim().is_empty());
        set(&mut document, &["schema"], Some(value(SCHEMA)), fresh);
        set(
            &mut document,
            &["aws", "region"],
            self.region.as_ref().map(|r| value(r.as_str())),
            fresh,
        );
        set(
            &mut document,
            &["aws", "profile"],
            self.profile.as_ref().map(value),
            fresh,
        );
        self.write_queues(&mut document);
        let channels: Array = self.channels.iter().map(Channel::as_str).collect();
        set(
            &mut document,
            &["conda", "channels"],
            Some(Item::Value(Value::Array(channels))),
            true,
        );
        set(
            &mut document,
            &["conda", "channel_account"],
            self.channel_account.as_ref().map(|a| value(a.as_str())),
            true,
        );
        for (bucket, owner) in &self.bucket_owners {
            set(
                &mut document,
                &["conda", "bucket_owners", bucket],
                Some(value(owner.as_str())),
                true,
            );
        }
        set(
            &mut document,
            &["conda", "strategy"],
            Some(value(self.strategy.word())),
            fresh || self.strategy != Strategy::Launcher,
        );
        set(
            &mut document,
            &["conda", "pin"],
            Some(value(self.pin.text())),
            fresh || self.pin != Pin::ProductionBundle,
        );
        set(
            &mut document,
            &["server", "url"],
            Some(value(self.server.url.as_str().trim_end_matches('/'))),
            true,
        );
        set(
            &mut document,
            &["server", "location"],
            Some(value(self.server.location.word())),
            fresh || self.server.location != Location::Public,
        );
        set(
            &mut document,
            &["server", "path"],
            Some(value(self.server.path.word())),
            fresh || self.server.path != PathId::Direct,
        );
        let list = |roles: &[String]| {
            Some(Item::Value(Value::Array(
                roles.iter().map(String::as_str).collect(),
            )))
        };
        set(
            &mut document,
            &["roles", "render"],
            list(&self.render_roles),
            fresh || self.render_roles != ["render"],
        );
        set(
            &mut document,
            &["roles", "publish"],
            list(&self.publish_roles),
            fresh || self.publish_roles != ["publish"],
        );
        // The wizard does not ask for these: they are as the file has them.
        for (path, text) in [
            (["conda", "channel_key"], self.channel_key.as_deref()),
            (
                ["server", "secret"],
                self.secret.as_ref().map(|s| s.arn.as_str()),
            ),
            (
                ["server", "secret_key"],
                self.secret.as_ref().and_then(|s| s.key.as_deref()),
            ),
        ] {
            set(&mut document, &path, text.map(value), true);
        }
        let mends = self.roles.fleets != FleetRoles::Leave;
        set(
            &mut document,
            &["roles", "fleets"],
            Some(value(self.roles.fleets.word())),
            mends,
        );
        document.to_string()
    }

    fn write_queues(&self, document: &mut DocumentMut) {
        let today = read_queues("", document.get("queue")).unwrap_or_default();
        if today == self.queues {
            return;
        }
        let table = |key: &QueueKey| {
            let mut t = toml_edit::Table::new();
            t.insert("farm", value(key.farm.as_str()));
            t.insert("queue", value(key.queue.as_str()));
            t
        };
        if let [one] = self.queues.as_slice() {
            if document.get("queue").is_some_and(Item::is_table_like) {
                set(
                    document,
                    &["queue", "farm"],
                    Some(value(one.farm.as_str())),
                    true,
                );
                set(
                    document,
                    &["queue", "queue"],
                    Some(value(one.queue.as_str())),
                    true,
                );
            } else {
                document.insert("queue", Item::Table(table(one)));
            }
        } else {
            document.insert(
                "queue",
                Item::ArrayOfTables(self.queues.iter().map(table).collect()),
            );
        }
    }

    /// The queues that a flag narrows the file down to.
    #[must_use]
    pub fn narrowed(mut self, queues: Vec<QueueKey>) -> Self {
        self.only_some_queues = queues != self.queues;
        self.queues = queues;
        self
    }
}

fn read_owners(conda: &mut Reader<'_>) -> Result<BTreeMap<String, AccountId>, Refused> {
    conda.asked.push("bucket_owners");
    let mut owners = BTreeMap::new();
    let Some(item) = conda.table.get("bucket_owners") else {
        return Ok(owners);
    };
    let fix = "write bucket_owners = { bucket-name = \"123456789012\" }";
    let pairs = item
        .as_table_like()
        .ok_or_else(|| conda.wrong("bucket_owners", "`bucket_owners` is no table", fix))?;
    for (bucket, value) in pairs.iter() {
        let is_name =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if !bucket.bytes().all(is_name) {
            let shown = Printable::short(bucket, 63);
            return Err(conda.wrong(
                "bucket_owners",
                format!("\"{shown}\" is no bucket's name"),
                fix,
            ));
        }
        let text = value.as_str().unwrap_or_default();
        let account = text.parse().map_err(|e: super::ids::NotAnId| {
            conda.wrong(
                "bucket_owners",
                format!("the owner of {}: {e}", Printable::short(bucket, 63)),
                fix,
            )
        })?;
        owners.insert(bucket.to_owned(), account);
    }
    Ok(owners)
}

/// A tunnel's end. The rest of [ssm] is for the version that builds the path.
fn read_tunnel(text: &str, item: Option<&Item>) -> Result<Option<Tunnel>, Refused> {
    let Some(item) = item else {
        return Ok(None);
    };
    let mut table = Reader::new(text, "ssm", item, 0..0)?;
    let Some(instance) = table.text("instance")? else {
        return Ok(None);
    };
    let id = instance.strip_prefix("i-").or(instance.strip_prefix("mi-"));
    if !id.is_some_and(|i| i.len() >= 8 && i.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(table.wrong(
            "instance",
            "`instance` is no managed instance",
            "write its id, i-… or mi-…, as Systems Manager shows it",
        ));
    }
    let host = table.text("host")?.map(str::to_owned);
    let instance = instance.to_owned();
    Ok(Some(Tunnel { instance, host }))
}

fn read_new_role(text: &str, item: &Item) -> Result<NewRole, Refused> {
    let mut table = Reader::new(text, "roles.new", item, 0..0)?;
    let name = table.text("name")?.map(str::to_owned);
    let good = |n: &str| {
        (1..=64).contains(&n.len())
            && n.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b))
    };
    if name.as_deref().is_some_and(|n| !good(n)) {
        return Err(table.wrong(
            "name",
            "`name` can't be a role's name",
            "up to 64 letters, digits and + = , . @ _ -",
        ));
    }
    let path = table.text("path")?.map(str::to_owned);
    let whole = |p: &str| {
        p.starts_with('/')
            && p.ends_with('/')
            && p.bytes().all(|b| b.is_ascii_graphic())
            && p.len() <= 512
    };
    if path.as_deref().is_some_and(|p| p.starts_with("/aws-")) {
        return Err(table.wrong(
            "path",
            "`path` is one that AWS keeps for itself",
            "choose another: path = \"/studio/\"",
        ));
    }
    if path.as_deref().is_some_and(|p| !whole(p)) {
        return Err(table.wrong(
            "path",
            "`path` can't be a role's path",
            "begin and end it with a slash: path = \"/studio/\"",
        ));
    }
    let boundary = table.arn("boundary", "iam", "arn:aws:iam::123456789012:policy/Name")?;
    let mut tags = Vec::new();
    table.asked.push("tags");
    if let Some(item) = table.table.get("tags") {
        let pairs = item.as_table_like().ok_or_else(|| {
            table.wrong(
                "tags",
                "`tags` is no table",
                "write tags = { team = \"pipeline\" }",
            )
        })?;
        for (key, value) in pairs.iter() {
            if key.is_empty() || key.len() > 128 || key.to_ascii_lowercase().starts_with("aws:") {
                let shown = Printable::short(key, 40);
                return Err(table.wrong(
                    "tags",
                    format!("\"{shown}\" can't be a tag's key"),
                    "1 to 128 characters, and not beginning with aws:",
                ));
            }
            let value = value.as_str().ok_or_else(|| {
                table.wrong(
                    "tags",
                    format!("the tag {} is no text", Printable::short(key, 40)),
                    "put it in quotes",
                )
            })?;
            tags.push((key.to_owned(), value.to_owned()));
        }
    }
    table.finish()?;
    Ok(NewRole {
        name,
        path,
        boundary,
        tags,
    })
}

fn read_queues(text: &str, item: Option<&Item>) -> Result<Vec<QueueKey>, Refused> {
    let fix = "add [queue] with farm = \"farm-…\" and queue = \"queue-…\"";
    let item = item.ok_or_else(|| refuse(text, text.len(), "there is no [queue]", fix))?;
    let read = |table: &Item, place: Range<usize>| -> Result<(QueueKey, usize), Refused> {
        let mut reader = Reader::new(text, "queue", table, place)?;
        let farm = reader.needed("farm", "farm-…")?;
        let queue = reader.needed("queue", "queue-…")?;
        let key = QueueKey {
            farm: reader.parsed(
                "farm",
                farm,
                "copy the farm's id from the console, or run `studiolink setup`",
            )?,
            queue: reader.parsed(
                "queue",
                queue,
                "copy the queue's id from the console, or run `studiolink setup`",
            )?,
        };
        let at = reader.spot("queue");
        reader.finish()?;
        Ok((key, at))
    };
    let Some(list) = item.as_array_of_tables() else {
        return Ok(vec![read(item, item.span().unwrap_or(0..0))?.0]);
    };
    let mut keys: Vec<QueueKey> = Vec::new();
    for table in list {
        let place = table.span().unwrap_or(0..0);
        let (key, at) = read(&Item::Table(table.clone()), place)?;
        if keys.contains(&key) {
            return Err(refuse(
                text,
                at,
                format!("the queue {} is listed twice", key.queue),
                "keep one of them",
            ));
        }
        let farm: Option<&FarmId> = keys.first().map(|k| &k.farm);
        if farm.is_some_and(|f| *f != key.farm) {
            return Err(refuse(
                text,
                at,
                "the queues are in two farms",
                "one studio file describes one farm: write a file for each, and name it with --studio",
            ));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        Err(refuse(text, 0, "there is no queue", fix))
    } else {
        Ok(keys)
    }
}

/// Sets one value where it differs. A missing one is added only where `add` says so, and `None` takes it away.
fn set(document: &mut DocumentMut, path: &[&str], new: Option<Item>, add: bool) {
    let (last, tables) = path.split_last().unwrap_or((&"", &[]));
    let Some(new) = new else {
        if let [table] = tables
            && let Some(t) = document.get_mut(table).and_then(Item::as_table_like_mut)
        {
            t.remove(last);
        }
        return;
    };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in tables {
        if !table.contains_key(name) {
            if !add {
                return;
            }
            table.insert(name, toml_edit::table());
        }
        let Some(inner) = table.get_mut(name).and_then(Item::as_table_like_mut) else {
            return;
        };
        table = inner;
    }
    match table.get_mut(last) {
        None if add => {
            table.insert(last, new);
        }
        None => {}
        Some(old) => {
            let plain = |i: &Item| {
                let mut i = i.clone();
                if let Some(v) = i.as_value_mut() {
                    v.decor_mut().clear();
                    if let Some(list) = v.as_array_mut() {
                        list.set_trailing("");
                        list.set_trailing_comma(false);
                        for (n, e) in list.iter_mut().enumerate() {
                            *e.decor_mut() =
                                toml_edit::Decor::new(if n == 0 { "" } else { " " }, "");
                        }
                    }
                }
                i.to_string()
            };
            if plain(old) != plain(&new)
                && let (Some(old), Some(mut fresh)) = (old.as_value_mut(), new.as_value().cloned())
            {
                *fresh.decor_mut() = old.decor().clone();
                *old = fresh;
            }
        }
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
