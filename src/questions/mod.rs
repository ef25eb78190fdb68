//! One file per fact: its key, its typed answer, the permissions it takes, its words. What a check reads through, the
//! [`View`], lives here too, and what a check is. Nothing here does IO.
//!
//! To add a question, copy `queue_details.rs`, the shortest; then a `mod` line and an entry in the list below. The
//! compiler then names the one function in the world and the one in the sandbox that answer it.

mod addon_own;
mod addon_settings;
mod address_owner;
mod ayon_bundles;
mod ayon_desktop;
mod ayon_projects;
mod ayon_user_keys;
mod caller_identity;
mod caller_permissions;
mod check;
mod dev_addon;
mod dns_profiles;
mod environment_text;
mod farm_details;
mod farm_list;
mod fleet_details;
mod fleet_settings;
mod fleet_workers;
mod job_run;
mod job_state;
mod last_probes;
mod lattice_configuration;
mod lattice_configurations;
mod lattice_gateway;
mod lattice_gateways;
mod lattice_quota;
mod lattice_shares;
mod managed_policy;
mod named_shares;
mod node_details;
mod policy_validation;
mod probe_jobs;
mod project_addon;
mod queue_details;
mod queue_environments;
mod queue_fleets;
mod queue_list;
mod resolver_endpoint;
mod role_documents;
mod role_policy;
mod role_simulation;
mod role_trust;
mod secret_details;
mod session_settings;
mod snapshot;
mod storage_profile;
mod transit_path;
mod view;
mod vpc_name;
mod vpc_network;
mod vpn_connections;
mod zone_record;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::call::Call;
use crate::domain::fact::Fact;
use crate::domain::ids::QueueKey;
use crate::domain::problem::Problem;
use crate::domain::text::Printable;

pub use check::{Check, Run};
pub use snapshot::{Roster, Snapshot};
pub use view::{Consent, Demand, Key, Part, Purpose, Sight, View};

/// One typed question about the world.
pub trait Question:
    Debug + Clone + PartialEq + Eq + PartialOrd + Ord + Hash + Send + Sync + 'static
{
    type Answer: Debug + Clone + PartialEq + Send + Sync + 'static;

    /// A few words for a list of what is on its way.
    fn words(&self) -> String;

    /// The permissions that the caller needs for it, as IAM spells them.
    fn permissions(&self) -> &'static [&'static str];

    /// The queue whose own fact this is: large, of use to nobody else, and dropped when the queue is done.
    fn queue(&self) -> Option<&QueueKey> {
        None
    }

    /// The AYON server that is asked.
    fn server(&self) -> Option<&Url> {
        None
    }
}

/// What the macro below adds to each question: its place among the facts.
pub trait Listed: Question {
    fn slot(facts: &Facts) -> &BTreeMap<Self, Learned<Self::Answer>>;
    fn slot_mut(facts: &mut Facts) -> &mut BTreeMap<Self, Learned<Self::Answer>>;
    fn any(&self) -> AnyQuestion;
    fn answer(fact: Fact<Self::Answer>) -> AnyAnswer;
}

/// An answer with the calls that it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned<A> {
    pub fact: Fact<A>,
    pub calls: Arc<[Call]>,
}

/// An answer on its way from the world to the facts.
#[derive(Debug, Clone)]
pub struct Answered {
    pub answer: AnyAnswer,
    pub calls: Vec<Call>,
}

macro_rules! questions {
    ($($name:ident in $module:ident),+ $(,)?) => {
        $(pub use $module::$name;)+

        /// Any of the questions, as a value.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum AnyQuestion { $($name($name)),+ }

        /// The fact that answers a question.
        #[derive(Debug, Clone)]
        pub enum AnyAnswer { $($name(Fact<<$name as Question>::Answer>)),+ }

        /// What was learned, question by question.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Facts { $($module: BTreeMap<$name, Learned<<$name as Question>::Answer>>),+ }

        $(
            impl Listed for $name {
                fn slot(facts: &Facts) -> &BTreeMap<Self, Learned<Self::Answer>> {
                    &facts.$module
                }
                fn slot_mut(facts: &mut Facts) -> &mut BTreeMap<Self, Learned<Self::Answer>> {
                    &mut facts.$module
                }
                fn any(&self) -> AnyQuestion {
                    AnyQuestion::$name(self.clone())
                }
                fn answer(fact: Fact<Self::Answer>) -> AnyAnswer {
                    AnyAnswer::$name(fact)
                }
            }

            impl From<$name> for AnyQuestion {
                fn from(question: $name) -> Self {
                    Self::$name(question)
                }
            }
        )+

        impl AnyQuestion {
            pub const NAMES: &'static [&'static str] = &[$(stringify!($module)),+];

            pub fn words(&self) -> String {
                match self { $(Self::$name(q) => q.words()),+ }
            }

            pub fn permissions(&self) -> &'static [&'static str] {
                match self { $(Self::$name(q) => q.permissions()),+ }
            }

            pub fn queue(&self) -> Option<&QueueKey> {
                match self { $(Self::$name(q) => q.queue()),+ }
            }

            pub fn server(&self) -> Option<&Url> {
                match self { $(Self::$name(q) => q.server()),+ }
            }

            /// The answer that says why there is none.
            pub fn without(&self, problem: &Problem) -> AnyAnswer {
                match self { $(Self::$name(_) => AnyAnswer::$name(Fact::from(Err(problem.clone())))),+ }
            }

            /// The answer that says that it was not asked, and why.
            pub fn unasked(&self, reason: impl Into<Printable>) -> AnyAnswer {
                match self { $(Self::$name(_) => AnyAnswer::$name(Fact::declined(reason))),+ }
            }
        }

        impl AnyAnswer {
            /// The other side answered that there is no such thing.
            pub fn is_absent(&self) -> bool {
                match self { $(Self::$name(fact) => fact.is_absent()),+ }
            }
        }

        impl Facts {
            /// Takes in an answer. One of another kind than its question would be a bug of the world that gave it:
            /// nothing is learned.
            pub fn learn(&mut self, question: &AnyQuestion, answered: Answered) {
                let calls = Arc::from(answered.calls);
                match (question, answered.answer) {
                    $((AnyQuestion::$name(q), AnyAnswer::$name(fact)) => {
                        self.$module.insert(q.clone(), Learned { fact, calls });
                    })+
                    _ => {}
                }
            }

            pub fn calls(&self, question: &AnyQuestion) -> Option<&Arc<[Call]>> {
                match question { $(AnyQuestion::$name(q) => self.$module.get(q).map(|l| &l.calls)),+ }
            }

            /// Is the answer known, in whichever way? What is pending is not.
            pub fn has(&self, question: &AnyQuestion) -> bool {
                match question {
                    $(AnyQuestion::$name(q) => self.$module.get(q).is_some_and(|l| !l.fact.is_pending())),+
                }
            }

            pub fn forget(&mut self, question: &AnyQuestion) {
                match question { $(AnyQuestion::$name(q) => { self.$module.remove(q); })+ }
            }

            /// Every question that was asked, with its calls, in the order of the list.
            pub fn asked(&self) -> Vec<(AnyQuestion, &Arc<[Call]>)> {
                let mut all = Vec::new();
                $(all.extend(self.$module.iter().map(|(q, l)| (AnyQuestion::$name(q.clone()), &l.calls)));)+
                all
            }
        }
    };
}

questions! {
    CallerIdentity in caller_identity,
    CallerPermissions in caller_permissions,
    FarmList in farm_list,
    QueueList in queue_list,
    FarmDetails in farm_details,
    QueueDetails in queue_details,
    QueueFleets in queue_fleets,
    FleetDetails in fleet_details,
    QueueEnvironments in queue_environments,
    EnvironmentText in environment_text,
    RoleDocuments in role_documents,
    RolePolicy in role_policy,
    RoleTrust in role_trust,
    RoleSimulation in role_simulation,
    ManagedPolicy in managed_policy,
    PolicyValidation in policy_validation,
    AyonBundles in ayon_bundles,
    AddonSettings in addon_settings,
    DevAddon in dev_addon,
    ProjectAddon in project_addon,
    AyonDesktop in ayon_desktop,
    AyonProjects in ayon_projects,
    AddonOwn in addon_own,
    AyonUserKeys in ayon_user_keys,
    JobRun in job_run,
    JobState in job_state,
    ProbeJobs in probe_jobs,
    LastProbes in last_probes,
    NodeDetails in node_details,
    SessionSettings in session_settings,
    LatticeConfiguration in lattice_configuration,
    LatticeGateway in lattice_gateway,
    LatticeShares in lattice_shares,
    LatticeQuota in lattice_quota,
    VpcName in vpc_name,
    DnsProfiles in dns_profiles,
    ResolverEndpoint in resolver_endpoint,
    ZoneRecord in zone_record,
    VpcNetwork in vpc_network,
    AddressOwner in address_owner,
    VpnConnections in vpn_connections,
    TransitPath in transit_path,
    SecretDetails in secret_details,
    StorageProfile in storage_profile,
    FleetSettings in fleet_settings,
    FleetWorkers in fleet_workers,
    LatticeConfigurations in lattice_configurations,
    LatticeGateways in lattice_gateways,
    NamedShares in named_shares,
}

impl Facts {
    pub fn get<Q: Listed>(&self, question: &Q) -> Option<&Fact<Q::Answer>> {
        Q::slot(self).get(question).map(|learned| &learned.fact)
    }

    pub fn set<Q: Listed>(&mut self, question: Q, fact: Fact<Q::Answer>) {
        let calls = Arc::from([]);
        Q::slot_mut(self).insert(question, Learned { fact, calls });
    }

    /// The questions of one kind that were asked.
    pub fn of_kind<Q: Listed>(&self) -> impl Iterator<Item = &Q> {
        Q::slot(self).keys()
    }

    /// The answer, to be changed where it is known.
    pub fn known_mut<Q: Listed>(&mut self, question: &Q) -> Option<&mut Q::Answer> {
        match Q::slot_mut(self).get_mut(question) {
            Some(Learned {
                fact: Fact::Known(answer),
                ..
            }) => Some(answer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/questions");
        let own = ["mod.rs", "check.rs", "snapshot.rs", "view.rs"];
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| !own.contains(&f.as_str()))
            .map(|f| f.replace(".rs", ""))
            .collect();
        files.sort();
        let mut names = AnyQuestion::NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(
            files, names,
            "a question's file and its entry in the list go together"
        );
    }
}
