//! One file per check. A check is pure: it names the facts and live tests it needs, and judges what came back.
//! To add one, copy `fleet_roles.rs`, the shortest; then a `mod` line and an entry in `ALL` here (a test compares
//! both with the folder). Nothing here does IO.

mod addon_channels;
mod beside_channel;
mod bundle_launcher;
mod caller_identity;
mod caller_rights;
mod channel_as_queue_role;
mod channel_folders;
mod channel_index;
mod channel_owner;
mod channel_public;
mod channel_region;
mod compatibility;
mod conda_environment;
mod dry_run;
mod environment_kind;
mod fleet_role;
mod fleet_role_needs;
mod fleet_role_simulated;
mod fleet_roles;
mod policy_lint;
mod publish_guard;
mod queue_channels;
mod queue_fleets;
mod queue_packages;
mod queue_role;
mod queue_role_channels;
mod queue_role_needs;
mod queue_role_simulated;
mod queue_role_software;
mod queue_role_trust;
mod queue_status;
mod secret_as_queue_role;
mod server_url;
mod tunnel_as_queue_role;
mod worker_host_role;

use crate::domain::ask::Ask;
use crate::domain::fact::Fact;
use crate::domain::finding::{Finding, Source, Topic, Verdict};
use crate::domain::ids::QueueKey;
use crate::domain::probe::Probe;
use crate::domain::studio::Studio;
use crate::domain::text::Printable;
use crate::domain::wanted::Wanted;

pub use bundle_launcher::job_packages;
pub use conda_environment::conda_environments;
pub use dry_run::dry_runs;

/// What a check is asked about: what was seen, and what is wanted.
pub struct View<'a> {
    pub studio: &'a Studio,
    pub wanted: &'a Wanted,
}

pub trait Check: Sync {
    /// Kebab-case and permanent.
    fn id(&self) -> &'static str;
    fn title(&self) -> &'static str;
    /// Why it matters, in a sentence.
    fn why(&self) -> &'static str;
    fn topic(&self) -> Topic;
    /// Can it say FAIL? Only then does its UNKNOWN make an audit exit with 3.
    fn could_fail(&self) -> bool {
        true
    }
    /// Does an audit run it? A check about making changes is for setup alone.
    fn in_audit(&self) -> bool {
        true
    }
    /// The facts it needs, as far as they can be named from what is known so far.
    fn asks(&self, view: &View) -> Vec<Ask>;
    fn probes(&self, _view: &View) -> Vec<Probe> {
        Vec::new()
    }
    fn check(&self, view: &View) -> Vec<Finding>;
}

pub const ALL: &[&dyn Check] = &[
    &caller_identity::CallerIdentity,
    &caller_rights::CallerRights,
    &queue_status::QueueStatus,
    &queue_fleets::QueueFleets,
    &fleet_roles::FleetRoles,
    &conda_environment::CondaEnvironment,
    &environment_kind::EnvironmentKind,
    &queue_channels::QueueChannels,
    &queue_packages::QueuePackages,
    &publish_guard::PublishGuard,
    &channel_index::ChannelIndex,
    &channel_region::ChannelRegion,
    &channel_public::ChannelPublic,
    &channel_as_queue_role::ChannelAsQueueRole,
    &beside_channel::BesideChannel,
    &secret_as_queue_role::SecretAsQueueRole,
    &tunnel_as_queue_role::TunnelAsQueueRole,
    &channel_owner::ChannelOwner,
    &channel_folders::ChannelFolders,
    &dry_run::DryRunCheck,
    &addon_channels::AddonChannels,
    &bundle_launcher::BundleLauncher,
    &compatibility::Compatibility,
    &queue_role::QueueRole,
    &queue_role_trust::QueueRoleTrust,
    &queue_role_channels::QueueRoleChannels,
    &queue_role_needs::QueueRoleNeeds,
    &queue_role_simulated::QueueRoleSimulated,
    &policy_lint::PolicyLint,
    &queue_role_software::QueueRoleSoftware,
    &fleet_role::FleetRole,
    &fleet_role_needs::FleetRoleNeeds,
    &fleet_role_simulated::FleetRoleSimulated,
    &worker_host_role::WorkerHostRole,
    &server_url::ServerUrl,
];

pub fn by_id(id: &str) -> Option<&'static dyn Check> {
    ALL.iter().copied().find(|c| c.id() == id)
}

/// The queues whose role could be tried.
fn queues_with_role<'a>(view: &'a View) -> impl Iterator<Item = &'a QueueKey> {
    let has = |q: &&QueueKey| {
        let queue = view.studio.queue(q).known();
        queue.is_some_and(|q| q.role.is_some())
    };
    view.wanted.queues.iter().filter(has)
}

/// A finding in a check's name.
pub fn says(check: &dyn Check, verdict: Verdict, says: impl Into<Printable>) -> Finding {
    Finding {
        check: check.id().to_owned(),
        topic: check.topic(),
        verdict,
        could_fail: check.could_fail(),
        says: says.into(),
        why: None,
        fix: None,
        details: Vec::new(),
        sources: Vec::new(),
    }
}

/// The finding for a fact that is not known: what could not be seen, why, and which permission was lacking.
pub fn unseen<T>(check: &dyn Check, what: &str, fact: &Fact<T>, ask: Ask) -> Finding {
    let finding = match fact.problem() {
        Some(problem) => {
            let lacking = problem
                .permission
                .as_ref()
                .map(|p| format!(" (lacking: {p})"))
                .unwrap_or_default();
            says(check, Verdict::Unknown, format!("Not known: {what}"))
                .why(format!("{}{lacking}", problem.because))
                .fix(problem.fix.as_str())
        }
        None if matches!(fact, Fact::Absent) => says(
            check,
            Verdict::Skipped,
            format!("There is nothing to look at: {what}"),
        )
        .why("the answer was that it does not exist"),
        None => says(check, Verdict::Skipped, format!("Not looked at: {what}"))
            .why("what it depends on is not known"),
    };
    finding.from(Source::Fact(ask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks")).unwrap();
        let mut files: Vec<String> = folder
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| f != "mod.rs")
            .map(|f| f.replace(".rs", "").replace('_', "-"))
            .collect();
        files.sort();
        let mut ids: Vec<String> = ALL.iter().map(|c| c.id().to_owned()).collect();
        ids.sort();
        assert_eq!(
            files, ids,
            "a check's file, its id and its entry in ALL go together"
        );
    }
}
