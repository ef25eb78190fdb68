//! Pure values: what a studio is, what is wanted, what was seen, what would change. Nothing here does IO,
//! and nothing here knows another room. To add a value, copy `call.rs`.

pub mod call;
pub mod channel;
pub mod environment;
pub mod fact;
pub mod ids;
pub mod policy;
pub mod problem;
pub mod text;
pub mod ask;
pub mod change;
pub mod finding;
pub mod needs;
pub mod probe;
pub mod studio;
pub mod wanted;
