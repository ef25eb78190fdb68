//! Reports, one small file each. They take values and give text; nothing here looks anything up.

pub mod baseline;
pub mod checks;
pub mod code;
pub mod diagnosis;
pub mod diff;
pub mod ending;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod probe;
pub mod sarif;
pub mod text;
pub mod ticket;

use jiff::Timestamp;

use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Verdict};
use crate::domain::ids::{AccountId, QueueKey, Region};
use crate::domain::subject::Subject;
use crate::domain::text::Printable;

/// An audit that is told as a whole.
#[derive(Debug)]
pub struct Audit<'a> {
    /// Subject by subject, and in each the worst first.
    pub findings: Vec<&'a Finding>,
    pub account: Option<&'a AccountId>,
    pub region: Option<&'a Region>,
    /// Of an audit of everything: where it looked.
    pub places: &'a [Place],
    /// Those that an interrupted one did not come to.
    pub unreached: &'a [Printable],
    pub exit: Exit,
    pub at: Timestamp,
    /// The studio file as it was named, and its text.
    pub file: Option<(String, String)>,
    /// The connections as a picture.
    pub svg: Option<String>,
    /// What has changed since a baseline, in words.
    pub drift: Option<String>,
}

/// An account and a region that an audit of everything has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub profile: Option<String>,
    pub account: Option<AccountId>,
    pub region: Region,
    pub queues: usize,
    /// The queues that were not checked, because it was interrupted.
    pub unchecked: Vec<QueueKey>,
}

impl Place {
    pub fn account(&self) -> String {
        let account = self.account.as_ref().map(ToString::to_string);
        account.unwrap_or_else(|| "not known".to_owned())
    }
}

impl Audit<'_> {
    /// Each once, in the order in which they were looked at.
    fn of_places(&self, of: impl Fn(&Place) -> String) -> Option<String> {
        let mut all: Vec<String> = Vec::new();
        for one in self.places.iter().map(of) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        (!all.is_empty()).then(|| all.join(", "))
    }

    pub fn account(&self) -> String {
        if let Some(all) = self.of_places(Place::account) {
            return all;
        }
        let account = self.account.map(ToString::to_string);
        account.unwrap_or_else(|| "not known".to_owned())
    }

    /// How it ended: where what is wrong does not count, it is not called clean.
    pub fn ended(&self) -> String {
        let bad = |v: Verdict| self.findings.iter().filter(|f| f.verdict == v).count();
        let (fails, warnings) = (bad(Verdict::Fail), bad(Verdict::Warn));
        if self.exit != Exit::Clean || fails + warnings == 0 {
            return self.exit.words().to_owned();
        }
        format!("nothing that counts here; {fails} FAIL and {warnings} WARN remain")
    }

    pub fn region(&self) -> String {
        let all = self.of_places(|p| p.region.to_string());
        let own = self.region.map(ToString::to_string);
        all.or(own).unwrap_or_else(|| "not known".to_owned())
    }

    /// Findings of a studio without a file stand in the file that it would have.
    fn file_name(&self) -> &str {
        let name = self.file.as_ref().map(|(name, _)| name.as_str());
        name.unwrap_or("studiolink.toml")
    }

    /// The line of the studio file that names a subject, else its first.
    fn line_of(&self, subject: &Subject) -> usize {
        let found = self.file.as_ref().and_then(|(_, text)| {
            let words = sarif::words_of(subject)?;
            text.lines().position(|line| line.contains(&words))
        });
        found.map_or(1, |n| n + 1)
    }
}

/// Worst first, otherwise as the checks gave them.
pub fn in_order<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut list: Vec<&Finding> = findings.into_iter().collect();
    list.sort_by_key(|f| f.verdict);
    list
}

/// Subject by subject, in the order in which they come, and in each the worst first.
pub fn by_subject<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Vec<&'a Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for finding in findings {
        let next = groups.len();
        let at = *places.entry(&finding.subject).or_insert(next);
        if at == next {
            groups.push(Vec::new());
        }
        groups[at].push(finding);
    }
    for group in &mut groups {
        group.sort_by_key(|f| f.verdict);
    }
    groups
}
