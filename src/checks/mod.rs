//! One file per check: what it is about, why it matters, and one pure function that reads through the view and says
//! what it found. No check imports another; what they share is derived.
//!
//! To add one, copy `fleet_status.rs`, the shortest; then a `mod` line and an entry in `ALL` here (a test compares both
//! with the folder).

mod addon_channels;
mod addon_dev_bundles;
mod addon_queue;
mod addon_roles;
mod all_queues;
mod bundle_installer;
mod bundle_launcher;
mod bundle_packages;
mod caller_identity;
mod caller_permissions;
mod channel_as_queue_role;
mod channel_folders;
mod channel_index;
mod channel_order;
mod channel_owner;
mod channel_public;
mod channel_region;
mod channel_secrets;
mod channel_words;
mod compatibility;
mod conda_environment;
mod conda_solve;
mod connection_fleets;
mod connection_path;
mod environment_kind;
mod fleet_attributes;
mod fleet_role;
mod fleet_role_needs;
mod fleet_role_simulated;
mod fleet_status;
mod fleet_workers;
mod lattice_attachment;
mod lattice_configuration;
mod lattice_gateway;
mod lattice_hosts;
mod lattice_name;
mod lattice_share;
mod lattice_target;
mod launcher_asked_for;
mod policy_lint;
mod prelude;
mod project_roots;
mod project_roots_mapped;
mod publish_guard;
mod queue_attachments;
mod queue_channels;
mod queue_fleets;
mod queue_packages;
mod queue_role;
mod queue_role_channels;
mod queue_role_excess_read;
mod queue_role_needs;
mod queue_role_simulated;
mod queue_role_software;
mod queue_role_trust;
mod queue_status;
mod secret_as_queue_role;
mod server_certificate;
mod server_clock;
mod server_dns;
mod server_info;
mod server_key;
mod server_name;
mod server_port;
mod server_url;
mod studio_file_marks;
mod tunnel_as_queue_role;
mod tunnel_node;
mod tunnel_permissions;
mod tunnel_settings;
mod vpn_route;
mod vpn_tunnels;
mod worker_bundle;
mod worker_certificate;
mod worker_command;
mod worker_conda;
mod worker_disk;
mod worker_environment;
mod worker_host_named;
mod worker_host_role;
mod worker_identity;
mod worker_info;
mod worker_key;
mod worker_launcher;
mod worker_name;
mod worker_port;
mod worker_probe;
mod worker_python;
mod worker_roots;
mod worker_secret;
mod worker_variables;

use crate::questions::Check;

/// In the order in which they are listed and run.
pub const ALL: &[&Check] = &[
    &caller_identity::CHECK,
    &caller_permissions::CHECK,
    &studio_file_marks::CHECK,
    &all_queues::CHECK,
    &queue_status::CHECK,
    &queue_attachments::CHECK,
    &queue_fleets::CHECK,
    &fleet_attributes::CHECK,
    &fleet_status::CHECK,
    &fleet_workers::CHECK,
    &conda_environment::CHECK,
    &environment_kind::CHECK,
    &queue_channels::CHECK,
    &queue_packages::CHECK,
    &publish_guard::CHECK,
    &channel_index::CHECK,
    &channel_region::CHECK,
    &channel_secrets::CHECK,
    &channel_words::CHECK,
    &channel_order::CHECK,
    &channel_public::CHECK,
    &channel_owner::CHECK,
    &channel_as_queue_role::CHECK,
    &queue_role_excess_read::CHECK,
    &secret_as_queue_role::CHECK,
    &worker_secret::CHECK,
    &worker_environment::CHECK,
    &tunnel_as_queue_role::CHECK,
    &channel_folders::CHECK,
    &conda_solve::CHECK,
    &addon_channels::CHECK,
    &launcher_asked_for::CHECK,
    &bundle_launcher::CHECK,
    &compatibility::CHECK,
    &queue_role::CHECK,
    &queue_role_trust::CHECK,
    &queue_role_channels::CHECK,
    &queue_role_needs::CHECK,
    &queue_role_simulated::CHECK,
    &policy_lint::CHECK,
    &queue_role_software::CHECK,
    &fleet_role::CHECK,
    &fleet_role_needs::CHECK,
    &fleet_role_simulated::CHECK,
    &worker_host_role::CHECK,
    &worker_host_named::CHECK,
    &server_url::CHECK,
    &connection_fleets::CHECK,
    &connection_path::CHECK,
    &lattice_attachment::CHECK,
    &lattice_configuration::CHECK,
    &lattice_share::CHECK,
    &lattice_gateway::CHECK,
    &lattice_hosts::CHECK,
    &lattice_name::CHECK,
    &lattice_target::CHECK,
    &vpn_tunnels::CHECK,
    &vpn_route::CHECK,
    &tunnel_node::CHECK,
    &tunnel_permissions::CHECK,
    &tunnel_settings::CHECK,
    &server_name::CHECK,
    &server_dns::CHECK,
    &server_port::CHECK,
    &server_certificate::CHECK,
    &server_info::CHECK,
    &server_clock::CHECK,
    &server_key::CHECK,
    &addon_queue::CHECK,
    &addon_dev_bundles::CHECK,
    &addon_roles::CHECK,
    &bundle_packages::CHECK,
    &bundle_installer::CHECK,
    &project_roots::CHECK,
    &project_roots_mapped::CHECK,
    &worker_probe::CHECK,
    &worker_python::CHECK,
    &worker_disk::CHECK,
    &worker_identity::CHECK,
    &worker_conda::CHECK,
    &worker_command::CHECK,
    &worker_variables::CHECK,
    &worker_name::CHECK,
    &worker_port::CHECK,
    &worker_certificate::CHECK,
    &worker_info::CHECK,
    &worker_key::CHECK,
    &worker_bundle::CHECK,
    &worker_launcher::CHECK,
    &worker_roots::CHECK,
];

/// What an audit of everything says of what it could not list.
pub use all_queues::CHECK as ALL_QUEUES;

/// What lists the farms and queues for an audit of everything.
pub const OF_LISTING: &[&Check] = &[&caller_identity::CHECK, &all_queues::CHECK];

/// The few that a plan needs: for whom it is, and whether its queues exist. Everything else rests on them.
pub const OF_PLAN: &[&Check] = &[&caller_identity::CHECK, &queue_status::CHECK];

/// What says, besides the hops, why a connection can't be known or used.
pub const OF_CONNECTIONS: &[&Check] = &[
    &queue_fleets::CHECK,
    &fleet_status::CHECK,
    &fleet_attributes::CHECK,
    &connection_fleets::CHECK,
    &connection_path::CHECK,
    &server_url::CHECK,
];

/// The hops of each way to the server, for the legs that name them.
pub mod server_hops {
    pub use super::server_certificate::CHECK as CERTIFICATE;
    pub use super::server_info::CHECK as INFO;
    pub use super::server_key::CHECK as KEY;
    pub use super::server_name::CHECK as NAME;
    pub use super::server_port::CHECK as PORT;
}

/// The same as workers see them, whatever lies between.
pub mod worker_hops {
    pub use super::worker_certificate::CHECK as CERTIFICATE;
    pub use super::worker_info::CHECK as INFO;
    pub use super::worker_key::CHECK as KEY;
    pub use super::worker_name::CHECK as NAME;
    pub use super::worker_port::CHECK as PORT;
    pub use super::worker_probe::CHECK as PROBE;
}

pub mod lattice_hops {
    pub use super::lattice_attachment::CHECK as ATTACHMENT;
    pub use super::lattice_configuration::CHECK as CONFIGURATION;
    pub use super::lattice_gateway::CHECK as GATEWAY;
    pub use super::lattice_hosts::CHECK as HOSTS;
    pub use super::lattice_name::CHECK as NAME;
    pub use super::lattice_share::CHECK as SHARE;
    pub use super::lattice_target::CHECK as TARGET;
}

pub mod vpn_hops {
    pub use super::vpn_route::CHECK as ROUTE;
    pub use super::vpn_tunnels::CHECK as TUNNELS;
}

pub mod tunnel_hops {
    pub use super::tunnel_as_queue_role::CHECK as SESSION;
    pub use super::tunnel_node::CHECK as NODE;
    pub use super::tunnel_permissions::CHECK as PERMISSIONS;
    pub use super::tunnel_settings::CHECK as SETTINGS;
}

/// Is that check one of these?
pub fn has(list: &[&Check], id: &str) -> bool {
    list.iter().any(|c| c.id == id)
}

pub fn by_id(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|c| c.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks")).unwrap();
        let mut files: Vec<String> = folder
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| f != "mod.rs" && f != "prelude.rs")
            .map(|f| f.replace(".rs", "").replace('_', "-"))
            .collect();
        files.sort();
        let mut ids: Vec<String> = ALL.iter().map(|c| c.id.to_owned()).collect();
        ids.sort();
        assert_eq!(
            files, ids,
            "a check's file, its id and its entry in ALL go together"
        );
    }
}
