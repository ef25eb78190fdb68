//! What a probe told, and what it rests on. The jobs and their logs in AWS are the record, so that any machine reads the last
//! one; nothing of it is kept here.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ayon::Variant;
use super::ids::{FleetId, JobId};
use super::job::{JobSession, JobStatus};
use super::probe_reading::{Reading, is_whole, readings};
use super::text::{Printable, Untrusted};

words!(
    /// A part of the studio that readings rest on: where it has changed since, they are stale.
    Basis {
        Fleet = "fleet",
        Environments = "environments",
        Role = "role",
        Server = "server",
        Secret = "secret",
        Bundle = "bundle",
    }
);

impl Basis {
    pub fn words(self) -> &'static str {
        match self {
            Self::Fleet => "the fleet",
            Self::Environments => "the queue's environments",
            Self::Role => "the queue role",
            Self::Server => "the server's address",
            Self::Secret => "the key's secret",
            Self::Bundle => "AYON's bundle or the addon's settings",
        }
    }

    /// What a reading rests on.
    pub fn of(reading: &str) -> &'static [Self] {
        use Basis::{Bundle, Environments, Fleet, Role, Secret, Server};
        match reading {
            "worker" | "disk" => &[Fleet],
            "identity" => &[Fleet, Role],
            "conda" | "launcher" => &[Fleet, Environments, Role, Bundle],
            "variables" => &[Fleet, Environments, Role, Secret],
            "dns" | "tcp" | "tls" | "info" => &[Fleet, Environments, Server],
            "key" => &[Fleet, Environments, Role, Server, Secret],
            _ => Self::ALL,
        }
    }
}

/// What a text is known by: what is compared is only whether it is the same.
pub fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut short = String::new();
    for byte in hash.iter().take(6) {
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// The value of the probe's parameter: by which it is found, what it asked for, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeMark {
    pub id: String,
    pub variant: Variant,
    /// With the packages of a publish job.
    pub conda: bool,
    /// Digests, by the word of their basis; a fleet's with its id, because any of several may take the job. What was not
    /// known is not in it.
    pub rests_on: BTreeMap<String, String>,
}

impl ProbeMark {
    pub fn fleet(id: &FleetId) -> String {
        format!("{}.{id}", Basis::Fleet.word())
    }

    /// Is it the name of a fleet's digest?
    pub fn is_fleet(name: &str) -> bool {
        let rest = name.strip_prefix(Basis::Fleet.word());
        rest.is_some_and(|r| r.starts_with('.'))
    }
}

impl fmt::Display for ProbeMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conda = if self.conda { "conda" } else { "no-conda" };
        write!(f, "1 {} {} {conda}", self.id, self.variant.word())?;
        for (name, digest) in &self.rests_on {
            write!(f, " {name}={digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ProbeMark {
    type Err = ();

    /// A mark of another version is none: what it says is not known here.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let mut next = || words.next().ok_or(());
        (next()? == "1").then_some(()).ok_or(())?;
        let id = next()?.to_owned();
        let variant = Variant::of_word(next()?).ok_or(())?;
        let conda = match next()? {
            "conda" => true,
            "no-conda" => false,
            _ => return Err(()),
        };
        let pair = |w: &str| w.split_once('=').map(|(n, d)| (n.to_owned(), d.to_owned()));
        let rests_on = words
            .map(|w| pair(w).ok_or(()))
            .collect::<Result<_, ()>>()?;
        Ok(Self {
            id,
            variant,
            conda,
            rests_on,
        })
    }
}

/// One probe job, as far as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeRun {
    pub job: JobId,
    pub status: JobStatus,
    /// The service took its template back: nothing of it runs.
    pub could_not_be_made: bool,
    pub created: Option<Timestamp>,
    pub mark: ProbeMark,
    /// `None`: no worker took it.
    pub session: Option<ProbeSession>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSession {
    pub fleet: Option<FleetId>,
    pub worker: Untrusted,
    /// When it began, or ended where that is known.
    pub at: Option<Timestamp>,
    /// What its log says, or why that was not read.
    pub readings: Result<Vec<Reading>, Printable>,
}

impl ProbeSession {
    pub fn of(session: &JobSession) -> Self {
        let read = |lines: &Vec<Untrusted>| readings(lines.iter().map(Untrusted::raw));
        Self {
            fleet: session.fleet.clone(),
            worker: session.worker.clone(),
            at: session.ended.or(session.started),
            readings: session.log.as_ref().map(read).map_err(Clone::clone),
        }
    }
}

impl ProbeRun {
    pub fn fleet(&self) -> Option<&FleetId> {
        self.session.as_ref()?.fleet.as_ref()
    }

    /// Nothing of it changes any more.
    pub fn is_over(&self) -> bool {
        self.status.is_final() || self.could_not_be_made
    }

    pub fn readings(&self) -> &[Reading] {
        let session = self.session.as_ref();
        session
            .and_then(|s| s.readings.as_deref().ok())
            .unwrap_or_default()
    }

    pub fn is_whole(&self) -> bool {
        is_whole(self.readings())
    }

    /// Which job, and when: every verdict of a worker names both.
    pub fn when(&self) -> String {
        let at = self.session.as_ref().and_then(|s| s.at).or(self.created);
        let at = at.map_or_else(
            || "at an unknown time".to_owned(),
            super::time::day_and_clock,
        );
        format!("job {}, {at}", self.job.brief())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_one_of_another_version_is_none() {
        let fleet: FleetId = "fleet-0123456789abcdef0123456789abcdef".parse().unwrap();
        let mark = ProbeMark {
            id: "0f".repeat(16),
            variant: Variant::Staging,
            conda: false,
            rests_on: BTreeMap::from([
                (ProbeMark::fleet(&fleet), digest("a fleet")),
                ("role".to_owned(), digest("a role")),
            ]),
        };
        let text = mark.to_string();
        assert!(
            text.chars().count() <= 1024,
            "the longest value of a STRING parameter"
        );
        assert_eq!(text.parse(), Ok(mark.clone()));
        for other in [
            "",
            "0f0f",
            "2 a production conda",
            "1 a production maybe",
            "1 a b conda",
            "1 a staging conda x",
        ] {
            assert!(other.parse::<ProbeMark>().is_err(), "{other}");
        }
    }
}
