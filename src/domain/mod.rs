//! Pure values: what a studio is, what is wanted, what was seen, what would change. Nothing here does IO,
//! and nothing here knows another room. To add a value, copy `call.rs`.

#[macro_use]
mod words;

pub mod ask;
pub mod call;
pub mod caller_policy;
pub mod change;
pub mod channel;
pub mod choices;
pub mod documents;
pub mod dry_run;
pub mod environment;
pub mod fact;
pub mod finding;
pub mod ids;
pub mod known;
pub mod lint;
pub mod login;
pub mod needs;
pub mod package;
pub mod policy;
pub mod probe;
pub mod problem;
pub mod simulated;
pub mod studio;
pub mod text;
pub mod trust;
pub mod wanted;
