//! What a check is: data that says what it is about, and one pure function of the view.

use url::Url;

use super::View;
use crate::domain::channel::Channel;
use crate::domain::finding::{Finding, Grade, Severity, Topic};
use crate::domain::ids::{FarmId, FleetKey, QueueKey, RoleArn};
use crate::domain::subject::{Subject, SubjectKind};

pub struct Check {
    /// Kebab-case and permanent: the file's name with dashes.
    pub id: &'static str,
    pub title: &'static str,
    /// Why it matters, in a sentence.
    pub why: &'static str,
    pub topic: Topic,
    pub grade: Grade,
    /// The worst that it says.
    pub severity: Severity,
    /// A check about making changes is for setup alone.
    pub in_audit: bool,
    pub run: Run,
}

/// The one function, by what it is about. The engine owns the loop over the subjects.
#[derive(Clone, Copy)]
pub enum Run {
    Account(fn(&View) -> Vec<Finding>),
    Farm(fn(&View, &FarmId) -> Vec<Finding>),
    Queue(fn(&View, &QueueKey) -> Vec<Finding>),
    Fleet(fn(&View, &FleetKey) -> Vec<Finding>),
    Role(fn(&View, &RoleArn) -> Vec<Finding>),
    Channel(fn(&View, &Channel) -> Vec<Finding>),
    Server(fn(&View, &Url) -> Vec<Finding>),
    Connection(fn(&View, &FleetKey) -> Vec<Finding>),
}

impl Check {
    /// The kind of subject that it is about.
    pub fn kind(&self) -> SubjectKind {
        match self.run {
            Run::Account(_) => SubjectKind::Account,
            Run::Farm(_) => SubjectKind::Farm,
            Run::Queue(_) => SubjectKind::Queue,
            Run::Fleet(_) => SubjectKind::Fleet,
            Run::Role(_) => SubjectKind::Role,
            Run::Channel(_) => SubjectKind::Channel,
            Run::Server(_) => SubjectKind::Server,
            Run::Connection(_) => SubjectKind::Connection,
        }
    }

    /// What it says of a subject; nothing of one of another kind.
    pub fn run(&self, view: &View, subject: &Subject) -> Vec<Finding> {
        let mut findings = match (self.run, subject) {
            (Run::Account(run), Subject::Account) => run(view),
            (Run::Farm(run), Subject::Farm(farm)) => run(view, farm),
            (Run::Queue(run), Subject::Queue(key)) => run(view, key),
            (Run::Fleet(run), Subject::Fleet(key)) => run(view, key),
            (Run::Role(run), Subject::Role(arn)) => run(view, arn),
            (Run::Channel(run), Subject::Channel(channel)) => run(view, channel),
            (Run::Server(run), Subject::Server(url)) => run(view, url),
            (Run::Connection(run), Subject::Connection(key)) => run(view, key),
            _ => Vec::new(),
        };
        if findings.is_empty() {
            return findings;
        }
        let name = view.name(subject);
        for finding in &mut findings {
            finding.check = self.id;
            finding.topic = self.topic;
            // A finding may weigh less than its check, never more.
            if self.severity == Severity::Warn {
                finding.severity = Severity::Warn;
            }
            finding.grade = self.grade;
            finding.subject = subject.clone();
            finding.name = name.clone();
        }
        findings
    }
}
