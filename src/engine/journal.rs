//! The journal of a run: JSON lines, the intent synced before each call, the outcome after it. It holds the old texts
//! whole, for undo; it never holds a secret, for no change carries one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::call::Call;
use crate::domain::change::{Change, Thing};
use crate::domain::ids::{AccountId, QueueEnvironmentId, QueueKey, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::world::LocalState;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub id: String,
    pub started: Timestamp,
    pub version: String,
    pub command: String,
    /// User, host, process.
    pub by: Printable,
    /// The AWS identity, as STS named it.
    pub caller: Printable,
    pub account: AccountId,
    pub region: Region,
    pub endpoint: Option<Printable>,
    pub queues: Vec<QueueKey>,
    /// The run that this one undoes.
    pub undoes: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    Done,
    /// The call did not answer, or was cut short; read again, the thing was as it should be.
    FoundDone,
    /// Read again, the thing was as before, and nothing was sent any more.
    NotDone,
    Failed,
    /// Neither before nor after: somebody else changed it. Nothing was sent over it.
    Moved,
}

impl Came {
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::FoundDone)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
enum Record {
    Run {
        schema: u32,
        #[serde(flatten)]
        header: Box<Header>,
    },
    Intent {
        n: usize,
        at: Timestamp,
        token: String,
        change: Box<Change>,
    },
    Outcome {
        n: usize,
        at: Timestamp,
        came: Came,
        made: Option<QueueEnvironmentId>,
        call: Option<Call>,
        told: Option<Printable>,
    },
    End {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub n: usize,
    pub at: Timestamp,
    pub token: String,
    pub change: Change,
    /// `None`: in doubt.
    pub came: Option<Came>,
    pub call: Option<Call>,
    pub told: Option<Printable>,
}

/// A journal as it was read: what a kill cut short in its last line was never acted on, and is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub header: Header,
    pub entries: Vec<Entry>,
    pub ended: bool,
}

impl Run {
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let Ok(Record::Run { header, .. }) = serde_json::from_str(lines.next()?) else {
            return None;
        };
        let mut entries: BTreeMap<usize, Entry> = BTreeMap::new();
        let mut ended = false;
        for record in lines.filter_map(|l| serde_json::from_str(l).ok()) {
            match record {
                Record::Intent {
                    n,
                    at,
                    token,
                    change,
                } => {
                    entries.insert(
                        n,
                        Entry {
                            n,
                            at,
                            token,
                            change: *change,
                            came: None,
                            call: None,
                            told: None,
                        },
                    );
                    ended = false;
                }
                Record::Outcome {
                    n,
                    came,
                    made,
                    call,
                    told,
                    ..
                } => {
                    if let Some(entry) = entries.get_mut(&n) {
                        entry.came = Some(came);
                        entry.call = call;
                        entry.told = told;
                        if let (Thing::Environment { id, .. }, Some(made)) =
                            (&mut entry.change.thing, made)
                        {
                            *id = Some(made);
                        }
                    }
                }
                Record::End { .. } => ended = true,
                Record::Run { .. } => {}
            }
        }
        Some(Self {
            header: *header,
            entries: entries.into_values().collect(),
            ended,
        })
    }

    pub fn in_doubt(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.came.is_none())
    }

    pub fn done(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|e| e.came.is_some_and(Came::is_done))
    }
}

/// All runs of this machine, oldest first. A journal that can't be read is passed over by name.
pub fn read_all(desk: &dyn LocalState) -> Result<(Vec<Run>, Vec<String>), Problem> {
    let (mut runs, mut broken) = (Vec::new(), Vec::new());
    for id in desk.runs()? {
        match Run::parse(&desk.journal(&id)?) {
            Some(run) => runs.push(run),
            None => broken.push(id),
        }
    }
    runs.sort_by(|a, b| (a.header.started, &a.header.id).cmp(&(b.header.started, &b.header.id)));
    Ok((runs, broken))
}

/// The done changes of a run that no later run has undone, newest first, each with its undoing. One undoing undoes one
/// change: a change that was made twice has to be undone twice.
pub fn to_undo(run: &Run, all: &[Run]) -> Vec<Change> {
    let mut undone: Vec<&Change> = all
        .iter()
        .filter(|r| r.header.undoes.as_deref() == Some(&run.header.id))
        .flat_map(Run::done)
        .map(|e| &e.change)
        .collect();
    let mut open = Vec::new();
    let stays = stays(run, all);
    let undoable = run.done().rev().filter(|e| !stays.contains(&&e.change));
    for back in undoable.map(|e| e.change.reverse()) {
        let same =
            |u: &&Change| u.key == back.key && u.before == back.before && u.after == back.after;
        match undone.iter().position(same) {
            Some(at) => {
                undone.remove(at);
            }
            None => open.push(back),
        }
    }
    open
}

/// The done changes of a run that no call can undo; and a role that a queue was given, in whichever run, stays with it.
pub fn stays<'a>(run: &'a Run, all: &[Run]) -> Vec<&'a Change> {
    let given: Vec<&str> = all
        .iter()
        .flat_map(Run::done)
        .filter(|e| e.change.is_final())
        .filter_map(|e| e.change.gives_role())
        .collect();
    let kept = |c: &&Change| {
        let is_given =
            matches!(&c.thing, Thing::NewRole { role, .. } if given.contains(&role.as_str()));
        c.is_final() || is_given
    };
    run.done().map(|e| &e.change).filter(kept).collect()
}

/// Writes one journal. The file is made with the first intent: a run that changed nothing leaves none.
pub struct Writer<'a> {
    desk: &'a dyn LocalState,
    header: Header,
    begun: bool,
    next: usize,
}

impl<'a> Writer<'a> {
    pub fn new(desk: &'a dyn LocalState, header: Header) -> Self {
        Self {
            desk,
            header,
            begun: false,
            next: 1,
        }
    }

    /// Goes on with a run that was cut short.
    pub fn resume(desk: &'a dyn LocalState, run: &Run) -> Self {
        let next = run.entries.iter().map(|e| e.n + 1).max().unwrap_or(1);
        Self {
            desk,
            header: run.header.clone(),
            begun: true,
            next,
        }
    }

    pub fn id(&self) -> &str {
        &self.header.id
    }

    pub fn has_begun(&self) -> bool {
        self.begun
    }

    fn write(&self, record: &Record, first: bool) -> Result<(), Problem> {
        let line = serde_json::to_string(record).map_err(|e| {
            Problem::new(
                ProblemKind::Local,
                "Could not write the journal",
                e.to_string(),
                "report this: it is a fault of studiolink",
            )
        })?;
        self.desk.append(&self.header.id, &line, first)
    }

    /// Synced when this returns; only then may the call be made. `again` repeats the intent of an entry in doubt.
    pub fn intent(
        &mut self,
        change: &Change,
        token: &str,
        again: Option<usize>,
    ) -> Result<usize, Problem> {
        if !self.begun {
            self.write(
                &Record::Run {
                    schema: 1,
                    header: Box::new(self.header.clone()),
                },
                true,
            )?;
            self.begun = true;
        }
        let n = again.unwrap_or(self.next);
        self.write(
            &Record::Intent {
                n,
                at: self.desk.now(),
                token: token.to_owned(),
                change: Box::new(change.clone()),
            },
            false,
        )?;
        self.next = self.next.max(n + 1);
        Ok(n)
    }

    pub fn outcome(
        &self,
        n: usize,
        came: Came,
        made: Option<QueueEnvironmentId>,
        call: Option<Call>,
        told: Option<Printable>,
    ) -> Result<(), Problem> {
        self.write(
            &Record::Outcome {
                n,
                at: self.desk.now(),
                came,
                made,
                call,
                told,
            },
            false,
        )
    }

    pub fn end(&self) -> Result<(), Problem> {
        if self.begun {
            self.write(
                &Record::End {
                    at: self.desk.now(),
                },
                false,
            )
        } else {
            Ok(())
        }
    }
}

/// A run's id: the day, and something that no other run of the day has.
pub fn new_id(now: Timestamp, taken: &[String]) -> String {
    let day = now.strftime("%Y-%m-%d").to_string();
    let mut length = 4;
    loop {
        let id = format!(
            "{day}-{}",
            &uuid::Uuid::new_v4().simple().to_string()[..length]
        );
        if !taken.contains(&id) {
            return id;
        }
        length += 1;
    }
}
