//! `[[connection]]` of the studio file: one fleet's own path to the server, and where its machines stand. What no entry
//! says is as `[server]` has it.

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::read::read_path;
use super::table::{Reader, refuse};
use super::{PathId, Refused, StudioConfig};
use crate::domain::ids::FleetId;
use crate::domain::reach::MachinePlace;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetConnection {
    pub fleet: FleetId,
    /// `None`: the path of [server].
    pub path: Option<PathId>,
    /// Where the machines of a customer-managed fleet stand.
    pub at: Option<MachinePlace>,
}

impl StudioConfig {
    fn connection(&self, fleet: &FleetId) -> Option<&FleetConnection> {
        self.connections.iter().find(|c| c.fleet == *fleet)
    }

    /// How that fleet's workers are to reach the server.
    pub fn path_of(&self, fleet: &FleetId) -> PathId {
        let own = self.connection(fleet).and_then(|c| c.path);
        own.unwrap_or(self.server.path)
    }

    /// Where that fleet's machines stand, as far as it is said.
    pub fn machines_of(&self, fleet: &FleetId) -> Option<MachinePlace> {
        self.connection(fleet)?.at
    }

    /// Is the path chosen for any fleet, or for those of which nothing is said?
    pub fn chooses(&self, path: PathId) -> bool {
        self.server.path == path || self.connections.iter().any(|c| c.path == Some(path))
    }

    /// The port of the server as workers reach it by VPC Lattice.
    pub fn lattice_port(&self) -> u16 {
        let named = self.server.url.port_or_known_default();
        self.lattice.port.or(named).unwrap_or(443)
    }

    /// Chooses a fleet's own path and place; what is as [server] has it needs no entry.
    pub fn connect(&mut self, fleet: &FleetId, path: PathId, at: Option<MachinePlace>) {
        let path = Some(path).filter(|p| *p != self.server.path);
        let place = self.connections.iter().position(|c| c.fleet == *fleet);
        let own = FleetConnection {
            fleet: fleet.clone(),
            path,
            at,
        };
        match (place, path.is_none() && at.is_none()) {
            (Some(n), true) => drop(self.connections.remove(n)),
            (Some(n), false) => self.connections[n] = own,
            (None, true) => {}
            (None, false) => self.connections.push(own),
        }
    }
}

pub(super) fn read(text: &str, item: Option<&Item>) -> Result<Vec<FleetConnection>, Refused> {
    let Some(item) = item else {
        return Ok(Vec::new());
    };
    let list = item.as_array_of_tables().ok_or_else(|| {
        let at = item.span().map_or(0, |s| s.start);
        refuse(
            text,
            at,
            "`connection` is not a list of tables",
            "write one [[connection]] for each fleet that has a path of its own",
        )
    })?;
    let mut all: Vec<FleetConnection> = Vec::new();
    for table in list {
        let place = table.span().unwrap_or(0..0);
        let item = Item::Table(table.clone());
        let mut reader = Reader::new(text, "[connection]", &item, place)?;
        let fleet = reader.needed("fleet", "fleet-…")?;
        let fleet: FleetId =
            reader.parsed("fleet", fleet, "copy the fleet's id from the console")?;
        let path = read_path(&mut reader)?;
        let at = reader.word("at", MachinePlace::of_word, MachinePlace::WORDS)?;
        let spot = reader.spot("fleet");
        reader.finish()?;
        if path.is_none() && at.is_none() {
            return Err(refuse(
                text,
                spot,
                "this [[connection]] says nothing of the fleet",
                "add path = \"…\" or at = \"vpc\" or \"lan\", or take it out",
            ));
        }
        if all.iter().any(|c| c.fleet == fleet) {
            return Err(refuse(
                text,
                spot,
                format!("the fleet {fleet} has two [[connection]] entries"),
                "keep one of them",
            ));
        }
        all.push(FleetConnection { fleet, path, at });
    }
    Ok(all)
}

/// Only what differs: an entry that stays keeps its comments.
pub(super) fn write(config: &StudioConfig, to: &mut DocumentMut) {
    let today = read("", to.get("connection")).unwrap_or_default();
    if today == config.connections {
        return;
    }
    let old = to
        .get("connection")
        .and_then(Item::as_array_of_tables)
        .cloned();
    let entry = |c: &FleetConnection| {
        let same = old.iter().flatten();
        let same = same.filter(|t| t.get("fleet").and_then(Item::as_str) == Some(c.fleet.as_str()));
        let mut table = same.last().cloned().unwrap_or_else(Table::new);
        let mut put = |key: &str, word: Option<&str>| match word {
            Some(word) if table.get(key).and_then(Item::as_str) == Some(word) => {}
            Some(word) => drop(table.insert(key, value(word))),
            None => drop(table.remove(key)),
        };
        put("fleet", Some(c.fleet.as_str()));
        put("path", c.path.map(PathId::word));
        put("at", c.at.map(MachinePlace::word));
        table
    };
    if config.connections.is_empty() {
        to.remove("connection");
    } else {
        let all: ArrayOfTables = config.connections.iter().map(entry).collect();
        to.insert("connection", Item::ArrayOfTables(all));
    }
}
