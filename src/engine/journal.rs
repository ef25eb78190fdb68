//! The journal of a run: JSON lines, the intent synced before each call, the outcome after it. It holds the old texts
//! whole, for undo; it never holds a secret, because no change carries one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::call::Call;
use crate::domain::ids::{AccountId, QueueKey, Region};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::domain::worker_secret::SecretPlace;
use crate::resources::{AnyResource, Change, Outputs};
use crate::world::LocalState;

/// What this version writes.
const SCHEMA: u64 = 4;
/// The oldest that it reads: 3 has waits besides, 4 what an audit has tried.
const OLDEST: u64 = 2;

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

/// What came of a change.
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
        schema: u64,
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
        #[serde(default)]
        outputs: Outputs,
        call: Option<Box<Call>>,
        told: Option<Printable>,
    },
    Wait {
        at: Timestamp,
        #[serde(flatten)]
        wait: Box<Wait>,
    },
    Try {
        n: usize,
        at: Timestamp,
        words: Printable,
        /// It opens something.
        opens: bool,
    },
    Tried {
        n: usize,
        at: Timestamp,
        came: Printable,
        /// What it opened may be open still.
        open: bool,
        calls: Vec<Call>,
    },
    End {
        at: Timestamp,
    },
}

/// Something that was tried as the queue role by an audit that was asked to. It changes nothing that could be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    pub n: usize,
    pub at: Timestamp,
    pub words: Printable,
    /// `None`: the run was cut short before that was known.
    pub came: Option<Printable>,
    /// A session that it opened may be open still.
    pub open: bool,
    pub calls: Vec<Call>,
}

/// What a change waited for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The change's id.
    pub change: String,
    pub words: Printable,
    pub seconds: u64,
    /// Why the change was held back; `None`: it was made then.
    pub held: Option<Printable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub n: usize,
    pub at: Timestamp,
    pub token: String,
    pub change: Change,
    /// `None`: in doubt.
    pub came: Option<Came>,
    pub outputs: Outputs,
    pub call: Option<Call>,
    pub told: Option<Printable>,
}

/// Why a journal can't be read. Nothing of it is undone: part of a run is not the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not a journal of studiolink")]
    NotAJournal,
    #[error("its format is version {0}, and this studiolink reads versions {OLDEST} to {SCHEMA}")]
    OtherSchema(u64),
    #[error("line {0} holds a change of the kind {1}, which this studiolink does not know")]
    UnknownKind(usize, Printable),
    #[error("line {0} is of the kind {1}, which this studiolink does not know")]
    UnknownRecord(usize, Printable),
    #[error("line {0} is damaged")]
    Damaged(usize),
}

/// A journal as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub header: Header,
    pub entries: Vec<Entry>,
    pub waits: Vec<Wait>,
    pub tries: Vec<Try>,
    pub ended: bool,
}

impl Run {
    /// A last line that a kill cut short is passed over: an intent was not acted on, and an outcome leaves its call in
    /// doubt. Anything else that can't be read makes the whole journal unreadable.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let whole = text.ends_with('\n');
        let lines: Vec<&str> = text.lines().collect();
        let mut run: Option<Header> = None;
        let mut entries: BTreeMap<usize, Entry> = BTreeMap::new();
        let mut waits = Vec::new();
        let mut tries: Vec<Try> = Vec::new();
        let mut ended = false;
        for (at, line) in lines.iter().enumerate() {
            let is_cut = at + 1 == lines.len() && !whole && run.is_some();
            let record = match record(line, at + 1) {
                Ok(record) => record,
                Err(Unreadable::Damaged(_)) if is_cut => break,
                Err(Unreadable::Damaged(1)) => return Err(Unreadable::NotAJournal),
                Err(unreadable) => return Err(unreadable),
            };
            match record {
                Record::Run { header, .. } if run.is_none() => run = Some(*header),
                _ if run.is_none() => return Err(Unreadable::NotAJournal),
                Record::Run { .. } => return Err(Unreadable::Damaged(at + 1)),
                Record::Intent {
                    n,
                    at,
                    token,
                    change,
                } => {
                    let entry = Entry {
                        n,
                        at,
                        token,
                        change: *change,
                        came: None,
                        outputs: Outputs::new(),
                        call: None,
                        told: None,
                    };
                    entries.insert(n, entry);
                    ended = false;
                }
                Record::Outcome {
                    n,
                    came,
                    outputs,
                    call,
                    told,
                    ..
                } => {
                    let Some(entry) = entries.get_mut(&n) else {
                        return Err(Unreadable::Damaged(at + 1));
                    };
                    entry.change.resource.learn(&outputs);
                    entry.came = Some(came);
                    entry.outputs = outputs;
                    entry.call = call.map(|c| *c);
                    entry.told = told;
                }
                Record::Wait { wait, .. } => waits.push(*wait),
                Record::Try {
                    n,
                    at,
                    words,
                    opens,
                } => {
                    tries.push(Try {
                        n,
                        at,
                        words,
                        came: None,
                        open: opens,
                        calls: Vec::new(),
                    });
                    ended = false;
                }
                Record::Tried {
                    n,
                    came,
                    open,
                    calls,
                    ..
                } => {
                    let Some(own) = tries.iter_mut().find(|t| t.n == n) else {
                        return Err(Unreadable::Damaged(at + 1));
                    };
                    own.came = Some(came);
                    own.open = open;
                    own.calls = calls;
                }
                Record::End { .. } => ended = true,
            }
        }
        Ok(Self {
            header: run.ok_or(Unreadable::NotAJournal)?,
            entries: entries.into_values().collect(),
            waits,
            tries,
            ended,
        })
    }

    pub fn in_doubt(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.came.is_none())
    }

    /// It has no end, or a call of it got no answer.
    pub fn is_cut(&self) -> bool {
        // There is nothing to go on with where things were only tried.
        if self.entries.is_empty() && !self.tries.is_empty() {
            return false;
        }
        !self.ended || self.in_doubt().next().is_some()
    }

    /// A call that got no answer may be carried out late, also after it was looked for in vain.
    pub fn may_be_done_late(&self) -> impl Iterator<Item = &Entry> {
        let late = |e: &&Entry| e.came == Some(Came::NotDone);
        self.entries.iter().filter(late)
    }

    pub fn done(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|e| e.came.is_some_and(Came::is_done))
    }

    /// Did this run change nothing? Then it need not be kept.
    pub fn is_nothing(&self) -> bool {
        let nothing = |e: &Entry| matches!(e.came, Some(Came::Failed));
        self.entries.iter().all(nothing) && self.tries.is_empty()
    }
}

fn record(line: &str, number: usize) -> Result<Record, Unreadable> {
    let value: Value = serde_json::from_str(line).map_err(|_| Unreadable::Damaged(number))?;
    match value["record"].as_str() {
        Some("run") => match value["schema"].as_u64() {
            Some(OLDEST..=SCHEMA) => {}
            Some(other) => return Err(Unreadable::OtherSchema(other)),
            None => return Err(Unreadable::NotAJournal),
        },
        Some("intent") => {
            if let Some(kind) = unknown_kind(&value["change"]) {
                return Err(Unreadable::UnknownKind(number, kind));
            }
        }
        Some("outcome" | "wait" | "try" | "tried" | "end") => {}
        Some(other) => {
            return Err(Unreadable::UnknownRecord(
                number,
                Printable::short(other, 40),
            ));
        }
        None => return Err(Unreadable::Damaged(number)),
    }
    serde_json::from_value(value).map_err(|_| Unreadable::Damaged(number))
}

/// The kind of thing that a change is about, where this version does not know it.
pub fn unknown_kind(change: &Value) -> Option<Printable> {
    let resource = change.get("resource")?.as_object()?;
    let kind = resource.keys().next()?;
    (!AnyResource::knows(kind)).then(|| Printable::short(kind, 40))
}

/// All runs of this machine, oldest first, and the journals that can't be read.
#[derive(Debug, Default)]
pub struct Journals {
    pub runs: Vec<Run>,
    pub unreadable: Vec<(String, Unreadable)>,
}

pub fn read_all(local: &dyn LocalState) -> Result<Journals, Problem> {
    let mut all = Journals::default();
    for id in local.runs()? {
        match Run::parse(&local.journal(&id)?) {
            Ok(run) => all.runs.push(run),
            Err(why) => all.unreadable.push((id, why)),
        }
    }
    let by_age =
        |a: &Run, b: &Run| (a.header.started, &a.header.id).cmp(&(b.header.started, &b.header.id));
    all.runs.sort_by(by_age);
    Ok(all)
}

/// The changes of a run as its journal has them, with what their services assigned.
pub fn changes_of(local: &dyn LocalState, run: &str) -> Result<Vec<Change>, Problem> {
    let all = read_all(local)?;
    let own = all.runs.into_iter().filter(|r| r.header.id == run);
    Ok(own.flat_map(|r| r.entries).map(|e| e.change).collect())
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
    let undoable = run.done().rev();
    let undoable = undoable.filter(|e| !e.change.is_final() && !stays.contains(&&e.change));
    for back in undoable.map(|e| e.change.reverse()) {
        let same = |u: &&Change| u.id == back.id && u.makes_the_same(&back);
        match undone.iter().position(same) {
            Some(at) => {
                undone.remove(at);
            }
            None => open.push(back),
        }
    }
    open
}

/// The calls of a run that may be carried out late, but for those whose change a later run has made.
pub fn late<'a>(run: &'a Run, all: &'a [Run]) -> impl Iterator<Item = &'a Entry> {
    let made_elsewhere = move |entry: &&Entry| {
        let others = all.iter().filter(|r| r.header.id != run.header.id);
        let mut done = others.flat_map(Run::done);
        !done.any(|o| o.at > entry.at && o.change.id == entry.change.id)
    };
    run.may_be_done_late().filter(made_elsewhere)
}

/// The done changes of a run that no call can undo; and what such a change has tied itself to, in whichever run: a role
/// that a queue was given stays with it.
pub fn stays<'a>(run: &'a Run, all: &[Run]) -> Vec<&'a Change> {
    let given: Vec<&str> = all
        .iter()
        .flat_map(Run::done)
        .filter(|e| e.change.is_final())
        .filter_map(|e| e.change.after.as_deref())
        .collect();
    let kept = |c: &&Change| {
        let tied =
            matches!(&c.resource, AnyResource::IamRole(r) if given.contains(&r.role.as_str()));
        c.is_final() || tied
    };
    // A value goes with its secret, where the run has made both.
    let made = |place: &SecretPlace| {
        let mut own = run.done().map(|e| &e.change.resource);
        own.any(|r| matches!(r, AnyResource::Secret(s) if s.place == *place))
    };
    let goes_along =
        |c: &&Change| matches!(&c.resource, AnyResource::SecretValue(v) if made(&v.place));
    let done = run.done().map(|e| &e.change);
    done.filter(|c| kept(c) && !goes_along(c)).collect()
}

/// Writes one journal. The file is made with the first intent: a run that changed nothing leaves none.
pub struct Writer<'a> {
    local: &'a dyn LocalState,
    header: Header,
    begun: bool,
    next: usize,
}

impl<'a> Writer<'a> {
    pub fn new(local: &'a dyn LocalState, header: Header) -> Self {
        Self {
            local,
            header,
            begun: false,
            next: 1,
        }
    }

    /// Resumes a run that was cut short.
    pub fn resume(local: &'a dyn LocalState, run: &Run) -> Self {
        let next = run.entries.iter().map(|e| e.n + 1).max().unwrap_or(1);
        Self {
            local,
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
                "this is a bug in studiolink; please report it",
            )
        })?;
        self.local.append(&self.header.id, &line, first)
    }

    fn begin(&mut self) -> Result<(), Problem> {
        if !self.begun {
            let header = Box::new(self.header.clone());
            let schema = SCHEMA;
            self.write(&Record::Run { schema, header }, true)?;
            self.begun = true;
        }
        Ok(())
    }

    /// Synced when this returns; only then may it be tried.
    pub fn intend_try(&mut self, words: Printable, opens: bool) -> Result<usize, Problem> {
        self.begin()?;
        let n = self.next;
        let at = self.local.now();
        let record = Record::Try {
            n,
            at,
            words,
            opens,
        };
        self.write(&record, false)?;
        self.next += 1;
        Ok(n)
    }

    pub fn came_of_try(
        &self,
        n: usize,
        came: Printable,
        open: bool,
        calls: Vec<Call>,
    ) -> Result<(), Problem> {
        let at = self.local.now();
        let record = Record::Tried {
            n,
            at,
            came,
            open,
            calls,
        };
        self.write(&record, false)
    }

    /// Synced when this returns; only then may the call be made. `again` repeats the intent of an entry in doubt.
    pub fn intent(
        &mut self,
        change: &Change,
        token: &str,
        again: Option<usize>,
    ) -> Result<usize, Problem> {
        self.begin()?;
        let n = again.unwrap_or(self.next);
        let record = Record::Intent {
            n,
            at: self.local.now(),
            token: token.to_owned(),
            change: Box::new(change.clone()),
        };
        self.write(&record, false)?;
        self.next = self.next.max(n + 1);
        Ok(n)
    }

    pub fn outcome(
        &self,
        n: usize,
        came: Came,
        outputs: Outputs,
        call: Option<Call>,
        told: Option<Printable>,
    ) -> Result<(), Problem> {
        let record = Record::Outcome {
            n,
            at: self.local.now(),
            came,
            outputs,
            call: call.map(Box::new),
            told,
        };
        self.write(&record, false)
    }

    /// A run that has changed nothing has no journal to write it into.
    pub fn wait(&self, wait: Wait) -> Result<(), Problem> {
        if !self.begun {
            return Ok(());
        }
        let at = self.local.now();
        let wait = Box::new(wait);
        self.write(&Record::Wait { at, wait }, false)
    }

    pub fn end(&self) -> Result<(), Problem> {
        if !self.begun {
            return Ok(());
        }
        let at = self.local.now();
        self.write(&Record::End { at }, false)
    }
}

/// A run's id: the day, and something that no other run of the day has.
pub fn new_id(now: Timestamp, taken: &[String]) -> String {
    let day = now.strftime("%Y-%m-%d").to_string();
    let mut length = 4;
    loop {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let id = format!("{day}-{}", &random[..length]);
        if !taken.contains(&id) {
            return id;
        }
        length += 1;
    }
}
