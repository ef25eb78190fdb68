//! Writing `studiolink.toml`: only what differs, with the comments, the order and what is not ours kept.

use toml_edit::{Array, DocumentMut, Item, TableLike, Value, value};

use super::read::read_queues;
use super::{FleetRoles, Location, PathId, Pin, SCHEMA, Strategy, StudioConfig};
use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;

impl StudioConfig {
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
            &["worker_attributes", "render"],
            list(&self.worker_attributes.render),
            fresh || self.worker_attributes.render != ["render"],
        );
        set(
            &mut document,
            &["worker_attributes", "publish"],
            list(&self.worker_attributes.publish),
            fresh || self.worker_attributes.publish != ["publish"],
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
        let manages = self.iam.fleets != FleetRoles::Leave;
        set(
            &mut document,
            &["iam", "fleets"],
            Some(value(self.iam.fleets.word())),
            manages,
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
