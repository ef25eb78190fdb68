//! What may be shared: accounts, hosts, addresses, names and ids are put in other words, the same each time, so that a report
//! still says which is which. Names are known from what was read; ids, accounts, ARNs and addresses by their form.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

words!(
    /// What a value is, as the word that stands for it says.
    Kind {
        Account = "account", Host = "host", Address = "address", Farm = "farm", Queue = "queue", Fleet = "fleet", Role = "role",
        Bucket = "bucket", User = "user", Project = "project", Bundle = "bundle", Secret = "secret", Name = "name", Path = "path",
        Id = "id", Resource = "resource", Folder = "folder", Profile = "profile", Channel = "channel"
    }
);

/// Names that are everybody's: a report that hid them would say less, and nothing would be safer.
const PUBLIC: &[&str] = &[
    "",
    "conda",
    "rez",
    "ayon",
    "default",
    "main",
    "workers",
    "work",
    "root",
    "publish",
    "render",
    "production",
    "staging",
    "deadline-cloud",
    "deadline-cloud-v2",
    "conda-forge",
    "ynput-conda-channel",
    "ynput",
    "linux",
    "windows",
    "local",
    "aws",
    "queue",
    "farm",
    "fleet",
    "role",
    "server",
    "account",
    "channel",
    "worker",
    "studio",
    "pipeline",
    "job",
    "user",
    "key",
    "secret",
    "name",
    "host",
    "path",
    "team",
    "network",
    "address",
    "bucket",
    "bundle",
    "project",
    "session",
    "environment",
    "policy",
    "linked",
];

static FORMS: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        // An ARN, which holds an account and a name.
        r#"(?P<arn>arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12}|aws)?:[^\s"'`,;)\]}<>|]+)"#,
        r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
        r#"s3://(?P<bucket>[a-z0-9][a-z0-9.-]+)(?P<prefix>(?:/[^\s"'`,;)<>|]*)?)"#,
        r"(?P<account>\b\d{12}\b|\b\d{4}-\d{4}-\d{4}\b)",
        // Deadline Cloud's, whole or in brief.
        r"(?P<deadline>\b(?:farm|queue|fleet|worker|job|step|task|session|sessionaction|queueenv|budget|monitor|limit|sp)-[0-9a-f]{4}(?:[0-9a-f]{28}|…[0-9a-f]{6})(?:-\d+)?)",
        r"(?P<id>\b(?:vpc|subnet|sg|rtb|acl|eni|i|mi|vpn|vgw|cgw|tgw|tgw-attach|tgw-rtb|igw|nat|vpce|pcx|pl|rgw|rcfg|snra|ra|eipalloc|rslvr-[a-z]+|rp|rpassoc)-[0-9a-f]{8,17}\b)",
        r"(?P<zone>\bZ[0-9A-Z]{10,31}\b)",
        r"(?P<four>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
        r"(?P<six>\b(?:[0-9a-f]{1,4}:){1,7}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b)",
        r#"https?://(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?P<port>:\d+)?(?P<path>(?:/[^\s"'`,;)<>|]*)?)"#,
    ];
    Regex::new(&forms.join("|")).unwrap_or_else(|_| unreachable!("the forms are constants"))
});

/// Of a name that was cut, so many letters tell that it is this one.
const CUT: usize = 5;

fn is_documentation(host: &str) -> bool {
    let public = [
        "github.com",
        "docs.aws.amazon.com",
        "json.schemastore.org",
        "www.w3.org",
        "docs.oasis-open.org",
    ];
    public.contains(&host)
}

/// What a document's members say of its form: none is of the studio.
const FORM: &[&str] = &[
    "$schema",
    "check",
    "kind",
    "verdict",
    "code",
    "grade",
    "topic",
    "severity",
    "service",
    "outcome",
    "was",
    "since",
    "exit_means",
    "studiolink",
    "schema",
    "ruleId",
    "level",
    "rules",
    "reading",
    "status",
    "version",
    "permission",
];

/// The words that stand for values. The same value gets the same word in all that one command prints.
#[derive(Debug, Default)]
pub struct Redactor {
    words: BTreeMap<String, String>,
    counts: BTreeMap<Kind, usize>,
    /// Names as they are written, with what each is.
    names: BTreeMap<String, Kind>,
    /// Of all names, the longest first.
    pattern: Option<Regex>,
}

impl Redactor {
    pub fn know_all(&mut self, names: Vec<(Kind, String)>) {
        for (kind, name) in names {
            self.know(kind, &name);
        }
    }

    /// A name that was read. Short ones and those that are everybody's stay.
    pub fn know(&mut self, kind: Kind, name: &str) {
        let name = name.trim();
        let public = PUBLIC.iter().any(|p| p.eq_ignore_ascii_case(name));
        let plain = name.chars().all(|c| !c.is_alphabetic());
        if public || plain || name.chars().count() < 2 || self.names.contains_key(name) {
            return;
        }
        self.names.insert(name.to_owned(), kind);
        self.pattern = None;
    }

    fn word(&mut self, kind: Kind, key: &str) -> String {
        if let Some(word) = self.words.get(key) {
            return word.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let word = format!("{}-{count}", kind.word());
        self.words.insert(key.to_owned(), word.clone());
        word
    }

    /// A JSON document: its texts, and not what they are in.
    pub fn mask_json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(text),
            Value::Array(list) => list.iter_mut().for_each(|v| self.mask_json(v)),
            Value::Object(members) => {
                for (name, value) in members {
                    if !FORM.contains(&name.as_str()) {
                        self.mask_json(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// A name that was cut, with `…` where it goes on.
    fn of_cut(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('…') {
            let (head, tail) = rest.split_at(at);
            // So much of the name stands before the cut.
            let begins = |name: &String| {
                let ends: Vec<usize> = name.char_indices().skip(CUT).map(|(i, _)| i).collect();
                ends.into_iter()
                    .rev()
                    .find(|end| head.ends_with(&name[..*end]))
            };
            let best = self
                .names
                .iter()
                .filter_map(|(name, kind)| Some((begins(name)?, name.clone(), *kind)));
            match best.max_by_key(|(length, ..)| *length) {
                Some((length, name, kind)) => {
                    out.push_str(&head[..head.len() - length]);
                    let word = self.word(kind, &name);
                    out.push_str(&word);
                }
                None => out.push_str(head),
            }
            out.push('…');
            rest = &tail['…'.len_utf8()..];
        }
        out + rest
    }

    /// The text without what is the studio's own.
    pub fn mask(&mut self, text: &str) -> String {
        let names = self.pattern();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        // A name within an ARN goes with it, so forms come first.
        for found in FORMS.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            self.of_names(names.as_ref(), &text[at..whole.start()], &mut out);
            let masked = self.of_form(&found, whole.as_str());
            out.push_str(&masked);
            at = whole.end();
        }
        self.of_names(names.as_ref(), &text[at..], &mut out);
        if out.contains('…') {
            self.of_cut(&out)
        } else {
            out
        }
    }

    fn of_names(&mut self, names: Option<&Regex>, text: &str, out: &mut String) {
        let Some(names) = names else {
            out.push_str(text);
            return;
        };
        let mut at = 0;
        for found in names.find_iter(text) {
            // A part of a longer word is another word.
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            let before = text[..found.start()].chars().next_back();
            let after = text[found.end()..].chars().next();
            if before.is_some_and(is_word) || after.is_some_and(is_word) {
                continue;
            }
            let name = found.as_str().to_owned();
            let kind = self.names.get(&name).copied().unwrap_or(Kind::Name);
            out.push_str(&text[at..found.start()]);
            let word = self.word(kind, &name);
            out.push_str(&word);
            at = found.end();
        }
        out.push_str(&text[at..]);
    }

    fn pattern(&mut self) -> Option<Regex> {
        if self.pattern.is_none() && !self.names.is_empty() {
            let mut names: Vec<&String> = self.names.keys().collect();
            names.sort_by_key(|n| std::cmp::Reverse(n.len()));
            let each: Vec<String> = names.into_iter().map(|n| regex::escape(n)).collect();
            self.pattern = regex::RegexBuilder::new(&each.join("|"))
                .size_limit(1 << 28)
                .build()
                .ok();
        }
        self.pattern.clone()
    }

    fn of_form(&mut self, found: &Captures, whole: &str) -> String {
        let group = |name: &str| found.name(name).map(|m| m.as_str());
        if let Some(arn) = group("arn") {
            return self.arn(arn);
        }
        if let Some(mail) = group("mail") {
            return self.word(Kind::User, mail);
        }
        if let Some(bucket) = group("bucket") {
            let prefix = group("prefix").unwrap_or_default();
            if PUBLIC.contains(&bucket) {
                return whole.to_owned();
            }
            let bucket = self.word(Kind::Bucket, bucket);
            let prefix = match prefix.trim_matches('/') {
                "" => prefix.to_owned(),
                inner => format!("/{}", self.word(Kind::Folder, inner)),
            };
            return format!("s3://{bucket}{prefix}");
        }
        if let Some(account) = group("account") {
            let digits: String = account.chars().filter(char::is_ascii_digit).collect();
            return self.word(Kind::Account, &digits);
        }
        if let Some(id) = group("deadline") {
            let (prefix, rest) = id.split_once('-').unwrap_or((id, ""));
            let kind = Kind::of_word(prefix).unwrap_or(Kind::Id);
            // In brief it is the same one.
            let rest: String = rest.chars().filter(char::is_ascii_hexdigit).collect();
            let (head, tail) = (rest.get(..4), rest.get(rest.len().saturating_sub(6)..));
            let key = format!("{prefix}-{}…{}", head.unwrap_or(""), tail.unwrap_or(""));
            let word = self.word(kind, &key);
            return if kind == Kind::Id {
                format!("{prefix}-{word}")
            } else {
                word
            };
        }
        if let Some(id) = group("id") {
            let prefix = id
                .rsplit_once('-')
                .map_or(id, |(prefix, _)| prefix)
                .to_owned();
            return format!("{prefix}-{}", self.word(Kind::Id, id));
        }
        if let Some(address) = group("four").or_else(|| group("six")) {
            let own = address.parse::<std::net::IpAddr>();
            return match own {
                // Nothing is to be learned from these.
                Ok(ip) if ip.is_loopback() || ip.is_unspecified() => whole.to_owned(),
                Ok(_) => self.word(Kind::Address, address),
                Err(_) => whole.to_owned(),
            };
        }
        if let Some(zone) = group("zone") {
            return self.word(Kind::Id, zone);
        }
        if let Some(host) = group("host") {
            let scheme = whole.split(host).next().unwrap_or_default();
            let (port, path) = (
                group("port").unwrap_or_default(),
                group("path").unwrap_or_default(),
            );
            let path = self.path(host, path);
            return format!("{scheme}{}{port}{path}", self.host(host));
        }
        whole.to_owned()
    }

    /// Of an address: what everybody has at that place stays.
    fn path(&mut self, host: &str, path: &str) -> String {
        let inner = path.trim_matches('/');
        let everybodys = [
            "api/info",
            "api/users/me",
            "api/bundles",
            "conda-forge",
            "main",
        ];
        if inner.is_empty() || is_documentation(host) || everybodys.contains(&inner) {
            return path.to_owned();
        }
        format!("/{}", self.word(Kind::Folder, inner))
    }

    fn host(&mut self, host: &str) -> String {
        let channels = ["anaconda.org", "localhost"];
        let is_public = |p: &str| host == p || host.ends_with(&format!(".{p}"));
        let local = host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
        if local || is_documentation(host) || channels.iter().any(|p| is_public(p)) {
            return host.to_owned();
        }
        self.word(Kind::Host, host)
    }

    /// Service, region and the kind of resource stay: they are what a reader needs.
    fn arn(&mut self, arn: &str) -> String {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [head, partition, service, region, account, resource] = parts.as_slice() else {
            return self.word(Kind::Resource, arn);
        };
        // AWS's own policies are everybody's.
        if *account == "aws" {
            return arn.to_owned();
        }
        let account = match *account {
            "" => String::new(),
            own => self.word(Kind::Account, own),
        };
        if *service == "s3" {
            let (bucket, inner) = resource.split_once('/').unwrap_or((resource, ""));
            let bucket = if PUBLIC.contains(&bucket) || bucket == "*" {
                bucket.to_owned()
            } else {
                self.word(Kind::Bucket, bucket)
            };
            let inner = match inner {
                "" | "*" => inner.to_owned(),
                inner => self.word(Kind::Folder, inner.trim_matches(['/', '*'])),
            };
            let slash = if inner.is_empty() { "" } else { "/" };
            return format!(
                "{head}:{partition}:{service}:{region}:{account}:{bucket}{slash}{inner}"
            );
        }
        let cut = resource.find(['/', ':']);
        let (kind, rest) = match cut {
            Some(at) => resource.split_at(at + 1),
            None => ("", *resource),
        };
        let is_word = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '/' || c == ':';
        let (kind, rest) = if kind.chars().all(is_word) {
            (kind, rest)
        } else {
            ("", *resource)
        };
        let rest = rest.trim_end_matches(['.', ':']);
        let masked = match *service {
            _ if kind.starts_with("role") => {
                self.word(Kind::Role, rest.rsplit('/').next().unwrap_or(rest))
            }
            _ if rest.is_empty() || rest == "*" => rest.to_owned(),
            _ => self.word(Kind::Resource, rest),
        };
        format!("{head}:{partition}:{service}:{region}:{account}:{kind}{masked}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_the_same_word_and_what_is_everybodys_stays() {
        let mut r = Redactor::default();
        r.know(Kind::Queue, "Lighting");
        r.know(Kind::Host, "ayon.fjordlys.no");
        r.know(Kind::Role, "FjordQueueRole");
        let text = "Queue Lighting (queue-0123456789abcdef0123456789abcdef, queue-0123…abcdef) in account 111122223333 or 1111-2222-3333: \
            role arn:aws:iam::111122223333:role/studio/FjordQueueRole reads s3://fjord-conda/ayon and s3://ynput-conda-channel/ayon; \
            ayon.fjordlys.no is 10.20.1.50; https://ayon.fjordlys.no:5000/api, vpc-0a1b2c3d4e5f60718, mia@fjordlys.no, \
            FjordQueueRole, Lightings, arn:aws:iam::aws:policy/AWSDeadlineCloud-FleetWorker at 20:57:03Z, 127.0.0.1:9";
        assert_eq!(
            r.mask(text),
            "Queue queue-1 (queue-2, queue-2) in account account-1 or account-1: \
            role arn:aws:iam::account-1:role/role-1 reads s3://bucket-1/folder-1 and s3://ynput-conda-channel/ayon; \
            host-1 is address-1; https://host-1:5000/folder-2, vpc-id-1, user-1, \
            role-1, Lightings, arn:aws:iam::aws:policy/AWSDeadlineCloud-FleetWorker at 20:57:03Z, 127.0.0.1:9"
        );
        assert_eq!(
            r.mask("nothing of theirs: 42, 2026-11-30"),
            "nothing of theirs: 42, 2026-11-30"
        );
    }
}
