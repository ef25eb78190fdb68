//! Reading `studiolink.toml`: strictly, with line and column, and a fix for whatever is wrong.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Document, Item};

use super::paths::read_paths;
use super::table::{Reader, refuse};
use super::{
    FleetRoles, IamChoices, Location, NewRole, PathId, Pin, Refused, SCHEMA, Server, Strategy,
    StudioConfig, WorkerAttributes, connection, marks, server_url,
};
use crate::domain::channel::Channel;
use crate::domain::ids::{AccountId, FarmId, QueueKey, Region};
use crate::domain::text::Printable;
use crate::domain::worker_secret::{SecretPlace, is_name};

impl StudioConfig {
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
                "fix the TOML at this place",
            )
        })?;
        let mut top = Reader::new(text, "", document.as_item(), 0..0)?;
        top.place = 0..0;
        check_schema(&mut top)?;
        if let Some(old) = document.get("roles") {
            return Err(old_roles(&top, old));
        }
        for name in [
            "aws",
            "queue",
            "conda",
            "server",
            "iam",
            "worker_attributes",
            "connection",
            "ignore",
            "confirmed",
        ] {
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

        let (region, profile) = section("aws")?.map_or(Ok((None, None)), read_aws)?;
        let marks = marks::read(text, &document)?;
        let of_marks =
            |name: &str| matches!(name, "schema" | "aws") || marks::TABLES.contains(&name);
        if !marks.is_empty() && document.iter().all(|(name, _)| of_marks(name)) {
            // For an audit of what flags name.
            return Ok(Self {
                region,
                profile,
                marks,
                only_marks: true,
                ..Self::blank()
            });
        }
        let queues = read_queues(text, document.get("queue"))?;
        let conda = read_conda(text, section("conda")?)?;
        let (server, secret) = read_server(text, section("server")?)?;
        let connections = connection::read(text, document.get("connection"))?;
        let (lattice, vpn, tunnel) = read_paths(text, &document)?;
        let iam = section("iam")?.map_or(Ok(IamChoices::default()), |t| read_iam(text, t))?;
        let attributes = section("worker_attributes")?;
        let worker_attributes = read_worker_attributes(text, attributes)?;
        top.finish()?;
        Ok(Self {
            region,
            profile,
            queues,
            only_some_queues: false,
            lists_all: false,
            only_farms: Vec::new(),
            channels: conda.channels,
            channel_account: conda.account,
            bucket_owners: conda.owners,
            channel_key: conda.key,
            connections,
            lattice,
            vpn,
            secret,
            tunnel,
            iam,
            marks,
            only_marks: false,
            strategy: conda.strategy,
            pin: conda.pin,
            server,
            worker_attributes,
        })
    }
}

fn read_aws(mut aws: Reader<'_>) -> Result<(Option<Region>, Option<String>), Refused> {
    let mut region = None;
    if let Some(r) = aws.text("region")? {
        let fix = "write the region's code, such as us-west-2";
        region = Some(aws.parsed("region", r, fix)?);
    }
    let profile = aws.text("profile")?.map(str::to_owned);
    aws.finish()?;
    Ok((region, profile))
}

/// What [conda] says.
struct Conda {
    channels: Vec<Channel>,
    account: Option<AccountId>,
    owners: BTreeMap<String, AccountId>,
    key: Option<String>,
    strategy: Strategy,
    pin: Pin,
}

fn read_conda(text: &str, table: Option<Reader<'_>>) -> Result<Conda, Refused> {
    let mut conda = table.ok_or_else(|| {
        refuse(
            text,
            text.len(),
            "there is no [conda]",
            "add [conda] with channels = [\"deadline-cloud\", …]",
        )
    })?;
    let channels = read_channels(text, &mut conda)?;
    let account = match conda.text("channel_account")? {
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
    let owners = read_owners(&mut conda)?;
    let example = "arn:aws:kms:us-west-2:123456789012:key/…, or leave it out";
    let key = conda.arn("channel_key", "kms", example)?;
    if account.is_some() && !channels.iter().any(Channel::is_s3) {
        return Err(conda.wrong(
            "channel_account",
            "`channel_account` names a bucket's owner, but no channel is an s3:// bucket",
            "leave it out, or list the bucket's channel",
        ));
    }
    conda.finish()?;
    Ok(Conda {
        channels,
        account,
        owners,
        key,
        strategy,
        pin,
    })
}

fn read_channels(text: &str, conda: &mut Reader<'_>) -> Result<Vec<Channel>, Refused> {
    let listed = conda.texts("channels")?;
    let listed = listed.ok_or_else(|| conda.missing("channels", "[\"deadline-cloud\", …]"))?;
    let mut channels: Vec<Channel> = Vec::new();
    for (word, at) in listed {
        let channel: Channel = word
            .parse()
            .map_err(|e: crate::domain::channel::NotAChannel| {
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
    Ok(channels)
}

fn read_server(
    text: &str,
    table: Option<Reader<'_>>,
) -> Result<(Server, Option<SecretPlace>), Refused> {
    let mut table = table.ok_or_else(|| {
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
    let path = read_path(&mut table)?;
    for path in PathId::WORDS {
        table.asked.push(path);
    }
    let secret = read_secret(&mut table)?;
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
    let secret = secret.map(|id| SecretPlace { id, key });
    table.finish()?;
    // A server that is reached over the studio LAN is on it.
    let where_not_said = if path == Some(PathId::Lan) {
        Location::Lan
    } else {
        Location::Public
    };
    let server = Server {
        url,
        location: location.unwrap_or(where_not_said),
        path: path.unwrap_or(PathId::Direct),
    };
    Ok((server, secret))
}

/// The secret with the workers' key: a name, which setup can create, or the ARN of one that exists. What is neither may
/// be a key that was pasted here by mistake, so it is not repeated.
fn read_secret(table: &mut Reader<'_>) -> Result<Option<String>, Refused> {
    let example = "arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key-AbCdEf, whole, as the console shows it; or as a name with a slash, such as ayon/workers";
    let text = table.text("secret")?;
    if let Some(name) = text.filter(|t| is_name(t) && !t.starts_with("arn:")) {
        return Ok(Some(name.to_owned()));
    }
    // A short word is a name that somebody forgot the slash of; a long one may be a key.
    let short =
        |t: &&str| t.len() < 24 && !t.starts_with("arn:") && !t.contains(char::is_whitespace);
    if let Some(name) = text.filter(short) {
        let what = if name.is_empty() {
            "`secret` is empty".to_owned()
        } else {
            "`secret` is a name without a slash, which could be a key that was pasted by mistake"
                .to_owned()
        };
        let fix = "write a name with a slash, such as ayon/workers, or the whole ARN of a secret; or leave it out";
        return Err(table.wrong("secret", what, fix));
    }
    table.arn("secret", "secretsmanager", example)
}

/// A path by its word. AWS Client VPN is what people try first.
pub(super) fn read_path(table: &mut Reader<'_>) -> Result<Option<PathId>, Refused> {
    if table.table.get("path").and_then(Item::as_str) == Some("client-vpn") {
        return Err(table.wrong(
            "path",
            "AWS Client VPN lets people's machines into a VPC; it gives workers no route to the studio",
            "write path = \"vpn\" for a Site-to-Site VPN, \"lattice\" for service-managed workers, or \"direct\" where the server has a public name",
        ));
    }
    table.word("path", PathId::of_word, PathId::WORDS)
}

fn read_iam(text: &str, mut iam: Reader<'_>) -> Result<IamChoices, Refused> {
    let mut iam_choices = IamChoices::default();
    iam.asked.push("new_role");
    if let Some(item) = iam.table.get("new_role") {
        iam_choices.new_role = read_new_role(text, item)?;
    }
    if iam.table.get("fleets").and_then(Item::as_str) == Some("mend") {
        return Err(iam.wrong(
            "fleets",
            "`fleets` can't be \"mend\" any more",
            "write fleets = \"manage\"",
        ));
    }
    if let Some(fleets) = iam.word("fleets", FleetRoles::of_word, FleetRoles::WORDS)? {
        iam_choices.fleets = fleets;
    }
    for (arn, at) in iam.texts("worker_hosts")?.unwrap_or_default() {
        let arn = arn.parse().map_err(|e: crate::domain::ids::NotAnId| {
            refuse(
                text,
                at,
                format!("worker_hosts: {e}"),
                "copy the role's ARN from the IAM console",
            )
        })?;
        iam_choices.worker_hosts.push(arn);
    }
    iam.finish()?;
    Ok(iam_choices)
}

fn read_worker_attributes(
    text: &str,
    table: Option<Reader<'_>>,
) -> Result<WorkerAttributes, Refused> {
    let (mut render, mut publish) = (None, None);
    if let Some(mut attributes) = table {
        render = attributes.texts("render")?;
        publish = attributes.texts("publish")?;
        for (role, at) in render.iter().chain(&publish).flatten() {
            let good = role.chars().enumerate().all(|(i, c)| {
                c == '_' || c.is_ascii_alphabetic() || (i > 0 && (c == '-' || c.is_ascii_digit()))
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
        attributes.finish()?;
    }
    let owned = |list: Option<Vec<(&str, usize)>>, default: &str| {
        list.map_or_else(
            || vec![default.to_owned()],
            |l| l.into_iter().map(|(r, _)| r.to_owned()).collect(),
        )
    };
    Ok(WorkerAttributes {
        render: owned(render, "render"),
        publish: owned(publish, "publish"),
    })
}

/// The file says which schema it has, and it is one that is read here.
fn check_schema(top: &mut Reader<'_>) -> Result<(), Refused> {
    let schema = top.table.get("schema");
    top.asked.push("schema");
    match schema.map(|s| (s.as_integer(), s)) {
        None => {
            return Err(refuse(
                top.text,
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
    Ok(())
}

/// [roles] was split before the first release: each old key is refused with its new place.
fn old_roles(top: &Reader<'_>, old: &Item) -> Refused {
    let table = old.as_table_like();
    let key = table.and_then(|t| t.iter().map(|(key, _)| key.to_owned()).next());
    let (what, fix) = match key.as_deref() {
        Some(key @ ("render" | "publish")) => (
            format!("[roles] {key} has moved"),
            format!("write it as [worker_attributes] {key}"),
        ),
        Some(key @ ("fleets" | "worker_hosts")) => (
            format!("[roles] {key} has moved"),
            format!("write it as [iam] {key}; fleets = \"mend\" is now \"manage\""),
        ),
        Some("new") => (
            "[roles.new] has moved".to_owned(),
            "write it as [iam.new_role]".to_owned(),
        ),
        _ => (
            "the table [roles] does not exist any more".to_owned(),
            "write render and publish in [worker_attributes], the rest in [iam]".to_owned(),
        ),
    };
    top.wrong("roles", what, fix)
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
        .ok_or_else(|| conda.wrong("bucket_owners", "`bucket_owners` is not a table", fix))?;
    for (bucket, value) in pairs.iter() {
        let is_name =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if !bucket.bytes().all(is_name) {
            let shown = Printable::short(bucket, 63);
            return Err(conda.wrong(
                "bucket_owners",
                format!("\"{shown}\" is not a bucket's name"),
                fix,
            ));
        }
        let text = value.as_str().unwrap_or_default();
        let account = text.parse().map_err(|e: crate::domain::ids::NotAnId| {
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

fn read_new_role(text: &str, item: &Item) -> Result<NewRole, Refused> {
    let mut table = Reader::new(text, "iam.new_role", item, 0..0)?;
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
                "`tags` is not a table",
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
                    format!("the tag {} is not a text", Printable::short(key, 40)),
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

pub(super) fn read_queues(text: &str, item: Option<&Item>) -> Result<Vec<QueueKey>, Refused> {
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
