//! Writing `studiolink.toml`: only what differs, with the comments, the order and what is not ours kept.

use toml_edit::{Array, DocumentMut, Item, TableLike, Value, value};

use super::read::read_queues;
use super::{
    FleetRoles, LatticeChoices, Location, PathId, Pin, SCHEMA, Strategy, StudioConfig, VpnChoices,
    WorkerAttributes, connection,
};
use crate::domain::channel::Channel;
use crate::domain::ids::QueueKey;

impl StudioConfig {
    /// The file's text with these values: comments, order and what is not ours stay; a new file gets the whole shape.
    pub fn write_into(&self, old: Option<&str>) -> String {
        let mut document: DocumentMut = old.and_then(|t| t.parse().ok()).unwrap_or_default();
        let fresh = old.is_none_or(|t| t.trim().is_empty());
        let to = &mut document;
        set(to, &["schema"], Some(value(SCHEMA)), fresh);
        let region = self.region.as_ref().map(|r| value(r.as_str()));
        set(to, &["aws", "region"], region, fresh);
        let profile = self.profile.as_ref().map(value);
        set(to, &["aws", "profile"], profile, fresh);
        self.write_queues(to);
        self.write_conda(to, fresh);
        self.write_server(to, fresh);
        connection::write(self, to);
        self.write_paths(to);
        self.write_workers(to, fresh);
        document.to_string()
    }

    fn write_conda(&self, to: &mut DocumentMut, fresh: bool) {
        let channels = list(self.channels.iter().map(Channel::as_str));
        set(to, &["conda", "channels"], Some(channels), true);
        let account = self.channel_account.as_ref().map(|a| value(a.as_str()));
        set(to, &["conda", "channel_account"], account, true);
        for (bucket, owner) in &self.bucket_owners {
            let owner = Some(value(owner.as_str()));
            set(to, &["conda", "bucket_owners", bucket], owner, true);
        }
        let said = fresh || self.strategy != Strategy::Launcher;
        let strategy = Some(value(self.strategy.word()));
        set(to, &["conda", "strategy"], strategy, said);
        let said = fresh || self.pin != Pin::ProductionBundle;
        set(to, &["conda", "pin"], Some(value(self.pin.text())), said);
        // The wizard does not ask for it: it is as the file has it.
        let key = self.channel_key.as_deref().map(value);
        set(to, &["conda", "channel_key"], key, true);
    }

    fn write_server(&self, to: &mut DocumentMut, fresh: bool) {
        let url = value(self.server.url.as_str().trim_end_matches('/'));
        set(to, &["server", "url"], Some(url), true);
        let said = fresh || self.server.location != Location::Public;
        let location = Some(value(self.server.location.word()));
        set(to, &["server", "location"], location, said);
        let said = fresh || self.server.path != PathId::Direct;
        let path = Some(value(self.server.path.word()));
        set(to, &["server", "path"], path, said);
        let secret = self.secret.as_ref();
        let arn = secret.map(|s| value(s.id.as_str()));
        set(to, &["server", "secret"], arn, true);
        let key = secret.and_then(|s| s.key.as_deref()).map(value);
        set(to, &["server", "secret_key"], key, true);
    }

    /// The tables of single paths: what nobody chose needs no line.
    fn write_paths(&self, to: &mut DocumentMut) {
        let LatticeChoices {
            configuration,
            port,
            target,
            vpc,
            subnets,
            security_groups,
            tls,
        } = &self.lattice;
        let text = |t: Option<String>| t.map(value);
        let port_of = |p: Option<u16>| p.map(|p| value(i64::from(p)));
        let some = |all: &[String]| (!all.is_empty()).then(|| list(all.iter().map(String::as_str)));
        let lattice = [
            ("configuration", text(configuration.clone())),
            ("target", text(target.map(|t| t.to_string()))),
            ("port", port_of(*port)),
            ("vpc", text(vpc.clone())),
            ("subnets", some(subnets)),
            ("security_groups", some(security_groups)),
            ("tls", text(tls.map(|t| t.word().to_owned()))),
        ];
        for (key, new) in lattice {
            set(to, &["lattice", key], new, true);
        }
        let VpnChoices {
            connection,
            network,
        } = &self.vpn;
        let vpn = [
            ("connection", text(connection.clone())),
            ("network", text(network.map(|n| n.to_string()))),
        ];
        for (key, new) in vpn {
            set(to, &["vpn", key], new, true);
        }
        let tunnel = self.tunnel.as_ref();
        let ssm = [
            ("instance", text(tunnel.map(|t| t.instance.clone()))),
            ("host", text(tunnel.and_then(|t| t.host.clone()))),
            ("port", port_of(tunnel.and_then(|t| t.port))),
        ];
        for (key, new) in ssm {
            // Without an instance the table may hold what the file says for later.
            if tunnel.is_some() {
                set(to, &["ssm", key], new, true);
            }
        }
    }

    fn write_workers(&self, to: &mut DocumentMut, fresh: bool) {
        let WorkerAttributes { render, publish } = &self.worker_attributes;
        for (key, values) in [("render", render), ("publish", publish)] {
            let said = fresh || values.as_slice() != [key];
            let values = list(values.iter().map(String::as_str));
            set(to, &["worker_attributes", key], Some(values), said);
        }
        let said = self.iam.fleets != FleetRoles::Leave;
        let fleets = Some(value(self.iam.fleets.word()));
        set(to, &["iam", "fleets"], fleets, said);
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

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> Item {
    Item::Value(Value::Array(texts.collect::<Array>()))
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
