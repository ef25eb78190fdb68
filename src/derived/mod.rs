//! Pure functions of the view, one file each: what two checks, or a check and a goal, share. They read facts and say
//! what follows from them; a verdict is a check's. To add one, copy `conda_environment.rs`.

pub mod addon_places;
pub mod addon_roles;
pub mod addon_settings;
pub mod asked_packages;
pub mod ayon_workers;
pub mod bucket_owner;
pub mod channel_gate;
pub mod channel_refusal;
pub mod conda_environment;
pub mod connections;
pub mod implied;
pub mod job_packages;
pub mod lattice;
pub mod lattice_network;
pub mod lattice_reach;
pub mod lattice_wanted;
pub mod names;
pub mod our_policy;
pub mod probe_request;
pub mod role_access;
pub mod role_findings;
pub mod role_outcome;
pub mod role_use;
pub mod roster;
pub mod server_hops;
pub mod simulation;
pub mod solve_questions;
pub mod worker_reading;
pub mod wrong_owner;
