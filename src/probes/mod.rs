//! One file per live test: its key, what it observes, its side effects, and what an observation means. A live test is
//! plain; where it is asked from is its vantage point, and an observation is known by both. Nothing here does IO.
//!
//! To add one, copy `connect.rs`, the shortest; then a `mod` line and an entry in the list below. The compiler then
//! names the one function in the world and the one in the sandbox that run it.

mod ask_dns;
mod attachments_bucket;
mod ayon_info;
mod ayon_key;
mod bucket_owner;
mod bucket_region;
mod connect;
mod handshake;
mod open_session;
mod read_attachments;
mod read_index;
mod read_outside;
mod read_secret;
mod resolve;
mod solve;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::call::{Call, Vantage};
use crate::domain::finding::Assessment;
use crate::domain::problem::{Problem, ProblemKind};

pub use ask_dns::{DnsAnswer, DnsRecord, LeadsTo};
pub use ayon_info::Info;
pub use ayon_key::KeySeen;
pub use connect::Connected;
pub use handshake::{Certificate, Refusal};
pub use open_session::{Carried, SessionSeen};
pub use read_index::IndexSeen;
pub use read_outside::OutsideSeen;
pub use resolve::Resolved;
pub use solve::judge;

/// One live test.
pub trait Probe:
    Debug + Clone + PartialEq + Eq + PartialOrd + Ord + Hash + Send + Sync + 'static
{
    type Observed: Debug + Clone + PartialEq + Send + Sync + 'static;

    /// A few words for a list of what is under way.
    fn words(&self, from: &Vantage) -> String;

    /// What it does to the world, where it does something. Such a test needs consent.
    fn side_effects(&self) -> Option<&'static str> {
        None
    }

    /// The permissions that the caller needs for it from that vantage point, as IAM spells them.
    fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
        match from {
            Vantage::QueueRole(_) => &["deadline:AssumeQueueRoleForUser"],
            _ => &[],
        }
    }

    /// What an observation means. The one place that decides it.
    fn assess(&self, from: &Vantage, seen: &Observation<Self::Observed>) -> Assessment;
}

/// What a live test saw, or why it saw nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation<T> {
    pub at: Timestamp,
    pub millis: u64,
    pub seen: Result<T, Box<Problem>>,
    pub calls: Arc<[Call]>,
}

impl<T> Observation<T> {
    pub fn problem(&self) -> Option<&Problem> {
        self.seen.as_ref().err().map(AsRef::as_ref)
    }

    fn map<U>(self, f: impl FnOnce(T) -> U) -> Observation<U> {
        Observation {
            at: self.at,
            millis: self.millis,
            seen: self.seen.map(f),
            calls: self.calls,
        }
    }
}

/// What the macro below adds to each live test: its place among the observations.
pub trait Listed: Probe {
    fn slot(all: &Observations) -> &BTreeMap<(Self, Vantage), Observation<Self::Observed>>;
    fn slot_mut(
        all: &mut Observations,
    ) -> &mut BTreeMap<(Self, Vantage), Observation<Self::Observed>>;
    fn any(&self) -> AnyProbe;
    fn seen(observed: Self::Observed) -> AnySeen;
}

/// The problem is not the role's: its credentials were not handed out.
pub fn has_no_credentials(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Denied && problem.permission.is_some()
}

/// What a problem on the way to the server means.
fn hop_problem(problem: &Problem) -> Assessment {
    match problem.kind {
        ProblemKind::Local | ProblemKind::Credentials | ProblemKind::Unreached => {
            Assessment::unknown("no-answer", problem.doing.as_str())
        }
        ProblemKind::Denied => Assessment::fail("denied", problem.doing.as_str()),
        ProblemKind::Missing => Assessment::fail("missing", problem.doing.as_str()),
        _ => Assessment::fail("invalid", problem.doing.as_str()),
    }
    .for_problem(problem)
}

macro_rules! probes {
    ($($name:ident in $module:ident),+ $(,)?) => {
        $(pub use $module::$name;)+

        /// Any of the live tests, as a value.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum AnyProbe { $($name($name)),+ }

        /// What a live test saw.
        #[derive(Debug, Clone)]
        pub enum AnySeen { $($name(<$name as Probe>::Observed)),+ }

        /// What was observed, by live test and vantage point.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Observations {
            $($module: BTreeMap<($name, Vantage), Observation<<$name as Probe>::Observed>>),+
        }

        $(
            impl Listed for $name {
                fn slot(all: &Observations) -> &BTreeMap<(Self, Vantage), Observation<Self::Observed>> {
                    &all.$module
                }
                fn slot_mut(
                    all: &mut Observations,
                ) -> &mut BTreeMap<(Self, Vantage), Observation<Self::Observed>> {
                    &mut all.$module
                }
                fn any(&self) -> AnyProbe {
                    AnyProbe::$name(self.clone())
                }
                fn seen(observed: Self::Observed) -> AnySeen {
                    AnySeen::$name(observed)
                }
            }

            impl From<$name> for AnyProbe {
                fn from(probe: $name) -> Self {
                    Self::$name(probe)
                }
            }
        )+

        impl AnyProbe {
            pub const NAMES: &'static [&'static str] = &[$(stringify!($module)),+];

            pub fn words(&self, from: &Vantage) -> String {
                match self { $(Self::$name(p) => p.words(from)),+ }
            }

            pub fn side_effects(&self) -> Option<&'static str> {
                match self { $(Self::$name(p) => p.side_effects()),+ }
            }

            pub fn permissions(&self, from: &Vantage) -> &'static [&'static str] {
                match self { $(Self::$name(p) => p.permissions(from)),+ }
            }
        }

        impl Observations {
            /// Takes in what was seen. Something of another kind than its test would be a bug of the world that gave
            /// it: nothing is kept.
            pub fn keep(&mut self, probe: &AnyProbe, from: &Vantage, observation: Observation<AnySeen>) {
                match probe {
                    $(AnyProbe::$name(p) => {
                        let own = match &observation.seen {
                            Ok(AnySeen::$name(_)) | Err(_) => true,
                            #[allow(unreachable_patterns)] // where the list has one entry
                            Ok(_) => false,
                        };
                        if own {
                            let typed = observation.map(|seen| match seen {
                                AnySeen::$name(seen) => seen,
                                #[allow(unreachable_patterns)] // where the list has one entry
                                _ => unreachable!("just looked"),
                            });
                            self.$module.insert((p.clone(), from.clone()), typed);
                        }
                    })+
                }
            }

            pub fn has(&self, probe: &AnyProbe, from: &Vantage) -> bool {
                match probe { $(AnyProbe::$name(p) => self.$module.contains_key(&(p.clone(), from.clone()))),+ }
            }

            pub fn forget(&mut self, probe: &AnyProbe, from: &Vantage) {
                match probe { $(AnyProbe::$name(p) => { self.$module.remove(&(p.clone(), from.clone())); })+ }
            }

            pub fn calls(&self, probe: &AnyProbe, from: &Vantage) -> Option<&Arc<[Call]>> {
                match probe {
                    $(AnyProbe::$name(p) => self.$module.get(&(p.clone(), from.clone())).map(|o| &o.calls)),+
                }
            }

            /// What the observation means, with the milliseconds that it took.
            pub fn assess(&self, probe: &AnyProbe, from: &Vantage) -> Option<(Assessment, u64)> {
                match probe {
                    $(AnyProbe::$name(p) => {
                        let observation = self.$module.get(&(p.clone(), from.clone()))?;
                        Some((p.assess(from, observation), observation.millis))
                    })+
                }
            }

            /// Every test that was run, with its vantage point, in the order of the list.
            pub fn all(&self) -> Vec<(AnyProbe, Vantage)> {
                let mut all = Vec::new();
                $(all.extend(self.$module.keys().map(|(p, v)| (AnyProbe::$name(p.clone()), v.clone())));)+
                all
            }
        }
    };
}

probes! {
    ReadAttachments in read_attachments,
    ReadIndex in read_index,
    ReadOutside in read_outside,
    AttachmentsBucket in attachments_bucket,
    BucketRegion in bucket_region,
    BucketOwner in bucket_owner,
    ReadSecret in read_secret,
    OpenSession in open_session,
    Solve in solve,
    Resolve in resolve,
    AskDns in ask_dns,
    Connect in connect,
    Handshake in handshake,
    AyonInfo in ayon_info,
    AyonKey in ayon_key,
}

impl Observations {
    pub fn get<P: Listed>(&self, probe: &P, from: &Vantage) -> Option<&Observation<P::Observed>> {
        P::slot(self).get(&(probe.clone(), from.clone()))
    }

    pub fn of<P: Listed>(&self) -> &BTreeMap<(P, Vantage), Observation<P::Observed>> {
        P::slot(self)
    }

    pub fn of_mut<P: Listed>(&mut self) -> &mut BTreeMap<(P, Vantage), Observation<P::Observed>> {
        P::slot_mut(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/probes");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| f != "mod.rs")
            .map(|f| f.replace(".rs", ""))
            .collect();
        files.sort();
        let mut names = AnyProbe::NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(
            files, names,
            "a live test's file and its entry in the list go together"
        );
    }
}
