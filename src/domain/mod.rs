//! Pure values: what a studio consists of, what the studio file says, what was seen, what is wrong. Nothing here does
//! IO, and nothing here imports another room. To add a value, copy `call.rs`.

#[macro_use]
mod words;

pub mod addon;
pub mod address;
pub mod ayon;
pub mod call;
pub mod caller;
pub mod causes;
pub mod channel;
pub mod choices;
pub mod conda_solve;
pub mod config;
pub mod documents;
pub mod exit;
pub mod fact;
pub mod farm;
pub mod finding;
pub mod fleet_settings;
pub mod host_script;
pub mod ids;
pub mod job;
pub mod known;
pub mod lattice;
pub mod lint;
pub mod login;
pub mod mark;
pub mod needs;
pub mod network;
pub mod node;
pub mod own_policy;
pub mod package;
pub mod permission;
pub mod policy;
pub mod probe_job;
pub mod probe_reading;
pub mod probe_run;
pub mod problem;
pub mod reach;
pub mod redact;
pub mod risk;
pub mod role;
pub mod secrets;
pub mod step_needs;
pub mod storage;
pub mod subject;
pub mod template;
pub mod template_edit;
pub mod text;
pub mod time;
pub mod trust;
pub mod vpc_dns;
pub mod worker;
pub mod worker_environment;
pub mod worker_secret;
